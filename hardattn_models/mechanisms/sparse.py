"""Soft attention that gives most candidates exactly nothing: sparsemax and 1.5-entmax."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from hardattn_models.mechanisms.selection import Selection
from hardattn_models.mechanisms.shared import blended, check


def sparsemax(logits: Tensor, *, temperature: float = 1.0) -> Selection:
    """The point of the simplex nearest to the scores (Martins & Astudillo 2016, eq. 1, alg. 1).

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        temperature: divides the scores, above zero.

    Returns:
        A ``Selection`` without an index; probabilities are its weights, many of them exactly 0.

    Raises:
        ValueError: as for :func:`soft`.
    """
    check(logits, temperature)
    return _blend(_apply(_Sparsemax, logits / temperature), temperature)


def entmax15(logits: Tensor, *, temperature: float = 1.0) -> Selection:
    """1.5-entmax, between softmax and sparsemax (Peters, Niculae & Martins 2019, alg. 2).

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        temperature: divides the scores, above zero.

    Returns:
        A ``Selection`` without an index; probabilities are its weights, many of them exactly 0.

    Raises:
        ValueError: as for :func:`soft`.
    """
    check(logits, temperature)
    return _blend(_apply(_Entmax15, logits / temperature), temperature)


def _blend(p: Tensor, temperature: float) -> Selection:
    # Of a candidate with nothing the logarithm is kept finite, or its gradient would be NaN.
    entropy = -(p * p.clamp_min(torch.finfo(p.dtype).tiny).log()).sum(-1).clamp(max=0.0)
    return blended(p, p, entropy, temperature)


def _apply(function: type[torch.autograd.Function], scores: Tensor) -> Tensor:
    # Torch does not say what apply() takes and returns.
    found: Tensor = cast("Any", function).apply(scores)
    return found


class _Sparsemax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        ordered = scores.sort(-1, descending=True).values
        # A candidate that is ruled out never counts; minus infinity would make NaN of the sums.
        ordered = ordered.clamp_min(ordered[..., :1] - 2)
        rank = torch.arange(1, scores.shape[-1] + 1, dtype=scores.dtype, device=scores.device)
        sums = ordered.cumsum(-1)
        size = (1 + rank * ordered > sums).sum(-1, keepdim=True)
        threshold = (sums.gather(-1, size - 1) - 1) / size
        p = (scores - threshold).clamp_min(0)
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (p,) = ctx.saved_tensors
        support = (p > 0).to(p.dtype)
        mean = (slope * support).sum(-1, keepdim=True) / support.sum(-1, keepdim=True)
        found: Tensor = support * (slope - mean)
        return found


class _Entmax15(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        # p = max(scores / 2 − threshold, 0)².
        half = (scores - scores.amax(-1, keepdim=True)) / 2
        ordered = half.sort(-1, descending=True).values.clamp_min(-2)
        rank = torch.arange(1, scores.shape[-1] + 1, dtype=scores.dtype, device=scores.device)
        mean = ordered.cumsum(-1) / rank
        spread = rank * (ordered.square().cumsum(-1) / rank - mean.square())
        found = mean - ((1 - spread) / rank).clamp_min(0).sqrt()
        size = (found <= ordered).sum(-1, keepdim=True)
        p = (half - found.gather(-1, size - 1)).clamp_min(0).square()
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (p,) = ctx.saved_tensors
        root = p.sqrt()
        mean = (slope * root).sum(-1, keepdim=True) / root.sum(-1, keepdim=True)
        found: Tensor = root * (slope - mean)
        return found
