"""REBAR and RELAX: unbiased, with a relaxation as control variate."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hardattn_models.gradients.draws import exponential, one_hot, perturbed_again, perturbed_given
from hardattn_models.gradients.losses import Loss, beside, value

Control = Callable[[Tensor], Tensor]
"""Perturbed logits, shaped as the logits, -> [batch], differentiable in them."""


def rebar(
    logits: Tensor,
    loss: Loss,
    generator: torch.Generator | None,
    *,
    temperature: float | Tensor = 0.5,
    eta: float | Tensor = 1.0,
    coupled: bool = False,
) -> Tensor:
    """``(L(s) − η L(σ(z̃)))(s − p) + η ∇L(σ(z)) − η ∇L(σ(z̃))``, ``σ(z) = softmax(z / τ)``.

    z is logits plus Gumbel noise, s its argmax, z̃ such a z drawn again given s.
    """

    def control(z: Tensor) -> Tensor:
        return eta * loss((z / temperature).softmax(-1))

    return relax(logits, loss, generator, control=control, coupled=coupled)


def relax(
    logits: Tensor,
    loss: Loss,
    generator: torch.Generator | None,
    *,
    control: Control,
    coupled: bool = False,
) -> Tensor:
    """``(L(s) − c(z̃))(s − p) + ∇c(z) − ∇c(z̃)`` with any control variate c.

    Where they are ``coupled``, z̃ is z, written as what it is given s: c is asked once, and what
    differs between its two gradients is the way back to the logits alone (Tucker et al. 2017,
    section 3.1). Otherwise z̃ has noise of its own.

    Where parameters of ``control`` take a gradient, the estimate carries its graph, so that
    ``estimate.square().sum().backward()`` is one step of lowering the variance (Grathwohl et al.
    2018, section 3: ∇ of the variance is ∇ of the second moment, since the mean does not move).
    """
    at = logits.detach().requires_grad_()
    p = at.detach().softmax(-1)
    with torch.enable_grad():
        noise = exponential(at.detach(), generator)
        z = at - noise.log()
        s = one_hot(z.argmax(-1).detach(), p)
        if coupled:
            again = perturbed_again(at, s, noise)
            second = control(z)
            moves = _learns(second, at)
            (steep,) = torch.autograd.grad(second.sum(), z, create_graph=moves, retain_graph=True)
            (slope,) = torch.autograd.grad(z - again, at, steep, create_graph=moves)
        else:
            again = perturbed_given(at, s, generator)
            first, second = control(z), control(again)
            moves = _learns(first, at)
            (slope,) = torch.autograd.grad((first - second).sum(), at, create_graph=moves)
    rest = value(loss, s) - second
    found = beside(rest, s) * (s - p) + slope
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
