"""Hard attention that lets each item in or leaves it out, whatever becomes of the others."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from hardattn_models.mechanisms.shared import check


@dataclass(frozen=True, eq=False)
class Gates:
    """Which of n items were let in.

    Attributes:
        probabilities: ``[..., n]``, that of each gate to be open; they do not sum to 1.
        weights: ``[..., n]``, 1 where a gate is open and 0 where it is closed; no gradient.
        log_prob: ``[...]``, log-probability of all gates together in nats; differentiable.
        entropy: ``[...]``, of all gates together in nats; differentiable.
        temperature: what the logits were divided by.
    """

    probabilities: Tensor
    weights: Tensor
    log_prob: Tensor
    entropy: Tensor
    temperature: float

    def apply(self, values: Tensor) -> Tensor:
        """Sum of the values that were let in: ``[..., n, d]`` -> ``[..., d]``."""
        return torch.einsum("...n,...nd->...d", self.weights.to(values.dtype), values)

    def shares(self) -> Tensor:
        """What each item let in has of the mean of them, 0 for the others: ``[..., n]``."""
        return self.weights / self.weights.sum(-1, keepdim=True).clamp_min(1)

    def mean(self, values: Tensor) -> Tensor:
        """Mean of the values let in, zero where none was: ``[..., n, d]`` -> ``[..., d]``."""
        return torch.einsum("...n,...nd->...d", self.shares().to(values.dtype), values)


def gates(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    sample: bool = True,
    generator: torch.Generator | None = None,
) -> Gates:
    """Open each gate by a Bernoulli draw of its own: ``b_j ~ Bernoulli(σ(logits_j / τ))``.

    Lei, Barzilay and Jaakkola 2016 (arXiv:1606.04155) choose the words of a rationale so. No
    gradient passes the draws; ``log_prob`` has one, and ``estimate("disarm", ...)`` makes another.

    Args:
        logits: ``[..., n]``; ``-inf`` keeps a gate closed.
        temperature: above zero.
        sample: whether they are drawn; else a gate is open where that is the more probable.
        generator: source of randomness; torch's global one if not given.

    Raises:
        ValueError: the logits are not floating, are empty, hold NaN or ``+inf`` or a row of
            ``-inf`` only, or the temperature is not a finite number above zero.
    """
    check(logits, temperature)
    scaled = logits / temperature
    p = scaled.sigmoid()
    drawn = torch.empty_like(p).uniform_(generator=generator) < p if sample else p > 0.5
    return opened(scaled, drawn.to(p.dtype), temperature)


def opened(scaled: Tensor, weights: Tensor, temperature: float) -> Gates:
    """Gates that are as they are given.

    Args:
        scaled: ``[..., n]``, logits divided by the temperature.
        weights: ``[..., n]``, 1 or 0.
        temperature: that they were divided by.
    """
    p = scaled.sigmoid()
    # −inf keeps a gate closed for sure: log(1 − σ) is 0 there, and log σ is asked of none.
    finite = scaled.masked_fill(scaled.isneginf(), -40.0)
    log_open, log_closed = logsigmoid(finite), logsigmoid(-finite)
    chosen = torch.where(weights > 0, log_open, log_closed)
    entropy = -(finite.sigmoid() * log_open + (-finite).sigmoid() * log_closed)
    return Gates(p, weights.detach(), chosen.sum(-1), entropy.sum(-1), temperature)
