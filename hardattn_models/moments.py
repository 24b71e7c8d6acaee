"""Numbers of one moment of training, from batches of their own; training goes on as before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from hardattn_models.errors import TrainingError
from hardattn_models.objective import moved, objective
from hardattn_models.plan import TrainingPlan
from hardattn_models.tasks import ImageTask
from hardattn_models.tasks.images import as_floats
from hardattn_models.zoo.glimpse import GlimpseClassifier

# Added to a plan's seed, so that these batches and choices are shared with nothing else.
_BATCHES, _CHOICES, _SHIFTS = 6_000_047, 7_000_057, 8_000_069
BATCHES = 8


@dataclass(frozen=True)
class Moment:
    """Where training stands with the weights of one moment.

    Attributes:
        loss: cross-entropy in nats, mean over the batches.
        reward: mean reward, 0 to 1.
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
    model: GlimpseClassifier,
    task: ImageTask,
    plan: TrainingPlan,
    step: int,
    *,
    batches: int = BATCHES,
) -> Moment:
    """Measure a moment of training.

    The same batches of training images, shifts and seeds of choices are used at every moment, so
    that moments differ by the weights alone.

    Args:
        model: the model as it is; neither its weights nor its gradients change.
        task: where training images come from.
        plan: what it is trained by.
        step: updates made.
        batches: 2 or more, each of ``plan.batch`` images.

    Raises:
        TrainingError: fewer than two batches.
    """
    wanted = batches * plan.batch
    if batches < 2:
        raise TrainingError(f"the variance of a gradient needs 2 batches or more, not {batches}")
    images, labels = task.train.images, task.train.labels
    # Every batch is drawn anew, so that there are always enough images.
    order = np.random.default_rng(plan.seed + _BATCHES).integers(0, len(labels), wanted)
    shifts = np.random.default_rng(plan.seed + _SHIFTS)
    choices = Generator().manual_seed(plan.seed + _CHOICES)
    left = 1 - step / plan.steps
    parameters = [one for one in model.parameters() if one.requires_grad]
    gradients: list[Tensor] = []
    told: list[tuple[float, float, float, float]] = []
    for taken in np.split(order, batches):
        truth = torch.from_numpy(labels[taken])
        episode = model(as_floats(moved(images[taken], plan.shift, shifts)), choices)
        goal = objective(plan, episode, truth, left)
        found = torch.autograd.grad(goal.total, parameters, allow_unused=True)
        gradients.append(_flat(found, parameters))
        entropy = episode.entropy.mean().item()
        told.append((goal.loss.item(), goal.reward, entropy, episode.temperature))
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
