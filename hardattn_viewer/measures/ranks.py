"""How alike two rankings are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hardattn_viewer.measures.distributions import Floats


def kendall_tau_b(a: ArrayLike, b: ArrayLike) -> float:
    """Kendall's τ-b of two scorings of the same items (Kendall 1945); ties count for neither side.

    Args:
        a: ``[n]`` scores.
        b: ``[n]`` scores of the same items.

    Returns:
        From −1 to 1; NaN where one of them gives all items the same score, or there are fewer
        than two, since there is no order then.

    Raises:
        ValueError: they have different lengths or are not one row of finite numbers.
    """
    x, y = _two_rows(a, b)
    first, second = np.triu_indices(len(x), 1)
    dx, dy = np.sign(x[first] - x[second]), np.sign(y[first] - y[second])
    scale = float(np.sqrt(np.abs(dx).sum() * np.abs(dy).sum()))
    return float((dx * dy).sum() / scale) if scale else float("nan")


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's ρ of two scorings of the same items (Spearman 1904); ties share their mean rank.

    Args:
        a: ``[n]`` scores.
        b: ``[n]`` scores of the same items.

    Returns:
        From −1 to 1; NaN where one of them gives all items the same score, or there are fewer
        than two, since there is no order then.

    Raises:
        ValueError: they have different lengths or are not one row of finite numbers.
    """
    x, y = _two_rows(a, b)
    first, second = (_mean_ranks(one) for one in (x, y))
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum() / scale) if scale else float("nan")


def _two_rows(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"two rows of equal length are compared, not {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("scores that are compared must be finite")
    return x, y


def _mean_ranks(values: Floats) -> Floats:
    _, groups, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    found: Floats = (last - (counts - 1) / 2)[groups]
    return found
