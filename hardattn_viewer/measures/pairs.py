"""All numbers between two rows of attention at once, from the logarithms that they share."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardattn_viewer.measures.comparing import mass_on
from hardattn_viewer.measures.distributions import Floats

PairMeasure = Literal[
    "same_argmax",
    "jensen_shannon",
    "soft_mass",
    "entropy_a",
    "entropy_b",
    "effective_a",
    "effective_b",
]
PAIR_MEASURES: tuple[PairMeasure, ...] = (
    "same_argmax",
    "jensen_shannon",
    "soft_mass",
    "entropy_a",
    "entropy_b",
    "effective_a",
    "effective_b",
)
# Float64 values worked on at once: they stay in the cache of one processor.
_AT_ONCE = 1 << 15


def pair_numbers(
    a: NDArray[np.floating], b: NDArray[np.floating], chosen: ArrayLike | None = None, by: str = ""
) -> Floats:
    """Every number that compares two rows, for many rows at once.

    The same as ``same_argmax``, ``jensen_shannon``, ``mass_on``, ``entropy`` (bits) and
    ``effective_number`` one after the other, several times faster.

    Args:
        a: [rows, keys], rows of probabilities; not checked.
        b: [rows, keys], the same keys.
        chosen: int [rows, n], what the hard side selected, −1 for none; None where not exactly
            one side is hard.
        by: ``"A"`` or ``"B"``, the side that ``chosen`` is of.

    Returns:
        float64 [rows, 7] in the order of ``PAIR_MEASURES``; a row that may look nowhere in A or
        in B (all zeros) or holds a NaN is NaN throughout, and ``soft_mass`` is where nothing was
        chosen.

    Raises:
        ValueError: A and B have different shapes.
        IndexError: a chosen key is outside its row.
    """
    if a.shape != b.shape:
        raise ValueError(f"A has rows of shape {a.shape} and B of {b.shape}; they must be equal")
    rows, keys = a.shape
    found = np.full((rows, len(PAIR_MEASURES)), np.nan)
    choices = None if chosen is None else np.asarray(chosen, np.int64)
    step = max(1, _AT_ONCE // max(1, keys))
    for start in range(0, rows, step):
        part = slice(start, start + step)
        found[part, :2], found[part, 3:5] = _shared(
            a[part].astype(np.float64), b[part].astype(np.float64)
        )
        if choices is not None and choices.shape[1]:
            found[part, 2] = mass_on((b if by == "A" else a)[part], choices[part])
    found[:, 5:7] = np.exp2(found[:, 3:5])
    seen = (a.sum(axis=-1) > 0) & (b.sum(axis=-1) > 0)
    found[~seen] = np.nan
    return found


def _shared(p: Floats, q: Floats) -> tuple[Floats, Floats]:
    """Same argmax and divergence [rows, 2], and both entropies [rows, 2], in bits."""
    middle = (p + q) / 2
    tiny = np.finfo(np.float64).tiny
    logs = [np.log2(np.maximum(values, tiny)) for values in (p, q, middle)]
    entropies = [-(values * log).sum(axis=-1) + 0.0 for values, log in ((p, logs[0]), (q, logs[1]))]
    # As Σ p log(p / m): a sum of near-cancelling entropies would lose digits near zero.
    total = (p * (logs[0] - logs[2])).sum(axis=-1) + (q * (logs[1] - logs[2])).sum(axis=-1)
    meets = (p == p.max(axis=-1, keepdims=True)) & (q == q.max(axis=-1, keepdims=True))
    same = np.where(np.isnan(middle).any(axis=-1), np.nan, meets.any(axis=-1))
    divergence = np.clip(total / 2, 0.0, 1.0)
    return np.stack([same, divergence], axis=-1), np.stack(entropies, axis=-1)
