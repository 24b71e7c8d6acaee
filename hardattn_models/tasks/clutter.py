"""One handwritten digit somewhere in an image full of pieces of others.

After the cluttered MNIST of Mnih et al. 2014 (arXiv:1406.6247), which has four pieces of 8 × 8 in
60 × 60 pixels; here the clutter is as dense and the image as large as one likes.
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
from hardattn_models.tasks.scenes import digits_of

SIZES = (64, 128, 256, 512, 1024)
SIDE = 28
"""Height and width of the digit in pixels."""
PIECE = 8
"""Height and width of a piece in pixels."""
_AREA = 1024
"""Pixels of image for each piece."""
_INK = 8
"""A piece is cut from the middle of a digit, so many pixels from its border, or it were black."""


@dataclass(frozen=True, eq=False)
class ClutterBatch:
    """Images with one whole digit each.

    Attributes:
        images: uint8 ``[batch, size, size]``.
        labels: int64 ``[batch]``, which digit it is.
        corners: int64 ``[batch, 2]``, x and y of its upper left pixel.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    images: Tensor
    labels: Tensor
    corners: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


def _make(
    random: np.random.Generator, count: int, number: int, sizes: tuple[int, ...], part: str
) -> ClutterBatch:
    size = sizes[number % len(sizes)]
    digits, labels = digits_of(part)
    pieces = size**2 // _AREA
    canvas = np.zeros((count, size, size), np.uint8)
    torn = pieces_of(random, digits, (count, pieces))
    stamp(canvas, torn, random.integers(0, size - PIECE + 1, (2, count, pieces)))
    taken = random.integers(0, len(labels), count)
    corners = random.integers(0, size - SIDE + 1, (2, count, 1))
    stamp(canvas, digits[taken][:, None], corners)
    return ClutterBatch(
        torch.from_numpy(canvas),
        torch.from_numpy(labels[taken]),
        torch.from_numpy(np.ascontiguousarray(corners[::-1, :, 0].T)),
    )


def pieces_of(
    random: np.random.Generator, digits: npt.NDArray[np.uint8], shape: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Pieces of digits drawn at random, uint8 ``[*shape, 8, 8]``."""
    of = random.integers(0, len(digits), shape)
    cut = random.integers(_INK, SIDE - _INK - PIECE + 1, (2, *shape))
    inside = np.arange(PIECE)
    found: npt.NDArray[np.uint8] = digits[
        of[..., None, None],
        cut[0, ..., None, None] + inside[:, None],
        cut[1, ..., None, None] + inside,
    ]
    return found


def stamp(
    canvas: npt.NDArray[np.uint8], pieces: npt.NDArray[np.uint8], corners: npt.NDArray[np.int64]
) -> None:
    """Lay pieces onto images, in place, the brighter pixel winning.

    Args:
        canvas: ``[batch, height, width]``.
        pieces: ``[batch, n, side, side]``.
        corners: ``[2, batch, n]``, row and column of the upper left pixel of each.
    """
    side = pieces.shape[-1]
    inside = np.arange(side)
    rows = np.arange(len(canvas))[:, None, None, None]
    down = corners[0, ..., None, None] + inside[:, None]
    across = corners[1, ..., None, None] + inside
    np.maximum.at(canvas, (rows, down, across), pieces)


def _describe(batch: ClutterBatch, row: int) -> dict[str, Any]:
    return {"image": batch.images[row].numpy(), "label": int(batch.labels[row])}


def _by_pixels(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes in an order in which each has as many pixels as any other.

    What can be found among few candidates is learnt first; a chance look at one of many hardly ever
    meets the digit.
    """
    times = {size: (max(sizes) // size) ** 2 for size in sizes}
    turns = sorted((turn / many, size) for size, many in times.items() for turn in range(many))
    return tuple(size for _, size in turns)


@cache
def clutter(*sizes: int, name: str) -> GeneratedTask:
    """One digit in an image of one of the sizes.

    Validation and test have them in equal shares; training has small ones oftener, so that it sees
    as many pixels of each.
    """
    return GeneratedTask(
        name=name,
        source="one digit of MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0) among 8 × 8 pieces of "
        f"others, one for {_AREA} pixels",
        make=partial(_make, sizes=_by_pixels(sizes), part="train"),
        describe=_describe,
        facts={"classes": 10},
        parts={part: partial(_make, sizes=sizes, part=part) for part in ("validation", "test")},
        blocks={"train": 600, "validation": 3, "test": 12},
        # Those of a large size do not fit.
        kept=max(sizes) <= 256,
    )
