"""Choices of several candidates: the k best or k drawn, alone or blended."""

from __future__ import annotations

import torch
from torch import Tensor

from hardattn_models.mechanisms.selection import Selection
from hardattn_models.mechanisms.shared import entropy_of, gumbel_like, log_softmax


def top_k(
    logits: Tensor,
    *,
    k: int,
    temperature: float = 1.0,
    sample: bool = False,
    generator: torch.Generator | None = None,
) -> Selection:
    """Take the k best candidates, or draw k without replacement, each with the weight 1/k.

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        k: how many, 1 to n; rows must leave as many.
        temperature: divides the scores, above zero.
        sample: whether they are drawn, by Gumbel-top-k (Kool et al. 2019, "Stochastic beams and
            where to find them"), rather than the best.
        generator: source of randomness; torch's global one if not given.

    Returns:
        A ``Selection`` with ``index [..., k]``, best (or drawn) first. ``log_prob`` is that of
        drawing these one after another without replacement (Plackett–Luce), also where they were
        not drawn.

    Raises:
        ValueError: as for :func:`soft`, or k does not fit.
    """
    log_p = log_softmax(logits, temperature)
    index = _taken(log_p, k, sample, generator)
    weights = torch.zeros_like(log_p).scatter(-1, index, 1.0 / k)
    return _several(index, weights, log_p, temperature)


def hybrid(
    logits: Tensor,
    *,
    k: int,
    gate: Tensor | float = 1.0,
    temperature: float = 1.0,
    sample: bool = False,
    generator: torch.Generator | None = None,
) -> Selection:
    """Choose k candidates hard, and blend those k softly.

    The weights are the probabilities of the chosen ones, scaled to sum to 1. With a ``gate`` below
    1 they are mixed with soft attention over all: ``gate · chosen + (1 − gate) · p``.

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        k: how many, 1 to n; rows must leave as many.
        gate: share of the chosen, in [0, 1]; a number or ``[...]``, for example learned by a
            sigmoid.
        temperature: divides the scores, above zero.
        sample: whether the k are drawn rather than the best.
        generator: source of randomness; torch's global one if not given.

    Returns:
        A ``Selection`` with ``index [..., k]``; ``weights`` are differentiable in ``logits``
        and ``gate``; ``log_prob`` as of :func:`top_k`.

    Raises:
        ValueError: as for :func:`top_k`, or the gate leaves [0, 1].
    """
    log_p = log_softmax(logits, temperature)
    index = _taken(log_p, k, sample, generator)
    p = log_p.exp()
    share = p.gather(-1, index)
    blend = torch.zeros_like(p).scatter(-1, index, share / share.sum(-1, keepdim=True))
    at = torch.as_tensor(gate, dtype=p.dtype, device=p.device)
    if bool(((at < 0) | (at > 1) | at.isnan()).any()):
        raise ValueError("gate must lie in [0, 1]; put a sigmoid before it")
    at = at.unsqueeze(-1) if at.ndim else at
    mixed = bool((at < 1).any())
    return _several(index, at * blend + (1 - at) * p, log_p, temperature, blends=mixed)


def _taken(log_p: Tensor, k: int, sample: bool, generator: torch.Generator | None) -> Tensor:
    n = log_p.shape[-1]
    if not 1 <= k <= n:
        raise ValueError(f"k is {k}; of {n} candidates it must be 1 to {n}")
    if bool(((~log_p.isneginf()).sum(-1) < k).any()):
        raise ValueError(f"a row leaves fewer than k = {k} candidates; rule out fewer")
    scores = log_p.detach() + gumbel_like(log_p, generator) if sample else log_p.detach()
    return scores.topk(k, -1).indices


def _several(
    index: Tensor, weights: Tensor, log_p: Tensor, temperature: float, blends: bool = False
) -> Selection:
    p = log_p.exp()
    picked = log_p.gather(-1, index)
    # What is left to draw from after each draw; rounding must not leave less than nothing.
    before = picked.exp().cumsum(-1) - picked.exp()
    left = torch.log1p(-before.clamp(max=1 - torch.finfo(p.dtype).eps))
    return Selection(
        probabilities=p,
        index=index,
        weights=weights,
        log_prob=(picked - left).sum(-1),
        entropy=entropy_of(log_p, p),
        temperature=float(temperature),
        blends=blends,
    )
