"""Numbers of one moment of training, from batches of their own; training goes on as before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from hardattn_models.errors import TrainingError
from hardattn_models.model import SystemModel
from hardattn_models.tasks.protocol import Task
from hardattn_models.training.aids import Aids
from hardattn_models.training.objective import objective
from hardattn_models.training.plan import TrainingPlan

# Added to a plan's seed, so that these choices are shared with nothing else.
_CHOICES = 7_000_057
BATCHES = 8


@dataclass(frozen=True)
class Moment:
    """Where training stands with the weights of one moment.

    Attributes:
        loss: in nats, mean over the batches.
        reward: mean reward.
        entropy: mean entropy of the choices in nats.
        temperature: that of the choices.
        gradient_variance: of the gradient of what an update lowers, between batches of the
            plan's size: the trace of its covariance; see ``gradient_spread``.
        gradient_norm: Euclidean norm of the mean gradient.
    """

    loss: float
    reward: float
    entropy: float
    temperature: float
    gradient_variance: float
    gradient_norm: float


def moment_of(
    model: SystemModel,
    task: Task,
    plan: TrainingPlan,
    step: int,
    *,
    batches: int = BATCHES,
) -> Moment:
    """Measure a moment of training.

    The same batches of training examples and seeds of choices are used at every moment, so
    that moments differ by the weights alone.

    Args:
        model: the model as it is; neither its weights nor its gradients change.
        task: where training examples come from.
        plan: what it is trained by.
        step: updates made.
        batches: 2 or more, each of ``plan.batch`` examples.

    Raises:
        TrainingError: fewer than two batches.
    """
    if batches < 2:
        raise TrainingError(f"the variance of a gradient needs 2 batches or more, not {batches}")
    choices = Generator().manual_seed(plan.seed + _CHOICES)
    left = 1 - step / plan.steps
    parameters = [one for one in model.parameters() if one.requires_grad]
    gradients: list[Tensor] = []
    told: list[tuple[float, float, float, float]] = []
    aids = Aids(plan.decay, plan.seed)
    wanted = list(task.measured(plan.seed, batches, plan.batch, shift=plan.shift))
    if plan.baseline == "moving-average" and plan.gradient == "reinforce":
        # A mean that has seen nothing yet is not the one that training has by now.
        objective(plan, model, wanted[0], left, Generator().manual_seed(plan.seed), aids)
    for batch in wanted:
        goal = objective(plan, model, batch, left, choices, aids)
        found = torch.autograd.grad(goal.total, parameters, allow_unused=True)
        gradients.append(_flat(found, parameters))
        told.append((goal.loss.item(), goal.reward, goal.entropy, goal.temperature))
    loss, reward, entropy, temperature = np.mean(told, axis=0).tolist()
    variance, norm = gradient_spread(torch.stack(gradients))
    return Moment(loss, reward, entropy, temperature, variance, norm)


def gradient_spread(gradients: Tensor) -> tuple[float, float]:
    """How far estimates of one gradient lie apart, and how long their mean is.

    The variance is the trace of the unbiased sample covariance,
    ``Σ_m ‖g_m − ḡ‖² / (M − 1)``: the sum over all parameters of the variance of each.

    Args:
        gradients: ``[estimates, parameters]``, two estimates or more.

    Returns:
        The variance, and the norm of the mean ``ḡ``.
    """
    exact = gradients.double()
    return exact.var(dim=0, correction=1).sum().item(), exact.mean(dim=0).norm().item()


def _flat(found: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> Tensor:
    """One gradient as one row; what a parameter has no part in is zero."""
    return torch.cat(
        [
            torch.zeros_like(one).reshape(-1) if part is None else part.reshape(-1)
            for part, one in zip(found, parameters, strict=True)
        ]
    )
