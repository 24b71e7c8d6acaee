"""Counts how often a trained model errs, and what else its system measures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from hardattn_models.model import SystemModel
from hardattn_models.tasks.protocol import Task, size_of

# Keeps the choices of an evaluation apart from those of a training with the same seed.
_EVALUATION = 3_000_017


@dataclass(frozen=True)
class Evaluation:
    """How often a model errs.

    Attributes:
        split: which part of the task.
        mechanism: how the model chose.
        examples: how many were answered.
        error: share answered wrongly, 0 to 1.
        standard_error: of that share, from counting alone: ``√(e(1−e)/examples)``.
        entropy: mean entropy of the choices in nats.
        seed: of the choices.
        loss: mean loss in nats.
        reward: mean reward.
        figures: means of what else the system measures, or ratios of sums, by name.
    """

    split: str
    mechanism: str
    examples: int
    error: float
    standard_error: float
    entropy: float
    seed: int
    loss: float = math.nan
    reward: float = math.nan
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """The number of examples, where they are images."""
        return self.examples


def evaluate(
    model: SystemModel,
    task: Task,
    split: str = "test",
    *,
    seed: int = 0,
    batch: int = 250,
) -> Evaluation:
    """Count a model's errors, leaving its training mode and torch's random state as they were.

    Args:
        model: the model, which chooses by its own mechanism.
        task: the data.
        split: "train", "validation" or "test".
        seed: of the random choices; the same seed and batch give the same count.
        batch: examples at a time.

    Returns:
        The error and how sure it is.

    Raises:
        TaskError: if there is no such split.
    """
    generator = Generator().manual_seed(seed + _EVALUATION)
    wrong, entropy, loss, reward, examples = 0, 0.0, 0.0, 0.0, 0
    figures: dict[str, list[Tensor]] = {}
    ratios: dict[str, list[float]] = {}
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for part in task.batches(split, batch):
            choose = model.chooser(generator)
            outcome = model.outcome(part, choose)
            count = size_of(part)
            wrong += int((outcome.right == 0).sum())
            entropy += float(choose.mean_entropy()) * count
            loss += float(outcome.loss.double().sum())
            reward += float(outcome.total_reward.double().sum())
            examples += count
            for name, values in outcome.figures.items():
                figures.setdefault(name, []).append(values)
            for name, parts in outcome.ratios.items():
                sums = ratios.setdefault(name, [0.0, 0.0])
                for at, values in enumerate(parts):
                    sums[at] += float(values.double().sum())
    model.train(was_training)
    error = wrong / examples
    return Evaluation(
        split=split,
        mechanism=model.mechanism,
        examples=examples,
        error=error,
        standard_error=math.sqrt(error * (1 - error) / examples),
        entropy=entropy / examples,
        seed=seed,
        loss=loss / examples,
        reward=reward / examples,
        figures=_means(figures, ratios),
    )


def _means(figures: dict[str, list[Tensor]], ratios: dict[str, list[float]]) -> dict[str, float]:
    """Means and ratios by name; one that no example has anything to say of is left out."""
    means = {name: torch.cat(values).double().nanmean().item() for name, values in figures.items()}
    means |= {name: over / under for name, (over, under) in ratios.items() if under}
    return {name: value for name, value in means.items() if not math.isnan(value)}
