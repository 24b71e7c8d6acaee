"""One map at every resolution: the largest cell of each block, made when it is first drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.masking import MaskRule

Floats = NDArray[np.float32]
Blocks = tuple[int, int]
# Cells of a map whose coarser levels take longer to make than a picture may.
_MADE_AHEAD = 1 << 18


@dataclass(frozen=True, eq=False)
class MapPatch:
    """A part of a map at one resolution.

    Attributes:
        values: float32 [rows, columns]: the largest cell of each block, coded as ``masking`` says;
            of a difference the one that is farthest from zero.
        query: the first query, a multiple of ``down``.
        key: the first key, a multiple of ``across``.
        down: queries of a block, a power of two.
        across: keys of a block, a power of two.
        queries: number of queries that the rows are of; the last block may hold fewer than others.
        keys: number of keys that the columns are of.
    """

    values: Floats
    query: int
    key: int
    down: int
    across: int
    queries: int
    keys: int

    @property
    def is_exact(self) -> bool:
        """Whether every block is one cell."""
        return self.down == self.across == 1

    def holds(self, query: int, key: int) -> bool:
        """Whether a cell is in it."""
        down, across = query - self.query, key - self.key
        return 0 <= down < self.queries and 0 <= across < self.keys

    def at(self, query: int, key: int) -> float:
        """The coded value of the block that a cell is in."""
        return float(
            self.values[(query - self.query) // self.down, (key - self.key) // self.across]
        )


def halved(values: Floats, axis: int) -> Floats:
    """The larger of every two neighbours along an axis; an odd last one stays."""
    length = values.shape[axis]
    first = values[::2] if axis == 0 else values[:, ::2]
    second = values[1::2] if axis == 0 else values[:, 1::2]
    if length % 2 == 0:
        return np.maximum(first, second)
    found = first.copy()
    whole = found[: length // 2] if axis == 0 else found[:, : length // 2]
    np.maximum(whole, second, out=whole)
    return found


def pooled(values: Floats, down: int, across: int) -> Floats:
    """Coded values with the largest of every ``down`` × ``across``, both powers of two."""
    # Rows first: they lie apart, and what follows has fewer of them.
    for axis, block in ((0, down), (1, across)):
        while block > 1:
            values, block = halved(values, axis), block // 2
    return values


def block_for(cell: float) -> int:
    """The smallest power of two of cells, each ``cell`` pixels wide, that fill a whole pixel."""
    block = 1
    while block * cell < 1 - 1e-9:
        block *= 2
    return block


@dataclass(frozen=True, eq=False)
class Pyramid:
    """A map, or an overview of one, at every coarser resolution.

    Attributes:
        values: float32 [rows, columns] as recorded, NaN where nothing was.
        queries: number of queries of the whole map.
        keys: number of keys of the whole map.
        rule: what was masked.
        base: queries and keys of a block of ``values``; 1 and 1 where they are cells.
    """

    values: Floats
    queries: int
    keys: int
    rule: MaskRule
    base: Blocks = (1, 1)
    _made: dict[Blocks, Floats] = field(default_factory=dict)

    def patch(self, down: int, across: int) -> MapPatch:
        """The whole map in blocks of at least ``down`` × ``across``, powers of two."""
        down, across = max(down, self.base[0]), max(across, self.base[1])
        values = self._level(down, across)
        return MapPatch(values, 0, 0, down, across, self.queries, self.keys)

    def cell(self, query: int, key: int) -> float:
        """The coded value of one cell; of the block that it is in where these are no cells."""
        down, across = self.base
        row, column = query // down, key // across
        part = self.values[row : row + 1, column : column + 1]
        return float(self.rule.coded(part, row * down, column * across, down, across)[0, 0])

    def prepared(self) -> Pyramid:
        """The same, with what takes longest to make made now: on the thread that reads."""
        if self.values.size > _MADE_AHEAD:
            self.patch(4 * self.base[0], 4 * self.base[1])
        return self

    @property
    def is_exact(self) -> bool:
        """Whether it holds every cell."""
        return self.base == (1, 1)

    @property
    def nbytes(self) -> int:
        """How much memory its coarser levels take."""
        return sum(int(made.nbytes) for made in self._made.values() if made is not self.values)

    def _level(self, down: int, across: int) -> Floats:
        if (down, across) not in self._made:
            base_down, base_across = self.base
            if (down, across) == self.base:
                found = self.rule.coded(self.values, 0, 0, *self.base)
            else:
                finer = max(down // 2, base_down), max(across // 2, base_across)
                found = pooled(self._level(*finer), down // finer[0], across // finer[1])
            self._made[down, across] = found
        return self._made[down, across]
