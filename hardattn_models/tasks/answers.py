"""Passages of the English New Testament, each with a question that some of its words answer.

What is left of a clause once its answer is out, without the words beside the answer and without
most of the others, asks for it, with other words wherever there are any: "where proconsul of
achaia ?". Which places can be asked for, and where an answer begins and ends, is not said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hardattn_models.errors import TaskError
from hardattn_models.tasks import passages
from hardattn_models.tasks.drawn import DrawnTask, Rows
from hardattn_models.tasks.paraphrases import MOST as ALIKE
from hardattn_models.tasks.paraphrases import paraphrases
from hardattn_models.tasks.passages import Passage
from hardattn_models.tasks.questions import KINDS, LONGEST, Question, questions
from hardattn_models.tasks.testament import SOURCE, SPLITS

VERSES, SIZE = 3, 110
"""Verses of a passage, and most words and marks of it; 3 in 100 are longer and left out."""
FEWEST, MOST = 2, 4
"""Words of a clause that a question has, beside its question word."""
SEPARATOR = "‖"
"""Stands between a question and its passage where both are shown."""

_spelling = partial(passages.spelling, VERSES, SIZE)
vocabulary = partial(passages.vocabulary, VERSES, SIZE)
"""The words that are told apart: in small letters, three times at least in the train split."""


@dataclass(frozen=True, eq=False)
class AnswerBatch:
    """Passages, each with a question.

    Attributes:
        words: int64 ``[batch, SIZE]``, numbers in the vocabulary; 0 for a rare word and beyond the
            end.
        spelt: int64 ``[batch, SIZE]``, numbers by spelling in small letters, 0 beyond the end.
        capital: float ``[batch, SIZE]``, 1 where a word has a capital letter, else 0.
        kind: int64 ``[batch]``, the question word, by number in ``KINDS``.
        asked: int64 ``[batch, MOST]``, words of the question, by spelling and in their order; 0
            beyond the last.
        asked_words: int64 ``[batch, MOST]``, the same by their numbers in the vocabulary.
        after: bool ``[batch, MOST]``, whether each stands after what is asked for.
        answer: int64 ``[batch, LONGEST]``, words of the answer, by spelling; 0 beyond the last.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    words: Tensor
    spelt: Tensor
    capital: Tensor
    kind: Tensor
    asked: Tensor
    asked_words: Tensor
    after: Tensor
    answer: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """A question about a passage.

    Attributes:
        passage: what is read.
        question: what it is made of.
        number: among the questions about this passage.
    """

    passage: Passage
    question: Question
    number: int

    @property
    def name(self) -> str:
        """Where it stands, which question it is, and what answers it."""
        return f"{self.passage.name}, question {self.number + 1}: {' '.join(self.answer)}"

    @property
    def answer(self) -> tuple[str, ...]:
        """The right words, as they are written."""
        span = self.question.span
        return self.passage.tokens[span.start : span.stop]


@cache
def _asked(split: str) -> tuple[Asked, ...]:
    if split not in SPLITS:
        raise TaskError(f"answers has no split {split!r}: choose {', '.join(SPLITS)}")
    return tuple(
        Asked(passage, question, number)
        for passage in passages.passages_of(split, VERSES, SIZE)
        for number, question in enumerate(questions(passage.tokens))
    )


@dataclass(frozen=True, eq=False)
class _Table:
    """All questions of a split as numbers.

    ``around`` holds all words that each could be asked with, ``others`` what they could be said by.
    """

    passage: npt.NDArray[np.int64]
    spelt: npt.NDArray[np.int64]
    capital: npt.NDArray[np.float32]
    kind: npt.NDArray[np.int64]
    around: npt.NDArray[np.int64]
    others: npt.NDArray[np.int64]
    after: npt.NDArray[np.bool_]
    answer: npt.NDArray[np.int64]


@cache
def _table(split: str) -> _Table:
    chosen, spelling = _asked(split), _spelling()
    rows: dict[str, int] = {}
    for one in chosen:
        rows.setdefault(one.passage.name, len(rows))
    widest = max(len(one.question.before) + len(one.question.after) for one in chosen)
    spelt = np.zeros((len(rows), SIZE), np.int64)
    capital = np.zeros((len(rows), SIZE), np.float32)
    around = np.zeros((len(chosen), widest), np.int64)
    others = np.zeros((len(chosen), widest, ALIKE), np.int64)
    after = np.zeros((len(chosen), widest), np.bool_)
    answer = np.zeros((len(chosen), LONGEST), np.int64)
    for at, one in enumerate(chosen):
        tokens, row = one.passage.tokens, rows[one.passage.name]
        numbers = [spelling[token.lower()] for token in tokens]
        spelt[row, : len(tokens)] = numbers
        capital[row, : len(tokens)] = [token[:1].isupper() for token in tokens]
        before, then, span = one.question.before, one.question.after, one.question.span
        places = [(verse, i) for verse in one.passage.verses for i in range(len(verse.english))]
        for column, i in enumerate((*before, *then)):
            around[at, column] = numbers[i]
            alike = [spelling[word] for word in paraphrases(*places[i]) if word in spelling]
            others[at, column, : len(alike)] = alike
        after[at, len(before) : len(before) + len(then)] = True
        answer[at, : span.stop - span.start] = numbers[span.start : span.stop]
    return _Table(
        passage=np.array([rows[one.passage.name] for one in chosen]),
        spelt=spelt,
        capital=capital,
        kind=np.array([one.question.span.kind for one in chosen]),
        around=around,
        others=others,
        after=after,
        answer=answer,
    )


@cache
def _numbers() -> npt.NDArray[np.int64]:
    """Numbers in the vocabulary by number by spelling."""
    known = vocabulary()
    return np.array([0, *map(known, _spelling())])


def _drawn(table: _Table, rows: npt.NDArray[Any], random: np.random.Generator) -> AnswerBatch:
    """These questions, each asked with some words of its clause, drawn anew."""
    around = table.around[rows]
    order = np.where(around > 0, random.random(around.shape), 2.0)
    count = random.integers(FEWEST, MOST + 1, size=len(rows))
    # Those drawn are put back into the order in which they stand.
    rank = order.argsort(1).argsort(1)
    kept = (rank < count[:, None]) & (around > 0)
    first = np.argsort(~kept, axis=1, kind="stable")[:, :MOST]
    told = np.take_along_axis(kept, first, 1)
    others = table.others[rows]
    choices = (others > 0).sum(2)
    drawn = (random.random(around.shape) * choices).astype(np.int64)
    other = np.take_along_axis(others, drawn[..., None], 2)[..., 0]
    around = np.where(choices > 0, other, around)
    spelt = table.spelt[table.passage[rows]]
    asked = np.take_along_axis(around, first, 1) * told
    after = np.take_along_axis(table.after[rows], first, 1) & told
    return AnswerBatch(
        words=torch.from_numpy(_numbers()[spelt]),
        spelt=torch.from_numpy(spelt),
        capital=torch.from_numpy(table.capital[table.passage[rows]]),
        kind=torch.from_numpy(table.kind[rows]),
        asked=torch.from_numpy(asked),
        asked_words=torch.from_numpy(_numbers()[asked]),
        after=torch.from_numpy(after),
        answer=torch.from_numpy(table.answer[rows]),
    )


@cache
def _fixed(split: str) -> AnswerBatch:
    """All questions of a split, each asked with the same words at all times."""
    table = _table(split)
    return _drawn(table, np.arange(len(table.kind)), np.random.default_rng(SPLITS.index(split)))


@dataclass(frozen=True)
class AnswerTask(DrawnTask[AnswerBatch]):
    """Questions about passages of three verses.

    Attributes:
        name: the name by which ``load_task`` finds it.
        source: whose the text is, and its licence.
    """

    name: str = "answers"
    source: str = SOURCE

    @property
    def facts(self) -> dict[str, int]:
        """What a system must know: how many words there are."""
        return {"words": len(vocabulary())}

    def split(self, name: str) -> tuple[Asked, ...]:
        """The questions of a part: "train", "validation" or "test"; no verse is in two parts.

        Raises:
            TaskError: there is no such part.
        """
        return _asked(name)

    def shown(self, split: str, rows: Rows, first: int) -> AnswerBatch:
        """Questions of a part, each asked with the same words at all times."""
        asked, batch = self.split(split), _rows(_fixed(split), torch.from_numpy(rows))
        for row, at in enumerate(rows):
            batch.entries.append(_entry(asked[at], batch, row))
        return batch

    def drawn(self, rows: Rows, random: np.random.Generator) -> AnswerBatch:
        """Questions of the train split, each asked with other words every time."""
        return _drawn(_table("train"), rows, random)


def _rows(batch: AnswerBatch, rows: Tensor) -> AnswerBatch:
    names = ("words", "spelt", "capital", "kind", "asked", "asked_words", "after", "answer")
    return AnswerBatch(**{name: getattr(batch, name)[rows] for name in names}, entries=[])


def question_words(asked: Asked, batch: AnswerBatch, row: int) -> list[str]:
    """A question as it is shown: words of the clause, the question word in the answer's place."""
    spelling, question = [*_spelling()], asked.question
    clause = [asked.passage.tokens[at] for at in (*question.before, *question.after)]
    written = {token.lower(): token for token in clause}
    words = [spelling[word - 1] for word in batch.asked[row].tolist() if word]
    told = [written.get(word, word) for word in words]
    before = len(told) - int(batch.after[row].sum())
    return [*told[:before], KINDS[question.span.kind], *told[before:], "?"]


def _entry(asked: Asked, batch: AnswerBatch, row: int) -> dict[str, Any]:
    shown = [*question_words(asked, batch, row), SEPARATOR, *asked.passage.tokens]
    return {"name": asked.name, "tokens": shown}
