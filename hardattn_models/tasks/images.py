"""Labelled images: what a task of image classification is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hardattn_models.errors import TaskError
from hardattn_models.tasks.protocol import MEASURED, MEASURED_SHIFTS, ORDER, SHIFTS, check_sizes


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set, in its fixed order.

    Attributes:
        name: "train", "validation" or "test"; the first part of every example's name.
        images: uint8 ``[n, height, width]``, 0 black to 255 white.
        labels: int64 ``[n]``, class numbers from 0.
    """

    name: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def entries(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """What a recorder is told of some examples.

        Args:
            indices: positions in this split.

        Returns:
            One dict an example: ``name`` such as "test-00017" (the position in the split, the
            same in every run), ``image`` uint8 ``[height, width]``, ``label`` int.

        Raises:
            IndexError: if an index is outside the split.
        """
        return [
            {
                "name": f"{self.name}-{index:05d}",
                "image": self.images[index],
                "label": int(self.labels[index]),
            }
            for index in indices
        ]


@dataclass(frozen=True, eq=False)
class Batch:
    """Some consecutive examples of a split, ready for a model and for a recorder.

    Attributes:
        images: float32 ``[batch, height, width]``, 0 to 1.
        labels: int64 ``[batch]``.
        entries: what a recorder is told, one dict an example; see :meth:`Split.entries`. Empty
            where a batch is learnt from.
    """

    images: Tensor
    labels: Tensor
    entries: list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class ImageTask:
    """A data set of labelled images in three parts that share no image.

    Attributes:
        name: the name by which :func:`hardattn_models.tasks.load_task` finds it.
        classes: how many classes there are.
        train: what a model is fitted to.
        validation: taken from the training data, for choosing between models and settings.
        test: only for the final figure.
        source: where the data came from and its licence, in words.
    """

    name: str
    classes: int
    train: Split
    validation: Split
    test: Split
    source: str

    def split(self, name: str) -> Split:
        """The part of that name.

        Args:
            name: "train", "validation" or "test".

        Raises:
            TaskError: if there is no such part.
        """
        for split in (self.train, self.validation, self.test):
            if split.name == name:
                return split
        raise TaskError(f"{self.name} has no split {name!r}: choose train, validation or test")

    def batches(
        self, split: str = "test", size: int = 64, limit: int | None = None
    ) -> Iterator[Batch]:
        """The examples of one part in their order.

        Args:
            split: "train", "validation" or "test".
            size: examples a batch, at least 1; the last batch may be smaller.
            limit: how many examples in total; all if not given.

        Yields:
            One ``Batch`` after another.

        Raises:
            TaskError: if there is no such part, or ``size`` or ``limit`` is below 1.
        """
        part = self.split(split)
        check_sizes(size, limit)
        total = len(part) if limit is None else min(limit, len(part))
        for start in range(0, total, size):
            stop = min(start + size, total)
            yield Batch(
                images=as_floats(part.images[start:stop]),
                labels=torch.from_numpy(part.labels[start:stop].copy()),
                entries=part.entries(range(start, stop)),
            )

    def feed(self, seed: int, *, shift: int = 0) -> ImageFeed:
        """Training images in a random order, each once before any comes again.

        Args:
            seed: of order and shifts.
            shift: most pixels that an image is moved by along each axis.
        """
        return ImageFeed(self, seed, shift)

    def measured(self, seed: int, batches: int, size: int, *, shift: int = 0) -> Iterator[Batch]:
        """Batches of training images to measure on, each image drawn anew.

        Args:
            seed: of images and shifts; apart from those of :meth:`feed`.
            batches: how many.
            size: images of each; there may be fewer in the split.
            shift: as for :meth:`feed`.
        """
        wanted = np.random.default_rng(seed + MEASURED).integers(0, len(self.train), batches * size)
        shifts = np.random.default_rng(seed + MEASURED_SHIFTS)
        for taken in np.split(wanted, batches):
            yield self.drawn(taken, shift, shifts)

    def drawn(self, taken: npt.NDArray[np.int64], shift: int, random: np.random.Generator) -> Batch:
        """Training images to learn from, as they look this time.

        Args:
            taken: their numbers, ``[batch]``.
            shift: as for :meth:`feed`.
            random: where chance comes from.
        """
        images = moved(self.train.images[taken], shift, random)
        return Batch(as_floats(images), torch.from_numpy(self.train.labels[taken]), [])


class ImageFeed:
    """Training images in a random order, without end, drawn anew each time."""

    def __init__(self, task: ImageTask, seed: int, shift: int) -> None:
        self._task, self._shift = task, shift
        self._order = np.random.default_rng(seed + ORDER)
        self._shifts = np.random.default_rng(seed + SHIFTS)
        self._before = self._order.bit_generator.state
        self._waiting = np.empty(0, np.int64)

    def next(self, count: int) -> Batch:
        """The next ``count`` images."""
        while len(self._waiting) < count:
            self._before = self._order.bit_generator.state
            again = self._order.permutation(len(self._task.train))
            self._waiting = np.concatenate([self._waiting, again])
        taken, self._waiting = np.split(self._waiting, [count])
        return self._task.drawn(taken, self._shift, self._shifts)

    def state(self) -> dict[str, Any]:
        """Where it stands: what waits is always the end of the last permutation."""
        return {
            "order": self._before if len(self._waiting) else self._order.bit_generator.state,
            "waiting": len(self._waiting),
            "shifts": self._shifts.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._before = self._order.bit_generator.state = state["order"]
        left = int(state["waiting"])
        self._waiting = np.empty(0, np.int64)
        if left:
            again = self._order.permutation(len(self._task.train))
            self._waiting = again[len(again) - left :]
        self._shifts.bit_generator.state = state["shifts"]


def moved(
    images: npt.NDArray[np.uint8], most: int, random: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Each image moved by up to ``most`` pixels along each axis, black coming in."""
    if most == 0:
        return images
    count, height, width = images.shape
    padded = np.pad(images, ((0, 0), (most, most), (most, most)))
    top, left = random.integers(0, 2 * most + 1, (2, count, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    moved: npt.NDArray[np.uint8] = padded[
        np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return moved


def as_floats(images: npt.NDArray[np.uint8]) -> Tensor:
    """Images as a model reads them: float32 tensor, 0 to 1, of the same shape."""
    return torch.from_numpy(images.astype(np.float32) / np.float32(255.0))
