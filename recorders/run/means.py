"""Means over the rows of events, as far as what they are made of is whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.chunks import ChunkReader
from recorders.run.contents import BulkIndex
from recorders.run.errors import DamagedError
from recorders.run.index import known_mean, row_means


class RowMeans:
    """Means of a number that every row has, NaN where none of it can be read.

    Args:
        columns: the run's columns by path.
        bulks: where its bulk values lie.
        chunks: what reads them.
    """

    def __init__(
        self,
        columns: Mapping[str, NDArray[Any]],
        bulks: Mapping[str, BulkIndex],
        chunks: ChunkReader,
    ) -> None:
        self._start = columns["events/row_offset"]
        self._counts = columns["events/heads"].astype(np.int64) * columns["events/queries"]
        self._bulks = bulks
        self._chunks = chunks
        self._lost: dict[str, str] = {}

    @property
    def notices(self) -> tuple[str, ...]:
        """What was damaged among all that was read so far, in sentences."""
        return tuple(self._lost.values())

    def of(self, path: str, event: int) -> float:
        """The mean of one event."""
        try:
            values = self._chunks.read(path, int(self._start[event]), int(self._counts[event]))
        except DamagedError as problem:
            self._note(path, problem)
            return float("nan")
        return known_mean(values)

    def of_all(self, path: str) -> NDArray[np.float64]:
        """The mean of every event [events]."""
        try:
            self._chunks.read(path, 0, 0)
        except DamagedError as problem:
            # Nobody knows how long it was, nor whether events point into it.
            self._note(path, problem)
            return np.full(len(self._start), np.nan)
        chunk = self._bulks[path].chunk
        end = int((self._start + self._counts).max(initial=0))
        values = np.full(-(-end // chunk) * chunk, np.nan)
        for start in range(0, end, chunk):
            try:
                values[start : start + chunk] = self._chunks.read(path, start, chunk)
            except DamagedError as problem:
                self._note(path, problem)
        return row_means(values, self._start, self._counts)

    def _note(self, path: str, problem: DamagedError) -> None:
        self._lost[path] = f"damaged: {problem}; what it held is shown as not recorded"
