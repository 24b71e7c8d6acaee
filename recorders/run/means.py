"""The mean of each event's rows, over all events: read once, also of a run that grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recorders.run.chunks import ChunkReader
from recorders.run.contents import Contents
from recorders.run.index import row_means

_WHERE = ("events/row_offset", "events/heads", "events/queries")


class EventMeans:
    """Means over heads and queries of what is known of each event.

    Args:
        contents: the run.
        chunks: reads its bulk values.
    """

    def __init__(self, contents: Contents, chunks: ChunkReader) -> None:
        self._contents = contents
        self._chunks = chunks
        self._known: dict[str, NDArray[np.float64]] = {}

    def of(self, path: str) -> NDArray[np.float64]:
        """Float64 [events], the means of ``rows/entropy`` or ``rows/log_prob``; NaN where unknown.

        Raises:
            RunError: the run is closed, gone from the disk, or damaged there.
        """
        offsets, heads, queries = (self._contents.tables.columns[name] for name in _WHERE)
        known = self._known.get(path, np.zeros(0))
        if known.size < offsets.size:
            new = slice(known.size, None)
            first = int(offsets[new].min())
            values = self._chunks.read(path, first, self._contents.bulks[path].length - first)
            counts = heads[new].astype(np.int64) * queries[new]
            known = np.concatenate([known, row_means(values, offsets[new] - first, counts)])
            self._known[path] = known
        return known

    def take_over(self, earlier: EventMeans) -> None:
        """Keep what is known of the same run when there was less of it."""
        now, before = self._contents, earlier._contents
        for path, means in list(earlier._known.items()):
            count = means.size
            same = now.bulks[path].continues(before.bulks[path]) and all(
                np.array_equal(
                    now.tables.columns[name][:count], before.tables.columns[name][:count]
                )
                for name in _WHERE
            )
            if same:
                self._known[path] = means
