"""The coarser levels of a run's large maps, made while its parts are joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorders.run.chunks import ChunkReader
from recorders.run.codec import CODECS, pack
from recorders.run.contents import Contents
from recorders.run.decoding import LEVEL_CODEC, MapReader
from recorders.run.detail import HOWS, Level, is_large, level_of
from recorders.run.layout import MAP_CHUNK
from recorders.run.tables import Tables

_CACHE_BYTES = 32 << 20


@dataclass(frozen=True)
class Levels:
    """Which levels a run is to have.

    Attributes:
        events: numbers of the large events.
        levels: how large the level of each is.
        offsets: where each begins.
        length: values of all of them.
    """

    events: tuple[int, ...]
    levels: tuple[Level, ...]
    offsets: tuple[int, ...]
    length: int


def levels_of(tables: Tables) -> Levels:
    """The levels of all large events of a run."""
    queries, keys = (
        tables.columns[f"events/{name}"].astype(np.int64) for name in ("queries", "keys")
    )
    events = np.flatnonzero(is_large(queries, keys))
    heads = tables.columns["events/heads"][events].tolist()
    shapes = zip(heads, queries[events].tolist(), keys[events].tolist(), strict=True)
    levels = tuple(level_of(*shape) for shape in shapes)
    *offsets, length = np.cumsum([0, *(level.size for level in levels)]).tolist()
    return Levels(tuple(events.tolist()), levels, tuple(offsets), length)


def with_levels(tables: Tables, levels: Levels) -> Tables:
    """The tables of a run that has these levels."""
    rows = {
        "details/event": np.array(levels.events, np.int64),
        "details/offset": np.array(levels.offsets, np.int64),
    }
    return Tables(tables.columns | rows, tables.texts)


def packed_levels(contents: Contents, levels: Levels) -> Iterator[tuple[int, bytes]]:
    """Number and stored bytes of every chunk of the levels, in no order.

    Raises:
        RunError: a map cannot be read.
    """
    chunks = ChunkReader(contents, _CACHE_BYTES)
    try:
        maps = MapReader(chunks, CODECS[contents.facts.codec], contents.tables.columns)
        for event, level, offset in zip(levels.events, levels.levels, levels.offsets, strict=True):
            for start, packed in _packed(maps, event, level):
                yield (offset + start) // MAP_CHUNK, packed
    finally:
        chunks.close()


def _packed(maps: MapReader, event: int, level: Level) -> Iterator[tuple[int, bytes]]:
    """First value, counted within the level, and stored bytes of each chunk of one event."""
    heads = [None, *range(level.maps - 1)]
    waiting = {(how, head): np.zeros(0, LEVEL_CODEC.dtype) for how in HOWS for head in heads}
    written = {name: level.start(*name) for name in waiting}
    blocks = level.query_block, level.key_block
    for how, head, part in maps.pooled(event, blocks, heads, HOWS):
        name = how, head
        values = np.concatenate([waiting[name], LEVEL_CODEC.encode(part)])
        whole = values.size // MAP_CHUNK * MAP_CHUNK
        for start in range(0, whole, MAP_CHUNK):
            yield written[name] + start, pack(values[start : start + MAP_CHUNK])
        waiting[name] = values[whole:].copy()
        written[name] += whole
    for name, rest in waiting.items():
        if rest.size:
            yield written[name], pack(_padded(rest))


def _padded(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return np.concatenate([values, np.zeros(MAP_CHUNK - values.size, values.dtype)])
