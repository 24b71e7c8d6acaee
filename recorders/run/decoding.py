"""Stored maps as probabilities: the rows that are asked for, decoded by several threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.chunks import ChunkReader
from recorders.run.codec import CODECS, Codec
from recorders.run.detail import Floats, How, coarser, level_of, pooled
from recorders.run.workers import each

MAPS = "maps/probabilities"
DETAILS = "details/probabilities"

LEVEL_CODEC = CODECS["sqrt16"]
"""How levels are stored, whatever the codec of the maps."""

_SLAB = 1 << 22
"""Most stored values that are read at once."""

_PIECE = 1 << 17
"""Values that one thread decodes at a time; they stay in its cache."""


class MapReader:
    """Reads parts of the maps of a run's events; safe from several threads.

    Args:
        chunks: where stored values come from.
        codec: how they are stored.
        columns: the run's columns by path.
    """

    def __init__(
        self, chunks: ChunkReader, codec: Codec, columns: Mapping[str, NDArray[Any]]
    ) -> None:
        self._chunks = chunks
        self._codec = codec
        self._columns = columns

    def shape(self, event: int) -> tuple[int, int, int]:
        """Heads, queries and keys of an event."""
        heads, queries, keys = (
            int(self._columns[f"events/{name}"][event]) for name in ("heads", "queries", "keys")
        )
        return heads, queries, keys

    def read(self, event: int, heads: range, queries: range, keys: range) -> Floats:
        """Probabilities [heads, queries, keys] of a part of a map, each whole row scaled to 1."""
        _, all_queries, all_keys = self.shape(event)
        found = np.empty((len(heads), len(queries), len(keys)), np.float32)
        if not found.size:
            return found
        first = int(self._columns["events/map_offset"][event])
        if len(queries) == all_queries:
            # The rows of one head go on where those of the head before end.
            rows = range(heads.start * all_queries, heads.stop * all_queries)
            self._fill(found.reshape(-1, len(keys)), first, rows, keys, all_keys)
            return found
        for place, head in enumerate(heads):
            start = head * all_queries
            rows = range(start + queries.start, start + queries.stop)
            self._fill(found[place], first, rows, keys, all_keys)
        return found

    def overview(self, event: int, head: int | None, blocks: tuple[int, int], how: How) -> Floats:
        """One number for each block of a map [queries, keys]; head None is the mean over heads.

        Where it was made before and is still in the cache, nothing is read.
        """

        def make() -> Floats:
            return np.concatenate([part for *_, part in self.pooled(event, blocks, [head], [how])])

        return self._chunks.remembered(("overview", event, head, *blocks, how), make).copy()

    def pooled(
        self, event: int, blocks: tuple[int, int], heads: Sequence[int | None], hows: Sequence[How]
    ) -> Iterator[tuple[How, int | None, Floats]]:
        """The pooled maps of an event from above to below, little of it in memory at once.

        Args:
            event: the event.
            blocks: queries and keys of a block, powers of two.
            heads: which heads; None for the mean over all of them.
            hows: ``max``, ``mean`` or both.

        Yields:
            How, of which head, and the next rows of it.
        """
        count, queries, keys = self.shape(event)
        wanted = range(count) if None in heads else [head for head in heads if head is not None]
        step = max(1, _SLAB // (keys * blocks[0])) * blocks[0]
        for start in range(0, queries, step):
            rows = range(start, min(start + step, queries))
            total = np.zeros((len(rows) if None in heads else 0, keys), np.float32)
            for head in wanted:
                values = self.read(event, range(head, head + 1), rows, range(keys))[0]
                if head in heads:
                    for how in hows:
                        yield how, head, _pooled(values, blocks, how)
                if None in heads:
                    total += values
            if None in heads:
                total /= np.float32(count)
                for how in hows:
                    yield how, None, _pooled(total, blocks, how)

    def stored_overview(
        self, event: int, offset: int, head: int | None, blocks: tuple[int, int], how: How
    ) -> Floats | None:
        """The same from the level that the run stores, or None where that is too coarse.

        Args:
            event: the event.
            offset: where its level begins.
            head: one head; None for the mean over heads.
            blocks: queries and keys of a block, powers of two.
            how: ``max`` or ``mean``.
        """
        heads, queries, keys = self.shape(event)
        level = level_of(heads, queries, keys)
        if blocks[0] < level.query_block or blocks[1] < level.key_block:
            return None
        values = np.empty((level.queries, level.keys), np.float32)
        stored = self._chunks.read(DETAILS, offset + level.start(how, head), values.size)
        flat = values.reshape(-1)

        def decode(start: int) -> None:
            part = slice(start, start + _PIECE)
            flat[part] = LEVEL_CODEC.decode(stored[part])

        each(decode, range(0, values.size, _PIECE))
        return coarser(values, level, (queries, keys), blocks, how)

    def decoded(self, stored: NDArray[Any]) -> Floats:
        """Whole stored rows [n, keys] as probabilities, each row scaled to 1."""
        found = np.empty(stored.shape, np.float32)
        self._decode(found, stored, range(stored.shape[1]))
        return found

    def _fill(self, found: Floats, first: int, rows: range, keys: range, all_keys: int) -> None:
        """Decode rows [n] of a map that begins at ``first`` into ``found`` [n, keys]."""
        step = max(1, _SLAB // all_keys)
        for start in range(rows.start, rows.stop, step):
            stop = min(start + step, rows.stop)
            stored = self._chunks.read(MAPS, first + start * all_keys, (stop - start) * all_keys)
            self._decode(
                found[start - rows.start : stop - rows.start], stored.reshape(-1, all_keys), keys
            )

    def _decode(self, found: Floats, stored: NDArray[Any], keys: range) -> None:
        """Decode whole stored rows [n, all keys], scale each to 1, and keep ``keys`` of them."""

        def decode(start: int) -> None:
            rows = slice(start, start + step)
            values = self._codec.decode(stored[rows])
            totals = values.sum(axis=-1, keepdims=True)
            # A row that sums to nothing attends to nothing; it stays as it is.
            divisor = np.where(totals > 0, totals, np.float32(1))
            np.divide(values[:, keys.start : keys.stop], divisor, out=found[rows])

        step = max(1, _PIECE // stored.shape[1])
        each(decode, range(0, len(stored), step))


def _pooled(values: Floats, blocks: tuple[int, int], how: How) -> Floats:
    """A band of whole blocks, pooled by several threads."""
    step = max(1, _PIECE // (values.shape[1] * blocks[0])) * blocks[0]
    parts = range(0, len(values), step)
    return np.concatenate(each(lambda at: pooled(values[at : at + step], *blocks, how), parts))
