"""Passages of the English New Testament: some verses of a chapter, one after another."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from hardattn_models.tasks.testament import SPLITS, Verse, Vocabulary, verses


@dataclass(frozen=True)
class Passage:
    """Some verses that follow one another.

    Attributes:
        verses: in their order, of one chapter.
    """

    verses: tuple[Verse, ...]

    @property
    def name(self) -> str:
        """Where it stands: "John 3:16–18"."""
        first, last = self.verses[0].name, self.verses[-1].number
        return first if len(self.verses) == 1 else f"{first}–{last}"

    @property
    def split(self) -> str:
        """The part that it belongs to, as a verse belongs to one, but with all of its verses."""
        drawn = zlib.crc32(self.name.encode()) % 20
        return "test" if drawn < 2 else "validation" if drawn == 2 else "train"

    @property
    def tokens(self) -> tuple[str, ...]:
        """Words and marks, as they are written."""
        return tuple(token for verse in self.verses for token in verse.english)


@cache
def passages(size: int, longest: int) -> tuple[Passage, ...]:
    """All chapters, cut into passages of ``size`` verses; what is left at their ends is left out.

    Args:
        size: verses of each.
        longest: most words and marks; longer ones are left out.
    """
    return tuple(one for one in _cut(size) if len(one.tokens) <= longest)


@cache
def passages_of(split: str, size: int, longest: int) -> tuple[Passage, ...]:
    """The passages of one part, "train", "validation" or "test"; no verse is in two parts."""
    return tuple(one for one in passages(size, longest) if one.split == split)


@cache
def spelling(size: int, longest: int) -> dict[str, int]:
    """A number from 1 for every word and mark of the passages, in small letters."""
    found: dict[str, int] = {}
    for passage in passages(size, longest):
        for token in passage.tokens:
            found.setdefault(token.lower(), len(found) + 1)
    return found


@cache
def vocabulary(size: int, longest: int, least: int = 3) -> Vocabulary:
    """The words and marks, in small letters, that the train split has so many times at least."""
    train = passages_of(SPLITS[0], size, longest)
    return Vocabulary((token.lower() for one in train for token in one.tokens), least)


def _cut(size: int) -> Iterator[Passage]:
    for _, chapter in groupby(verses(), lambda verse: (verse.book, verse.chapter)):
        kept = tuple(chapter)
        for start in range(0, len(kept) - size + 1, size):
            yield Passage(kept[start : start + size])
