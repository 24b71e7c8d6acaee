"""The four plainest ways to attend: blend, take the best, draw, draw blindly."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hardattn_models.mechanisms.selection import Selection


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
    log_probabilities = _log_softmax(logits, temperature)
    probabilities = log_probabilities.exp()
    return Selection(
        probabilities=probabilities,
        index=None,
        weights=probabilities,
        log_prob=torch.zeros_like(probabilities[..., 0]),
        entropy=_entropy(log_probabilities, probabilities),
        temperature=float(temperature),
    )


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
    log_probabilities = _log_softmax(logits, temperature)
    return _chosen(logits.argmax(-1, keepdim=True), log_probabilities, temperature)


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
    log_probabilities = _log_softmax(logits, temperature)
    return _chosen(_draw(log_probabilities, generator), log_probabilities, temperature)


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
    _check(logits, temperature)
    level = torch.zeros_like(logits).masked_fill(logits.isneginf(), -math.inf)
    log_probabilities = torch.log_softmax(level, -1)
    return _chosen(_draw(log_probabilities, generator), log_probabilities, temperature)


def _check(logits: Tensor, temperature: float) -> None:
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating point, not {logits.dtype}")
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits must be [..., n] with n of at least 1, not {tuple(logits.shape)}")
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature must be a finite number above zero, not {temperature}")
    # The largest score of a row is NaN, +inf or -inf exactly when the row is unusable.
    if not bool(logits.detach().amax(-1).isfinite().all()):
        raise ValueError("logits hold NaN, +inf or a row that rules out every candidate")


def _log_softmax(logits: Tensor, temperature: float) -> Tensor:
    _check(logits, temperature)
    return torch.log_softmax(logits / temperature, -1)


def _entropy(log_probabilities: Tensor, probabilities: Tensor) -> Tensor:
    # 0 · log 0 is 0 here; filling before multiplying keeps NaN out of the gradient too.
    finite = log_probabilities.masked_fill(log_probabilities.isneginf(), 0.0)
    # Rounding can leave a sharp distribution at −1e-8.
    return -(probabilities * finite).sum(-1).clamp(max=0.0)


def _draw(log_probabilities: Tensor, generator: torch.Generator | None) -> Tensor:
    probabilities = log_probabilities.detach().exp()
    n = probabilities.shape[-1]
    flat = torch.multinomial(probabilities.reshape(-1, n), 1, generator=generator)
    return flat.reshape(*probabilities.shape[:-1], 1)


def _chosen(index: Tensor, log_probabilities: Tensor, temperature: float) -> Selection:
    probabilities = log_probabilities.exp()
    return Selection(
        probabilities=probabilities,
        index=index,
        weights=torch.zeros_like(probabilities).scatter(-1, index, 1.0),
        log_prob=log_probabilities.gather(-1, index).squeeze(-1),
        entropy=_entropy(log_probabilities, probabilities),
        temperature=float(temperature),
    )
