"""REBAR and RELAX: unbiased, with a relaxation as control variate."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hardattn_models.gradients.draws import gumbel, one_hot, perturbed_given
from hardattn_models.gradients.losses import Loss, value

Control = Callable[[Tensor], Tensor]
"""Perturbed logits [batch, n] -> [batch], differentiable in them."""


def rebar(
    logits: Tensor,
    loss: Loss,
    generator: torch.Generator | None,
    *,
    temperature: float | Tensor = 0.5,
    eta: float | Tensor = 1.0,
) -> Tensor:
    """``(L(s) − η L(σ(z̃)))(s − p) + η ∇L(σ(z)) − η ∇L(σ(z̃))``, ``σ(z) = softmax(z / τ)``.

    z is logits plus Gumbel noise, s its argmax, z̃ such a z drawn again given s.
    """
    return relax(
        logits, loss, generator, control=lambda z: eta * loss((z / temperature).softmax(-1))
    )


def relax(
    logits: Tensor, loss: Loss, generator: torch.Generator | None, *, control: Control
) -> Tensor:
    """``(L(s) − c(z̃))(s − p) + ∇c(z) − ∇c(z̃)`` with any control variate c.

    Where parameters of ``control`` take a gradient, the estimate carries its graph, so that
    ``estimate.square().sum().backward()`` is one step of lowering the variance (Grathwohl et al.
    2018, section 3: ∇ of the variance is ∇ of the second moment, since the mean does not move).
    """
    at = logits.detach().requires_grad_()
    p = at.detach().softmax(-1)
    with torch.enable_grad():
        z = at + gumbel(at.detach(), generator)
        s = one_hot(z.argmax(-1).detach(), p)
        again = perturbed_given(at, s, generator)
        first, second = control(z), control(again)
        moves = _learns(first, at)
        (slope,) = torch.autograd.grad((first - second).sum(), at, create_graph=moves)
    rest = value(loss, s) - second
    found = rest.unsqueeze(-1) * (s - p) + slope
    return found if moves else found.detach()


def _learns(out: Tensor, at: Tensor) -> bool:
    """Whether anything but the logits takes a gradient from ``out``."""
    seen, waiting = set(), [out.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None and variable is not at:
            return True
        waiting += [parent for parent, _ in node.next_functions]
    return False
