"""Passages of the English New Testament, some of whose verses are to stand for all.

What is quoted is worth how much of the rest it says: the share of the content words of the verses
that were left out which stand in a quoted one too. That is ROUGE-1 recall (Lin 2004, "ROUGE: A
Package for Automatic Evaluation of Summaries") with what is left out as the reference, and with
neither the commonest words nor a limit to how often one may be found.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hardattn_models.errors import TaskError
from hardattn_models.tasks import passages
from hardattn_models.tasks.drawn import DrawnTask, Rows
from hardattn_models.tasks.paraphrases import small_words
from hardattn_models.tasks.passages import Passage
from hardattn_models.tasks.testament import MARKS, SOURCE, SPLITS

VERSES, WHOLE = 8, 10
"""Verses of a passage to choose among; of ten in a row, eight are learnt from at a time."""
QUOTES = 3
"""Verses that are quoted."""
_LONG = 10_000

vocabulary = partial(passages.vocabulary, WHOLE, _LONG)
"""The words that are told apart: in small letters, three times at least in the train split."""


@dataclass(frozen=True, eq=False)
class QuoteBatch:
    """Passages.

    Attributes:
        words: int64 ``[batch, VERSES, n]``, content words by their numbers in the vocabulary; 0 for
            a rare one and beyond the end of a verse.
        lengths: int64 ``[batch, VERSES]``, content words of each verse.
        counts: float ``[batch, VERSES, m]``, how often each word that stands in two verses at least
            stands in each.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    words: Tensor
    lengths: Tensor
    counts: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


def told_by(counts: Tensor, lengths: Tensor, quoted: Tensor) -> Tensor:
    """The share of the content words left out that stand in a quote too.

    Where verses are quoted in part, each is taken as quoted with that probability, alone, and words
    are what is to be expected of them (the multilinear extension of Calinescu et al. 2011,
    "Maximizing a Monotone Submodular Function", SIAM Journal on Computing 40).

    Args:
        counts: ``[..., verses, m]``, how often each word stands in each verse; words of one verse
            alone may be left out.
        lengths: ``[..., verses]``, all content words of each.
        quoted: ``[..., verses]``, from 0 to 1, how much each is quoted.

    Returns:
        ``[...]``, from 0 to 1.
    """
    left = 1 - quoted
    unsaid = torch.where(counts > 0, left.unsqueeze(-1), 1.0).prod(-2)
    found = torch.einsum("...vm,...v->...", counts, left) - (counts.sum(-2) * unsaid).sum(-1)
    return found / (lengths * left).sum(-1).clamp_min(1e-6)


def best_quotes(batch: QuoteBatch) -> tuple[Tensor, Tensor]:
    """The best quotes there are, by trying all.

    Returns:
        bool ``[batch, VERSES]``, the first of the best sets; and their worth ``[batch]``.
    """
    n = batch.lengths.shape[1]
    sets = torch.tensor([[i in one for i in range(n)] for one in combinations(range(n), QUOTES)])
    worth = told_by(
        batch.counts.unsqueeze(1), batch.lengths.unsqueeze(1), sets.to(batch.counts.dtype)
    )
    best = worth.argmax(1)
    return sets[best], worth.gather(1, best.unsqueeze(1)).squeeze(1)


@dataclass(frozen=True, eq=False)
class _Table:
    words: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    counts: npt.NDArray[np.float32]


def content(tokens: tuple[str, ...]) -> list[str]:
    """The words that count, in small letters: all but marks and the commonest ones."""
    small = [token.lower() for token in tokens if token not in MARKS]
    return [word for word in small if word not in small_words()]


@cache
def _passages(split: str) -> tuple[Passage, ...]:
    if split not in SPLITS:
        raise TaskError(f"quotes has no split {split!r}: choose {', '.join(SPLITS)}")
    return passages.passages_of(split, WHOLE, _LONG)


@cache
def _table(split: str) -> _Table:
    chosen, known = _passages(split), vocabulary()
    told = [[content(verse.english) for verse in passage.verses] for passage in chosen]
    stands = [Counter(word for verse in verses for word in set(verse)) for verses in told]
    shared = [sorted(word for word, count in one.items() if count > 1) for one in stands]
    longest = max(len(verse) for verses in told for verse in verses)
    words = np.zeros((len(chosen), WHOLE, longest), np.int64)
    lengths = np.zeros((len(chosen), WHOLE), np.int64)
    counts = np.zeros((len(chosen), WHOLE, max(map(len, shared))), np.float32)
    for row, verses in enumerate(told):
        for at, verse in enumerate(verses):
            words[row, at, : len(verse)] = [known(word) for word in verse]
            lengths[row, at] = len(verse)
            counts[row, at, : len(shared[row])] = [verse.count(word) for word in shared[row]]
    return _Table(words, lengths, counts)


def _rows(
    split: str, rows: npt.NDArray[Any], verses: npt.NDArray[Any], entries: list[dict[str, Any]]
) -> QuoteBatch:
    table = _table(split)
    return QuoteBatch(
        words=torch.from_numpy(table.words[rows[:, None], verses]),
        lengths=torch.from_numpy(table.lengths[rows[:, None], verses]),
        counts=torch.from_numpy(table.counts[rows[:, None], verses]),
        entries=entries,
    )


@dataclass(frozen=True)
class QuoteTask(DrawnTask[QuoteBatch]):
    """Passages of eight verses, of which three are to be quoted.

    Attributes:
        name: the name by which ``load_task`` finds it.
        source: whose the text is, and its licence.
    """

    name: str = "quotes"
    source: str = SOURCE

    @property
    def facts(self) -> dict[str, int]:
        """What a system must know: how many words there are."""
        return {"words": len(vocabulary())}

    def split(self, name: str) -> tuple[Passage, ...]:
        """The passages of a part: "train", "validation" or "test"; no verse is in two parts.

        Raises:
            TaskError: there is no such part.
        """
        return _passages(name)

    def shown(self, split: str, rows: Rows, first: int) -> QuoteBatch:
        """The first eight verses of passages of a part."""
        chosen = self.split(split)
        verses = np.tile(np.arange(VERSES), (len(rows), 1))
        return _rows(split, rows, verses, [_entry(chosen[at]) for at in rows])

    def drawn(self, rows: Rows, random: np.random.Generator) -> QuoteBatch:
        """Passages of the train split; of each, eight verses of ten, in their order."""
        verses = random.random((len(rows), WHOLE)).argsort(1)[:, :VERSES]
        return _rows("train", rows, np.sort(verses, axis=1), [])


def _entry(passage: Passage) -> dict[str, Any]:
    kept = passage.verses[:VERSES]
    shown = [f"{verse.number} {' '.join(verse.english)}" for verse in kept]
    return {"name": f"{kept[0].name}–{kept[-1].number}", "tokens": shown}
