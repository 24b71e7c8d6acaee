"""Runs over regions of images of any shape: patches, glimpses, regions that tokens look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.writer import SegmentWriter


def grid_boxes(width: int, height: int, columns: int, rows: int) -> NDArray[np.float32]:
    """Boxes that tile an image, row by row."""
    xs, ys = np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1)
    return np.array(
        [
            [xs[column], ys[row], xs[column + 1], ys[row + 1]]
            for row in range(rows)
            for column in range(columns)
        ],
        dtype=np.float32,
    )


def write_regions_run(
    path: Path,
    *,
    image: NDArray[np.uint8],
    boxes: NDArray[np.float32],
    steps: int = 1,
    queries: int = 1,
    query_axis: str = "steps",
    specials: str = "",
    tokens: Sequence[str] | None = None,
    hard: bool = False,
    seed: int = 0,
    second: NDArray[np.uint8] | None = None,
) -> Path:
    """One or two examples; keys are special tokens, then regions."""
    rng = np.random.default_rng(seed)
    first = len(specials.split())
    keys = first + len(boxes)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site(
        "look",
        kind="self" if query_axis == "regions" else "cross",
        mechanism="sampled" if hard else "soft",
        hard=hard,
        query_axis=query_axis,
        key_axis="regions",
        special_keys=specials,
    )
    for number, picture in enumerate([image] if second is None else [image, second]):
        example = writer.add_example(f"image-{number}", image=picture, regions=boxes, tokens=tokens)
        for step in range(steps):
            p = rng.dirichlet(np.full(keys, 0.5), (1, 1, queries))
            more: dict[str, Any] = {"selection": p.argmax(-1)[..., None]} if hard else {}
            writer.add_events(
                site=site,
                examples=np.array([example]),
                step=step,
                snapshot=0,
                probabilities=p,
                log_prob=np.log(p.max(-1)) if hard else np.full(p.shape[:-1], np.nan),
                entropy=-(p * np.log(np.where(p > 0, p, 1))).sum(-1),
                first_region=first,
                **more,
            )
    writer.close()
    return path
