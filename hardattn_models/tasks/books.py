"""Verses of the English New Testament, each of a gospel, Acts, a letter, or Revelation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardattn_models.tasks.drawn import DrawnTask, Rows
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
class BookTask(DrawnTask[BookBatch]):
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

    def shown(self, split: str, rows: Rows, first: int) -> BookBatch:
        """Verses of a part with what a recorder is told of them."""
        chosen = self.split(split)
        return _rows(split, torch.from_numpy(rows), [_entry(chosen[at]) for at in rows])

    def drawn(self, rows: Rows, random: np.random.Generator) -> BookBatch:
        """Verses of the train split."""
        return _rows("train", torch.from_numpy(rows))


def _entry(verse: Verse) -> dict[str, Any]:
    words = [verse.english[at] for at in verse.words()]
    return {"name": verse.name, "tokens": words, "label": kind_of(verse)}
