"""What a training run depends on, and settings that were seen to work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hardattn_models.errors import TrainingError
from hardattn_models.pairs import expects, unteachable, untrainable
from hardattn_models.registry import system

BASELINES = ("learned", "moving-average", "none")
SCHEDULES = ("constant", "exponential", "linear", "adaptive")
_NEVER_ADAPTIVE = ("gumbel-softmax", "gumbel-straight-through", "gaussian", "uniform")


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that a training run depends on, besides the versions of the libraries.

    :func:`default_plan` fills in settings that were seen to work.

    Attributes:
        system: name of the system, see ``hardattn_models.systems()``.
        mechanism: how the model chooses where to look.
        gradient: how learning gets past the choice, of those that the system names.
        task: name of the task, see ``hardattn_models.tasks``; or of data of one's own, which is
            then given to ``train``.
        steps: parameter updates.
        seed: 0 or more; fixes weights, order of the examples, choices and evaluation.
        batch: examples an update.
        shift: each training image is moved at random by up to so many pixels along each axis,
            black coming in at the border; 0 leaves them. It keeps a small model from learning
            the training images by heart, after which no glimpse earns it anything any more.
        learning_rate: of Adam at the first update; falls linearly to zero at the last.
        clip: largest norm of the gradient, beyond which it is scaled down.
        loss_weight: of the model's own loss, where a reward teaches the choices.
        policy_weight: of what teaches the choices, beside the loss.
        baseline_weight: of the learned baseline's squared error.
        entropy_bonus: nats of reward for a nat of the choices' entropy at the first update;
            falls linearly to zero at the last.
        baseline: what "reinforce" compares a reward with: "learned", "moving-average" or "none".
        decay: of moving averages, in [0, 1).
        samples: draws that "rloo" makes of each example, 2 or more.
        temperature: of the choices at the first update.
        end_temperature: the same at the last; the lowest for the schedule "adaptive".
        schedule: how it falls: "constant", "exponential", "linear" or "adaptive".
        end_entropy: mean entropy in nats that the schedule "adaptive" ends with.
        options: options of the system itself, by name.
    """

    system: str = "glimpse"
    mechanism: str = "sampled"
    gradient: str = "reinforce"
    task: str = "mnist-small"
    steps: int = 4_000
    seed: int = 0
    batch: int = 128
    shift: int = 1
    learning_rate: float = 4e-3
    clip: float = 5.0
    loss_weight: float = 1.0
    policy_weight: float = 1.0
    baseline_weight: float = 0.5
    entropy_bonus: float = 0.01
    baseline: str = "learned"
    decay: float = 0.9
    samples: int = 4
    temperature: float = 1.0
    end_temperature: float = 1.0
    schedule: str = "constant"
    end_entropy: float = 0.5
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = system(self.system)
        if self.mechanism not in known.trainable:
            raise TrainingError(untrainable(self.system, self.mechanism, known.trainable))
        if self.gradient not in known.trainable[self.mechanism]:
            raise TrainingError(
                unteachable(self.system, self.mechanism, self.gradient, known.trainable)
            )
        least = {"steps": 1, "batch": 1, "shift": 0, "seed": 0, "samples": 2}
        for name, low in least.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value < 2**31:
                raise TrainingError(f"{name} must be a whole number from {low}, not {value!r}")
        for name in ("learning_rate", "clip", "temperature", "end_temperature"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise TrainingError(f"{name} must be above zero, not {getattr(self, name)}")
        weights = ("loss_weight", "policy_weight", "baseline_weight")
        for name in (*weights, "entropy_bonus", "end_entropy"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise TrainingError(f"{name} must not be below zero, not {getattr(self, name)}")
        if not 0 <= self.decay < 1:
            raise TrainingError(f"decay must be at least 0 and below 1, not {self.decay}")
        if self.baseline not in BASELINES:
            raise TrainingError(
                f"there is no baseline {self.baseline!r}: choose {', '.join(BASELINES)}"
            )
        if self.schedule not in SCHEDULES:
            raise TrainingError(
                f"there is no schedule {self.schedule!r}: choose {', '.join(SCHEDULES)}"
            )
        if self.schedule == "adaptive" and self.mechanism in _NEVER_ADAPTIVE:
            raise TrainingError(
                f"the temperature of {self.mechanism} does not change how sure it is, so it cannot "
                "follow its entropy: choose the schedule exponential or linear"
            )

    @property
    def expects(self) -> bool:
        """Whether what a model expects of a reward is learnt, where it has a network for it."""
        return expects(self.gradient, self.baseline)

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> TrainingPlan:
        """A plan from its fields as plain values, as a checkpoint keeps them.

        Raises:
            TrainingError: a field is unknown, or the plan does not hold together.
        """
        unknown = sorted(facts.keys() - {one.name for one in fields(cls)})
        if unknown:
            raise TrainingError(f"a plan has no {unknown[0]!r}; use a newer hardattn")
        return cls(**facts)


def default_plan(
    system_name: str = "glimpse", mechanism: str | None = None, **changes: Any
) -> TrainingPlan:
    """A plan with settings that were seen to work for this mechanism.

    Args:
        system_name: name of the system.
        mechanism: how the model chooses where to look; the system's usual one if not given.
        **changes: fields of ``TrainingPlan`` to set otherwise; ``None`` leaves the default.

    Raises:
        TrainingError: if the plan does not hold together.
    """
    known = system(system_name)
    mechanism = mechanism or next(iter(known.trainable))
    asked = {name: value for name, value in changes.items() if value is not None}
    usual = known.trainable.get(mechanism, ("backprop",))[0]
    gradient = asked.get("gradient", usual)
    plan: dict[str, Any] = {
        "system": system_name,
        "mechanism": mechanism,
        "gradient": gradient,
        "task": known.tasks[0],
    }
    return TrainingPlan(**plan | known.defaults(mechanism, gradient) | asked)
