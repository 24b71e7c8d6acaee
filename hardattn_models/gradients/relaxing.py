"""Biased estimators of one loss evaluation: relaxations, and gradients sent straight through.

Each takes the slope of the loss at some weights, and pulls it back to the logits through a
function that the weights were not quite made by.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hardattn_models.gradients.draws import categories, gumbel, one_hot, perturbed_given
from hardattn_models.gradients.losses import Loss, pulled_back, value_and_slope, value_through


def soft(logits: Tensor, loss: Loss, generator: torch.Generator | None) -> Tensor:
    """``∇ L(p)``: as if the blend were what is wanted."""
    logits = _leaf(logits)
    return value_through(loss, logits.softmax(-1), logits)[1]


def gumbel_softmax(
    logits: Tensor, loss: Loss, generator: torch.Generator | None, *, temperature: float = 1.0
) -> Tensor:
    """``∇ L(softmax((logits + G) / τ))`` with Gumbel noise G."""
    logits = _leaf(logits)
    relaxed = ((logits + gumbel(logits.detach(), generator)) / temperature).softmax(-1)
    return value_through(loss, relaxed, logits)[1]


def straight_through(logits: Tensor, loss: Loss, generator: torch.Generator | None) -> Tensor:
    """``J ∇L(s)``, s drawn: forward the draw, backward the probabilities."""
    logits = _leaf(logits)
    p = logits.softmax(-1)
    s = one_hot(categories(p.detach(), generator)[0], p)
    return pulled_back(p, value_and_slope(loss, s)[1], logits)


def argmax_straight_through(
    logits: Tensor, loss: Loss, generator: torch.Generator | None
) -> Tensor:
    """``J ∇L(e)``, e the most probable candidate."""
    logits = _leaf(logits)
    p = logits.softmax(-1)
    return pulled_back(p, value_and_slope(loss, one_hot(logits.argmax(-1), p))[1], logits)


def gumbel_straight_through(
    logits: Tensor, loss: Loss, generator: torch.Generator | None, *, temperature: float = 1.0
) -> Tensor:
    """Forward the argmax of ``logits + G``, backward its softmax at temperature τ."""
    logits = _leaf(logits)
    perturbed = logits + gumbel(logits.detach(), generator)
    slope = value_and_slope(loss, one_hot(perturbed.argmax(-1), perturbed))[1]
    return pulled_back((perturbed / temperature).softmax(-1), slope, logits)


def gumbel_rao(
    logits: Tensor,
    loss: Loss,
    generator: torch.Generator | None,
    *,
    temperature: float = 0.5,
    samples: int = 10,
) -> Tensor:
    """Straight-through Gumbel, averaged over ``samples`` noises that all choose the same."""
    logits = _leaf(logits)
    s = one_hot(categories(logits.detach().softmax(-1), generator)[0], logits)
    slope = value_and_slope(loss, s)[1]
    many = logits.expand(samples, *logits.shape)
    # The noise is what it is: only what it was added to is differentiated.
    noise = (perturbed_given(many, s, generator) - many).detach()
    relaxed = ((many + noise) / temperature).softmax(-1).mean(0)
    return pulled_back(relaxed, slope, logits)


def reinmax(
    logits: Tensor, loss: Loss, generator: torch.Generator | None, *, temperature: float = 1.0
) -> Tensor:
    """``(2 J(π1) − ½ J(p)) ∇L(s)`` with ``π1 = (s + softmax(logits / τ)) / 2``.

    Heun's method in place of Euler's, which straight-through is; exact for quadratic losses at
    τ = 1. J(π) = diag(π) − π πᵀ.
    """
    p = logits.softmax(-1)
    s = one_hot(categories(p, generator)[0], p)
    slope = value_and_slope(loss, s)[1]
    middle = ((logits / temperature).softmax(-1) + s) / 2
    return 2 * _jacobian(middle, slope) - _jacobian(p, slope) / 2


def _jacobian(p: Tensor, slope: Tensor) -> Tensor:
    return p * (slope - (p * slope).sum(-1, keepdim=True))


def _leaf(logits: Tensor) -> Tensor:
    return logits.detach().requires_grad_()
