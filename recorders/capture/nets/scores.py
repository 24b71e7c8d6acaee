"""The weights of dot-product attention, computed as the layer did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recorders.capture.nets.aside import CannotReadError, NothingAskedError

_MASKED_SHARE = 0.5
# Their kernels read a place of a row for the last time just before they write it.
_IN_PLACE = ("cpu", "cuda")


@dataclass(frozen=True, eq=False)
class Question:
    """What a layer of dot-product attention was given.

    Attributes:
        query: float [rows, heads, queries, depth].
        key: float [rows, key heads, keys, depth]; each key head serves heads / key heads heads, one
            after another. Rows of 1 are shared by all.
        masks: each broadcastable to [rows, heads, queries, keys]: bool, True for what may be
            attended to, or float, added to the scores.
        causal: None, or n where query i attends to no key after i + n.
        scale: factor of the scores; None for 1 / √depth.
        softcap: c where scores s become c·tanh(s / c) before the masks (Gemma 2,
            arXiv:2408.00118, section 2).
        sinks: float [heads], scores of one more key without a value; or None.
    """

    query: Tensor
    key: Tensor
    masks: tuple[Tensor, ...] = ()
    causal: int | None = None
    scale: float | None = None
    softcap: float | None = None
    sinks: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """The weights, and which of them the masks leave.

    Attributes:
        probabilities: float [rows, heads, queries, keys], one key more with sinks; rows sum to 1,
            or to 0 where everything is masked.
        visible: bool, broadcastable to ``probabilities``; None where everything is visible.
        alive: bool, broadcastable to [rows, heads, queries, 1]: where anything is visible; None
            where that is everywhere.
    """

    probabilities: Tensor
    visible: Tensor | None
    alive: Tensor | None


@dataclass(frozen=True)
class Part:
    """Which heads and queries of an attention are kept.

    Attributes:
        n_heads: heads of the layer.
        heads: heads kept; None for all.
        queries: positions kept.
    """

    n_heads: int
    heads: tuple[int, ...] | None
    queries: range

    def of(self, tensor: Tensor, *, queries: bool = True) -> Tensor:
        """The kept part of a tensor; axes of length 1 and whole ones stay as they are.

        Args:
            tensor: [rows, heads, queries, any], or of key heads, each of which serves several.
            queries: whether the third axis is of queries.
        """
        if self.heads is not None and tensor.size(1) > 1:
            group = self.n_heads // tensor.size(1)
            tensor = tensor[:, [head // group for head in self.heads]]
        if queries and tensor.size(2) > 1:
            tensor = tensor[:, :, self.queries.start : self.queries.stop : self.queries.step]
        return tensor


def part(shape: Sequence[int], heads: tuple[int, ...] | None, queries: slice | None) -> Part:
    """What is kept of an attention.

    Args:
        shape: [rows, heads, queries, …] of the layer.
        heads: heads to keep; None for all.
        queries: queries to keep; None for all.

    Raises:
        CannotReadError: the layer has no such head.
        NothingAskedError: it has none of the queries.
    """
    kept = range(shape[2])[queries or slice(None)]
    if heads is not None and max(heads) >= shape[1]:
        raise CannotReadError(f"head {max(heads)} was asked for, but it has {shape[1]}")
    if not kept:
        raise NothingAskedError
    return Part(shape[1], heads, kept)


def answer(question: Question, kept: Part) -> Answer:
    """softmax(q·kᵀ·scale + mask) over the keys (arXiv:1706.03762, equation 1), in float32.

    float64 stays float64. Besides the weights themselves, no array of their size is made.

    Args:
        question: what the layer was given.
        kept: the heads and queries to compute.
    """
    query = kept.of(question.query)
    key = kept.of(question.key, queries=False)
    exact = torch.promote_types(torch.float32, torch.promote_types(query.dtype, key.dtype))
    n_keys = key.size(2)
    rows = max(query.size(0), key.size(0))
    shape = (rows, max(query.size(1), key.size(1)), query.size(2))
    masks = [kept.of(_four_axes(mask)[..., :n_keys]) for mask in question.masks]
    if question.causal is not None:
        masks.append(_causal(kept.queries, n_keys, question.causal, query.device))
    more = 0 if question.sinks is None else 1
    scores = torch.empty(*shape, n_keys + more, dtype=exact, device=query.device)
    added = _additive(masks, exact)
    _fill(scores[..., :n_keys] if more else scores, question, query, key, added)
    if question.sinks is not None:
        sinks = kept.of(question.sinks.reshape(1, -1, 1, 1))
        scores[..., n_keys:] = sinks
    if query.device.type in _IN_PLACE:
        torch.softmax(scores, -1, out=scores)
    else:
        scores = torch.softmax(scores, -1)
    visible = visible_keys(masks)
    if visible is not None and more:
        visible = torch.nn.functional.pad(visible, (0, 1), value=True)
    return _without_dead_rows(scores, visible, ours=True)


def as_given(probabilities: Tensor, masks: Sequence[Tensor], kept: Part) -> Answer:
    """The weights that a layer itself returned, as an answer; they are not changed.

    Args:
        probabilities: float [rows, heads, queries, keys].
        masks: as of a question.
        kept: the heads and queries to keep.
    """
    n_keys = probabilities.size(3)
    parts = [kept.of(_four_axes(mask)[..., :n_keys]) for mask in masks]
    return _without_dead_rows(kept.of(probabilities.detach()), visible_keys(parts), ours=False)


def visible_keys(masks: Sequence[Tensor]) -> Tensor | None:
    """What masks leave to attend to: bool, broadcastable as they are; None for everything.

    What a float mask adds counts as masking where it is at most half of the lowest number of its
    type: masks are made of that number or of -inf, and sums of two of them.
    """
    visible: Tensor | None = None
    for mask in masks:
        if mask.dtype == torch.bool:
            seen = mask
        else:
            seen = mask > _MASKED_SHARE * torch.finfo(mask.dtype).min
            if bool(seen.all()):
                continue
        visible = seen if visible is None else visible & seen
    return visible


def _without_dead_rows(probabilities: Tensor, visible: Tensor | None, *, ours: bool) -> Answer:
    if visible is None:
        return Answer(probabilities, None, None)
    alive = visible.any(-1, keepdim=True)
    if bool(alive.all()):
        return Answer(probabilities, visible, None)
    if ours:
        probabilities.masked_fill_(~alive, 0)
    else:
        probabilities = probabilities.masked_fill(~alive, 0)
    return Answer(probabilities, visible, alive)


def _fill(
    scores: Tensor, question: Question, query: Tensor, key: Tensor, added: Tensor | None
) -> None:
    rows, heads, queries, keys = scores.shape
    groups = heads // key.size(1)
    # The heads that share a key are more queries of it: no key is copied for them.
    stacked = (rows * key.size(1), groups * queries)
    left = query.to(scores.dtype).expand(rows, heads, -1, -1).reshape(*stacked, -1)
    right = key.to(scores.dtype).expand(rows, -1, -1, -1).reshape(stacked[0], keys, -1)
    flat = scores.view(*stacked, keys)
    scale = query.size(-1) ** -0.5 if question.scale is None else float(question.scale)
    cap = question.softcap
    if added is not None and cap is None:
        scores.copy_(added)
        flat.baddbmm_(left, right.transpose(1, 2), alpha=scale)
        return
    flat.baddbmm_(left, right.transpose(1, 2), beta=0, alpha=scale / (cap or 1))
    if cap is not None:
        scores.tanh_().mul_(cap)
        if added is not None:
            scores.add_(added)


def _additive(masks: Sequence[Tensor], exact: torch.dtype) -> Tensor | None:
    """All masks as one that is added."""
    allowed: Tensor | None = None
    total: Tensor | None = None
    for mask in masks:
        if mask.dtype == torch.bool:
            allowed = mask if allowed is None else allowed & mask
        else:
            total = mask.to(exact) if total is None else total + mask.to(exact)
    if allowed is None:
        return total
    if total is None:
        total = torch.zeros((), dtype=exact, device=allowed.device)
    return total.where(allowed, -torch.inf)


def _causal(queries: range, n_keys: int, offset: int, device: torch.device) -> Tensor:
    positions = torch.arange(queries.start, queries.stop, queries.step, device=device)
    keys = torch.arange(n_keys, device=device)
    return (keys <= positions[:, None] + offset)[None, None]


def _four_axes(mask: Tensor) -> Tensor:
    return mask.detach()[(None,) * (4 - mask.dim())]
