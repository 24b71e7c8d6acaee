"""A small run of a training: few examples of three regions, numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.run.writer import SegmentWriter

STEPS = (0, 10, 30, 60, 100)
EXAMPLES, GLIMPSES = 6, 2


def rows_at(example: int, snapshot: int, glimpse: int, hard: bool) -> NDArray[np.float64]:
    """Probabilities of three keys: sharper from snapshot to snapshot."""
    sharp = snapshot + example / 10 + glimpse / 5 + (0.5 if hard else 0.0)
    scores = np.array([sharp, 0.0, 0.3])
    weights: NDArray[np.float64] = np.exp(scores) / np.exp(scores).sum()
    return weights


def reward_at(example: int, snapshot: int, glimpse: int) -> float:
    """Only the last glimpse is rewarded, more and more examples of it."""
    return float(glimpse == GLIMPSES - 1 and example <= snapshot)


def write_training(
    path: Path, *, hard: bool, steps: tuple[int, ...] = STEPS, told: bool = True
) -> Path:
    """Write the run."""
    boxes = np.array([[0, 0, 4, 12], [4, 0, 8, 12], [8, 0, 12, 12]], np.float32)
    writer = SegmentWriter(path)
    mechanism = "sampled" if hard else "soft"
    site = writer.add_site("look", mechanism=mechanism, hard=hard, key_axis="regions")
    images = np.random.default_rng(3).integers(0, 256, (EXAMPLES, 12, 12), dtype=np.uint8)
    numbers = np.array(
        [
            writer.add_example(f"digit-{i}", label=i % 2, image=images[i], regions=boxes)
            for i in range(EXAMPLES)
        ]
    )
    for moment, step in enumerate(steps):
        snapshot = writer.add_snapshot(step)
        if told:
            writer.add_training_scalar("loss", snapshot=snapshot, value=3.0 / (1 + moment))
            # In nats, as everything that is recorded.
            writer.add_training_scalar("entropy", snapshot=snapshot, value=np.log(2) * (5 - moment))
        for glimpse in range(GLIMPSES):
            p = np.array([rows_at(i, moment, glimpse, hard) for i in range(EXAMPLES)])
            p = p[:, None, None, :]
            writer.add_events(
                site=site,
                examples=numbers,
                step=glimpse,
                snapshot=snapshot,
                probabilities=p,
                log_prob=np.log(p.max(-1)) if hard else np.full(p.shape[:-1], np.nan),
                entropy=-(p * np.log(p)).sum(-1),
                selection=p.argmax(-1)[..., None] if hard else None,
                temperature=2.0 - moment / 10,
            )
            writer.add_scalars(
                "reward",
                examples=numbers,
                steps=glimpse,
                snapshot=snapshot,
                values=np.array([reward_at(i, moment, glimpse) for i in range(EXAMPLES)]),
            )
        right = np.arange(EXAMPLES) <= moment
        labels = np.arange(EXAMPLES) % 2
        writer.add_outcomes(
            examples=numbers,
            snapshot=snapshot,
            prediction=np.where(right, labels, 1 - labels),
            label_probability=np.full(EXAMPLES, moment / 10),
        )
    writer.close()
    return path
