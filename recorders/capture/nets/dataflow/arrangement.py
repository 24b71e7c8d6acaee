"""Weights of any layout as [rows, heads, queries, keys]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor, nn

from recorders.capture.captured import Call, Ticket

_HEADS = (
    "num_attention_heads",
    "num_heads",
    "n_heads",
    "n_head",
    "nhead",
    "nheads",
    "heads",
    "h",
    "encoder_attention_heads",
    "decoder_attention_heads",
)


@dataclass(frozen=True)
class Shape:
    """How the axes before the keys become rows, heads and queries.

    Attributes:
        rows: rows of the batch.
        heads: heads.
        queries: queries.
        heads_first: whether the heads come before the rows in memory.
    """

    rows: int
    heads: int
    queries: int
    heads_first: bool = False

    def of(self, tensor: Tensor) -> Tensor:
        """A tensor of [rows and heads …, queries, last] as [rows, heads, queries, last]."""
        last = tensor.shape[-1]
        if self.heads_first:
            laid = tensor.reshape(self.heads, self.rows, self.queries, last)
            return laid.transpose(0, 1)
        return tensor.reshape(self.rows, self.heads, self.queries, last)


def batch_of(call: Call) -> int:
    """Rows of the batch of a pass: of the first tensor that was given; 0 where there is none."""
    return next((tensor.shape[0] for tensor in _inputs(call) if tensor.dim()), 0)


def attention_shape(
    ticket: Ticket, lead: tuple[int, ...], queries: int | None, fused: tuple[int, ...] | None
) -> Shape:
    """Which axes of an attention are rows, heads and queries.

    Two axes before the queries are rows and heads. Of more, the last is the heads and the others
    are rows, as windows are. One axis is the rows, or rows times heads where an earlier form of
    the weights, a view of the operands or the model's own number of heads tells so; where nothing
    tells, each row and head is a row.

    Args:
        ticket: the recorder's leave.
        lead: sizes of the axes before the queries.
        queries: number of queries, None where there is no such axis.
        fused: sizes of rows and heads before they were merged, where that is known.
    """
    batch = batch_of(ticket.call)
    if not lead:
        one_each = queries is not None and queries > 1 and queries == batch
        return Shape(queries or 1, 1, 1) if one_each else Shape(1, 1, queries or 1)
    if len(lead) == 1 and fused is not None and prod(fused) == lead[0]:
        lead = fused
    if len(lead) == 1:
        heads = next(
            (n for n in head_numbers(ticket) if n > 1 and lead[0] % n == 0 and lead[0] != batch),
            1,
        )
        return Shape(lead[0] // heads, heads, queries or 1)
    heads, rows = lead[-1], prod(lead[:-1])
    numbers = head_numbers(ticket)
    if queries is None and len(lead) == 2 and heads not in numbers:
        merged = next((n for n in numbers if n > 1 and rows == n * batch), 1)
        return Shape(rows // merged, merged, heads)
    if len(lead) == 2 and heads == batch != rows and (rows in numbers or rows % batch):
        return Shape(heads, rows, queries or 1, heads_first=True)
    return Shape(rows, heads, queries or 1)


def choice_shape(ticket: Ticket, lead: tuple[int, ...]) -> Shape:
    """Which axes of the scores of a choice are rows, heads and queries.

    Args:
        ticket: the recorder's leave.
        lead: sizes of the axes before the keys. One is the rows of the batch, or rows times
            queries where an input of the model has two such axes; two are rows and queries; three
            are rows, heads and queries; of more, the first ones are rows.
    """
    if not lead:
        return Shape(1, 1, 1)
    if len(lead) <= 2:
        for tensor in _inputs(ticket.call):
            sizes = tensor.shape[:2]
            if len(sizes) == 2 and sizes[0] != lead[0] == sizes.numel():
                return Shape(sizes[0], 1, sizes[1] * prod(lead[1:]))
    if len(lead) == 1:
        return Shape(lead[0], 1, 1)
    if len(lead) == 2:
        return Shape(lead[0], 1, lead[1])
    return Shape(prod(lead[:-2]), lead[-2], lead[-1])


def merged_axes(tensor: Tensor, size: int) -> tuple[int, ...] | None:
    """The two axes that a view merged into the first axis, where torch remembers them."""
    base = tensor._base
    if base is None or base.dim() != tensor.dim() + 1 or base.shape[:2].numel() != size:
        return None
    return tuple(base.shape[:2]) if base.shape[2:] == tensor.shape[1:] else None


def head_numbers(ticket: Ticket) -> list[int]:
    """What the running module and those around it call their number of heads, innermost first."""
    numbers: list[int] = []
    for module in _around(ticket):
        for holder in (module, getattr(module, "config", None)):
            found = (getattr(holder, name, None) for name in _HEADS)
            numbers += [n for n in found if type(n) is int and n > 0 and n not in numbers]
    return numbers


def _around(ticket: Ticket) -> Iterator[nn.Module]:
    if ticket.module is not None:
        yield ticket.module
    outer: Any = ticket.call.module
    path = ticket.path.removeprefix(ticket.call.path).strip(".")
    chain = [outer]
    for name in path.split(".") if path else []:
        outer = getattr(outer, name, None)
        if not isinstance(outer, nn.Module):
            break
        chain.append(outer)
    yield from reversed(chain)


def _inputs(call: Call) -> Iterator[Tensor]:
    for value in call.inputs.values():
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, Tensor))
