"""Galleries of clips of moving digits, and a caption that tells what one of them shows.

A clip shows three digits, one after another, each in a corner of its own for two frames, and moving
a little; pieces of digits are in every frame. A caption names a digit and a corner: "three lower
left". Only one clip of a gallery shows both in one frame; of the others every third shows the digit
in another corner and another digit in that corner, the next that digit alone, the next that corner
alone. So what digits and what corners a clip has does not tell the right one from all others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hardattn_models.tasks.clips import CORNERS, SHOWN, Numbers, apart, show
from hardattn_models.tasks.clutter import pieces_of, stamp
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.scenes import DIGITS, digits_of

FRAMES, SIDE = 8, 32
"""Frames of a clip, and their height and width in pixels."""
WORDS = (*DIGITS, "upper", "lower", "left", "right")
"""What a caption can say; a word's number is its place here."""
SIZES = (8, 16, 32)
"""Clips in a gallery that is tested on."""
LEARNT = 4
"""Clips in a gallery that is learnt from: the right one and one of each kind of others."""
GAP = 2
"""Pixels between the clips of a gallery, where it is shown."""
_DIGITS, _PIECES, _BETWEEN = 3, 2, 70
# Which of four digits and of four corners a clip shows, the first being those of the caption: the
# right clip, one that shows both of them apart, the digit alone, the corner alone.
_SEEN = np.array([[0, 1, 2], [0, 1, 2], [0, 1, 2], [3, 1, 2]])
_PLACES = np.array([[0, 1, 2], [1, 0, 2], [1, 2, 3], [0, 1, 2]])


@dataclass(frozen=True, eq=False)
class GalleryBatch:
    """Captions, each with a gallery of clips.

    Attributes:
        frames: uint8 ``[batch, clips · 8, 32, 32]``, clip after clip.
        caption: int64 ``[batch, 3]``, digit, row and column, as numbers in ``WORDS``.
        answer: int64 ``[batch]``, which clip the caption tells of, from 0.
        where: bool ``[batch, clips · 8]``, the frames that show what the caption says.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    frames: Tensor
    caption: Tensor
    answer: Tensor
    where: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


def _make(
    random: np.random.Generator, count: int, number: int, clips: int, part: str
) -> GalleryBatch:
    digits, labels = digits_of(part)
    digit = random.integers(0, len(DIGITS), count)
    corner = random.integers(0, len(CORNERS), count)
    answer = random.integers(0, clips, count)
    total = count * clips
    kind = ((np.arange(clips) - answer[:, None]) % clips).ravel()
    kind = np.where(kind == 0, 0, 1 + (kind - 1) % 3)
    order = random.permuted(np.tile(np.arange(_DIGITS), (total, 1)), axis=1)
    seen, places = (
        np.take_along_axis(_first(random, np.repeat(first, clips), of), taken[kind], 1)
        for first, of, taken in ((digit, len(DIGITS), _SEEN), (corner, len(CORNERS), _PLACES))
    )
    seen, places = (np.take_along_axis(one, order, 1) for one in (seen, places))
    begins = apart(random, total, _DIGITS, FRAMES)

    frames = np.zeros((total, FRAMES, SIDE, SIDE), np.uint8)
    flat = frames.reshape(total * FRAMES, SIDE, SIDE)
    pieces = _halved(pieces_of(random, digits, (len(flat), _PIECES)))
    stamp(flat, pieces, random.integers(0, SIDE - pieces.shape[-1] + 1, (2, len(flat), _PIECES)))
    show(random, frames, (_small_digits(part), labels), (seen, places, begins))

    begin = begins[order == 0].reshape(count, clips, 1)
    at = np.arange(FRAMES)
    where = (at >= begin) & (at < begin + SHOWN) & (kind == 0).reshape(count, clips, 1)
    words = [digit, len(DIGITS) + corner // 2, len(DIGITS) + 2 + corner % 2]
    return GalleryBatch(
        torch.from_numpy(frames.reshape(count, clips * FRAMES, SIDE, SIDE)),
        torch.from_numpy(np.stack(words, -1)),
        torch.from_numpy(answer),
        torch.from_numpy(where.reshape(count, clips * FRAMES)),
    )


def _first(random: np.random.Generator, first: Numbers, total: int) -> Numbers:
    """Four different numbers below ``total`` each, ``[n, 4]``, of which the first are given."""
    keys = random.random((len(first), total))
    keys[np.arange(len(first)), first] = -1
    found: Numbers = np.argsort(keys, -1)[:, :4]
    return found


def _halved(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Images ``[..., height, width]`` in half their resolution."""
    wide = images.astype(np.uint16)
    rows = wide[..., ::2, :] + wide[..., 1::2, :]
    return ((rows[..., ::2] + rows[..., 1::2] + 2) // 4).astype(np.uint8)


@cache
def _small_digits(part: str) -> npt.NDArray[np.uint8]:
    return _halved(digits_of(part)[0])


def sheet(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A gallery ``[clips · 8, 32, 32]`` as one image: a row a clip, a column a frame."""
    clips = len(frames) // FRAMES
    found = np.full((clips * (SIDE + GAP) - GAP, FRAMES * SIDE), _BETWEEN, np.uint8)
    for clip in range(clips):
        row = frames[clip * FRAMES : (clip + 1) * FRAMES].transpose(1, 0, 2)
        found[clip * (SIDE + GAP) :][:SIDE] = row.reshape(SIDE, FRAMES * SIDE)
    return found


def regions(clips: int) -> npt.NDArray[np.float32]:
    """Where each frame of a gallery is on its sheet, ``[clips · 8, 4]``: x0, y0, x1, y1."""
    clip, frame = np.divmod(np.arange(clips * FRAMES), FRAMES)
    x, y = frame * SIDE, clip * (SIDE + GAP)
    return np.stack([x, y, x + SIDE, y + SIDE], -1).astype(np.float32)


def _describe(batch: GalleryBatch, row: int) -> dict[str, Any]:
    frames = batch.frames[row].numpy()
    return {
        "image": sheet(frames),
        "regions": regions(len(frames) // FRAMES),
        "tokens": [WORDS[word] for word in batch.caption[row].tolist()],
        "label": int(batch.answer[row]),
    }


@cache
def gallery(clips: int, name: str) -> GeneratedTask:
    """Galleries of so many clips, of four to learn from, with a caption each."""
    return GeneratedTask(
        name=name,
        source=f"{clips} clips of {FRAMES} frames, each with pieces of digits and three whole of "
        "MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0) in half their resolution",
        make=partial(_make, clips=LEARNT, part="train"),
        describe=_describe,
        facts={"words": len(WORDS), "frames": FRAMES, "size": SIDE},
        parts={part: partial(_make, clips=clips, part=part) for part in ("validation", "test")},
        blocks={"train": 600, "validation": 80 // clips, "test": 160 // clips},
        # A hundred galleries of 32 clips take 26 MB.
        kept=clips <= 8,
    )
