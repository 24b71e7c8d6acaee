"""What estimators remember between updates: moving averages, and fitted control variates."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hardattn_models.errors import TrainingError
from hardattn_models.gradients import MovingAverage

_WIDTH, _LEARNING_RATE = 32, 1e-2


class Control(nn.Module):
    """RELAX's control variate: ``η L(softmax(z / τ)) + r(z)``, with all of η, τ and r learnt.

    Grathwohl et al. 2018, arXiv:1711.00123, section 3.2. Without r it is REBAR's (Tucker et al.
    2017, arXiv:1703.07370, section 3.3).

    Args:
        candidates: n, of all variables together.
        free: whether r is a part of it.
    """

    def __init__(self, candidates: int, *, free: bool = True) -> None:
        super().__init__()
        self.log_temperature = nn.Parameter(torch.tensor(0.0))
        self.eta = nn.Parameter(torch.tensor(1.0))
        self.candidates, self.free = candidates, free
        self.rest: nn.Module | None = None
        if free:
            last = nn.Linear(_WIDTH, 1, bias=False)
            nn.init.zeros_(last.weight)
            self.rest = nn.Sequential(nn.Linear(candidates, _WIDTH), nn.Tanh(), last)

    def forward(self, z: Tensor, loss: Any) -> Tensor:
        """Its value ``[batch]`` at perturbed logits z ``[batch, n]``, or of several variables."""
        relaxed = (z / self.log_temperature.exp()).softmax(-1)
        found: Tensor = self.eta * loss(relaxed)
        return found if self.rest is None else found + self.rest(z.flatten(1)).squeeze(-1)


class Aids:
    """What the estimators of one training remember.

    Args:
        decay: of the moving averages.
        seed: of the control variate's first weights.
    """

    def __init__(self, decay: float = 0.9, seed: int = 0) -> None:
        self._decay, self._seed = decay, seed
        self._averages: dict[str, MovingAverage] = {}
        self._control: Control | None = None
        self._optimizer: torch.optim.Optimizer | None = None

    def average(self, name: str) -> MovingAverage:
        """The moving average of that name; new where there is none yet."""
        return self._averages.setdefault(name, MovingAverage(self._decay))

    def control(self, candidates: int, *, free: bool = True) -> Control:
        """The control variate of RELAX, or REBAR's if not ``free``; new where there is none yet.

        Raises:
            TrainingError: there is RELAX's, for another number of candidates.
        """
        if self._control is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self._seed)
                self._control = Control(candidates, free=free)
            self._optimizer = torch.optim.Adam(self._control.parameters(), _LEARNING_RATE)
        if free and self._control.candidates != candidates:
            raise TrainingError(
                f"relax fits its control variate to {self._control.candidates} candidates, "
                f"and here are {candidates}: train on a task where all examples have as many"
            )
        return self._control

    def lower_variance(self, estimate: Tensor) -> None:
        """One step of the control variate toward less variance of an estimate ``[batch, ...]``."""
        assert self._control is not None and self._optimizer is not None
        parameters = list(self._control.parameters())
        found = torch.autograd.grad(estimate.square().sum() / len(estimate), parameters)
        for one, slope in zip(parameters, found, strict=True):
            one.grad = slope
        self._optimizer.step()

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What is remembered: JSON values, and tensors by name."""
        facts: dict[str, Any] = {
            "averages": {name: one.steps for name, one in self._averages.items() if one.steps}
        }
        tensors = {
            f"average.{name}": one.mean for name, one in self._averages.items()
            if one.mean is not None
        }  # fmt: skip
        if self._control is not None and self._optimizer is not None:
            facts["control"] = self._control.candidates
            facts["free"] = self._control.free
            tensors |= {f"control.{name}": v for name, v in self._control.state_dict().items()}
            tensors |= optimizer_tensors(self._optimizer, "fit")
        return facts, tensors

    def restore(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Remember what :meth:`state` told."""
        for name, steps in facts["averages"].items():
            average = self.average(name)
            average.steps, average.mean = int(steps), tensors[f"average.{name}"]
        if "control" in facts:
            control = self.control(int(facts["control"]), free=facts.get("free", True))
            control.load_state_dict(part(tensors, "control."))
            assert self._optimizer is not None
            restore_optimizer(self._optimizer, tensors, "fit")


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def optimizer_tensors(optimizer: torch.optim.Optimizer, name: str) -> dict[str, Tensor]:
    """All that an optimizer remembers, as tensors ``NAME.PARAMETER.WHAT``."""
    return {
        f"{name}.{index}.{what}": torch.as_tensor(value)
        for index, values in optimizer.state_dict()["state"].items()
        for what, value in values.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], name: str
) -> None:
    """Remember what :func:`optimizer_tensors` told."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in part(tensors, f"{name}.").items():
        index, _, what = key.partition(".")
        state.setdefault(int(index), {})[what] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
