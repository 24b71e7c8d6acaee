"""Unbiased estimators that ask for values of the loss: the REINFORCE family.

``g = (L(s) − b) ∇ log p(s)``, with ``∇ log p(s) = s − p`` by the logits of a categorical choice,
and by those of each of several variables that are drawn independently.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from hardattn_models.gradients.baselines import Baseline
from hardattn_models.gradients.draws import categories, one_hot
from hardattn_models.gradients.losses import Loss, beside, summed, value, value_and_slope

_SETTINGS = 2**10
"""Settings of several variables that are enumerated."""


def exact(logits: Tensor, loss: Loss, generator: torch.Generator | None) -> Tensor:
    """``Σ_i p_i L_i (e_i − p)``: the gradient itself, by asking for every candidate.

    Of several variables for every setting of all of them, 1,024 at most.
    """
    p, n = logits.softmax(-1), logits.shape[-1]
    if logits.ndim > 2:
        return _over_settings(p, loss)
    losses = _of_candidates(loss, torch.arange(n, device=logits.device).expand(len(p), n), p)
    return p * (losses - (p * losses).sum(-1, keepdim=True))


def reinforce(
    logits: Tensor,
    loss: Loss,
    generator: torch.Generator | None,
    *,
    baseline: Baseline | None = None,
    samples: int = 1,
) -> Tensor:
    """``(L(s) − b)(s − p)``, the mean over ``samples`` draws.

    The baseline learns from the losses after the estimate was made.
    """
    p = logits.softmax(-1)
    drawn = _drawn(p, generator, samples)
    losses = torch.stack([value(loss, s) for s in drawn])
    expected = torch.zeros_like(losses[0]) if baseline is None else baseline.expected(losses[0])
    found = (beside(losses - expected, drawn) * (drawn - p)).mean(0)
    if baseline is not None:
        for row in losses:
            baseline.learn(row)
    return found


def self_critical(logits: Tensor, loss: Loss, generator: torch.Generator | None) -> Tensor:
    """``(L(s) − L(argmax p))(s − p)``."""
    p = logits.softmax(-1)
    s = _drawn(p, generator)[0]
    greedy = value(loss, one_hot(logits.argmax(-1), p))
    return beside(value(loss, s) - greedy, s) * (s - p)


def soft_baseline(logits: Tensor, loss: Loss, generator: torch.Generator | None) -> Tensor:
    """``(L(s) − L(p))(s − p)``: the loss of the blend is what is expected."""
    p = logits.softmax(-1)
    s = _drawn(p, generator)[0]
    return beside(value(loss, s) - value(loss, p), s) * (s - p)


def leave_one_out(
    logits: Tensor, loss: Loss, generator: torch.Generator | None, *, samples: int = 4
) -> Tensor:
    """``1/k Σ_i (L_i − mean of the other L_j)(s_i − p)``."""
    if samples < 2:
        raise ValueError(f"samples is {samples}; leaving one out needs at least 2")
    p = logits.softmax(-1)
    drawn = _drawn(p, generator, samples)
    losses = torch.stack([value(loss, s) for s in drawn])
    others = (losses.sum(0) - losses) / (samples - 1)
    return (beside(losses - others, drawn) * (drawn - p)).mean(0)


def control_variate(
    logits: Tensor,
    loss: Loss,
    generator: torch.Generator | None,
    *,
    c: float | Tensor = 1.0,
    b: float | Tensor = 0.0,
) -> Tensor:
    """``(L(s) − b − c h(s))(s − p) + c J ∇L(p)``, ``h(s) = L(p) + ∇L(p)·(s − p)``.

    h is the loss of the soft output, to first order; what it takes away on average, ``E[h (s −
    p)] = J ∇L(p)`` with the softmax Jacobian J, is put back exactly. ``c`` and ``b`` are fixed
    beforehand, or fitted on other draws (:func:`fitted_control`).
    """
    p = logits.softmax(-1)
    s = _drawn(p, generator)[0]
    at_soft, slope = value_and_slope(loss, p)
    h = at_soft + summed(slope * (s - p))
    rest = value(loss, s) - b - c * h
    back = _through_softmax(p, slope)
    return (
        beside(rest, s) * (s - p) + (beside(c, s) if isinstance(c, Tensor) and c.ndim else c) * back
    )


def fitted_control(
    logits: Tensor,
    loss: Loss,
    generator: torch.Generator | None,
    *,
    samples: int = 1000,
    offset: bool = True,
) -> tuple[Tensor, Tensor]:
    """``b`` and ``c`` of :func:`control_variate` with the least variance on ``samples`` draws.

    The variance summed over coordinates is quadratic in both, so they solve a 2 × 2 linear system
    for each row.

    Args:
        logits: [batch, n].
        loss: the loss.
        generator: source of randomness.
        samples: draws that they are fitted on.
        offset: whether b is fitted; without it b is 0 and c is fitted alone.

    Returns:
        b and c, [batch] each; use them on draws that they were not fitted on.
    """
    p = logits.softmax(-1)
    at_soft, slope = value_and_slope(loss, p)
    drawn = _drawn(p, generator, samples)
    losses = torch.stack([value(loss, s) for s in drawn])
    score = drawn - p
    h = at_soft + (slope * score).flatten(2).sum(-1)
    # The estimate is target - b * one - c * two; each varies about its mean.
    parts = [
        beside(losses, score) * score,
        score,
        beside(h, score) * score - _through_softmax(p, slope),
    ]
    target, one, two = ((part - part.mean(0)).flatten(2) for part in parts)
    c2, ct = (two * two).sum((0, -1)), (two * target).sum((0, -1))
    if not offset:
        return torch.zeros_like(c2), ct / c2
    b2, bc, bt = ((one * other).sum((0, -1)) for other in (one, two, target))
    determinant = b2 * c2 - bc * bc
    return (bt * c2 - ct * bc) / determinant, (ct * b2 - bt * bc) / determinant


def sum_and_sample(
    logits: Tensor, loss: Loss, generator: torch.Generator | None, *, largest: int = 3
) -> Tensor:
    """``Σ_{i in top m} p_i (L_i − b)(e_i − p) + (1 − Σ p_i)(L(s) − b)(s − p)``, s from the rest.

    b is the mean loss of the top m, weighted by their probabilities: nothing drawn is in it.
    """
    n = logits.shape[-1]
    if logits.ndim > 2:
        raise ValueError("sum-and-sample sums over the candidates of one choice, not of several")
    if not 1 <= largest < n:
        raise ValueError(f"largest is {largest}; of {n} candidates it must be 1 to {n - 1}")
    p = logits.softmax(-1)
    top = p.topk(largest, -1).indices
    losses = _of_candidates(loss, top, p)
    share = p.gather(-1, top)
    expected = (share * losses).sum(-1, keepdim=True) / share.sum(-1, keepdim=True)
    summed = torch.zeros_like(p).scatter(-1, top, share * (losses - expected))
    rest = p.scatter(-1, top, 0.0)
    left = rest.sum(-1)
    # Where rounding leaves nothing to the rest, whatever is drawn there counts for nothing.
    none = torch.zeros_like(p).scatter(-1, top[:, :1], 1.0)
    s = _drawn(torch.where(left.unsqueeze(-1) > 0, rest, none), generator)[0]
    summed = summed + (left * (value(loss, s) - expected.squeeze(-1))).unsqueeze(-1) * s
    return summed - summed.sum(-1, keepdim=True) * p


def _drawn(p: Tensor, generator: torch.Generator | None, k: int = 1) -> Tensor:
    """One-hot draws [k, batch, n]."""
    return one_hot(categories(p, generator, k), p.expand(k, *p.shape))


def _of_candidates(loss: Loss, index: Tensor, like: Tensor) -> Tensor:
    """Losses [batch, m] of the candidates ``index`` [batch, m]."""
    return torch.stack([value(loss, one_hot(one, like)) for one in index.unbind(-1)], -1)


def _over_settings(p: Tensor, loss: Loss) -> Tensor:
    variables, n = p.shape[-2:]
    if n**variables > _SETTINGS:
        raise ValueError(
            f"{variables} variables of {n} values have {n}^{variables} settings; enumerate at most "
            f"{_SETTINGS:,} of them"
        )
    found = torch.zeros_like(p)
    for setting in product(range(n), repeat=variables):
        s = one_hot(torch.tensor(setting, device=p.device).expand(p.shape[:-1]), p)
        chance = (p * s).sum(-1).prod(-1)
        found = found + beside(chance * value(loss, s), p) * (s - p)
    return found


def _through_softmax(p: Tensor, slope: Tensor) -> Tensor:
    """``J slope`` with J = diag(p) − p pᵀ."""
    return p * (slope - (p * slope).sum(-1, keepdim=True))
