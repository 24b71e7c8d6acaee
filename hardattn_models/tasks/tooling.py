"""Requests in words, each with an offer of described tools of which one is meant.

Others of the offer are mostly of the same family, and the order is random. In validation and test
no request meets the description that it meets in training: half of the requests are of wordings
that training has, beside a description that none of them had there, half of new wordings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.toolbox import HOLE, LARGEST, LEAST, MOST, TOOLS

SIZES = (4, 8, 16, 32)
FRAMES = (
    "tell me {}",
    "please work out {}",
    "i want to know {}",
    "can you find out {} ?",
    "let me know {}",
)
"""What stands around a request."""
_NEAR = 0.5
"""How far tools of the same family come before others, of what chance gives them, up to 1."""
_SAID = [
    [[frame.format(text) for frame in FRAMES] for text in (*tool.requests, tool.new)]
    for tool in TOOLS
]
_WAYS = len(TOOLS[0].requests)
WORDS = (
    "",
    *sorted(
        {word for tool in _SAID for way in tool for text in way for word in text.split()}
        | {word for tool in TOOLS for text in tool.descriptions for word in text.split()}
    ),
)
"""All words; a word's number is its place here, and the first is none."""


def _coded(texts: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers of words ``[…, words]`` of nested lists of texts, 0 from the end of each on."""
    numbers = {word: number for number, word in enumerate(WORDS)}
    shape = np.array(texts, object).shape
    flat = [[numbers[word] for word in text.split()] for text in np.ravel(texts)]
    coded = np.zeros((len(flat), max(map(len, flat))), np.int64)
    for row, text in enumerate(flat):
        coded[row, : len(text)] = text
    return coded.reshape(*shape, -1)


_REQUESTS = _coded(_SAID)
_DESCRIPTIONS = _coded([tool.descriptions for tool in TOOLS])
_FAMILY = np.unique([tool.family for tool in TOOLS], return_inverse=True)[1]
_TAKES = np.array([tool.takes for tool in TOOLS])


@dataclass(frozen=True, eq=False)
class ToolBatch:
    """Requests, each with an offer of tools.

    Attributes:
        request: int64 ``[batch, words]``, numbers in ``WORDS``, 0 from its end on; numbers that are
            spoken of are ``HOLE``.
        numbers: int64 ``[batch, 2]``, those numbers; 0 where the request has only one.
        tools: int64 ``[batch, n]``, what is offered, as numbers in ``TOOLS``.
        descriptions: int64 ``[batch, n, words]``, what each is offered by.
        where: int64 ``[batch]``, the place of the tool that is meant.
        answer: int64 ``[batch]``, what that one gives.
        new: bool ``[batch]``, whether the wording of the request is none that training has.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    request: Tensor
    numbers: Tensor
    tools: Tensor
    descriptions: Tensor
    where: Tensor
    answer: Tensor
    new: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


def _make(
    random: np.random.Generator, count: int, number: int, size: int, is_training: bool
) -> ToolBatch:
    rows = np.arange(count)
    meant = random.integers(0, len(TOOLS), count)
    is_near = _FAMILY[meant][:, None] == _FAMILY
    rank = random.random((count, len(TOOLS))) + _NEAR * is_near
    rank[rows, meant] = np.inf
    tools = random.permuted(np.argsort(-rank, axis=1)[:, :size], axis=1)
    where = (tools == meant[:, None]).argmax(1)
    way = random.integers(0, _WAYS, count)
    described = random.integers(0, _WAYS, (count, size))
    # Of the pairs of a request's wording and a description, training has three of four.
    apart = random.integers(1, _WAYS, count) if is_training else np.zeros(count, np.int64)
    described[rows, where] = (apart - way - meant) % _WAYS
    if not is_training:
        is_new = random.random(count) < 0.5
        way = np.where(is_new, _WAYS, way)
    numbers = random.integers(LEAST, MOST + 1, (count, 2))
    numbers[:, 1] *= _TAKES[meant] > 1
    answers = [
        TOOLS[tool](*pair[: TOOLS[tool].takes])
        for tool, pair in zip(meant.tolist(), numbers.tolist(), strict=True)
    ]
    return ToolBatch(
        request=torch.from_numpy(_REQUESTS[meant, way, random.integers(0, len(FRAMES), count)]),
        numbers=torch.from_numpy(numbers),
        tools=torch.from_numpy(tools),
        descriptions=torch.from_numpy(_DESCRIPTIONS[tools, described]),
        where=torch.from_numpy(where),
        answer=torch.tensor(answers),
        new=torch.from_numpy(way == _WAYS),
    )


def _words(coded: Tensor) -> list[str]:
    return [WORDS[word] for word in coded.tolist() if word]


def _describe(batch: ToolBatch, row: int) -> dict[str, Any]:
    numbers = iter(batch.numbers[row].tolist())
    return {
        "tokens": [
            str(next(numbers)) if word == HOLE else word for word in _words(batch.request[row])
        ],
        "memory": [" ".join(_words(text)) for text in batch.descriptions[row]],
        "label": int(batch.answer[row]),
    }


def tooling(size: int) -> GeneratedTask:
    """Requests with an offer of ``size`` tools."""
    held_out = partial(_make, size=size, is_training=False)
    return GeneratedTask(
        name=f"offer-{size}",
        source=f"requests with {size} of {len(TOOLS)} tools that compute with small whole numbers",
        make=partial(_make, size=size, is_training=True),
        describe=_describe,
        facts={"words": len(WORDS), "answers": LARGEST + 1},
        parts={"validation": held_out, "test": held_out},
    )
