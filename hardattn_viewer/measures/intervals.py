"""Means with their uncertainty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Resampled values held at once: 4 M float64 are 32 MB.
_BLOCK = 4_000_000
# Draws of one slice, and products of it: each a few milliseconds.
_DRAWS, _PRODUCTS = 1 << 18, 1 << 25


@dataclass(frozen=True)
class Interval:
    """A mean and a bootstrap interval around it.

    Attributes:
        mean: mean of the values; NaN where there are none.
        low: lower end of the interval.
        high: upper end of the interval.
        level: coverage aimed at, for example 0.95.
        count: number of values that went in (NaN ones are left out).
    """

    mean: float
    low: float
    high: float
    level: float
    count: int

    @property
    def half_width(self) -> float:
        """Half the width of the interval, for "72.4 ± 0.9"."""
        return (self.high - self.low) / 2


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Percentile bootstrap interval of a mean (Efron 1979).

    Args:
        values: independent observations (one an example), any shape; NaN ones are left out.
        level: coverage aimed at, strictly between 0 and 1.
        resamples: number of resamples.
        seed: seed of the resampling; equal seeds give equal intervals.

    Returns:
        The interval; all NaN where there is no value.

    Raises:
        ValueError: level or resamples are out of range.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie between 0 and 1")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}; it must be at least 1")
    observed = np.asarray(values, dtype=np.float64).ravel()
    observed = observed[~np.isnan(observed)]
    count = len(observed)
    if count == 0:
        return Interval(float("nan"), float("nan"), float("nan"), level, 0)
    generator = np.random.default_rng(seed)
    at_once = max(1, _BLOCK // count)
    means = np.concatenate(
        [
            observed[generator.integers(0, count, (min(at_once, resamples - start), count))].mean(1)
            for start in range(0, resamples, at_once)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(observed.mean()), float(low), float(high), level, count)


def bootstrap_slices(
    values: NDArray[np.floating], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Iterator[tuple[Interval, ...] | None]:
    """Percentile bootstrap intervals of the means of many columns, in slices of milliseconds.

    All columns are resampled together, so a resample is the same observations in each. A missing
    value is left out of the mean of its column.

    Args:
        values: [observations, columns], NaN where missing.
        level: coverage aimed at, strictly between 0 and 1.
        resamples: number of resamples.
        seed: seed of the resampling; equal seeds give equal intervals.

    Yields:
        None after each slice but the last, then one interval a column; all NaN for a column
        without a value.

    Raises:
        ValueError: level or resamples are out of range.
    """
    if not 0 < level < 1 or resamples < 1:
        raise ValueError(
            f"level is {level} and resamples {resamples}; they must lie between 0 and 1, and be 1 "
            "or more"
        )
    count, columns = values.shape
    known = np.isfinite(values)
    gaps = not bool(known.all())
    filled = np.where(known, values, 0.0)
    present = known.astype(np.float64) if gaps else None
    generator = np.random.default_rng(seed)
    at_once = max(1, min(_DRAWS, _PRODUCTS // max(1, columns * (1 + gaps))) // max(1, count))
    means = np.full((resamples, columns), np.nan)
    for start in range(0, resamples if count else 0, at_once):
        some = min(at_once, resamples - start)
        drawn = generator.integers(0, count, (some, count), dtype=np.int64)
        drawn += np.arange(some)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=some * count).reshape(some, count)
        weights = weights.astype(np.float64)
        totals = count if present is None else weights @ present
        with np.errstate(invalid="ignore", divide="ignore"):
            means[start : start + some] = (weights @ filled) / totals
        yield None
    found = []
    for column in range(columns):
        total = int(known[:, column].sum())
        if not total:
            found.append(Interval(float("nan"), float("nan"), float("nan"), level, 0))
            continue
        low, high = np.nanquantile(means[:, column], [(1 - level) / 2, (1 + level) / 2])
        mean = float(filled[:, column].sum() / total)
        found.append(Interval(mean, float(low), float(high), level, total))
        if column % 32 == 31:
            yield None
    yield tuple(found)
