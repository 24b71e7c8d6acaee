"""Words of the English New Testament, each to be said from the Greek of its verse.

An example is a verse; each of its words is a row of a batch and asks for one choice. The manual
links between words are for measuring alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardattn_models.tasks.protocol import MEASURED, ORDER, check_sizes
from hardattn_models.tasks.testament import SOURCE, Verse, Vocabulary, bare, verses_of

LONGEST = 30
"""Most Greek words of a verse; longer verses, 4 in 100, are left out."""
NULL = "∅"
"""Stands before the Greek words, for what has no word there."""
STEM = 5
"""Letters of a stem."""


@dataclass(frozen=True, eq=False)
class Greek:
    """What the verses of a batch are chosen from; not copied with the rows.

    Attributes:
        stems: int64 ``[verses, LONGEST]``, the first five letters of each word; 0 for a rare one.
        forms: int64 ``[verses, LONGEST]``, each word whole; 0 for a rare one.
        lengths: int64 ``[verses]``, words of each verse.
    """

    stems: Tensor
    forms: Tensor
    lengths: Tensor


@dataclass(frozen=True, eq=False)
class TranslationBatch:
    """English words, each with the verse that it stands in.

    Attributes:
        word: int64 ``[rows]``, the word; 0 for a rare one.
        before: int64 ``[rows, 2]``, the one before it and the one before that; at the beginning
            of a verse the number of words in the vocabulary.
        place: float ``[rows]``, where it stands in its verse, between 0 and 1.
        verse: int64 ``[rows]``, its verse in ``greek``.
        links: bool ``[rows, 1 + LONGEST]``, the Greek words that it renders by the manual links;
            column 0 is for none and never set.
        greek: the verses.
        entries: what a recorder is told, one dict a verse; empty where it is learnt from.
    """

    word: Tensor
    before: Tensor
    place: Tensor
    verse: Tensor
    links: Tensor
    greek: Greek
    entries: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Numbers:
    """The words of the train split that were seen often enough, by number.

    Attributes:
        stems: first five letters of Greek words.
        forms: Greek words, bare.
        words: English words in small letters.
    """

    stems: Vocabulary
    forms: Vocabulary
    words: Vocabulary


@cache
def numbers() -> Numbers:
    """The vocabularies of the task."""
    known = _verses("train")
    greek = [bare(word) for verse in known for word in verse.greek]
    return Numbers(
        Vocabulary((word[:STEM] for word in greek), 3),
        Vocabulary(greek, 6),
        Vocabulary((word for verse in known for word in english(verse)), 3),
    )


def english(verse: Verse) -> list[str]:
    """The English words of a verse in small letters, without marks."""
    return [verse.english[at].lower() for at in verse.words()]


@cache
def _verses(split: str) -> tuple[Verse, ...]:
    return tuple(verse for verse in verses_of(split) if len(verse.greek) <= LONGEST)


@dataclass(frozen=True)
class TranslationTask:
    """Verses in Greek and in English.

    Attributes:
        name: the name by which ``load_task`` finds it.
        source: whose the texts are, and their licences.
    """

    name: str = "new-testament"
    source: str = SOURCE

    @property
    def facts(self) -> dict[str, int]:
        """What a system must know: how many stems, forms and words there are."""
        known = numbers()
        return {"stems": len(known.stems), "forms": len(known.forms), "words": len(known.words)}

    def split(self, name: str) -> tuple[Verse, ...]:
        """The verses of a part: "train", "validation" or "test".

        Raises:
            TaskError: there is no such part.
        """
        return _verses(name)

    def batches(
        self, split: str = "test", size: int = 64, limit: int | None = None
    ) -> Iterator[TranslationBatch]:
        """The verses of one part in their order.

        Args:
            split: "train", "validation" or "test".
            size: most verses a batch, at least 1.
            limit: how many verses in total; all if not given.

        Raises:
            TaskError: there is no such part, or ``size`` or ``limit`` is below 1.
        """
        check_sizes(size, limit)
        chosen = self.split(split)[:limit]
        for start in range(0, len(chosen), size):
            yield _batch(chosen[start : start + size], told=True)

    def feed(self, seed: int, *, shift: int = 0) -> TranslationFeed:
        """Verses of the train split, all of them in one order after the other."""
        return TranslationFeed(seed + ORDER)

    def measured(
        self, seed: int, batches: int, size: int, *, shift: int = 0
    ) -> Iterator[TranslationBatch]:
        """Batches of the train split to measure on."""
        feed = TranslationFeed(seed + MEASURED)
        for _ in range(batches):
            yield feed.next(size)


class TranslationFeed:
    """Verses to learn from, shuffled anew each time all were seen."""

    def __init__(self, seed: int) -> None:
        self._seed, self._round, self._at = seed, 0, 0
        self._order = self._shuffled()

    def next(self, count: int) -> TranslationBatch:
        """The words of the next ``count`` verses."""
        chosen: list[Verse] = []
        while len(chosen) < count:
            if self._at == len(self._order):
                self._round, self._at = self._round + 1, 0
                self._order = self._shuffled()
            chosen.append(_verses("train")[self._order[self._at]])
            self._at += 1
        return _batch(chosen)

    def state(self) -> dict[str, Any]:
        """Where it stands."""
        return {"round": self._round, "at": self._at}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._round, self._at = int(state["round"]), int(state["at"])
        self._order = self._shuffled()

    def _shuffled(self) -> list[int]:
        random = np.random.default_rng([self._seed, self._round])
        return random.permutation(len(_verses("train"))).tolist()  # type: ignore[no-any-return]


@cache
def _rows(verse: Verse) -> tuple[Tensor, ...]:
    """Words, those before them, places and links of a verse; stems and forms of its Greek."""
    known = numbers()
    words = [known.words(word) for word in english(verse)]
    edge = len(known.words)
    before = list(zip([edge, *words], [edge, edge, *words], strict=False))[: len(words)]
    links = np.zeros((len(words), 1 + LONGEST), np.bool_)
    for row, at in enumerate(verse.words()):
        for greek in verse.links[at]:
            links[row, 1 + greek] = True
    source = np.zeros((2, LONGEST), np.int64)
    for at, word in enumerate(map(bare, verse.greek)):
        source[0, at], source[1, at] = known.stems(word[:STEM]), known.forms(word)
    place = (torch.arange(len(words)) + 0.5) / len(words)
    linked, greek_words = torch.from_numpy(links), torch.from_numpy(source)
    return torch.tensor(words), torch.tensor(before), place, linked, greek_words


def _batch(chosen: Sequence[Verse], told: bool = False) -> TranslationBatch:
    word, before, place, links, source = zip(*map(_rows, chosen), strict=True)
    counts = torch.tensor([len(one) for one in word])
    greek = torch.stack(source, 1)
    return TranslationBatch(
        word=torch.cat(word),
        before=torch.cat(before),
        place=torch.cat(place),
        verse=torch.arange(len(chosen)).repeat_interleave(counts),
        links=torch.cat(links),
        greek=Greek(greek[0], greek[1], torch.tensor([len(verse.greek) for verse in chosen])),
        entries=[_entry(verse) for verse in chosen] if told else [],
    )


def _entry(verse: Verse) -> dict[str, Any]:
    return {
        "name": verse.name,
        "tokens": [NULL, *verse.greek],
        "target": [verse.english[at] for at in verse.words()],
    }
