"""Tasks of looking something up in a memory full of distractors.

One slot answers the question; half of the others share its first word and a quarter its second, so
that only both words together tell which slot it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardattn_models.tasks.generated import GeneratedTask

SIZES = (8, 16, 32, 64, 128, 256)

_PEOPLE = (
    "Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ines", "Jon", "Kim", "Lea",
    "Max", "Nora", "Olaf", "Pia", "Quinn", "Rosa", "Sam", "Tess", "Ugo", "Vera", "Will", "Yara"
)  # fmt: skip
_THINGS = (
    "apple", "book", "coat", "drum", "egg", "flute", "glove", "hat", "key", "lamp", "map", "note"
)  # fmt: skip
_PLACES = (
    "attic", "barn", "cellar", "desk", "entry", "field", "garden", "hall", "inn", "kitchen",
    "loft", "market", "nook", "office", "porch", "roof"
)  # fmt: skip
_ACTIONS = (
    "add", "align", "archive", "compare", "convert", "count", "crop", "date", "encrypt", "filter",
    "join", "label", "measure", "merge", "parse", "plot", "rank", "resize", "rotate", "sort",
    "split", "sum", "translate", "trim"
)  # fmt: skip
_KINDS = (
    "audio", "budget", "code", "email", "form", "image", "letter", "map", "photo", "table",
    "text", "video"
)  # fmt: skip
_TOOLS = tuple(f"tool {letter}" for letter in "ABCDEFGHIJKLMNOP")


@dataclass(frozen=True)
class Words:
    """What a memory speaks of.

    Attributes:
        first: what the first word of a slot can be.
        second: what the second can be.
        answers: what a slot can answer.
        question: of two words.
        fact: of two words and an answer.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    answers: tuple[str, ...]
    question: str
    fact: str


FACTS = Words(_PEOPLE, _THINGS, _PLACES, "Where is {0} 's {1} ?", "{0}'s {1}: {2}")
TOOLS = Words(_ACTIONS, _KINDS, _TOOLS, "Which tool can {0} a {1} ?", "{2} can {0} a {1}")


@dataclass(frozen=True, eq=False)
class RecallBatch:
    """Memories, each with a question that one slot answers.

    Attributes:
        slots: int64 ``[batch, m, 2]``, the two words of each slot.
        values: int64 ``[batch, m]``, what each answers.
        question: int64 ``[batch, 2]``, the two words that are asked about.
        where: int64 ``[batch]``, the one slot that has both.
        answer: int64 ``[batch]``, what it answers.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    slots: Tensor
    values: Tensor
    question: Tensor
    where: Tensor
    answer: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


def _make(
    random: np.random.Generator, count: int, number: int, words: Words, size: int
) -> RecallBatch:
    kinds = np.array([len(words.first), len(words.second)])
    question = random.integers(0, kinds, (count, 2))
    slots = random.integers(0, kinds, (count, size, 2))
    share = random.random((count, size))
    for word, shares in ((0, share < 0.5), (1, (share >= 0.5) & (share < 0.75))):
        slots[..., word] = np.where(shares, question[:, None, word], slots[..., word])
    # What has both words by chance is another thing.
    both = (slots == question[:, None]).all(-1)
    other = (question[:, None, 1] + random.integers(1, kinds[1], both.shape)) % kinds[1]
    slots[..., 1] = np.where(both, other, slots[..., 1])
    where = random.integers(0, size, count)
    rows = np.arange(count)
    slots[rows, where] = question
    values = random.integers(0, len(words.answers), (count, size))
    return RecallBatch(
        slots=torch.from_numpy(slots),
        values=torch.from_numpy(values),
        question=torch.from_numpy(question),
        where=torch.from_numpy(where),
        answer=torch.from_numpy(values[rows, where]),
    )


def _describe(batch: RecallBatch, row: int, words: Words) -> dict[str, Any]:
    def told(pair: list[int], value: int = 0) -> tuple[str, str, str]:
        return words.first[pair[0]], words.second[pair[1]], words.answers[value]

    memory = [
        words.fact.format(*told(pair, value))
        for pair, value in zip(batch.slots[row].tolist(), batch.values[row].tolist(), strict=True)
    ]
    asked = words.question.format(*told(batch.question[row].tolist()))
    return {"tokens": asked.split(), "memory": memory, "label": int(batch.answer[row])}


def recall(size: int, words: Words = FACTS, name: str = "recall") -> GeneratedTask:
    """A memory of ``size`` slots and a question."""
    return GeneratedTask(
        name=f"{name}-{size}",
        source=f"{size} slots of two words and an answer, three quarters of them distractors",
        make=partial(_make, words=words, size=size),
        describe=partial(_describe, words=words),
        facts={
            "first": len(words.first),
            "second": len(words.second),
            "answers": len(words.answers),
        },
    )
