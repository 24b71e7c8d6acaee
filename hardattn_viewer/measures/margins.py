"""What the rows, columns and diagonals of a map hold, added up a few rows at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures.distributions import entropy

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RowMargins:
    """What each row of a map holds.

    Attributes:
        entropy: float64 [rows], bits; NaN for a row that holds nothing, or a NaN.
        largest: float64 [rows], the largest probability; NaN where no key was recorded.
        total: float64 [rows], the sum of what was recorded.
    """

    entropy: Floats
    largest: Floats
    total: Floats


def row_margins(values: NDArray[np.floating]) -> RowMargins:
    """Entropy H = −Σ p log₂ p in bits, largest probability and sum of each row.

    Args:
        values: [rows, keys], probabilities; NaN where not recorded.
    """
    rows = np.asarray(values, np.float64)
    if not rows.shape[1]:
        nothing = np.full(len(rows), np.nan)
        return RowMargins(nothing, nothing, np.zeros(len(rows)))
    total = np.nansum(rows, axis=1)
    largest = np.fmax.reduce(rows, axis=1)
    bits = np.where(total > 0, entropy(rows), np.nan)
    return RowMargins(bits, largest, total)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums along the columns and the diagonals of a map, as far as rows were added.

    Attributes:
        columns: float64 [keys], what each key received.
        lookers: int64 [keys], how many queries could look at each key and were recorded.
        diagonals: float64 [distances], what lies at each distance.
        cells: int64 [distances], how many cells lie at each distance, masked ones not counted.
        nearest: the distance that the first of ``diagonals`` is of.
    """

    columns: Floats
    lookers: NDArray[np.int64]
    diagonals: Floats
    cells: NDArray[np.int64]
    nearest: int

    @property
    def column_means(self) -> Floats:
        """What a query that could look at a key gave it on average; NaN where none could."""
        return _ratio(self.columns, self.lookers)

    @property
    def diagonal_means(self) -> Floats:
        """The mean probability at each distance; NaN where no cell was recorded."""
        return _ratio(self.diagonals, self.cells)


def no_sums(keys: int, positions: NDArray[np.int64] | None) -> Sums:
    """The sums before any row.

    Args:
        keys: number of keys.
        positions: int64 [queries], the key that is the same item as each query; None where
            queries are no keys, so that there are no distances.
    """
    near, far = 0, -1
    if positions is not None and positions.size:
        near, far = int(positions.min()) - keys + 1, int(positions.max())
    length = far - near + 1
    return Sums(
        np.zeros(keys), np.zeros(keys, np.int64), np.zeros(length), np.zeros(length, np.int64), near
    )


def add_rows(
    sums: Sums,
    values: NDArray[np.floating],
    counted: Bools,
    positions: NDArray[np.int64] | None,
) -> None:
    """Add rows of a map to the sums, in place.

    The distance of a cell is the position of its query less that of its key: 1 is the item before.

    Args:
        sums: from ``no_sums``.
        values: [rows, keys], probabilities.
        counted: bool [rows, keys], the cells that were recorded and not masked.
        positions: int64 [rows], the key that is the same item as each query, or None.
    """
    amounts = np.where(counted, values, 0.0)
    sums.columns[:] += amounts.sum(axis=0)
    sums.lookers[:] += counted.sum(axis=0)
    if positions is None or not sums.diagonals.size:
        return
    keys = values.shape[1]
    # Along a row distance falls, so that it is added from its end.
    backwards, seen = amounts[:, ::-1], counted[:, ::-1]
    for row, position in enumerate(positions.tolist()):
        start = position - keys + 1 - sums.nearest
        sums.diagonals[start : start + keys] += backwards[row]
        sums.cells[start : start + keys] += seen[row]


def _ratio(amounts: Floats, counts: NDArray[np.int64]) -> Floats:
    found: Floats = np.full(amounts.shape, np.nan)
    np.divide(amounts, counts, out=found, where=counts > 0)
    return found
