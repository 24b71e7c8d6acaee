"""Every estimator by name: what it is, what it costs, whether it is biased, and one estimate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any, Literal

import torch
from torch import Tensor

from hardattn_models.gradients import gates, rebar, relaxing, scoring
from hardattn_models.gradients.losses import Loss

Asks = Literal["values", "slope", "relaxed"]
Choice = Literal["category", "gates"]


@dataclass(frozen=True)
class Estimator:
    """A way to estimate ``∇ E[loss]`` by the logits of a choice.

    Attributes:
        name: its name for :func:`estimate`.
        unbiased: whether its mean is the gradient.
        evaluations: how often it evaluates the loss for one estimate, with its usual options; 0
            stands for "as often as there are candidates".
        formula: the estimate; p = softmax(logits), s the one-hot draw, L the loss.
        reference: the paper.
        asks: what it asks of the loss: its ``values`` at one-hot weights, its ``slope`` there or at
            p, or both at ``relaxed`` weights between the corners.
        choice: one of n candidates, or n binary gates.
        make: makes one estimate.
    """

    name: str
    unbiased: bool
    evaluations: int
    formula: str
    reference: str
    asks: Asks
    choice: Choice = "category"
    make: Callable[..., Tensor] = field(default=scoring.exact, repr=False, compare=False)

    @property
    def options(self) -> tuple[str, ...]:
        """The names of its options."""
        return tuple(
            one.name
            for one in signature(self.make).parameters.values()
            if one.kind is Parameter.KEYWORD_ONLY
        )


_WILLIAMS = "Williams 1992, Simple statistical gradient-following algorithms, Machine Learning 8"
_JANG = "Jang et al. 2017, arXiv:1611.01144; Maddison et al. 2017, arXiv:1611.00712"

_ESTIMATORS = (
    Estimator(
        "exact", True, 0, "Σ_i p_i L(e_i)(e_i − p)", "by enumeration", "values", make=scoring.exact
    ),
    Estimator(
        "reinforce", True, 1, "(L(s) − b)(s − p)", _WILLIAMS, "values", make=scoring.reinforce
    ),
    Estimator(
        "self-critical",
        True,
        2,
        "(L(s) − L(argmax p))(s − p)",
        "Rennie et al. 2017, arXiv:1612.00563",
        "values",
        make=scoring.self_critical,
    ),
    Estimator(
        "soft-baseline",
        True,
        2,
        "(L(s) − L(p))(s − p)",
        "the value half of Gu et al. 2016, arXiv:1511.05176",
        "relaxed",
        make=scoring.soft_baseline,
    ),
    Estimator(
        "rloo",
        True,
        4,
        "1/k Σ_i (L(s_i) − mean_{j≠i} L(s_j))(s_i − p)",
        "Kool et al. 2019, Buy 4 REINFORCE samples, get a baseline for free",
        "values",
        make=scoring.leave_one_out,
    ),
    Estimator(
        "muprop",
        True,
        2,
        "(L(s) − b − c h(s))(s − p) + c J ∇L(p), h(s) = L(p) + ∇L(p)·(s − p)",
        "Gu et al. 2016, arXiv:1511.05176",
        "relaxed",
        make=scoring.control_variate,
    ),
    Estimator(
        "sum-and-sample",
        True,
        4,
        "Σ_{top m} p_i (L(e_i) − b)(e_i − p) + (1 − Σ p_i)(L(s) − b)(s − p)",
        "Liu et al. 2019, Rao-Blackwellized stochastic gradients, arXiv:1810.04777",
        "values",
        make=scoring.sum_and_sample,
    ),
    Estimator(
        "rebar",
        True,
        3,
        "(L(s) − η L(σ(z̃)))(s − p) + η ∇L(σ(z)) − η ∇L(σ(z̃)), σ(z) = softmax(z/τ)",
        "Tucker et al. 2017, arXiv:1703.07370",
        "relaxed",
        make=rebar.rebar,
    ),
    Estimator(
        "relax",
        True,
        1,
        "(L(s) − c(z̃))(s − p) + ∇c(z) − ∇c(z̃)",
        "Grathwohl et al. 2018, arXiv:1711.00123",
        "values",
        make=rebar.relax,
    ),
    Estimator(
        "soft", False, 1, "∇ L(p)", "Bahdanau et al. 2015, arXiv:1409.0473", "relaxed",
        make=relaxing.soft,
    ),
    Estimator(
        "gumbel-softmax", False, 1, "∇ L(softmax((logits + G)/τ))", _JANG, "relaxed",
        make=relaxing.gumbel_softmax,
    ),
    Estimator(
        "straight-through",
        False,
        1,
        "J(p) ∇L(s)",
        "Bengio et al. 2013, arXiv:1308.3432",
        "slope",
        make=relaxing.straight_through,
    ),
    Estimator(
        "argmax-straight-through",
        False,
        1,
        "J(p) ∇L(e_argmax)",
        "Bengio et al. 2013, arXiv:1308.3432",
        "slope",
        make=relaxing.argmax_straight_through,
    ),
    Estimator(
        "gumbel-straight-through", False, 1, "J_τ(logits + G) ∇L(s)", _JANG, "slope",
        make=relaxing.gumbel_straight_through,
    ),
    Estimator(
        "gumbel-rao",
        False,
        1,
        "mean_k J_τ(logits + G_k | s) ∇L(s)",
        "Paulus et al. 2021, arXiv:2010.04838",
        "slope",
        make=relaxing.gumbel_rao,
    ),
    Estimator(
        "reinmax",
        False,
        1,
        "(2 J((s + p)/2) − ½ J(p)) ∇L(s)",
        "Liu et al. 2023, arXiv:2304.08612",
        "slope",
        make=relaxing.reinmax,
    ),
    Estimator(
        "gate-exact", True, 0, "Σ_b P(b) L(b)(b − σ)", "by enumeration", "values", "gates",
        gates.gate_exact,
    ),
    Estimator(
        "gate-reinforce", True, 1, "(L(b) − mean of the others)(b − σ)", _WILLIAMS, "values",
        "gates", gates.gate_reinforce,
    ),
    Estimator(
        "arm",
        True,
        2,
        "(L(1[u > σ(−x)]) − L(1[u < σ(x)]))(u − ½)",
        "Yin & Zhou 2019, arXiv:1807.11143",
        "values",
        "gates",
        gates.arm,
    ),
    Estimator(
        "disarm",
        True,
        2,
        "½ (L(b) − L(b̃))(−1)^b̃ 1[b ≠ b̃] σ(|x|)",
        "Dong et al. 2020, arXiv:2006.10680",
        "values",
        "gates",
        gates.disarm,
    ),
)  # fmt: skip


def estimators() -> tuple[Estimator, ...]:
    """All estimators."""
    return _ESTIMATORS


def estimator(name: str) -> Estimator:
    """The estimator of that name.

    Raises:
        ValueError: there is none.
    """
    for known in _ESTIMATORS:
        if known.name == name:
            return known
    raise ValueError(
        f"there is no estimator {name!r}; choose {', '.join(known.name for known in _ESTIMATORS)}"
    )


def estimate(
    name: str,
    logits: Tensor,
    loss: Loss,
    *,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Tensor:
    """One estimate of ``∇ E[loss]`` by ``logits``.

    Args:
        name: as in :func:`estimators`.
        logits: [batch, n], finite; or [batch, variables, n] for several variables, drawn each by
            itself, that the loss takes together.
        loss: weights shaped as the logits -> [batch]; one-hot weights, or relaxed ones where the
            estimator asks for them; for gates 0 or 1 each.
        generator: source of randomness; torch's global one if not given.
        **options: the estimator's own; ``estimator(name).options`` names them.

    Returns:
        Shaped as the logits.

    Raises:
        ValueError: an unknown name or option, logits of another shape or not finite, or a loss that
            does not return [batch] or lacks the gradient that is asked for.
    """
    known = estimator(name)
    most = 2 if known.choice == "gates" else 3
    if not 2 <= logits.ndim <= most or not logits.numel() or not logits.is_floating_point():
        other = "" if most == 2 else "[batch, variables, n] or "
        raise ValueError(f"logits must be floating {other}[batch, n], not {tuple(logits.shape)}")
    if not bool(logits.detach().isfinite().all()):
        raise ValueError("logits hold NaN or infinity; leave candidates out instead of ruling out")
    unknown = sorted(set(options) - set(known.options))
    if unknown:
        have = f"it has {', '.join(known.options)}" if known.options else "it has none"
        raise ValueError(f"the estimator {name} has no option {unknown[0]!r}; {have}")
    missing = [one for one in _required(known) if one not in options]
    if missing:
        raise ValueError(f"the estimator {name} needs {missing[0]}=")
    return known.make(logits.detach(), loss, generator, **options)


def _required(known: Estimator) -> list[str]:
    return [
        one.name
        for one in signature(known.make).parameters.values()
        if one.kind is Parameter.KEYWORD_ONLY and one.default is Parameter.empty
    ]
