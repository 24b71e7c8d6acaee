"""What a training run depends on, and settings that were seen to work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hardattn_models.errors import TrainingError
from hardattn_models.registry import system


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that a training run depends on, besides the versions of the libraries.

    :func:`default_plan` fills in settings that were seen to work.

    Attributes:
        system: name of the system, see ``hardattn_models.systems()``.
        mechanism: how the model chooses where to look.
        gradient: how learning gets past the choice: "reinforce" or "backprop".
        task: name of the task, see ``hardattn_models.tasks``; or of data of one's own, which is
            then given to ``train``.
        steps: parameter updates.
        seed: 0 or more; fixes weights, order of the images, choices and evaluation.
        batch: images an update.
        shift: each training image is moved at random by up to so many pixels along each axis,
            black coming in at the border; 0 leaves them. It keeps a small model from learning
            the training images by heart, after which no glimpse earns it anything any more.
        learning_rate: of Adam at the first update; falls linearly to zero at the last.
        clip: largest norm of the gradient, beyond which it is scaled down.
        policy_weight: of the REINFORCE loss beside the cross-entropy.
        baseline_weight: of the baseline's squared error.
        entropy_bonus: nats of reward for a nat of the policy's entropy at the first update;
            falls linearly to zero at the last.
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
    policy_weight: float = 1.0
    baseline_weight: float = 0.5
    entropy_bonus: float = 0.01

    def __post_init__(self) -> None:
        known = system(self.system)
        if self.mechanism not in known.trainable:
            raise TrainingError(
                f"{self.system} cannot be trained with the mechanism {self.mechanism!r}: "
                f"choose {', '.join(known.trainable)}"
            )
        if self.gradient not in known.trainable[self.mechanism]:
            raise TrainingError(
                f"{self.mechanism} {self.system} does not learn by {self.gradient!r}: "
                f"choose {', '.join(known.trainable[self.mechanism])}"
            )
        for name, least in (("steps", 1), ("batch", 1), ("shift", 0), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value < 2**31:
                raise TrainingError(f"{name} must be a whole number from {least}, not {value!r}")
        for name in ("learning_rate", "clip"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise TrainingError(f"{name} must be above zero, not {getattr(self, name)}")
        for name in ("policy_weight", "baseline_weight", "entropy_bonus"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise TrainingError(f"{name} must not be below zero, not {getattr(self, name)}")


def default_plan(
    system_name: str = "glimpse", mechanism: str = "sampled", **changes: Any
) -> TrainingPlan:
    """A plan with settings that were seen to work for this mechanism.

    Args:
        system_name: name of the system.
        mechanism: how the model chooses where to look.
        **changes: fields of ``TrainingPlan`` to set otherwise; ``None`` leaves the default.

    Raises:
        TrainingError: if the plan does not hold together.
    """
    known = system(system_name)
    gradients = known.trainable.get(mechanism, ("backprop",))
    plan: dict[str, Any] = {"system": system_name, "mechanism": mechanism, "gradient": gradients[0]}
    if gradients[0] == "backprop":
        plan |= {"policy_weight": 0.0, "entropy_bonus": 0.0}
    return TrainingPlan(**plan | {k: v for k, v in changes.items() if v is not None})
