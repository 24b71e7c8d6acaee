"""Explainers that read what a model attends to: heads, layers, rollout, flow, norms, gradients.

Layers are the attentions of one pass and, like heads, counted from 0. Each explainer reads the
row of the query that the answer is read from, and an item's score is the sum over its positions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hardattn_viewer.faithfulness.attending import Call
from hardattn_viewer.faithfulness.engine import Engine, quiet_run, read_tensor
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.observing import (
    Observed,
    length_of,
    observe,
    pooled_mass,
    positions_of,
    queries_read,
    whole_row,
)
from hardattn_viewer.faithfulness.subject import Floats, Query, Subject
from hardattn_viewer.measures import attention_flow, rollout

ROLLOUT = "Abnar & Zuidema 2020, arXiv:2005.00928"
NORMS = "Kobayashi et al. 2020, arXiv:2004.10102"
RELEVANCE = "Chefer et al. 2021, arXiv:2103.15679"

FLOW_WORK = 2_000_000
"""Edges times inputs times queries up to which flow is found; some seconds."""


class Passes:
    """The last pass of a model, for explainers that read different parts of the same one.

    As the engine, it takes the model to be the same as long as the engine is.
    """

    def __init__(self) -> None:
        self._last: tuple[Engine, int, Observed] | None = None

    def of(self, asked: Asked) -> Observed:
        """What was heard when the model ran on the example."""
        last = self._last
        if last is not None and last[0] is asked.engine and last[1] == asked.example:
            return last[2]
        subject = asked.engine.subject
        with quiet_run():
            observed = observe(subject, [whole_row(subject, asked.example)])
        self._last = (asked.engine, asked.example, observed)
        return observed


def attention_explainers(
    subject: Subject, query: Query = 0, *, heads: bool = True
) -> list[Explainer]:
    """All explainers of this file that a model has, by one pass over its first example.

    Args:
        subject: a model whose attention goes through ``scaled_dot_product_attention``.
        query: where its answer is read from.
        heads: whether each head has one of its own; there may be hundreds.

    Raises:
        AttendingError: there is no such attention in it.
    """
    with quiet_run():
        counts = [call.heads for call in observe(subject, [whole_row(subject, 0)]).calls]
    passes = Passes()
    found = [
        attention(query, passes=passes),
        attention(query, over="max", passes=passes),
        attention_rollout(query, passes=passes),
        flow(query, passes=passes),
        norm_weighted(query, passes=passes),
        gradient_attention(query),
    ]
    for layer, count in enumerate(counts):
        found.append(attention(query, layer=layer, passes=passes))
        found.append(norm_weighted(query, layer=layer, passes=passes))
        found += [
            attention(query, layer=layer, head=head, passes=passes)
            for head in range(count if heads else 0)
        ]
    return found


def attention(
    query: Query = 0,
    *,
    layer: int | None = None,
    head: int | None = None,
    over: str = "mean",
    passes: Passes | None = None,
) -> Explainer:
    """Attention itself: of one head, of a layer (mean of its heads), or over all heads.

    Args:
        query: where the answer is read from.
        layer: whose; None for all.
        head: whose of a layer; None for all.
        over: "mean" or "max" of the heads, where there are several.
        passes: shared with other explainers of the same model.

    Raises:
        ValueError: a head without a layer, or heads put together in another way.
    """
    if head is not None and layer is None:
        raise ValueError("a head is named together with its layer")
    if over not in ("mean", "max"):
        raise ValueError(f"heads are put together by mean or max, not {over!r}")
    shared = passes or Passes()

    def explain(asked: Asked) -> Floats:
        calls = _chosen(shared.of(asked), layer)
        by_head = [_rows(asked, call.probabilities, query) for call in calls]
        if head is not None:
            return np.asarray(by_head[0][_known_head(head, calls[0].heads)])
        if over == "max":
            return np.asarray(np.concatenate(by_head).max(0))
        # Layers of many heads would outweigh others in a mean over all heads at once.
        return np.asarray(np.mean([rows.mean(0) for rows in by_head], 0))

    which = f"L{layer}" + ("" if head is None else f"H{head}") if layer is not None else over
    if layer is not None and over == "max":
        which += " max"
    return Explainer(
        f"attention {which}", "attention", "mass that the answer's query puts on it", "", explain
    )


def attention_rollout(
    query: Query = 0, *, residual: float = 0.5, passes: Passes | None = None
) -> Explainer:
    """Rollout over all layers, see :func:`hardattn_viewer.measures.rollout`."""
    shared = passes or Passes()

    def explain(asked: Asked) -> Floats:
        found = rollout(_square_maps(asked, shared), residual=residual)
        rows = found[queries_read(query, len(found))].mean(0)
        return pooled_mass(rows, positions_of(asked.engine.subject, asked.example))

    return Explainer(
        "attention rollout",
        "attention",
        "product of all layers' attention, with the residual stream",
        ROLLOUT,
        explain,
    )


def flow(query: Query = 0, *, residual: float = 0.5, passes: Passes | None = None) -> Explainer:
    """Largest flow through all layers, see :func:`hardattn_viewer.measures.attention_flow`."""
    shared = passes or Passes()

    def explain(asked: Asked) -> Floats:
        maps = _square_maps(asked, shared)
        count = maps[0].shape[-1]
        queries = queries_read(query, count)
        if len(maps) * count**3 * len(queries) > FLOW_WORK:
            raise UndefinedError(
                f"flow is not computed for {len(maps)} layers of {count} positions and "
                f"{len(queries)} queries, which would take minutes; rollout is"
            )
        found = [attention_flow(maps, query=one, residual=residual) for one in queries]
        return pooled_mass(np.mean(found, 0), positions_of(asked.engine.subject, asked.example))

    return Explainer(
        "attention flow",
        "attention",
        "the most that flows from it through all layers' attention",
        ROLLOUT,
        explain,
    )


def norm_weighted(
    query: Query = 0,
    *,
    layer: int | None = None,
    head: int | None = None,
    passes: Passes | None = None,
) -> Explainer:
    """Norms of what attention brings, ‖Σ_h α_j f(x_j)‖: weights times values, projected.

    Of one head the norm of its own part; of a layer the norm of the sum of its heads, as in the
    paper; over all layers their mean. The bias of the output projection, the residual stream
    and layer normalisation are left out, as in the paper.

    Args:
        query: where the answer is read from.
        layer: whose; None for all.
        head: whose of a layer; None for the sum of all.
        passes: shared with other explainers of the same model.

    Raises:
        ValueError: a head without a layer.
    """
    if head is not None and layer is None:
        raise ValueError("a head is named together with its layer")
    shared = passes or Passes()

    def explain(asked: Asked) -> Floats:
        found = [_norms(asked, call, query, head) for call in _chosen(shared.of(asked), layer)]
        return np.asarray(np.mean(found, 0))

    which = "mean" if layer is None else f"L{layer}" + ("" if head is None else f"H{head}")
    return Explainer(
        f"norm-weighted {which}", "attention", "norm of what attention brings of it", NORMS, explain
    )


def gradient_attention(query: Query = 0, *, layer: int | None = None) -> Explainer:
    """Attention times the gradient of the explained output by it, its positive part.

    Of a layer the mean over heads of ``max(0, A · ∂y/∂A)`` in the row that is read; over all layers
    the relevance ``R ← R + Ā R`` that they propagate from the identity up (Chefer et al. 2021,
    equations 5 and 6).

    Args:
        query: where the answer is read from.
        layer: whose; None for the relevance over all.
    """

    def explain(asked: Asked) -> Floats:
        observed = _with_gradients(asked)
        positive = _positive_parts(asked, observed)
        positions = positions_of(asked.engine.subject, asked.example)
        if layer is not None:
            at = _known_layer(layer, len(positive))
            return np.asarray(_rows(asked, positive[at][None], query).mean(0))
        _check_square(asked, positive)
        relevance = torch.eye(positive[0].shape[-1], dtype=torch.double)
        for part in positive:
            relevance = relevance + part.mean(0).double() @ relevance
        rows = relevance[queries_read(query, len(relevance))].mean(0)
        # The identity is where it begins, and no item's merit.
        start = torch.eye(len(relevance), dtype=torch.double)[queries_read(query, len(relevance))]
        return pooled_mass(rows - start.mean(0), positions)

    return Explainer(
        "gradient × attention" + ("" if layer is None else f" L{layer}"),
        "attention",
        "positive part of attention times its gradient"
        + (", through all layers" if layer is None else ""),
        RELEVANCE,
        explain,
    )


def _with_gradients(asked: Asked) -> Observed:
    subject = asked.engine.subject
    with quiet_run(), torch.enable_grad():
        # Only weights that the output is computed from have a gradient, and those of a model whose
        # parameters are frozen begin one.
        return observe(
            subject,
            [whole_row(subject, asked.example)],
            lambda call, p: p if p.requires_grad else p.clone().requires_grad_(),
        )


def _positive_parts(asked: Asked, observed: Observed) -> list[Tensor]:
    """``max(0, A · ∂y/∂A)`` of each attention, ``[heads, queries, keys]``."""
    engine = asked.engine
    weights = [call.weights for call in observed.calls if call.weights is not None]
    read = read_tensor(observed.outputs, engine.reading, asked.target)
    if not read.requires_grad:
        raise UndefinedError("the output has no gradient by what the model attends to")
    found = torch.autograd.grad(read.sum(), weights, allow_unused=True)
    return [
        torch.zeros_like(one[0]) if slope is None else (one * slope).clamp_min(0).detach()[0]
        for one, slope in zip(weights, found, strict=True)
    ]


def _rows(asked: Asked, found: Tensor, query: Query) -> Floats:
    """The row that is read of ``[1, heads, queries, keys]``, by head and item."""
    subject = asked.engine.subject
    length = length_of(subject, asked.example)
    if found.shape[-1] != length:
        raise UndefinedError(
            f"an attention has {found.shape[-1]} keys where the example has {length} positions, so "
            "that what it attends to is not known to be its items"
        )
    rows = found[0, :, queries_read(query, found.shape[-2])].mean(1)
    return pooled_mass(rows, positions_of(subject, asked.example))


def _norms(asked: Asked, call: Call, query: Query, head: int | None) -> Floats:
    chosen = slice(None) if head is None else [_known_head(head, call.heads)]
    weights, written = call.probabilities[0, chosen], call.written[0, chosen]
    each = [
        torch.linalg.vector_norm(torch.einsum("hk,hko->ko", weights[:, at], written), dim=-1)
        for at in queries_read(query, weights.shape[-2])
    ]
    # One head and one query, as far as pooling is concerned.
    return np.asarray(_rows(asked, torch.stack(each).mean(0)[None, None, None], 0)[0])


def _square_maps(asked: Asked, passes: Passes) -> list[Floats]:
    observed = passes.of(asked)
    _check_square(asked, [call.probabilities[0] for call in observed.calls])
    return observed.maps(0)


def _check_square(asked: Asked, maps: list[Tensor]) -> None:
    length = length_of(asked.engine.subject, asked.example)
    for at, one in enumerate(maps):
        if one.shape[-2:] != (length, length):
            raise UndefinedError(
                f"attention adds up over layers only where each maps the {length} positions to "
                f"themselves; attention {at} maps {one.shape[-1]} to {one.shape[-2]}"
            )


def _chosen(observed: Observed, layer: int | None) -> list[Call]:
    if layer is None:
        return observed.calls
    return [observed.calls[_known_layer(layer, len(observed.calls))]]


def _known_layer(layer: int, count: int) -> int:
    return _known("layer", "the model", layer, count)


def _known_head(head: int, count: int) -> int:
    return _known("head", "the layer", head, count)


def _known(what: str, where: str, at: int, count: int) -> int:
    if not 0 <= at < count:
        raise UndefinedError(f"there is no {what} {at}: {where} has {count}, from 0")
    return at
