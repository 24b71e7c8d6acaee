"""Means with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

# Resampled values held at once: 4 M float64 are 32 MB.
_BLOCK = 4_000_000


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
