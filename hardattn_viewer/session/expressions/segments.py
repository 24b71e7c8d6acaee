"""One number for all steps of each example, over columns of very many steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_] | None


class Segments:
    """Steps of examples, one example after the other.

    Args:
        counts: int64 [rows], how many steps each example has; 0 is fine.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self.counts = counts
        self.total = int(counts.sum())
        self._some = np.flatnonzero(counts)
        self._starts = (np.cumsum(counts) - counts)[self._some]

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value of each row [rows] for every one of its steps [total]."""
        return np.repeat(values, self.counts)

    def number_of(self, condition: NDArray[np.bool_]) -> NDArray[np.int64]:
        """At how many steps of each row a condition [total] holds, int64 [rows]."""
        return self._reduced(np.add, condition.astype(np.int64), np.int64(0)).astype(np.int64)

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of what is known of each row; NaN where nothing is."""
        known = ~np.isnan(values)
        total = self._reduced(np.add, np.where(known, values, 0.0), np.float64(0))
        return np.where(self.number_of(known) > 0, total, np.nan)

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of what is known of each row; NaN where nothing is."""
        with np.errstate(all="ignore"):
            return self.sum(values) / self.number_of(~np.isnan(values))

    def largest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The largest known value of each row; NaN where there is none."""
        return self._reduced(np.fmax, values, np.float64(np.nan))

    def smallest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The smallest known value of each row; NaN where there is none."""
        return self._reduced(np.fmin, values, np.float64(np.nan))

    def at_end(self, which: Mask, last: bool) -> NDArray[np.int64]:
        """The first, or last, step of each row that counts, int64 [rows]; -1 where none does."""
        place = np.arange(self.total, dtype=np.int64)
        if last:
            found = place if which is None else np.where(which, place, -1)
            return self._reduced(np.maximum, found, np.int64(-1)).astype(np.int64)
        found = place if which is None else np.where(which, place, self.total)
        first = self._reduced(np.minimum, found, np.int64(self.total)).astype(np.int64)
        return np.where(first == self.total, -1, first)

    def _reduced(self, function: Any, values: NDArray[Any], empty: Any) -> NDArray[Any]:
        result = np.full(self.counts.size, empty)
        if self._some.size:
            # Rows without steps are left out: reduceat would give them their neighbour's.
            result[self._some] = function.reduceat(values, self._starts)
        return result
