"""What several mechanisms compute alike: checks, entropies, draws, and finished choices."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hardattn_models.mechanisms.selection import Selection


def check(logits: Tensor, temperature: float) -> None:
    """That scores can be chosen among.

    Raises:
        ValueError: they are not floating, are empty, hold NaN or ``+inf`` or a row of ``-inf``
            only, or the temperature is not a finite number above zero.
    """
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating point, not {logits.dtype}")
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits must be [..., n] with n of at least 1, not {tuple(logits.shape)}")
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature must be a finite number above zero, not {temperature}")
    # The largest score of a row is NaN, +inf or -inf exactly when the row is unusable.
    if not bool(logits.detach().amax(-1).isfinite().all()):
        raise ValueError("logits hold NaN, +inf or a row that rules out every candidate")


def log_softmax(logits: Tensor, temperature: float) -> Tensor:
    """Log-probabilities of checked scores, in nats."""
    check(logits, temperature)
    return torch.log_softmax(logits / temperature, -1)


def entropy_of(log_probabilities: Tensor, probabilities: Tensor) -> Tensor:
    """Entropy [...] in nats."""
    # 0 · log 0 is 0 here; filling before multiplying keeps NaN out of the gradient too.
    finite = log_probabilities.masked_fill(log_probabilities.isneginf(), 0.0)
    # Rounding can leave a sharp distribution at −1e-8.
    return -(probabilities * finite).sum(-1).clamp(max=0.0)


def draw(log_probabilities: Tensor, generator: torch.Generator | None) -> Tensor:
    """One candidate of each row, [..., 1]."""
    probabilities = log_probabilities.detach().exp()
    n = probabilities.shape[-1]
    flat = torch.multinomial(probabilities.reshape(-1, n), 1, generator=generator)
    return flat.reshape(*probabilities.shape[:-1], 1)


def gumbel_like(logits: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard Gumbel noise shaped as ``logits``."""
    noise = torch.empty_like(logits.detach()).exponential_(generator=generator)
    # A draw of exactly zero would be an infinite Gumbel.
    return -noise.clamp_min(torch.finfo(noise.dtype).tiny).log()


def chosen(index: Tensor, log_probabilities: Tensor, temperature: float) -> Selection:
    """A choice of one candidate, ``index [..., 1]``, with one-hot weights."""
    probabilities = log_probabilities.exp()
    return Selection(
        probabilities=probabilities,
        index=index,
        weights=torch.zeros_like(probabilities).scatter(-1, index, 1.0),
        log_prob=log_probabilities.gather(-1, index).squeeze(-1),
        entropy=entropy_of(log_probabilities, probabilities),
        temperature=float(temperature),
    )


def blended(
    probabilities: Tensor, weights: Tensor, entropy: Tensor, temperature: float
) -> Selection:
    """A weighting of all candidates, of which none was chosen."""
    return Selection(
        probabilities=probabilities,
        index=None,
        weights=weights,
        log_prob=torch.zeros_like(probabilities[..., 0]),
        entropy=entropy,
        temperature=float(temperature),
    )
