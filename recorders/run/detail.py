"""Coarser levels of large maps: the largest, or the mean, of every block of cells.

What a picture shows is the largest: a mean hides the one key among thousands that matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout

How = Literal["max", "mean"]
HOWS: tuple[How, ...] = ("max", "mean")
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Overview:
    """A map with every block of cells replaced by one number.

    Attributes:
        values: float32 [rows, columns], the largest or the mean probability of each block.
        query_block: queries of a block, a power of two; the last may be smaller.
        key_block: keys of a block, likewise.
        how: ``max`` or ``mean``.
    """

    values: Floats
    query_block: int
    key_block: int
    how: How


@dataclass(frozen=True)
class Level:
    """How large the stored level of an event is, and where its parts begin.

    Attributes:
        queries: rows of each of its maps.
        keys: columns of each of its maps.
        query_block: queries of a block.
        key_block: keys of a block.
        maps: maps for each of ``HOWS``: the mean over heads, then every head.
    """

    queries: int
    keys: int
    query_block: int
    key_block: int
    maps: int

    @property
    def padded(self) -> int:
        """Values from the beginning of one map to that of the next: whole chunks."""
        return -(-self.queries * self.keys // layout.MAP_CHUNK) * layout.MAP_CHUNK

    @property
    def size(self) -> int:
        """Values of all maps."""
        return len(HOWS) * self.maps * self.padded

    def start(self, how: How, head: int | None) -> int:
        """The first value of one map, counted from the first of the level."""
        number = 0 if head is None else head + 1
        return (HOWS.index(how) * self.maps + number) * self.padded


def is_large(queries: Any, keys: Any) -> Any:
    """Whether a map (or which of many) is worth a level of its own."""
    return queries * keys > layout.DETAIL_ABOVE


def block_of(length: int, most: int) -> int:
    """The smallest power of two by which ``length`` cells become at most ``most``."""
    return 1 << max(0, (-(-length // max(1, most)) - 1).bit_length())


def level_of(heads: int, queries: int, keys: int) -> Level:
    """The level that a run stores of a large map."""
    query_block, key_block = (block_of(n, layout.DETAIL_SIZE) for n in (queries, keys))
    return Level(
        -(-queries // query_block), -(-keys // key_block), query_block, key_block, heads + 1
    )


def pooled(values: Floats, query_block: int, key_block: int, how: How) -> Floats:
    """``values`` [..., queries, keys] with one number for each block; blocks are powers of two.

    Of ``how="mean"`` the last block is divided by the cells that it has.
    """
    queries, keys = values.shape[-2:]
    # Keys first: they lie next to each other, and what follows is smaller by their block.
    values = _halved(_halved(values, key_block, -1, how), query_block, -2, how)
    if how == "max":
        return values
    down, across = _cells(queries, query_block), _cells(keys, key_block)
    means: Floats = values / (down[:, None] * across)
    return means


def _cells(length: int, block: int) -> Floats:
    """How many cells each block has."""
    return np.minimum(block, length - np.arange(0, length, block)).astype(np.float32)


def _halved(values: Floats, block: int, axis: int, how: How) -> Floats:
    """The largest, or the sum, of each block along one axis."""
    combine = np.maximum if how == "max" else np.add
    while block > 1:
        length = values.shape[axis]
        pairs = [slice(None)] * values.ndim
        pairs[axis] = slice(0, length - length % 2, 2)
        first = values[tuple(pairs)]
        pairs[axis] = slice(1, length, 2)
        halved = combine(first, values[tuple(pairs)])
        if length % 2:
            # A cell without a partner is the largest, and the sum, of itself.
            pairs[axis] = slice(length - 1, length)
            halved = np.concatenate([halved, values[tuple(pairs)]], axis)
        values, block = halved, block // 2
    return values


def coarser(
    values: Floats, level: Level, shape: tuple[int, int], blocks: tuple[int, int], how: How
) -> Floats:
    """A map of a level [rows, columns] in larger blocks; of a mean each by the cells it has.

    Args:
        values: one map of the level.
        level: how large its blocks are.
        shape: queries and keys of the whole map.
        blocks: queries and keys of the blocks wanted, powers of two and none below the level's.
        how: what ``values`` hold.
    """
    factors = blocks[0] // level.query_block, blocks[1] // level.key_block
    if factors == (1, 1):
        return values
    if how == "max":
        return pooled(values, *factors, how)
    down, across = _cells(shape[0], level.query_block), _cells(shape[1], level.key_block)
    sums = _halved(
        _halved(values * (down[:, None] * across), factors[1], -1, how), factors[0], -2, how
    )
    means: Floats = sums / (_cells(shape[0], blocks[0])[:, None] * _cells(shape[1], blocks[1]))
    return means
