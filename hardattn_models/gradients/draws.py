"""Draws that estimators are made of: categories, Gumbel noise, and noise given its argmax."""

from __future__ import annotations

import torch
from torch import Tensor


def one_hot(index: Tensor, like: Tensor) -> Tensor:
    """One-hot rows [..., n] of ``index`` [...], in the type and with the width of ``like``."""
    return torch.zeros_like(like).scatter(-1, index.unsqueeze(-1), 1.0)


def categories(probabilities: Tensor, generator: torch.Generator | None, k: int = 1) -> Tensor:
    """Independent draws [k, ...] from each row of ``probabilities`` [..., n]."""
    rows = probabilities.reshape(-1, probabilities.shape[-1])
    drawn = torch.multinomial(rows, k, replacement=True, generator=generator)
    return drawn.T.reshape(k, *probabilities.shape[:-1])


def gumbel(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard Gumbel noise −log(−log u) shaped as ``like``."""
    return -exponential(like, generator).log()


def exponential(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard exponential noise shaped as ``like``, above zero."""
    noise = torch.empty_like(like).exponential_(generator=generator)
    # A draw of exactly zero would be an infinite Gumbel.
    return noise.clamp_min(torch.finfo(like.dtype).tiny)


def perturbed_given(logits: Tensor, chosen: Tensor, generator: torch.Generator | None) -> Tensor:
    """Logits plus Gumbel noise, given that their argmax is ``chosen``.

    Of the largest, ``−log E_0 + log Σ exp(logits)``; of the others
    ``−log(E_i / exp(logits_i) + E_0 / Σ exp(logits))`` with E standard exponential (Maddison,
    Tarlow & Minka 2014, "A* Sampling"; Tucker et al. 2017, appendix C; Paulus, Maddison & Krause
    2021, appendix A). Differentiable in ``logits``.

    Args:
        logits: [..., n].
        chosen: one-hot [..., n], or broadcast to it.
        generator: source of randomness.

    Returns:
        [..., n]; its argmax is the chosen one.
    """
    return _perturbed_by(logits, chosen, exponential(logits.detach(), generator))


def perturbed_again(logits: Tensor, chosen: Tensor, noise: Tensor) -> Tensor:
    """``logits − log noise`` itself, as the function of the logits that its argmax being given is.

    The noise of :func:`perturbed_given` that would have made it: the value is the same, what is
    differentiated is not. Tucker et al. 2017, section 3.1, draw both of REBAR's samples from one
    noise so.

    Args:
        logits: [..., n].
        chosen: one-hot [..., n], the argmax of ``logits − log noise``.
        noise: standard exponential [..., n].
    """
    p = torch.softmax(logits.detach(), -1)
    first = (noise / p).masked_fill(chosen == 0, 0.0).sum(-1, keepdim=True)
    others = (noise - p * first).clamp_min(torch.finfo(p.dtype).tiny)
    return _perturbed_by(logits, chosen, torch.where(chosen.bool(), first, others))


def _perturbed_by(logits: Tensor, chosen: Tensor, noise: Tensor) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    top = (noise * chosen).sum(-1, keepdim=True)
    # Shifting all logits of a row alike moves noise and argmax alike: log_p stands for logits.
    # As a sum of logarithms: 1 / p of a candidate that is all but impossible has no float.
    others = -torch.logaddexp(noise.log() - log_p, top.log())
    perturbed = torch.where(chosen.bool(), -torch.log(top), others)
    return perturbed + torch.logsumexp(logits, -1, keepdim=True)
