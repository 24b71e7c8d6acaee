"""Scores of explanations by what their numbers say, and not by the order of items alone.

Each is defined for one example: from the scores of its items, and from what its output did when
sets of items, and single ones, were removed. ``C`` candidates are scored at once, an explanation
and random ones beside it, ``[C, items]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Sets = NDArray[np.bool_]

SET_SHARE = 0.2
"""Share of the items that a set of the faithfulness correlation has, or the next that there is."""
_NOTHING = 1e-9
"""Differences up to this, relative to the largest value, are rounding."""
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Kind:
    """One score.

    Attributes:
        name: in full.
        short: heading of a column.
        words: what it is, in a few words.
        source: the paper.
        better: "low", "high", or empty where no random explanation could be held against it.
    """

    name: str
    short: str
    words: str
    source: str
    better: str


INFIDELITY = Kind(
    "infidelity",
    "infidelity",
    "mean of (sum of the scores of removed items − fall of the output)², over random sets",
    "Yeh et al. 2019, arXiv:1901.09392",
    "low",
)
SCALED = Kind(
    "infidelity, scaled",
    "scaled",
    "the same, with the scores of each example times the factor that makes it smallest",
    "Yeh et al. 2019, arXiv:1901.09392",
    "low",
)
CORRELATION = Kind(
    "faithfulness correlation",
    "corr.",
    "Pearson's r between the sum of the scores of removed items and the fall of the output, over "
    "random sets of one size",
    "Bhatt et al. 2020, arXiv:2005.00631",
    "high",
)
TAU = Kind(
    "leave-one-out tau-b",
    "LOO τ-b",
    "Kendall's τ-b between the scores and how far the output falls without each item alone",
    "Jain & Wallace 2019, arXiv:1902.10186",
    "high",
)
RHO = Kind(
    "leave-one-out rho",
    "LOO ρ",
    "Spearman's ρ between the same",
    "Jain & Wallace 2019, arXiv:1902.10186",
    "high",
)
SENSITIVITY = Kind(
    "sensitivity-max",
    "sens.",
    "largest change of the explanation, in the norm of its scores, at random points near the input",
    "Yeh et al. 2019, arXiv:1901.09392",
    "",
)
RELATIVE = Kind(
    "sensitivity-max, relative",
    "sens.",
    "the same, divided by the norm of the explanation",
    "Yeh et al. 2019, arXiv:1901.09392",
    "",
)
BY_REMOVAL = (INFIDELITY, SCALED, CORRELATION, TAU, RHO)
BY_MOVING = (SENSITIVITY, RELATIVE)
KINDS = {one.name: one for one in (*BY_REMOVAL, *BY_MOVING)}
"""Every score by name, in the order in which they are shown."""


@dataclass(frozen=True, eq=False)
class Scored:
    """One score of one explanation, of each of ``E`` examples.

    Attributes:
        values: ``[E]``, NaN where it is undefined.
        random: ``[E]``, mean of the random explanations; NaN where there are none.
        won: ``[E]``, share of them that it is better than, ties half; NaN where all are alike.
        reasons: by index of an example, why there is no value.
    """

    values: Floats
    random: Floats
    won: Floats
    reasons: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Removed:
    """What was seen of one example.

    Attributes:
        sets: bool ``[sets, items]``, which items each set takes away.
        falls: ``[sets]``, how far the output falls without them.
        alone: ``[items]``, how far it falls without each item alone.
        tolerance: differences of the output up to this are none.
    """

    sets: Sets
    falls: Floats
    alone: Floats
    tolerance: float = 0.0


def scores_of(scores: Floats, dealt: Floats, seen: Removed) -> dict[str, tuple[Floats, str]]:
    """Every score by removal of an explanation, beside random ones.

    Args:
        scores: ``[items]``.
        dealt: ``[controls, items]``, of random explanations.
        seen: what the output did.

    Returns:
        By name: value, mean of the random ones and share of them that it is better than, ``[3]``,
        NaN where undefined; and why there is no value, or nothing.
    """
    candidates = np.concatenate([scores[None], dealt])
    sums = candidates @ seen.sets.T.astype(np.float64)
    few = _of_one_size(seen.sets)
    lone = np.where(np.ptp(seen.alone) <= seen.tolerance, np.nan, 1.0) * seen.alone
    steady = np.ptp(np.append(seen.falls, 0.0)) <= seen.tolerance
    falls = np.full_like(seen.falls, np.nan) if steady else seen.falls
    some = falls[few]
    if not few.any() or steady or np.ptp(some) <= seen.tolerance:
        some = np.full(len(some), np.nan)
    level = _LEVEL if _alike(scores) else _STEADY if steady else ""
    found: dict[str, tuple[Floats, str]] = {}
    for kind, values, why in (
        (INFIDELITY, infidelity(sums, falls), _STEADY),
        (SCALED, scaled_infidelity(sums, falls), _STEADY if steady else _ZERO),
        (CORRELATION, pearson(sums[:, few], some), level or _SAME),
        (TAU, kendall(candidates, lone), level or _LONE),
        (RHO, pearson(_ranks(candidates), _ranks(lone[None])[0]), level or _LONE),
    ):
        beside = _beside(values, kind.better)
        found[kind.name] = beside, why if np.isnan(beside[0]) else ""
    return found


def infidelity(sums: Floats, falls: Floats) -> Floats:
    """E (I·φ − (f(x) − f(x − I)))² over sets I of removed items (Yeh et al. 2019, definition 2.1).

    Args:
        sums: ``[C, sets]``, I·φ: the scores of what each set removes.
        falls: ``[sets]``, f(x) − f(x − I).

    Returns:
        ``[C]``, in the unit of the output, squared.
    """
    found: Floats = ((sums - falls) ** 2).mean(-1)
    return found


def scaled_infidelity(sums: Floats, falls: Floats) -> Floats:
    """Infidelity of β·φ with β = E (I·φ)(f(x) − f(x − I)) / E (I·φ)², which makes it smallest.

    Args:
        sums: ``[C, sets]``.
        falls: ``[sets]``.

    Returns:
        ``[C]``; NaN where all sums are zero, and any factor does as well.
    """
    size = (sums**2).mean(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        beta = np.where(size > 0, (sums * falls).mean(-1) / size, np.nan)
    return infidelity(beta[:, None] * sums, falls)


def pearson(many: Floats, one: Floats) -> Floats:
    """Pearson's r of each row ``[C, n]`` with another ``[n]``; NaN where either is constant."""
    if not many.shape[1]:
        return np.full(len(many), np.nan)
    x, y = many - many.mean(-1, keepdims=True), one - one.mean()
    scale = np.sqrt((x**2).sum(-1) * (y**2).sum())
    flat = np.ptp(many, axis=-1) <= _NOTHING * np.abs(many).max(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(flat | ~(scale > 0), np.nan, np.clip((x @ y) / scale, -1, 1))


def kendall(many: Floats, one: Floats) -> Floats:
    """Kendall's τ-b of each row ``[C, n]`` with another ``[n]``; NaN where either is constant."""
    first, second = np.triu_indices(len(one), 1)
    with np.errstate(invalid="ignore"):
        dy = np.sign(one[first] - one[second])
    found = np.full(len(many), np.nan)
    step = max(1, _AT_ONCE // max(1, len(first)))
    for at in range(0, len(many) if np.isfinite(dy).all() else 0, step):
        dx = np.sign(many[at : at + step, first] - many[at : at + step, second])
        scale = np.sqrt(np.abs(dx).sum(-1) * np.abs(dy).sum())
        with np.errstate(invalid="ignore", divide="ignore"):
            found[at : at + step] = np.where(scale > 0, (dx @ dy) / scale, np.nan)
    return found


_STEADY = "whatever is removed, the output stays"
_ZERO = "its scores are all zero"
_LEVEL = "its scores are all the same"
_SAME = "every set of that size moves the output alike"
_LONE = "every item alone moves the output alike"


def _of_one_size(sets: Sets) -> Sets:
    """Which sets have the size that is nearest to ``SET_SHARE`` of the items, but not all of them.

    Where two sizes are equally near it is the smaller one.
    """
    sizes = sets.sum(-1)
    some = np.unique(sizes[(sizes > 0) & (sizes < sets.shape[1])])
    if not len(some):
        return np.zeros(len(sets), bool)
    chosen = some[np.argmin(np.abs(some - SET_SHARE * sets.shape[1]))]
    found: Sets = sizes == chosen
    return found


def _beside(values: Floats, better: str) -> Floats:
    own, others = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(own) or not len(others):
        return np.array([own, np.nan, np.nan])
    pool = np.append(others, own)
    tied = _NOTHING * float(np.abs(pool).max())
    if np.ptp(pool) <= tied:
        return np.array([own, others.mean(), np.nan])
    ahead = (others - own) if better == "low" else (own - others)
    ahead = np.where(np.abs(ahead) <= tied, 0.0, ahead)
    return np.array([own, others.mean(), (np.sign(ahead).mean() + 1) / 2])


def _alike(scores: Floats) -> bool:
    return bool(np.ptp(scores) <= _NOTHING * np.abs(scores).max())


def _ranks(rows: Floats) -> Floats:
    """Ranks of each row from 1, ties sharing their mean; NaN where a row has one."""
    inside = np.sort(rows, axis=-1)
    if (np.diff(inside, axis=-1) > 0).all():
        return rows.argsort(-1).argsort(-1).astype(np.float64) + 1
    return np.stack([_ranked(row) for row in rows])


def _ranked(row: Floats) -> Floats:
    if np.isnan(row).any():
        return np.full(len(row), np.nan)
    _, groups, counts = np.unique(row, return_inverse=True, return_counts=True)
    found: Floats = (np.cumsum(counts) - (counts - 1) / 2)[groups]
    return found
