"""What an update lowers, and the images that it sees; shared by training and by measuring it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional

from hardattn_models.gradients import reinforce
from hardattn_models.gradients.reinforce import ReinforceLoss
from hardattn_models.plan import TrainingPlan
from hardattn_models.zoo.glimpse import Episode, credit


@dataclass(frozen=True, eq=False)
class Objective:
    """What one batch says of the weights.

    Attributes:
        total: scalar with its gradient; what an update lowers.
        loss: scalar, cross-entropy in nats.
        learned: the losses of policy and baseline.
        reward: mean reward of the batch: the share classified rightly, 0 to 1.
    """

    total: Tensor
    loss: Tensor
    learned: ReinforceLoss
    reward: float


def objective(plan: TrainingPlan, episode: Episode, labels: Tensor, left: float) -> Objective:
    """What an update by ``plan`` lowers on one batch.

    Args:
        plan: the weights of its parts.
        episode: what the model did, with its gradient.
        labels: int64 ``[batch]``, the true classes.
        left: share of the training that is still to come, in [0, 1]; scales the entropy bonus.
    """
    worth = credit(episode, labels)
    loss = functional.cross_entropy(episode.logits, labels)
    learned = reinforce(episode.log_prob, worth.reward, episode.baseline)
    total = loss + plan.baseline_weight * learned.baseline
    if plan.gradient == "reinforce":
        bonus = plan.entropy_bonus * left * episode.entropy.sum(1).mean()
        total = total + plan.policy_weight * (learned.policy - bonus)
    return Objective(total, loss, learned, worth.reward[:, 0].mean().item())


def moved(
    images: npt.NDArray[np.uint8], most: int, random: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Each image moved by up to ``most`` pixels along each axis, black coming in."""
    if most == 0:
        return images
    count, height, width = images.shape
    padded = np.pad(images, ((0, 0), (most, most), (most, most)))
    top, left = random.integers(0, 2 * most + 1, (2, count, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    moved: npt.NDArray[np.uint8] = padded[
        np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return moved
