"""What a subject's model attends to on a variant of an example, padding cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hardattn_viewer.faithfulness.attending import Attending, Call, Change
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.subject import Floats, Query, Row, Subject
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.tokens import TokenSubject


@dataclass(frozen=True, eq=False)
class Observed:
    """One pass of a model over some rows.

    Attributes:
        outputs: ``[rows, outputs]``.
        calls: its attentions, in the order in which they ran, padding and all.
        lengths: positions of each row that are no padding.
        width: positions of the batch, padding included.
    """

    outputs: Tensor
    calls: list[Call]
    lengths: tuple[int, ...]
    width: int

    def maps(self, row: int) -> list[Floats]:
        """Probabilities of each attention, ``[heads, queries, keys]``, without padding."""
        return [
            self.cut(call.probabilities[row], row).detach().double().numpy() for call in self.calls
        ]

    def cut(self, found: Tensor, row: int) -> Tensor:
        """Queries and keys of ``[..., queries, keys]`` that are no padding in a row."""
        for axis in (-2, -1):
            if found.shape[axis] == self.width:
                found = found.narrow(axis, 0, self.lengths[row])
        return found


def observe(
    subject: Subject,
    rows: Sequence[Row],
    change: Change | None = None,
    *,
    site: int | None = None,
    heads: Sequence[int] | None = None,
) -> Observed:
    """Run a model on rows in one batch, and hear what it attends to.

    Gradients are kept unless torch was told not to.

    Args:
        subject: the model with its examples.
        rows: variants of examples.
        change: what chosen heads weigh by instead, see :class:`Attending`.
        site: whose weights are changed; None for all.
        heads: whose weights are changed; None for all.

    Raises:
        AttendingError: there is no attention, or not the one or the head that is named.
        UndefinedError: the model went over the batch in several passes, so that its attentions
            cannot be told apart by row.
    """
    with Attending(change, site=site, heads=heads, keep=True) as heard:
        outputs = subject.run(rows)
    for call in heard.kept:
        if call.output.ndim != 4 or len(call.output) != len(rows):
            raise UndefinedError(
                f"attention {call.site} answers {tuple(call.output.shape)} for {len(rows)} rows; "
                "only [batch, heads, queries, width] with one entry a row can be read"
            )
    lengths = tuple(
        int(subject.lengths(row.example, row.mask[None], row.operator)[0]) for row in rows
    )
    return Observed(outputs, heard.kept, lengths, max(lengths))


def whole_row(subject: Subject, example: int) -> Row:
    """An example with nothing removed."""
    return Row(example, bytes([1]) * subject.items(example))


def positions_of(subject: Subject, example: int) -> list[list[int]]:
    """The positions of each item that attention goes by; items of arrays are positions themselves.

    Raises:
        UndefinedError: the subject does not say which positions its items are, as with regions of
            a picture, which a model may cut up in its own way.
    """
    if isinstance(subject, TokenSubject):
        return [list(item) for item in subject.texts[example].items]
    if isinstance(subject, ArraySubject):
        return [[item] for item in range(subject.items(example))]
    raise UndefinedError("which of the positions that are attended to make up an item is not known")


def length_of(subject: Subject, example: int) -> int:
    """Positions that an example takes, those that are no items included."""
    everything = np.ones((1, subject.items(example)), bool)
    return int(subject.lengths(example, everything, "")[0])


def queries_read(query: Query, queries: int) -> list[int]:
    """The rows that the answer is read from, of an attention of some queries.

    An attention of one query is always read there.

    Raises:
        UndefinedError: there is no such position.
    """
    if queries == 1:
        return [0]
    if query == "mean":
        return list(range(queries))
    at = queries - 1 if query == "last" else query
    if not 0 <= at < queries:
        raise UndefinedError(f"the answer is read from position {at}, and there are {queries}")
    return [at]


def pooled_mass(found: Floats | Tensor, positions: Sequence[Sequence[int]]) -> Floats:
    """What each item receives: the sum over its positions on the last axis, ``[..., items]``."""
    mass = found.detach().double().numpy() if isinstance(found, torch.Tensor) else found
    return np.stack([mass[..., list(item)].sum(-1) for item in positions], axis=-1)
