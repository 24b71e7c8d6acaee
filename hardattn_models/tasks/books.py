"""Verses of the English New Testament, each of a gospel, Acts, a letter, or Revelation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardattn_models.errors import TaskError
from hardattn_models.tasks.protocol import MEASURED, ORDER
from hardattn_models.tasks.testament import BOOKS, SOURCE, Verse, Vocabulary, verses_of

KINDS = ("gospel", "Acts", "letter", "Revelation")
SHORTEST, LONGEST = 8, 40
"""Fewest and most words of a verse; others, 3 in 100, are left out."""


@dataclass(frozen=True, eq=False)
class BookBatch:
    """Verses, each with the kind of book that it is from.

    Attributes:
        words: int64 ``[batch, LONGEST]``, 0 for a rare word.
        lengths: int64 ``[batch]``, words of each verse.
        kind: int64 ``[batch]``, number in ``KINDS``.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    words: Tensor
    lengths: Tensor
    kind: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


def kind_of(verse: Verse) -> int:
    """The number in ``KINDS`` of the book that a verse is from."""
    book = BOOKS[verse.book]
    if book in ("Acts", "Revelation"):
        return KINDS.index(book)
    return 0 if verse.book < BOOKS.index("Acts") else 2


@cache
def vocabulary() -> Vocabulary:
    """The words that the train split has three times at least."""
    return Vocabulary((word for verse in _verses("train") for word in _words(verse)), 3)


@cache
def _verses(split: str) -> tuple[Verse, ...]:
    return tuple(v for v in verses_of(split) if SHORTEST <= len(v.words()) <= LONGEST)


def _words(verse: Verse) -> list[str]:
    return [verse.english[at].lower() for at in verse.words()]


@cache
def _table(split: str) -> BookBatch:
    known, chosen = vocabulary(), _verses(split)
    table = np.zeros((len(chosen), LONGEST), np.int64)
    for row, verse in enumerate(chosen):
        numbers = [known(word) for word in _words(verse)]
        table[row, : len(numbers)] = numbers
    return BookBatch(
        words=torch.from_numpy(table),
        lengths=torch.tensor([len(verse.words()) for verse in chosen]),
        kind=torch.tensor([kind_of(verse) for verse in chosen]),
    )


def _rows(split: str, rows: Any, entries: Sequence[dict[str, Any]] = ()) -> BookBatch:
    table = _table(split)
    return BookBatch(table.words[rows], table.lengths[rows], table.kind[rows], list(entries))


@dataclass(frozen=True)
class BookTask:
    """Which kind of book a verse is from; half of them are from a gospel.

    Attributes:
        name: the name by which ``load_task`` finds it.
        source: whose the text is, and its licence.
    """

    name: str = "books"
    source: str = SOURCE

    @property
    def facts(self) -> dict[str, int]:
        """What a system must know: how many words and kinds there are."""
        return {"words": len(vocabulary()), "kinds": len(KINDS)}

    def split(self, name: str) -> tuple[Verse, ...]:
        """The verses of a part: "train", "validation" or "test".

        Raises:
            TaskError: there is no such part.
        """
        return _verses(name)

    def batches(
        self, split: str = "test", size: int = 64, limit: int | None = None
    ) -> Iterator[BookBatch]:
        """The verses of one part in an order that mixes the books.

        Args:
            split: "train", "validation" or "test".
            size: most verses a batch, at least 1.
            limit: how many verses in total; all if not given.

        Raises:
            TaskError: there is no such part, or ``size`` or ``limit`` is below 1.
        """
        if size < 1 or (limit is not None and limit < 1):
            raise TaskError(f"a batch size of {size} and a limit of {limit} make no batch")
        chosen = self.split(split)
        order = np.random.default_rng(0).permutation(len(chosen))[:limit]
        for start in range(0, len(order), size):
            part = order[start : start + size]
            yield _rows(split, torch.from_numpy(part), [_entry(chosen[at]) for at in part])

    def feed(self, seed: int, *, shift: int = 0) -> BookFeed:
        """Verses of the train split, drawn at random."""
        return BookFeed(seed + ORDER)

    def measured(
        self, seed: int, batches: int, size: int, *, shift: int = 0
    ) -> Iterator[BookBatch]:
        """Batches of the train split to measure on."""
        feed = BookFeed(seed + MEASURED)
        for _ in range(batches):
            yield feed.next(size)


class BookFeed:
    """Verses to learn from, drawn at random."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def next(self, count: int) -> BookBatch:
        """The next ``count`` verses."""
        return _rows(
            "train", torch.from_numpy(self._random.integers(len(_verses("train")), size=count))
        )

    def state(self) -> dict[str, Any]:
        """Where it stands."""
        return {"random": self._random.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._random.bit_generator.state = state["random"]


def _entry(verse: Verse) -> dict[str, Any]:
    words = [verse.english[at] for at in verse.words()]
    return {"name": verse.name, "tokens": words, "label": kind_of(verse)}
