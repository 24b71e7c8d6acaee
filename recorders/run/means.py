"""Means over the rows of events, as far as what they are made of is whole."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.chunks import ChunkReader
from recorders.run.errors import DamagedError
from recorders.run.index import event_means, known_mean
from recorders.run.layout import ROW_CHUNK


class RowMeans:
    """Means of a number that every row has, NaN where none of it can be read.

    Args:
        columns: the run's columns by path.
        chunks: what reads its bulk values.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], chunks: ChunkReader) -> None:
        self._columns = columns
        self._chunks = chunks
        self._lost: dict[str, str] = {}

    @property
    def notices(self) -> tuple[str, ...]:
        """What was damaged among all that was read so far, in sentences."""
        return tuple(self._lost.values())

    def of(self, path: str, event: int) -> float:
        """The mean of one event."""
        offsets, counts = self._extents(np.array([event]))
        return known_mean(self._read_what_is_left(path, int(offsets[0]), int(counts[0])))

    def of_events(self, path: str, events: NDArray[np.int64]) -> NDArray[np.float64]:
        """The mean of each of ``events`` [n]."""
        return event_means(partial(self._read_what_is_left, path), *self._extents(events))

    def _extents(self, events: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        heads, queries, offsets = (
            self._columns[f"events/{name}"][events] for name in ("heads", "queries", "row_offset")
        )
        return offsets, heads.astype(np.int64) * queries

    def _read_what_is_left(self, path: str, start: int, count: int) -> NDArray[np.float64]:
        """Bulk values, NaN for those of a damaged chunk."""
        try:
            return self._chunks.read(path, start, count)
        except DamagedError as problem:
            self._lost[path] = f"damaged: {problem}; what it held is shown as not recorded"
        values = np.full(count, np.nan)
        for first in range(start - start % ROW_CHUNK, start + count, ROW_CHUNK):
            low, high = max(first, start), min(first + ROW_CHUNK, start + count)
            try:
                values[low - start : high - start] = self._chunks.read(path, low, high - low)
            except DamagedError:
                # Said above; the values stay NaN.
                continue
        return values
