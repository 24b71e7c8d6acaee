"""The four plainest ways to attend: blend, take the best, draw, draw blindly."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hardattn_models.mechanisms.selection import Selection
from hardattn_models.mechanisms.shared import (
    blended,
    check,
    chosen,
    draw,
    entropy_of,
    log_softmax,
)


def soft(logits: Tensor, *, temperature: float = 1.0) -> Selection:
    """Blend all candidates by their softmax probability (Bahdanau et al. 2015, eq. 5–6).

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        temperature: divides the scores, above zero; small sharpens, large flattens.

    Returns:
        A ``Selection`` with no index, weights equal to the probabilities and ``log_prob`` zero;
        differentiable in ``logits``.

    Raises:
        ValueError: if ``logits`` is not floating, is empty, holds NaN or ``+inf`` or a row of
            ``-inf`` only, or if ``temperature`` is not a finite number above zero.
    """
    log_probabilities = log_softmax(logits, temperature)
    probabilities = log_probabilities.exp()
    entropy = entropy_of(log_probabilities, probabilities)
    return blended(probabilities, probabilities, entropy, temperature)


def argmax(logits: Tensor, *, temperature: float = 1.0) -> Selection:
    """Take the candidate with the highest score; the first of them where several are equal.

    No gradient passes from the chosen value to the logits.

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        temperature: divides the scores, above zero; changes the probabilities, not the choice.

    Returns:
        A ``Selection`` with ``index [..., 1]``, one-hot weights, and as ``log_prob`` the log of
        the softmax probability of the candidate taken.

    Raises:
        ValueError: as for :func:`soft`.
    """
    log_probabilities = log_softmax(logits, temperature)
    return chosen(logits.argmax(-1, keepdim=True), log_probabilities, temperature)


def sampled(
    logits: Tensor, *, temperature: float = 1.0, generator: torch.Generator | None = None
) -> Selection:
    """Draw one candidate from the softmax of the scores: stochastic hard attention.

    The draw is not differentiable. ``log_prob`` is, which is what REINFORCE needs
    (Williams 1992; Mnih et al. 2014; Xu et al. 2015, section 4.1).

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        temperature: divides the scores, above zero.
        generator: source of randomness; torch's global one if not given.

    Returns:
        A ``Selection`` with ``index [..., 1]``, one-hot weights and the log-probability of the
        candidate drawn.

    Raises:
        ValueError: as for :func:`soft`.
    """
    log_probabilities = log_softmax(logits, temperature)
    return chosen(draw(log_probabilities, generator), log_probabilities, temperature)


def uniform(
    logits: Tensor, *, temperature: float = 1.0, generator: torch.Generator | None = None
) -> Selection:
    """Draw one candidate blindly, all equally likely: the control for any learned choice.

    Args:
        logits: ``[..., n]``; only its shape and its ``-inf`` (candidates ruled out) are used.
        temperature: kept in the result for symmetry; it has no effect on equal chances.
        generator: source of randomness; torch's global one if not given.

    Returns:
        A ``Selection`` with ``index [..., 1]``, one-hot weights and ``log_prob = −log m``, m
        being the number of candidates not ruled out. Nothing in it depends on ``logits``
        otherwise, so no gradient reaches them.

    Raises:
        ValueError: as for :func:`soft`.
    """
    check(logits, temperature)
    level = torch.zeros_like(logits).masked_fill(logits.isneginf(), -math.inf)
    log_probabilities = torch.log_softmax(level, -1)
    return chosen(draw(log_probabilities, generator), log_probabilities, temperature)
