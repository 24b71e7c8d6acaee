"""Values and gradients of a loss at weights over candidates."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor], Tensor]
"""Weights [batch, n], or [batch, variables, n], one-hot or relaxed, -> losses [batch]."""


def beside(each: Tensor, weights: Tensor) -> Tensor:
    """One number a row, [..., batch], in a shape that multiplies weights [..., batch, ..., n]."""
    return each.reshape(*each.shape, *[1] * (weights.ndim - each.ndim))


def summed(weights: Tensor) -> Tensor:
    """The sum of each row of [batch, ..., n]: [batch]."""
    return weights.flatten(1).sum(-1)


def value(loss: Loss, weights: Tensor) -> Tensor:
    """The losses [batch] at ``weights`` [batch, n], without a gradient."""
    with torch.no_grad():
        return _checked(loss(weights.detach()), weights)


def value_and_slope(loss: Loss, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The losses [batch] at ``weights`` [batch, n], and their gradients [batch, n] there.

    Raises:
        ValueError: the loss is not differentiable in its weights.
    """
    weights = weights.detach().requires_grad_()
    with torch.enable_grad():
        losses = _checked(loss(weights), weights)
        slope = _gradient(losses, weights)
    return losses.detach(), slope


def pulled_back(relaxed: Tensor, slope: Tensor, logits: Tensor) -> Tensor:
    """``slope`` [batch, n] at ``relaxed``, a function of ``logits``, as a gradient of these."""
    (found,) = torch.autograd.grad(relaxed, logits, slope)
    return found


def value_through(loss: Loss, relaxed: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """The losses [batch] at ``relaxed``, a function of ``logits``, and their gradients by these."""
    losses = _checked(loss(relaxed), relaxed)
    return losses.detach(), _gradient(losses, logits)


def _gradient(losses: Tensor, at: Tensor) -> Tensor:
    if not losses.requires_grad:
        raise ValueError(
            "the loss has no gradient in its weights, which this estimator needs; let it use the "
            "weights, as in (weights @ values), or take an estimator that asks for values alone"
        )
    (found,) = torch.autograd.grad(losses.sum(), at, retain_graph=True)
    return found


def _checked(losses: Tensor, weights: Tensor) -> Tensor:
    if losses.shape != weights.shape[:1]:
        raise ValueError(
            f"the loss must return one number a row, [{weights.shape[0]}], not {list(losses.shape)}"
        )
    return losses
