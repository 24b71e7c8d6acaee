"""The net on torch's scaled_dot_product_attention, whoever calls it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.bias import CausalBias, CausalVariant

from recorders.capture.captured import Captured, Host, Ticket
from recorders.capture.nets import verification
from recorders.capture.nets.aside import CannotReadError, hand_over, unheard
from recorders.capture.nets.kinds import kind_of
from recorders.capture.nets.mode import Function, Handler, Net
from recorders.capture.nets.scores import Question, answer, part

NET = "sdpa"


@dataclass(frozen=True, eq=False)
class _Call:
    """One call of scaled_dot_product_attention, its arguments by name."""

    query: Tensor
    key: Tensor
    value: Tensor
    attn_mask: Tensor | None = None
    dropout_p: float = 0.0
    is_causal: bool = False
    scale: float | None = None
    enable_gqa: bool = False


_NAMES = tuple(field.name for field in fields(_Call))


class DotProductNet(Net):
    """Captures what ``torch.nn.functional.scaled_dot_product_attention`` attends to.

    Args:
        host: the recorder.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        return {functional.scaled_dot_product_attention: self._attend}

    def _attend(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        ticket = self._host.wants(NET)
        with self._host.muted():
            output = function(*args, **kwargs)
        if ticket is not None:
            named = dict(zip(_NAMES, args, strict=False)) | kwargs
            call = _Call(**{name: named[name] for name in _NAMES if name in named})
            tensors = (call.query, call.key, call.value, call.attn_mask, output)
            with unheard():
                hand_over(self._host, ticket, tensors, lambda: _captured(ticket, call, output))
        return output


def _captured(ticket: Ticket, call: _Call, output: Tensor) -> Captured:
    query, key, value, mask, returned = _four_axes(call, output)
    kept = part((0, max(query.size(1), key.size(1)), query.size(2)), ticket.heads, ticket.queries)
    causal = _causal_offset(call)
    question = Question(
        query,
        key,
        masks=() if mask is None else (mask,),
        causal=causal,
        scale=call.scale,
    )
    found = answer(question, kept)
    if call.dropout_p > 0:
        check = verification.DROPPED
    elif not ticket.verify:
        check = verification.OFF
    else:
        check = verification.check(
            found.probabilities,
            kept.of(value, queries=False),
            kept.of(returned),
            alive=found.alive,
            tolerance=verification.tolerance_of(query, key, value, returned),
            thorough=ticket.thorough,
        )
    return Captured(
        found.probabilities,
        check,
        kind=kind_of(
            ticket.module,
            ticket.path,
            causal=causal is not None,
            same_length=query.size(2) == key.size(2),
        ),
        visible=found.visible,
        n_heads=kept.n_heads if ticket.heads else 0,
        first_query=kept.queries.start,
        query_stride=kept.queries.step,
    )


def _causal_offset(call: _Call) -> int | None:
    mask = call.attn_mask
    if isinstance(mask, CausalBias):
        lower_right = mask.variant == CausalVariant.LOWER_RIGHT
        return mask.seq_len_kv - mask.seq_len_q if lower_right else 0
    return 0 if call.is_causal else None


def _four_axes(call: _Call, output: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]:
    """Query, key, value, mask and output as [rows, heads, …]; all leading axes become rows."""
    query, key, value = call.query, call.key, call.value
    mask = None if isinstance(call.attn_mask, CausalBias) else call.attn_mask
    axes = query.dim()
    if axes < 2 or key.dim() != axes or value.dim() != axes:
        raise CannotReadError(
            f"its query has {axes} axes, its key {key.dim()} and its value {value.dim()}; "
            "give all three as [rows, heads, items, depth]"
        )
    if axes < 4:
        # torch calls the first of three axes the batch, so there is one head.
        query, key, value, output = (
            t[(None,) * (3 - axes)][:, None] for t in (query, key, value, output)
        )
        if mask is not None and mask.dim() == 3:
            mask = mask[:, None]
        return query, key, value, mask, output
    if axes == 4:
        return query, key, value, mask, output
    if axes == 5 and _shared_heads(key):
        return _grouped(query, key, value, mask, output)
    leading = torch.broadcast_shapes(  # type: ignore[no-untyped-call]
        query.shape[:-3], key.shape[:-3], value.shape[:-3]
    )
    query, key, value = (t.expand(*leading, -1, -1, -1).flatten(0, -4) for t in (query, key, value))
    if mask is not None and mask.dim() > 3:
        mask = mask.expand(*leading, -1, -1, -1).flatten(0, -4)
    return query, key, value, mask, output.flatten(0, -4)


def _shared_heads(key: Tensor) -> bool:
    """Whether [rows, key heads, group, keys, depth] holds one key for all heads of a group."""
    return key.size(2) == 1 or key.stride(2) == 0


def _grouped(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, output: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]:
    if mask is not None and mask.dim() == 5:
        if mask.size(1) != 1 or mask.size(2) != 1:
            mask = mask.expand(-1, query.size(1), query.size(2), -1, -1)
        mask = mask.flatten(1, 2)
    value = value[:, :, 0] if _shared_heads(value) else value.flatten(1, 2)
    return query.flatten(1, 2), key[:, :, 0], value, mask, output.flatten(1, 2)
