"""Names left out of the English New Testament, to be filled in from the text around the gap.

A quarter of the rarer names is never learnt: it is left out of the vocabulary and of every gap that
is trained on, so that it can be copied and by no means remembered.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardattn_models.errors import TaskError
from hardattn_models.tasks.protocol import MEASURED, ORDER
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
class GapTask:
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

    def batches(
        self, split: str = "test", size: int = 64, limit: int | None = None
    ) -> Iterator[GapBatch]:
        """The gaps of one part in an order that mixes the books.

        Args:
            split: "train", "validation" or "test".
            size: most gaps a batch, at least 1.
            limit: how many gaps in total; all if not given.

        Raises:
            TaskError: there is no such part, or ``size`` or ``limit`` is below 1.
        """
        if size < 1 or (limit is not None and limit < 1):
            raise TaskError(f"a batch size of {size} and a limit of {limit} make no batch")
        gaps = self.split(split)
        order = np.random.default_rng(0).permutation(len(gaps))[:limit]
        for start in range(0, len(order), size):
            part = order[start : start + size]
            entries = [_entry(gaps[at], start + row) for row, at in enumerate(part)]
            yield _rows(split, torch.from_numpy(part), entries)

    def feed(self, seed: int, *, shift: int = 0) -> GapFeed:
        """Gaps of the train split, drawn at random."""
        return GapFeed(seed + ORDER)

    def measured(self, seed: int, batches: int, size: int, *, shift: int = 0) -> Iterator[GapBatch]:
        """Batches of the train split to measure on."""
        feed = GapFeed(seed + MEASURED)
        for _ in range(batches):
            yield feed.next(size)


class GapFeed:
    """Gaps to learn from, drawn at random."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def next(self, count: int) -> GapBatch:
        """The next ``count`` gaps."""
        drawn = self._random.integers(len(_gaps()["train"]), size=count)
        batch = _rows("train", torch.from_numpy(drawn), [])
        # A name that is not told apart must be copied by what stands around it.
        unknown = torch.from_numpy(self._random.random(count) < 0.5).unsqueeze(-1)
        same = batch.spelt == batch.missing.unsqueeze(-1)
        return replace(batch, words=batch.words.masked_fill(unknown & same, 0))

    def state(self) -> dict[str, Any]:
        """Where it stands."""
        return {"random": self._random.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._random.bit_generator.state = state["random"]


def _entry(gap: _Gap, number: int) -> dict[str, Any]:
    shown = [word or "·" for word in gap.around]
    return {"name": f"{gap.where}, {gap.name} ({number})", "tokens": shown}
