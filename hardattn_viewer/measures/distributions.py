"""Numbers about one attention distribution: how spread, how decided, how hard."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Unit = Literal["bit", "nat"]
Floats = NDArray[np.float64]


def rows_of(probabilities: ArrayLike) -> Floats:
    """Check and widen an array whose last axis is a distribution over keys.

    Args:
        probabilities: [..., keys], any real dtype.

    Returns:
        float64 [..., keys].

    Raises:
        ValueError: the array has no axis of keys, no key on it, or a negative entry.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim == 0 or rows.shape[-1] == 0:
        raise ValueError(f"expected [..., keys] with at least one key, got shape {rows.shape}")
    if bool((rows < 0).any()):
        raise ValueError("a probability is negative; pass probabilities, not scores")
    return rows


def entropy(probabilities: ArrayLike, unit: Unit = "bit") -> Floats:
    """Shannon entropy H(p) = −Σ p log p, with 0 log 0 = 0 (Shannon 1948, theorem 2).

    Args:
        probabilities: [..., keys] in [0, 1]; each row sums to one and is used as given.
        unit: ``"bit"`` (logarithm to base 2) or ``"nat"``.

    Returns:
        float64 [...]: 0 for one-hot rows up to log(keys) for uniform ones; NaN for rows with a NaN.

    Raises:
        ValueError: not an array of probabilities, or an unknown unit.
    """
    if unit not in ("bit", "nat"):
        raise ValueError(f"unit is {unit!r}; it must be 'bit' or 'nat'")
    rows = rows_of(probabilities)
    # Where p is zero the logarithm of one stands in, so that no warning and no −inf arises.
    total: Floats = -(rows * np.log(np.where(rows > 0, rows, 1.0))).sum(axis=-1)
    # Adding zero turns the −0.0 of one-hot rows into 0.0.
    return (total / np.log(2.0) if unit == "bit" else total) + 0.0


def effective_number(probabilities: ArrayLike) -> Floats:
    """Number of equally likely keys that would have the same entropy, exp(H) (Hill 1973, order 1).

    Args:
        probabilities: [..., keys]; each row sums to one.

    Returns:
        float64 [...] from 1 to the number of keys; NaN for rows with a NaN.

    Raises:
        ValueError: not an array of probabilities.
    """
    return np.exp(entropy(probabilities, "nat"))


def hardness(probabilities: ArrayLike) -> Floats:
    """One minus the normalised entropy: 1 − H(p) / log(keys) (Pielou 1966, evenness).

    Args:
        probabilities: [..., keys]; each row sums to one.

    Returns:
        float64 [...] from 0 (uniform) to 1 (one-hot, or a single key); NaN for rows with a NaN.

    Raises:
        ValueError: not an array of probabilities.
    """
    rows = rows_of(probabilities)
    nats = entropy(rows, "nat")
    if rows.shape[-1] == 1:
        return np.where(np.isnan(nats), np.nan, 1.0)
    scaled: Floats = np.clip(1.0 - nats / np.log(rows.shape[-1]), 0.0, 1.0)
    return scaled


def largest_probability(probabilities: ArrayLike) -> Floats:
    """Largest probability of a row, max p: how hard attention is, without regard to the others.

    Args:
        probabilities: [..., keys]; each row sums to one.

    Returns:
        float64 [...] from 1/keys (uniform) to 1 (one-hot); NaN for rows with a NaN.

    Raises:
        ValueError: not an array of probabilities.
    """
    return np.asarray(rows_of(probabilities).max(axis=-1))


def margin(probabilities: ArrayLike) -> Floats:
    """Largest probability minus the second largest.

    Args:
        probabilities: [..., keys]; each row sums to one.

    Returns:
        float64 [...] in [0, 1]; the probability itself where there is one key only; NaN for rows
        with a NaN.

    Raises:
        ValueError: not an array of probabilities.
    """
    rows = rows_of(probabilities)
    if rows.shape[-1] == 1:
        return rows[..., 0].copy()
    # NaN sorts as the largest, so a NaN anywhere in the row reaches the last place.
    top = np.partition(rows, -2, axis=-1)
    return np.asarray(top[..., -1] - top[..., -2])


def rank(probabilities: ArrayLike, key: ArrayLike) -> Floats:
    """Place of a key when keys are ordered by falling probability.

    Args:
        probabilities: [..., keys].
        key: int [...], broadcast against the leading axes.

    Returns:
        float64 [...]: 1 for the most probable key; equal keys share the better rank; NaN for rows
        with a NaN.

    Raises:
        ValueError: not an array of probabilities.
        IndexError: a key is outside the row.
    """
    rows = rows_of(probabilities)
    keys = np.broadcast_to(np.asarray(key, dtype=np.int64), rows.shape[:-1])
    if bool(((keys < 0) | (keys >= rows.shape[-1])).any()):
        raise IndexError(f"a key is outside 0 … {rows.shape[-1] - 1}")
    own = np.take_along_axis(rows, keys[..., None], axis=-1)
    places = 1.0 + (rows > own).sum(axis=-1)
    return np.where(np.isnan(rows).any(axis=-1), np.nan, places)


def most_probable(values: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """The places of the largest values by falling value, without ordering all the others.

    Args:
        values: [values]; NaN is none of the largest.
        count: how many at most.

    Returns:
        int64 [at most count]; of equal values the first comes first.
    """
    falling = -values
    if not 0 < count < falling.size:
        order = np.argsort(falling, kind="stable")[: max(count, 0)]
    else:
        # NaN is partitioned behind everything, so that a NaN here means too few numbers.
        last = np.partition(falling, count - 1)[count - 1]
        there = np.flatnonzero(falling <= last) if last == last else np.arange(falling.size)
        order = there[np.argsort(falling[there], kind="stable")][:count]
    found: NDArray[np.int64] = order[~np.isnan(values[order])].astype(np.int64)
    return found
