"""Draws whose weights send back the gradients of Gumbel-Rao and ReinMax, for whole models.

``hardattn_models.gradients`` makes the same estimates for one choice with a loss of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import torch
from torch import Generator, Tensor

from hardattn_models.gradients.draws import perturbed_given
from hardattn_models.mechanisms import Selection, sampled

SAMPLES = 10
"""Noises that Gumbel-Rao averages over."""


def gumbel_rao(logits: Tensor, *, temperature: float, generator: Generator | None) -> Selection:
    """Forward a draw s, backward ``mean_k softmax((logits + G_k) / τ)`` with noises that give s.

    Paulus, Maddison & Krause 2021, arXiv:2010.04838, eq. 10.
    """
    drawn = sampled(logits, generator=generator)
    hard = drawn.weights.detach()
    with torch.no_grad():
        many = logits.expand(SAMPLES, *logits.shape)
        noise = perturbed_given(many, hard, generator) - many
        # A candidate that is ruled out stays so under any noise.
        noise = noise.masked_fill(many.isneginf(), 0.0)
    relaxed = ((logits + noise) / temperature).softmax(-1).mean(0)
    return replace(
        drawn, weights=hard + (relaxed - relaxed.detach()), temperature=float(temperature)
    )


def reinmax(logits: Tensor, *, temperature: float, generator: Generator | None) -> Selection:
    """Forward a draw s, backward ``2 J((s + p_τ) / 2) − ½ J(p)``, J(π) = diag(π) − π πᵀ.

    Liu et al. 2023, arXiv:2304.08612, algorithm 2.
    """
    drawn = sampled(logits, generator=generator)
    # Torch does not say what apply() takes and returns.
    weights: Tensor = cast("Any", _ReinMax).apply(
        logits, drawn.weights.detach(), float(temperature)
    )
    return replace(drawn, weights=weights, temperature=float(temperature))


class _ReinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, hard: Tensor, temperature: float) -> Tensor:
        p = logits.softmax(-1)
        middle = ((logits / temperature).softmax(-1) + hard) / 2
        ctx.save_for_backward(p, middle)
        return hard.clone()

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        p, middle = ctx.saved_tensors
        return 2 * _jacobian(middle, slope) - _jacobian(p, slope) / 2, None, None


def _jacobian(p: Tensor, slope: Tensor) -> Tensor:
    return p * (slope - (p * slope).sum(-1, keepdim=True))
