"""Choices that let a gradient through: relaxed samples, and straight-through estimators."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from hardattn_models.mechanisms.selection import Selection
from hardattn_models.mechanisms.shared import (
    blended,
    check,
    chosen,
    draw,
    entropy_of,
    gumbel_like,
    log_softmax,
)


def gumbel_softmax(
    logits: Tensor, *, temperature: float = 1.0, generator: torch.Generator | None = None
) -> Selection:
    """A relaxed sample, ``softmax((logits + G) / τ)`` with Gumbel noise G.

    Blends all candidates; nearly one of them where τ is small (Jang et al. 2017, eq. 2; Maddison
    et al. 2017, eq. 9).

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        temperature: τ, above zero; of the sample, not of the distribution.
        generator: source of randomness; torch's global one if not given.

    Returns:
        A ``Selection`` without an index: ``weights`` are the sample, differentiable in
        ``logits``; ``probabilities`` is ``softmax(logits)``, the chance of each to be largest.

    Raises:
        ValueError: as for :func:`soft`.
    """
    check(logits, temperature)
    log_p = torch.log_softmax(logits, -1)
    weights = torch.softmax((logits + gumbel_like(logits, generator)) / temperature, -1)
    p = log_p.exp()
    return blended(p, weights, entropy_of(log_p, p), temperature)


def gumbel_straight_through(
    logits: Tensor, *, temperature: float = 1.0, generator: torch.Generator | None = None
) -> Selection:
    """Forward the largest of ``logits + G``, backward ``softmax((logits + G) / τ)``.

    The choice is an exact draw from ``softmax(logits)``, its gradient is biased (Jang et al. 2017,
    section 2.2).

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        temperature: τ of the gradient, above zero; it does not change the choice.
        generator: source of randomness; torch's global one if not given.

    Returns:
        A ``Selection`` with ``index [..., 1]`` and the log-probability of what was drawn;
        ``weights`` are exactly one-hot and carry the gradient of the relaxed sample.

    Raises:
        ValueError: as for :func:`soft`.
    """
    check(logits, temperature)
    perturbed = logits + gumbel_like(logits, generator)
    hard = chosen(perturbed.argmax(-1, keepdim=True), torch.log_softmax(logits, -1), temperature)
    return replace(hard, weights=_through(hard.weights, torch.softmax(perturbed / temperature, -1)))


def straight_through(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    sample: bool = True,
    generator: torch.Generator | None = None,
) -> Selection:
    """Forward a draw (or the argmax), backward the probabilities (Bengio et al. 2013, section 4).

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        temperature: divides the scores, above zero.
        sample: whether the choice is drawn; else it is the most probable candidate.
        generator: source of randomness; torch's global one if not given.

    Returns:
        A ``Selection`` with ``index [..., 1]``; ``weights`` are exactly one-hot and carry the
        gradient of the probabilities, which is biased.

    Raises:
        ValueError: as for :func:`soft`.
    """
    log_p = log_softmax(logits, temperature)
    index = draw(log_p, generator) if sample else logits.argmax(-1, keepdim=True)
    hard = chosen(index, log_p, temperature)
    return replace(hard, weights=_through(hard.weights, hard.probabilities))


def _through(hard: Tensor, relaxed: Tensor) -> Tensor:
    # In this order what is added is exactly zero, so that the weights stay exactly one-hot.
    return hard.detach() + (relaxed - relaxed.detach())
