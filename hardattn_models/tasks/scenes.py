"""Scenes of handwritten digits with exact captions: every word is known, and where it is seen.

Three digits stand in three of six zones, two rows of three. Their caption reads them as a page is
read, with what lies between two of them: "three left of seven above one".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.mnist import load_mnist_small

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = (*DIGITS, "left of", "above")
"""What a caption can say; a word's number is its place here."""
HEIGHT, WIDTH = 64, 96
"""Pixels of a scene."""
NAMED = 3
"""Digits in a scene."""
_ROWS, _COLUMNS, _ZONE, _SIDE = 2, 3, 32, 28


@dataclass(frozen=True, eq=False)
class SceneBatch:
    """Scenes and what is to be said of them.

    Attributes:
        images: uint8 ``[batch, 64, 96]``.
        words: int64 ``[batch, 5]``, the caption as numbers in ``WORDS``.
        boxes: float32 ``[batch, 5, 4]``, where each word is seen: x0, y0, x1, y1 of the digit's 28
            × 28 pixels; NaN for words between digits.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    images: Tensor
    words: Tensor
    boxes: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


@cache
def digits_of(part: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bundled digits of a part: images uint8 ``[n, 28, 28]`` and labels int64 ``[n]``."""
    split = load_mnist_small().split(part)
    return split.images, split.labels


def _make(random: np.random.Generator, count: int, number: int, part: str) -> SceneBatch:
    images, labels = digits_of(part)
    taken = random.integers(0, len(labels), (count, NAMED))
    zones = random.permuted(np.tile(np.arange(_ROWS * _COLUMNS), (count, 1)), axis=1)[:, :NAMED]
    zones.sort(-1)
    row, column = np.divmod(zones, _COLUMNS)
    shift = random.integers(0, _ZONE - _SIDE + 1, (2, count, NAMED))
    top, left = row * _ZONE + shift[0], column * _ZONE + shift[1]
    scenes = np.zeros((count, HEIGHT, WIDTH), np.uint8)
    inside = np.arange(_SIDE)
    at = np.arange(count)[:, None, None]
    for digit in range(NAMED):
        rows = top[:, digit, None, None] + inside[:, None]
        columns = left[:, digit, None, None] + inside
        scenes[at, rows, columns] = images[taken[:, digit]]
    words = np.empty((count, 2 * NAMED - 1), np.int64)
    words[:, ::2] = labels[taken]
    words[:, 1::2] = np.where(row[:, 1:] == row[:, :-1], len(DIGITS), len(DIGITS) + 1)
    boxes = np.full((*words.shape, 4), np.nan, np.float32)
    boxes[:, ::2] = np.stack([left, top, left + _SIDE, top + _SIDE], -1)
    return SceneBatch(torch.from_numpy(scenes), torch.from_numpy(words), torch.from_numpy(boxes))


def _describe(batch: SceneBatch, row: int) -> dict[str, Any]:
    return {"image": batch.images[row].numpy()}


@cache
def scenes() -> GeneratedTask:
    """Scenes of three digits with their captions."""
    return GeneratedTask(
        name="scenes",
        source="three digits of MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0) on a canvas of 64 × 96",
        make=partial(_make, part="train"),
        describe=_describe,
        facts={"words": len(WORDS), "height": HEIGHT, "width": WIDTH},
        parts={part: partial(_make, part=part) for part in ("validation", "test")},
        blocks={"train": 600, "validation": 10, "test": 20},
    )
