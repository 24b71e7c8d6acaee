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
        # Of a run that grows: by path the mean of each event, and of which it is known.
        self._kept: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]] | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What was damaged among all that was read so far, in sentences."""
        return tuple(self._lost.values())

    def of(self, path: str, event: int) -> float:
        """The mean of one event."""
        offsets, counts = self._extents(np.array([event]))
        return known_mean(self.what_is_left(path, int(offsets[0]), int(counts[0])))

    def of_events(self, path: str, events: NDArray[np.int64]) -> NDArray[np.float64]:
        """The mean of each of ``events`` [n]."""
        if self._kept is None:
            return self._read_means(path, events)
        count = len(self._columns["events/row_offset"])
        values, known = self._kept.get(path, (np.zeros(0), np.zeros(0, np.bool_)))
        if values.size < count:
            more = count - values.size
            values = np.concatenate([values, np.full(more, np.nan)])
            known = np.concatenate([known, np.zeros(more, np.bool_)])
        missing = events[~known[events]]
        values[missing], known[missing] = self._read_means(path, missing), True
        self._kept[path] = values, known
        found: NDArray[np.float64] = values[events]
        return found

    def keep(self) -> None:
        """Remember means from now on, since the run they are of grows and is asked again."""
        self._kept = self._kept or {}

    def take_over(self, earlier: RowMeans) -> None:
        """Keep what is known of the same run when there was less of it."""
        self._kept = {}
        for path, (values, known) in list((earlier._kept or {}).items()):
            if self._chunks.continues(earlier._chunks, path) and all(
                np.array_equal(self._columns[name][: values.size], earlier._columns[name])
                for name in ("events/heads", "events/queries", "events/row_offset")
            ):
                self._kept[path] = values.copy(), known.copy()

    def _read_means(self, path: str, events: NDArray[np.int64]) -> NDArray[np.float64]:
        return event_means(partial(self.what_is_left, path), *self._extents(events))

    def _extents(self, events: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        heads, queries, offsets = (
            self._columns[f"events/{name}"][events] for name in ("heads", "queries", "row_offset")
        )
        return offsets, heads.astype(np.int64) * queries

    def what_is_left(self, path: str, start: int, count: int) -> NDArray[np.float64]:
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
