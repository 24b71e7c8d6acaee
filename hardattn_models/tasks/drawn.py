"""Tasks whose examples are all there: gone through in a mixed order, drawn at random to learn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from hardattn_models.tasks.protocol import MEASURED, ORDER, check_sizes

B = TypeVar("B")
Rows = npt.NDArray[np.int64]


class DrawnTask(ABC, Generic[B]):
    """What tasks of a bundled text have in common; batches are of type ``B``."""

    @abstractmethod
    def split(self, name: str) -> Sequence[Any]:
        """The examples of a part: "train", "validation" or "test".

        Raises:
            TaskError: there is no such part.
        """

    @abstractmethod
    def shown(self, split: str, rows: Rows, first: int) -> B:
        """Examples of a part with what a recorder is told of them.

        Args:
            split: the part.
            rows: their numbers in it, ``[batch]``.
            first: how many were shown before them.
        """

    @abstractmethod
    def drawn(self, rows: Rows, random: np.random.Generator) -> B:
        """Examples of the train split as they are learnt from this time.

        Args:
            rows: their numbers in it, ``[batch]``.
            random: where chance comes from.
        """

    def batches(self, split: str = "test", size: int = 64, limit: int | None = None) -> Iterator[B]:
        """The examples of one part, in an order that mixes them and is always the same.

        Args:
            split: "train", "validation" or "test".
            size: most examples a batch, at least 1.
            limit: how many in total; all if not given.

        Raises:
            TaskError: there is no such part, or ``size`` or ``limit`` is below 1.
        """
        check_sizes(size, limit)
        order = np.random.default_rng(0).permutation(len(self.split(split)))[:limit]
        for start in range(0, len(order), size):
            yield self.shown(split, order[start : start + size], start)

    def feed(self, seed: int, *, shift: int = 0) -> DrawnFeed[B]:
        """Examples of the train split, drawn at random; ``shift`` is for pictures."""
        return DrawnFeed(self, seed + ORDER)

    def measured(self, seed: int, batches: int, size: int, *, shift: int = 0) -> Iterator[B]:
        """Batches of the train split to measure on, apart from those of :meth:`feed`."""
        feed = DrawnFeed(self, seed + MEASURED)
        for _ in range(batches):
            yield feed.next(size)


class DrawnFeed(Generic[B]):
    """Examples to learn from, drawn at random without end."""

    def __init__(self, task: DrawnTask[B], seed: int) -> None:
        self._task = task
        self._random = np.random.default_rng(seed)

    def next(self, count: int) -> B:
        """The next ``count`` examples."""
        rows = self._random.integers(len(self._task.split("train")), size=count)
        return self._task.drawn(rows, self._random)

    def state(self) -> dict[str, Any]:
        """Where it stands."""
        return {"random": self._random.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._random.bit_generator.state = state["random"]
