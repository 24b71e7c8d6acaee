"""Clips in which a digit is seen for two frames, and questions about it.

"clip-find" shows three digits, one after another, each in a corner, and asks where one of them is
seen; "clip-name" shows a single one and asks which it is. Pieces of digits are in every frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hardattn_models.tasks.clutter import pieces_of, stamp
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.scenes import DIGITS, digits_of

FRAMES, SIDE, FPS = 16, 48, 8
CORNERS = ("upper left", "upper right", "lower left", "lower right")
QUERIES = (*DIGITS, "which")
"""What can be asked: where a digit is, or which one is there."""
ANSWERS = (*DIGITS, *CORNERS)
SHOWN = 2
"""Frames in which a digit is seen."""
_PIECES, _NEAR = 3, 3
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClipBatch:
    """Clips, each with a question.

    Attributes:
        frames: uint8 ``[batch, 16, 48, 48]``.
        query: int64 ``[batch]``, what is asked, as a number in ``QUERIES``.
        answer: int64 ``[batch]``, a number in ``ANSWERS``.
        where: bool ``[batch, 16]``, the frames that answer.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    frames: Tensor
    query: Tensor
    answer: Tensor
    where: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


def _make(random: np.random.Generator, count: int, number: int, shown: int, part: str) -> ClipBatch:
    digits, labels = digits_of(part)
    frames = np.zeros((count, FRAMES, SIDE, SIDE), np.uint8)
    flat = frames.reshape(count * FRAMES, SIDE, SIDE)
    pieces = pieces_of(random, digits, (len(flat), _PIECES))
    stamp(flat, pieces, random.integers(0, SIDE - pieces.shape[-1] + 1, (2, len(flat), _PIECES)))
    seen = random.permuted(np.tile(np.arange(10), (count, 1)), axis=1)[:, :shown]
    begins = apart(random, count, shown, FRAMES)
    corner = random.integers(0, len(CORNERS), (count, shown))
    show(random, frames, (digits, labels), (seen, corner, begins))
    rows = np.arange(count)
    asked = random.integers(0, shown, count)
    begin = begins[rows, asked][:, None]
    where = (np.arange(FRAMES) >= begin) & (np.arange(FRAMES) < begin + SHOWN)
    digit = seen[rows, asked]
    finds = shown > 1
    return ClipBatch(
        torch.from_numpy(frames),
        torch.from_numpy(digit if finds else np.full(count, len(DIGITS))),
        torch.from_numpy(len(DIGITS) + corner[rows, asked] if finds else digit),
        torch.from_numpy(where),
    )


def apart(random: np.random.Generator, count: int, shown: int, frames: int) -> Numbers:
    """First frames ``[count, shown]`` of what is seen for two each, never two at once."""
    # Places among what is left, spread by what lies before.
    free = frames - SHOWN * shown
    found: Numbers = np.sort(random.integers(0, free + 1, (count, shown)), -1)
    return found + SHOWN * np.arange(shown)


def show(
    random: np.random.Generator,
    frames: npt.NDArray[np.uint8],
    known: tuple[npt.NDArray[np.uint8], Numbers],
    told: tuple[Numbers, Numbers, Numbers],
) -> None:
    """Lay digits onto clips, in place, each into a corner of two frames, not quite the same there.

    Args:
        random: of which picture of a digit, and how far from its corner.
        frames: ``[count, frames, side, side]``.
        known: pictures of digits ``[n, size, size]`` and which they are.
        told: digit, corner and first frame of each that is seen, ``[count, shown]`` each.
    """
    digits, labels = known
    by_digit = [np.flatnonzero(labels == digit) for digit in range(10)]
    rows, far = np.arange(len(frames)), frames.shape[-1] - digits.shape[-1]
    for seen, corner, begin in zip(*(one.T for one in told), strict=True):
        taken = np.array(
            [by_digit[d][int(r * len(by_digit[d]))]
             for d, r in zip(seen, random.random(len(frames)), strict=True)]
        )  # fmt: skip
        for later in range(SHOWN):
            near = random.integers(0, _NEAR + 1, (2, len(frames)))
            down = np.where(corner // 2 == 0, near[0], far - near[0])
            across = np.where(corner % 2 == 0, near[1], far - near[1])
            image = frames[rows, begin + later]
            stamp(image, digits[taken][:, None], np.stack([down, across])[..., None])
            frames[rows, begin + later] = image


def _describe(batch: ClipBatch, row: int) -> dict[str, Any]:
    query = int(batch.query[row])
    asked = f"where is {QUERIES[query]} ?" if query < len(DIGITS) else "which digit ?"
    return {
        "video": batch.frames[row].numpy(),
        "fps": FPS,
        "regions": np.tile(np.array([0, 0, SIDE, SIDE], np.float32), (FRAMES, 1)),
        "region_frames": np.arange(FRAMES),
        "tokens": asked.split(),
        "label": int(batch.answer[row]),
    }


@cache
def clips(shown: int, name: str) -> GeneratedTask:
    """Clips that show so many digits; with one the question is which, with more where one is."""
    return GeneratedTask(
        name=name,
        source=f"{FRAMES} frames with pieces of digits, {shown} whole of MNIST (LeCun, Cortes, "
        f"Burges; CC BY-SA 3.0) in {SHOWN} of them each",
        make=partial(_make, shown=shown, part="train"),
        describe=_describe,
        facts={"queries": len(QUERIES), "answers": len(ANSWERS), "size": SIDE},
        parts={part: partial(_make, shown=shown, part=part) for part in ("validation", "test")},
        blocks={"train": 600, "validation": 10, "test": 20},
    )
