"""Estimators for independent binary gates: ``b_j ~ Bernoulli(σ(logits_j))``.

Here ``loss`` takes gates [batch, n], each 0 or 1, and ``logits`` are one number a gate.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hardattn_models.gradients.losses import Loss, value


def gate_reinforce(
    logits: Tensor, loss: Loss, generator: torch.Generator | None, *, samples: int = 1
) -> Tensor:
    """``(L(b) − mean of the others)(b − σ(logits))``, without a baseline for one sample."""
    p = logits.sigmoid()
    drawn = torch.stack([(_uniform(p, generator) < p).to(p.dtype) for _ in range(samples)])
    losses = torch.stack([value(loss, b) for b in drawn])
    others = (losses.sum(0) - losses) / max(samples - 1, 1)
    return ((losses - others).unsqueeze(-1) * (drawn - p)).mean(0)


def arm(logits: Tensor, loss: Loss, generator: torch.Generator | None) -> Tensor:
    """``(L(1[u > σ(−logits)]) − L(1[u < σ(logits)]))(u − ½)``, u uniform in (0, 1)."""
    u = _uniform(logits, generator)
    first, second = _antithetic(logits, u)
    return (value(loss, first) - value(loss, second)).unsqueeze(-1) * (u - 0.5)


def disarm(logits: Tensor, loss: Loss, generator: torch.Generator | None) -> Tensor:
    """``½ (L(b) − L(b̃))(−1)^b̃ 1[b ≠ b̃] σ(|logits|)``: ARM with what u still varied summed out.

    b and b̃ are made from u and 1 − u.
    """
    first, second = _antithetic(logits, _uniform(logits, generator))
    sign = torch.where(second > 0, -1.0, 1.0) * (first != second)
    differ = value(loss, first) - value(loss, second)
    return 0.5 * differ.unsqueeze(-1) * sign * logits.abs().sigmoid()


def gate_exact(logits: Tensor, loss: Loss, generator: torch.Generator | None) -> Tensor:
    """The gradient itself, over all 2^n settings; for at most 16 gates."""
    n = logits.shape[-1]
    if n > 16:
        raise ValueError(f"{n} gates have {2**n:,} settings; enumerate at most 16 of them")
    p, found = logits.sigmoid(), torch.zeros_like(logits)
    for setting in range(2**n):
        bits = torch.tensor([setting >> j & 1 for j in range(n)], dtype=p.dtype, device=p.device)
        chance = torch.where(bits > 0, p, 1 - p).prod(-1)
        losses = value(loss, bits.expand_as(p))
        found = found + (chance * losses).unsqueeze(-1) * (bits - p)
    return found


def _antithetic(logits: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    return (u > (-logits).sigmoid()).to(logits.dtype), (u < logits.sigmoid()).to(logits.dtype)


def _uniform(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.empty_like(like).uniform_(generator=generator)
