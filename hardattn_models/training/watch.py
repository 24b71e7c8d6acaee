"""Sees early that a training will come to nothing, and says so in words."""

from __future__ import annotations

import math
from typing import Any

from hardattn_models.errors import TrainingError
from hardattn_models.training.plan import TrainingPlan

_UNTAUGHT = 50
"""Updates without any gradient into what chooses, after which it is given up."""
_START, _WINDOW = 20, 100
"""Updates that the means at first, and those of now, are taken over."""
_COLLAPSED = 0.01
"""Share of the first entropy below which a policy has made up its mind."""
_ERRORS = 3
"""Standard errors that the mean reward must have risen by to have risen."""


class Watch:
    """Looks at each update.

    Args:
        plan: what is trained by.
    """

    def __init__(self, plan: TrainingPlan) -> None:
        self._plan = plan
        self._untaught = 0
        self._count = 0
        self._first = [0.0, 0.0, 0.0]
        self._recent: list[list[float]] = []

    def see(self, step: int, *, taught: bool, entropy: float, reward: float) -> None:
        """Take in one update.

        Args:
            step: which one, from 1.
            taught: whether any gradient reached what chooses.
            entropy: mean entropy of the choices, nats.
            reward: mean reward.

        Raises:
            TrainingError: no gradient has reached what chooses for 50 updates, or it has made up
                its mind without having earned anything by it.
        """
        if self._plan.mechanism == "uniform":
            return
        self._untaught = 0 if taught else self._untaught + 1
        if self._untaught >= _UNTAUGHT:
            raise TrainingError(
                f"no gradient has reached what chooses in {self._plan.system} for {_UNTAUGHT} "
                f"updates (until {step} of {self._plan.steps}): every choice earns the same, or "
                f"policy_weight ({self._plan.policy_weight:g}) is zero; try another gradient than "
                f"{self._plan.gradient}, or a larger entropy_bonus"
            )
        if self._plan.mechanism == "gaussian":
            # Its entropy is that of its standard deviation, which does not move.
            return
        self._count += 1
        self._recent.append([entropy, reward])
        if self._count == _START:
            self._first = self._means()
        if len(self._recent) > _WINDOW:
            self._recent.pop(0)
        if self._count < 2 * _WINDOW:
            return
        entropy, reward, error = self._means()
        risen = reward - self._first[1] > _ERRORS * math.hypot(error, self._first[2])
        if entropy < _COLLAPSED * self._first[0] and not risen:
            raise TrainingError(
                f"the choices have collapsed at update {step} of {self._plan.steps}: their entropy "
                f"fell from {self._first[0]:.3g} to {entropy:.2g} nats while the reward did not "
                f"rise ({self._first[1]:.3g} to {reward:.3g}); raise entropy_bonus "
                f"({self._plan.entropy_bonus:g}) or lower the learning rate "
                f"({self._plan.learning_rate:g})"
            )

    def state(self) -> dict[str, Any]:
        """What it has seen, as JSON values."""
        return {
            "untaught": self._untaught,
            "count": self._count,
            "first": self._first,
            "recent": self._recent,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._untaught, self._count = int(state["untaught"]), int(state["count"])
        self._first = list(state["first"])
        self._recent = [list(pair) for pair in state["recent"]]

    def _means(self) -> list[float]:
        """Mean entropy, mean reward, and the standard error of the latter."""
        count = len(self._recent)
        entropy, reward = (sum(pair[i] for pair in self._recent) / count for i in (0, 1))
        spread = sum((pair[1] - reward) ** 2 for pair in self._recent) / (count - 1)
        return [entropy, reward, math.sqrt(spread / count)]
