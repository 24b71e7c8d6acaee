"""Digits laid anywhere in a larger image, alone or among pieces of other digits.

The "translated" and the "cluttered translated" MNIST of Mnih et al. 2014 (arXiv:1406.6247, section
4.1): 60 × 60 pixels, and in the second four pieces of 8 × 8. A training digit lies elsewhere each
time that it is drawn; those of the other parts stay where they were first laid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hardattn_models.tasks.clutter import PIECE, pieces_of, stamp
from hardattn_models.tasks.images import Batch, ImageTask, Split, as_floats, moved

SIDE = 60
"""Height and width of an image in pixels."""
PIECES = 4
"""Pieces of other digits in a cluttered one."""
_AT_ONCE = 1_000


@dataclass(frozen=True, eq=False)
class PlacedTask(ImageTask):
    """A task of images that are parts of larger ones.

    Attributes:
        before: what the training images were before they were laid anywhere.
        pieces: pieces of others that lie in each image.
    """

    before: Split
    pieces: int

    def drawn(self, taken: npt.NDArray[np.int64], shift: int, random: np.random.Generator) -> Batch:
        """Training images, each in a place of this time."""
        images = moved(self.before.images[taken], shift, random)
        placed = lay(images, self.pieces, self.before.images, random)
        return Batch(as_floats(placed), torch.from_numpy(self.before.labels[taken]), [])


def place(task: ImageTask, name: str, pieces: int = 0) -> PlacedTask:
    """The images of a task, laid where chance has it; the same places each time.

    Args:
        task: its images have less than 60 pixels a side, and at least 24.
        name: of the new task.
        pieces: pieces of 8 × 8 pixels that are cut from other images of the same part.
    """
    train, validation, test = (
        _laid(task.split(part), pieces, np.random.default_rng(number))
        for number, part in enumerate(("train", "validation", "test"))
    )
    among = f" among {pieces} pieces of others" if pieces else ""
    return PlacedTask(
        name,
        task.classes,
        train,
        validation,
        test,
        source=f"{task.source}; each anywhere in {SIDE} × {SIDE} pixels{among}",
        before=task.train,
        pieces=pieces,
    )


def _laid(split: Split, pieces: int, random: np.random.Generator) -> Split:
    images = [
        lay(split.images[at : at + _AT_ONCE], pieces, split.images, random)
        for at in range(0, len(split), _AT_ONCE)
    ]
    return Split(split.name, np.concatenate(images), split.labels)


def lay(
    images: npt.NDArray[np.uint8],
    pieces: int,
    others: npt.NDArray[np.uint8],
    random: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """Each image somewhere in a black one of 60 × 60 pixels, the brighter pixel winning.

    Args:
        images: ``[batch, side, side]``.
        pieces: pieces of ``others`` ``[n, side, side]`` that lie in each, anywhere too.
        others: where the pieces are cut from.
        random: where chance comes from.
    """
    count, side = images.shape[:2]
    canvas = np.zeros((count, SIDE, SIDE), np.uint8)
    if pieces:
        cut = pieces_of(random, others, (count, pieces))
        stamp(canvas, cut, random.integers(0, SIDE - PIECE + 1, (2, count, pieces)))
    stamp(canvas, images[:, None], random.integers(0, SIDE - side + 1, (2, count, 1)))
    return canvas
