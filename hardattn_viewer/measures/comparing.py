"""Numbers about two attention distributions over the same keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardattn_viewer.measures.distributions import Floats, rows_of
from hardattn_viewer.measures.intervals import Interval, bootstrap_interval


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    first, second = rows_of(a), rows_of(b)
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(
            f"A has {first.shape[-1]} keys and B has {second.shape[-1]}; "
            "only distributions over the same keys can be compared"
        )
    return first, second


def jensen_shannon(a: ArrayLike, b: ArrayLike) -> Floats:
    """Jensen–Shannon divergence H(m) − (H(a) + H(b)) / 2, m = (a + b) / 2 (Lin 1991, eq. 4.1).

    Args:
        a: [..., keys]; each row sums to one.
        b: [..., keys], broadcast against ``a`` on the leading axes.

    Returns:
        float64 [...] in bits: 0 for equal rows, 1 for rows that share no key; NaN for rows with a
        NaN in either.

    Raises:
        ValueError: not probabilities, or over different numbers of keys.
    """
    first, second = _pair(a, b)
    middle = (first + second) / 2
    positive = np.where(middle > 0, middle, 1.0)
    # Each side as Σ p log(p/m): a sum of near-cancelling entropies would lose digits near zero.
    total = sum(
        (rows * np.log2(np.where(rows > 0, rows, positive) / positive)).sum(axis=-1)
        for rows in (first, second)
    )
    bits: Floats = np.clip(total / 2, 0.0, 1.0)
    return bits


def mass_on(probabilities: ArrayLike, selection: ArrayLike) -> Floats:
    """Mass that one distribution puts on the keys that another chose.

    Args:
        probabilities: [..., keys]; each row sums to one.
        selection: int [..., chosen], broadcast against the leading axes; a key named twice counts
            once, −1 stands for "none".

    Returns:
        float64 [...] in [0, 1]; NaN where nothing was chosen or the row holds a NaN.

    Raises:
        ValueError: not an array of probabilities.
        IndexError: a chosen key is outside the row.
    """
    rows = rows_of(probabilities)
    chosen = np.asarray(selection, dtype=np.int64)
    keys = rows.shape[-1]
    if bool(((chosen < -1) | (chosen >= keys)).any()):
        raise IndexError(f"a chosen key is outside 0 … {keys - 1}")
    leading = np.broadcast_shapes(rows.shape[:-1], chosen.shape[:-1])
    # One column more than keys: that is where "none" goes, to be cut off.
    marked = np.zeros((*leading, keys + 1), dtype=bool)
    places = np.broadcast_to(np.where(chosen < 0, keys, chosen), (*leading, chosen.shape[-1]))
    np.put_along_axis(marked, places, True, axis=-1)
    marked = marked[..., :keys]
    mass = np.where(marked, rows, 0.0).sum(axis=-1)
    valid = marked.any(axis=-1) & ~np.isnan(rows).any(axis=-1)
    return np.where(valid, mass, np.nan)


def same_argmax(a: ArrayLike, b: ArrayLike) -> Floats:
    """Whether two distributions are largest at the same key.

    Args:
        a: [..., keys].
        b: [..., keys], broadcast against ``a`` on the leading axes.

    Returns:
        float64 [...]: 1 where a key is largest in both (ties count as every tied key), else 0; NaN
        for rows with a NaN in either.

    Raises:
        ValueError: not probabilities, or over different numbers of keys.
    """
    first, second = _pair(a, b)
    meets = (first == first.max(axis=-1, keepdims=True)) & (
        second == second.max(axis=-1, keepdims=True)
    )
    missing = np.isnan(first).any(axis=-1) | np.isnan(second).any(axis=-1)
    return np.where(missing, np.nan, meets.any(axis=-1).astype(np.float64))


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far two runs agree over the same examples; intervals are over examples.

    Attributes:
        same_argmax: rate of rows that are largest at the same key, in [0, 1].
        jensen_shannon: mean Jensen–Shannon divergence in bits.
        mass_on_choice: mean mass of B on A's choice; without choices, on A's largest key.
        per_example: float64 [examples] by the three names above, NaN where not defined.
    """

    same_argmax: Interval
    jensen_shannon: Interval
    mass_on_choice: Interval
    per_example: dict[str, Floats]


def agreement(
    maps_a: Sequence[ArrayLike],
    maps_b: Sequence[ArrayLike],
    choices_a: Sequence[ArrayLike | None] | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Compare two lists of maps, one item an example; examples may differ in shape.

    Rows of one example are not independent, so they are averaged first and the bootstrap draws
    whole examples.

    Args:
        maps_a: one [..., keys] an example.
        maps_b: the same examples of the other run, with the same number of keys each.
        choices_a: for each example int [..., chosen] or None; without it A's largest key.
        level: coverage of the intervals.
        resamples: bootstrap resamples.
        seed: seed of the bootstrap.

    Returns:
        The three numbers with their intervals and values per example.

    Raises:
        ValueError: lists of different length, or examples over different keys.
        IndexError: a chosen key is outside its row.
    """
    choices = [None] * len(maps_a) if choices_a is None else choices_a
    if not len(maps_a) == len(maps_b) == len(choices):
        raise ValueError(
            f"A has {len(maps_a)} examples, B has {len(maps_b)}, choices {len(choices)}; "
            "the same examples are needed of each"
        )
    names = ("same_argmax", "jensen_shannon", "mass_on_choice")
    values: dict[str, Floats] = {name: np.full(len(maps_a), np.nan) for name in names}
    for index, (a, b, choice) in enumerate(zip(maps_a, maps_b, choices, strict=True)):
        first, second = _pair(a, b)
        chosen: NDArray[np.int64] = np.asarray(
            first.argmax(axis=-1)[..., None] if choice is None else choice, dtype=np.int64
        )
        values["same_argmax"][index] = _mean(same_argmax(first, second))
        values["jensen_shannon"][index] = _mean(jensen_shannon(first, second))
        values["mass_on_choice"][index] = _mean(mass_on(second, chosen))
    same, divergence, mass = (
        bootstrap_interval(values[name], level=level, resamples=resamples, seed=seed)
        for name in names
    )
    return Agreement(same, divergence, mass, values)


def _mean(rows: Floats) -> float:
    known = rows[~np.isnan(rows)]
    return float(known.mean()) if known.size else float("nan")
