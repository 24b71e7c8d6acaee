"""Tasks whose examples are made, not collected: always the same ones for a split."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

import numpy as np
from torch import Tensor

from hardattn_models.errors import TaskError
from hardattn_models.tasks.protocol import MEASURED, ORDER, check_sizes, size_of

BLOCK = 100
"""Examples that are made at a time; those of a block have one size."""
_BLOCKS = {"train": 600, "validation": 12, "test": 60}

Make = Callable[[np.random.Generator, int, int], Any]
"""A random source, how many examples, and a number that the size may follow -> a batch."""


@dataclass(frozen=True)
class GeneratedTask:
    """Examples made by a rule.

    Training never sees an example of validation or test again but by chance: their random sources
    are apart, and what is made of collected things has some of its own for each part.

    Attributes:
        name: the name by which ``load_task`` finds it.
        source: how examples are made, in words.
        make: makes some of them.
        describe: what a recorder is told of row i of a batch, without its name.
        facts: what a system must know of it, by name.
        parts: makes those of the other parts, by name, where ``make`` must not.
        blocks: hundreds of examples of each part.
        kept: whether examples of validation and test are kept in memory once they are made.
    """

    name: str
    source: str
    make: Make
    describe: Callable[[Any, int], dict[str, Any]]
    facts: dict[str, Any]
    parts: Mapping[str, Make] = field(default_factory=dict)
    blocks: Mapping[str, int] = field(default_factory=lambda: _BLOCKS)
    kept: bool = True

    def split(self, name: str) -> range:
        """The numbers of the examples of a part: "train", "validation" or "test".

        Raises:
            TaskError: there is no such part.
        """
        if name not in self.blocks:
            raise TaskError(f"{self.name} has no split {name!r}: choose train, validation or test")
        return range(self.blocks[name] * BLOCK)

    def batches(
        self, split: str = "test", size: int = 64, limit: int | None = None
    ) -> Iterator[Any]:
        """The examples of one part in their order.

        Args:
            split: "train", "validation" or "test".
            size: most examples a batch, at least 1; those of a batch have one size.
            limit: how many examples in total; all if not given.

        Raises:
            TaskError: if there is no such part, or ``size`` or ``limit`` is below 1.
        """
        total = len(self.split(split))
        check_sizes(size, limit)
        total = total if limit is None else min(limit, total)
        for number in range(-(-total // BLOCK)):
            block = _block(self, split, number)
            for start in range(0, min(BLOCK, total - number * BLOCK), size):
                stop = min(start + size, BLOCK, total - number * BLOCK)
                part = _rows(block, start, stop)
                entries = [
                    {
                        "name": f"{split}-{number * BLOCK + start + row:05d}",
                        **self.describe(part, row),
                    }
                    for row in range(size_of(part))
                ]
                yield replace(part, entries=entries)

    def feed(self, seed: int, *, shift: int = 0) -> GeneratedFeed:
        """New examples without end; ``shift`` is for pictures and changes nothing."""
        return GeneratedFeed(self.make, seed + ORDER)

    def measured(self, seed: int, batches: int, size: int, *, shift: int = 0) -> Iterator[Any]:
        """Batches to measure on, apart from those of :meth:`feed`."""
        feed = GeneratedFeed(self.make, seed + MEASURED)
        for _ in range(batches):
            yield feed.next(size)


class GeneratedFeed:
    """New examples without end."""

    def __init__(self, make: Make, seed: int) -> None:
        self._make = make
        self._random = np.random.default_rng(seed)
        self._count = 0

    def next(self, count: int) -> Any:
        """The next ``count`` examples, all of one size."""
        self._count += 1
        return self._make(self._random, count, self._count - 1)

    def state(self) -> dict[str, Any]:
        """Where it stands."""
        return {"random": self._random.bit_generator.state, "count": self._count}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._random.bit_generator.state = state["random"]
        self._count = int(state["count"])


# Every evaluation asks for the same blocks; they are small.
@cache
def _blocks(name: str, split: str, number: int, make: Make) -> Any:
    seed = zlib.crc32(f"{name} {split} {number}".encode())
    return make(np.random.default_rng(seed), BLOCK, number)


def _block(task: GeneratedTask, split: str, number: int) -> Any:
    make = task.parts.get(split, task.make)
    if split == "train" or not task.kept:
        return _blocks.__wrapped__(task.name, split, number, make)
    return _blocks(task.name, split, number, make)


def _rows(batch: Any, start: int, stop: int) -> Any:
    part = {
        one.name: getattr(batch, one.name)[start:stop]
        for one in fields(batch)
        if isinstance(getattr(batch, one.name), Tensor)
    }
    return replace(batch, **part)
