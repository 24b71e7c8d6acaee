"""Runs with more steps than anybody would add one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.run.writer import SegmentWriter

KEYS = 9


def long_probabilities(steps: int, seed: int = 0) -> NDArray[np.float64]:
    """Probabilities [steps, keys] of a run that ``write_long_run`` writes."""
    rng = np.random.default_rng(seed)
    p = rng.gamma(0.7, size=(steps, KEYS)) + 1e-9
    # One step in very many is far more certain than the others.
    p[steps // 2] = [1e3, *np.ones(KEYS - 1)]
    return p / p.sum(-1, keepdims=True)


def write_long_run(
    path: Path, steps: int, *, hard: bool = True, seed: int = 0, scalars: bool = True
) -> Path:
    """One example of very many steps over 3 × 3 regions, and a short one."""
    writer = SegmentWriter(path)
    site = writer.add_site(
        "glimpse", kind="glimpse", mechanism="sampled", hard=hard, key_axis="regions"
    )
    boxes = np.array([[x, y, x + 4, y + 4] for y in (0, 4, 8) for x in (0, 4, 8)], np.float32)
    image = np.random.default_rng(7).integers(0, 256, (12, 12), dtype=np.uint8)
    long = writer.add_example("long", label=1, image=image, regions=boxes)
    short = writer.add_example("short", label=2, image=image, regions=boxes)
    writer.add_snapshot(0)
    p = long_probabilities(steps, seed)
    chosen = p.argmax(-1)
    entropy = -(p * np.log(p)).sum(-1)
    # Added as if one batch of examples, then told that it is one example at many steps.
    writer.add_events(
        site=site,
        examples=np.full(steps, long),
        step=0,
        snapshot=0,
        probabilities=p[:, None, None],
        log_prob=np.log(p.max(-1))[:, None, None],
        entropy=entropy[:, None, None],
        selection=chosen[:, None, None, None] if hard else None,
        temperature=0.5 if scalars else None,
    )
    _, batch = writer._pending._waits.rows["events"][-1]
    batch.columns["events/step"] = np.arange(steps, dtype=np.int32)
    add = {"site": site, "examples": np.array([short]), "snapshot": 0}
    for step in range(3):
        writer.add_events(
            step=step,
            probabilities=p[step][None, None, None],
            log_prob=np.log(p[step].max())[None, None, None],
            entropy=entropy[step][None, None, None],
            selection=chosen[step][None, None, None, None] if hard else None,
            temperature=0.5 if scalars else None,
            **add,
        )
    rng = np.random.default_rng(seed + 1)
    for name in ("reward", "baseline") if scalars else ():
        writer.add_scalars(
            name,
            examples=np.full(steps, long),
            steps=np.arange(steps),
            snapshot=0,
            values=rng.integers(0, 2, steps).astype(np.float64),
        )
    writer.add_outcomes(examples=np.array([long, short]), snapshot=0, prediction=np.array([1, 1]))
    writer.close()
    return path
