"""Counts how often a trained model errs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator

from hardattn_models.tasks import ImageTask
from hardattn_models.zoo.glimpse import GlimpseClassifier

# Keeps the choices of an evaluation apart from those of a training with the same seed.
_EVALUATION = 3_000_017


@dataclass(frozen=True)
class Evaluation:
    """How often a model errs.

    Attributes:
        split: which part of the task.
        mechanism: how the model chose.
        images: how many were classified.
        error: share classified wrongly, 0 to 1.
        standard_error: of that share, from counting alone: ``√(e(1−e)/images)``.
        entropy: mean entropy of the choices in nats.
        seed: of the choices.
    """

    split: str
    mechanism: str
    images: int
    error: float
    standard_error: float
    entropy: float
    seed: int


def evaluate(
    model: GlimpseClassifier,
    task: ImageTask,
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
        batch: images at a time.

    Returns:
        The error and how sure it is.

    Raises:
        TaskError: if there is no such split.
    """
    generator = Generator().manual_seed(seed + _EVALUATION)
    wrong, entropy, images = 0, 0.0, len(task.split(split))
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for part in task.batches(split, batch):
            episode = model(part.images, generator)
            wrong += int((episode.logits.argmax(-1) != part.labels).sum())
            entropy += float(episode.entropy.mean(-1).sum())
    model.train(was_training)
    error = wrong / images
    return Evaluation(
        split=split,
        mechanism=model.mechanism,
        images=images,
        error=error,
        standard_error=math.sqrt(error * (1 - error) / images),
        entropy=entropy / images,
        seed=seed,
    )
