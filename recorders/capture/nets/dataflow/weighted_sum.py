"""The net on a softmax over keys whose result multiplies values, however a model spells it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import torch
from torch import Tensor

from recorders.capture.captured import Captured, Check, Host, Ticket
from recorders.capture.nets import verification
from recorders.capture.nets.aside import CannotReadError, hand_over
from recorders.capture.nets.dataflow.arrangement import attention_shape, merged_axes
from recorders.capture.nets.dataflow.marks import Source, Term
from recorders.capture.nets.dataflow.products import Product
from recorders.capture.nets.dataflow.unseen import IN_PARTS, Watched
from recorders.capture.nets.kinds import kind_of

NET = "softmax"

_SUM_TOLERANCE = {torch.float16: 5e-3, torch.bfloat16: 2e-2}


@dataclass(eq=False)
class Softmax(Source):
    """One softmax.

    Attributes:
        scores: what it was computed of, while the model holds that.
        temperature: of a sample from a Gumbel-Softmax distribution; None for a plain softmax.
        original: the scores before noise and temperature, of such a sample.
        captured: whether its attention is recorded, or need not be.
        watched: what is remarked of it where nothing becomes known of it.
    """

    scores: weakref.ref[Tensor]
    temperature: float | None = None
    original: Tensor | None = None
    captured: bool = False
    watched: Watched | None = None

    def settle(self) -> None:
        """Note that it is known what it is: nothing needs to be remarked of it."""
        if self.watched is not None:
            self.watched.settled = True


def capture(host: Host, product: Product, term: Term, softmax: Softmax) -> None:
    """Record the attention that a softmax is, now that it multiplies values.

    Args:
        host: the recorder.
        product: the multiplication.
        term: what the softmax is in the weights.
        softmax: the softmax.
    """
    if softmax.captured:
        return
    if product.mark.cut and product.weights.shape[_key_axis(product)] < product.mark.keys - 1:
        # More than a sink was sliced off: the rest may multiply other values.
        if softmax.watched is not None:
            softmax.watched.finding = IN_PARTS
        return
    softmax.captured = True
    softmax.settle()
    relaxed = softmax.temperature is not None
    ticket = host.wants("choice", suffix=":gumbel_softmax") if relaxed else host.wants(NET)
    if ticket is None:
        return
    if len(product.mark.present) > 1 or term.coefficient != 1:
        host.leave_out(ticket, "several softmaxes are combined before they multiply the values")
        return
    clean = term.own(product.weights)
    tensors = (clean, product.weights, product.values, product.output)
    hand_over(host, ticket, tensors, lambda: _captured(ticket, product, clean, softmax))


def _captured(ticket: Ticket, product: Product, clean: Tensor, softmax: Softmax) -> Captured:
    used, check = _used(ticket, product, clean)
    laid, lead, has_queries = product.lay_out(used)
    shape = attention_shape(
        ticket, lead, laid.shape[-2] if has_queries else None, _fused(product, lead)
    )
    weights = shape.of(laid.detach())
    alive = weights.nan_to_num(0.0) if weights.isnan().any() else weights
    sink = product.mark.cut and used is clean
    if sink:
        alive = _with_sink(alive)
    relaxed = softmax.temperature is not None
    same_length = shape.queries == weights.shape[-1] and shape.queries > 1
    return Captured(
        alive,
        check,
        kind=kind_of(ticket.module, ticket.path, same_length=same_length),
        mechanism="gumbel-softmax" if relaxed else "soft",
        temperature=softmax.temperature,
        sink=sink,
    )


def _used(ticket: Ticket, product: Product, clean: Tensor) -> tuple[Tensor, Check]:
    """The weights to record, and whether they are what the model used.

    Where something but dropout changed the softmax's weights and they still sum to 1 (or to 0,
    where all is masked), they are the distribution that the model used. Otherwise the softmax's
    own are recorded, which the output cannot confirm.
    """
    mark = product.mark
    if mark.dropped:
        return clean, verification.DROPPED
    used = clean
    if mark.lost and not _is_distribution(clean, product, some=True):
        raise CannotReadError("its weights were overwritten in place after the softmax")
    if mark.changes:
        weights = product.weights.detach()
        if not torch.equal(weights.to(clean.dtype), clean):
            if not _is_distribution(weights, product):
                names = ", ".join(dict.fromkeys(mark.changes))
                return clean, Check(reason=f"the weights were changed after the softmax ({names})")
            used = weights
    return used, product.check(used) if ticket.verify else verification.OFF


def _is_distribution(weights: Tensor, product: Product, *, some: bool = False) -> bool:
    """Whether weights sum to 1 or 0 everywhere, and to 1 somewhere if that is asked."""
    axis = _key_axis(product)
    sums = weights.sum(axis, dtype=torch.promote_types(weights.dtype, torch.float32))
    tolerance = _SUM_TOLERANCE.get(weights.dtype, 1e-4)
    whole = (sums - 1).abs() <= tolerance
    if some and not bool(whole.any()):
        return False
    return bool((whole | (sums == 0)).all()) and bool((weights >= 0).all())


def _key_axis(product: Product) -> int:
    return product.axes[0].index(product.key)


def _with_sink(weights: Tensor) -> Tensor:
    """The weights with what lay on the keys that were sliced off as one more last key."""
    exact = weights.to(torch.promote_types(weights.dtype, torch.float32))
    sums = exact.sum(-1, keepdim=True)
    return torch.cat([exact, torch.where(sums > 0, 1 - sums, 0).clamp_min(0)], -1)


def _fused(product: Product, lead: tuple[int, ...]) -> tuple[int, ...] | None:
    """Rows and heads as they were before the model merged them, where that can be known."""
    before = product.mark.lead
    if before is not None and len(before) > len(lead) + 1:
        return before[:-1]
    if len(lead) != 1:
        return None
    return merged_axes(product.weights, lead[0]) or merged_axes(product.values, lead[0])
