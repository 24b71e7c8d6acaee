"""Names left out of the English New Testament, to be filled in from the text around the gap.

A quarter of the rarer names is never learnt: it is left out of the vocabulary and of every gap that
is trained on, so that it can be copied and by no means remembered.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardattn_models.errors import TaskError
from hardattn_models.tasks.drawn import DrawnTask, Rows
from hardattn_models.tasks.testament import MARKS, SOURCE, SPLITS, Vocabulary, verses

BEFORE, AFTER = 40, 5
"""Words that are seen before the gap and after it."""
SIZE = BEFORE + 1 + AFTER
GAP = "____"
_OFTEN = 60
_NO_NAMES = {"I", "I’m", "God’s"}
_BEGINS = {".", "?", "!", "“", "‘", ":", "—", "(", "”", "’"}


@dataclass(frozen=True, eq=False)
class GapBatch:
    """Gaps, each with the words around it.

    Attributes:
        words: int64 ``[batch, SIZE]``, numbers in the vocabulary; 0 for rare and for hidden words,
            for the gap, and beyond the beginning or end of a book.
        spelt: int64 ``[batch, SIZE]``, numbers by spelling, hidden words too; 0 for the gap.
        there: bool ``[batch, SIZE]``, where there is a word or the gap.
        capital: float ``[batch, SIZE]``, 1 where a word has a capital letter, else 0.
        name: int64 ``[batch]``, number of the missing word in the vocabulary; 0 for a hidden one.
        missing: int64 ``[batch]``, the same by spelling.
        seen: int64 ``[batch]``, gaps of the train split with the same name.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    words: Tensor
    spelt: Tensor
    there: Tensor
    capital: Tensor
    name: Tensor
    missing: Tensor
    seen: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Gap:
    where: str
    split: str
    name: str
    around: tuple[str, ...]


def hidden(name: str, often: int) -> bool:
    """Whether a name that is there so often is never learnt."""
    return often <= _OFTEN and zlib.crc32(name.encode()) % 4 == 0


@cache
def _gaps() -> dict[str, tuple[_Gap, ...]]:
    """The gaps of each part: hidden names are all in "test"."""
    small = {token for verse in verses() for token in verse.english if token[:1].islower()}
    found: list[_Gap] = []
    for _, book in groupby(verses(), lambda verse: verse.book):
        text: list[str] = []
        places: list[tuple[int, str, str]] = []
        for verse in book:
            for at, token in enumerate(verse.english):
                if token in MARKS:
                    continue
                inside = at > 0 and verse.english[at - 1] not in _BEGINS
                named = token[:1].isupper() and token not in _NO_NAMES
                if inside and named and token.lower() not in small:
                    places.append((len(text), verse.name, verse.split))
                text.append(token)
        padded = [""] * BEFORE + text + [""] * AFTER
        found += [
            _Gap(
                where,
                split,
                text[at],
                (*padded[at : at + BEFORE], GAP, *padded[at + BEFORE + 1 : at + SIZE]),
            )
            for at, where, split in places
        ]
    often = Counter(gap.name for gap in found)
    parts: dict[str, list[_Gap]] = {split: [] for split in SPLITS}
    for gap in found:
        parts["test" if hidden(gap.name, often[gap.name]) else gap.split].append(gap)
    return {split: tuple(gaps) for split, gaps in parts.items()}


@cache
def vocabulary() -> Vocabulary:
    """Words around the gaps of the train split, and what is missing there; no hidden ones."""
    train = _gaps()["train"]
    often = Counter(gap.name for split in SPLITS for gap in _gaps()[split])
    words = [word for gap in train for word in (*gap.around, gap.name) if word not in ("", GAP)]
    return Vocabulary((word for word in words if not hidden(word, often.get(word, _OFTEN + 1))), 3)


@cache
def _table(split: str) -> GapBatch:
    known, gaps = vocabulary(), _gaps()[split]
    spelling: dict[str, int] = {}
    seen = Counter(gap.name for gap in _gaps()["train"])

    def spelt(word: str) -> int:
        return 0 if word in ("", GAP) else spelling.setdefault(word, len(spelling) + 1)

    def table(of: Any, kind: type) -> Tensor:
        return torch.from_numpy(np.array([[of(word) for word in gap.around] for gap in gaps], kind))

    return GapBatch(
        words=table(known, np.int64),
        spelt=table(spelt, np.int64),
        there=table(bool, np.bool_),
        capital=table(lambda word: word[:1].isupper(), np.float32),
        name=torch.tensor([known(gap.name) for gap in gaps]),
        missing=torch.tensor([spelt(gap.name) for gap in gaps]),
        seen=torch.tensor([seen[gap.name] for gap in gaps]),
    )


def _rows(split: str, rows: Tensor, entries: list[dict[str, Any]]) -> GapBatch:
    table = _table(split)
    names = ("words", "spelt", "there", "capital", "name", "missing", "seen")
    return GapBatch(**{name: getattr(table, name)[rows] for name in names}, entries=entries)


@dataclass(frozen=True)
class GapTask(DrawnTask[GapBatch]):
    """Names to be filled in.

    Attributes:
        name: the name by which ``load_task`` finds it.
        source: whose the text is, and its licence.
    """

    name: str = "names"
    source: str = SOURCE

    @property
    def facts(self) -> dict[str, int]:
        """What a system must know: how many words there are."""
        return {"words": len(vocabulary())}

    def split(self, name: str) -> tuple[Any, ...]:
        """The gaps of a part: "train", "validation" or "test".

        Raises:
            TaskError: there is no such part.
        """
        if name not in SPLITS:
            raise TaskError(f"{self.name} has no split {name!r}: choose {', '.join(SPLITS)}")
        return _gaps()[name]

    def shown(self, split: str, rows: Rows, first: int) -> GapBatch:
        """Gaps of a part with what a recorder is told of them."""
        gaps = self.split(split)
        entries = [_entry(gaps[at], first + row) for row, at in enumerate(rows)]
        return _rows(split, torch.from_numpy(rows), entries)

    def drawn(self, rows: Rows, random: np.random.Generator) -> GapBatch:
        """Gaps of the train split, the missing name unknown in half of them."""
        batch = _rows("train", torch.from_numpy(rows), [])
        # A name that is not told apart must be copied by what stands around it.
        unknown = torch.from_numpy(random.random(len(rows)) < 0.5).unsqueeze(-1)
        same = batch.spelt == batch.missing.unsqueeze(-1)
        return replace(batch, words=batch.words.masked_fill(unknown & same, 0))


def _entry(gap: _Gap, number: int) -> dict[str, Any]:
    shown = [word or "·" for word in gap.around]
    return {"name": f"{gap.where}, {gap.name} ({number})", "tokens": shown}
