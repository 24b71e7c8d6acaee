"""Which keys a query could look at: not recorded, but told by the zeros of its map.

A softmax gives every key that it may look at more than nothing, so keys that all have exactly zero
where a mask would put them were masked: those after each query (causal), those at either end of the
axis that no query looks at (padding), and all keys of a query that looks at none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What stands in a coded map for a value that was not recorded, and for a key that was masked. The
# larger of two cells is then the one that says more: a number, else not recorded, else masked.
NOT_RECORDED = -4.0
MASKED = -8.0
# Where fewer of the cells that could be looked at hold something, zeros are no sign of a mask:
# attention that was chosen is zero nearly everywhere.
_DENSE_CAUSAL = 0.2
_DENSE_EDGES = 0.5

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MaskRule:
    """The keys that each query could look at; a cell outside them that is zero was masked.

    Attributes:
        first: int64 [queries], first key of each query; after ``last`` where it had none.
        last: int64 [queries], last key of each query.
        sink: whether the last key is a learned sink, which every query could look at.
        keys: number of keys.
    """

    first: Ints
    last: Ints
    sink: bool
    keys: int

    def within(self, start: int, stop: int) -> MaskRule:
        """The rule of some of the queries."""
        return MaskRule(self.first[start:stop], self.last[start:stop], self.sink, self.keys)

    def outside(
        self, shape: tuple[int, int], query: int, key: int, down: int = 1, across: int = 1
    ) -> NDArray[np.bool_]:
        """Which blocks of cells no query could look at.

        Args:
            shape: rows and columns of blocks.
            query: the first query, a multiple of ``down``.
            key: the first key, a multiple of ``across``.
            down: queries of a block.
            across: keys of a block.

        Returns:
            bool of ``shape``: whether every cell of the block is outside.
        """
        starts = np.arange(0, min(shape[0] * down, len(self.first) - query), down)
        first = np.minimum.reduceat(self.first[query : query + shape[0] * down], starts)
        last = np.maximum.reduceat(self.last[query : query + shape[0] * down], starts)
        left = key + np.arange(shape[1]) * across
        right = np.minimum(left + across, self.keys) - 1
        found: NDArray[np.bool_] = (left > last[:, None]) | (right < first[:, None])
        if self.sink:
            found[:, right == self.keys - 1] = False
        return found

    def coded(
        self, values: Floats, query: int = 0, key: int = 0, down: int = 1, across: int = 1
    ) -> Floats:
        """A part of a map with ``MASKED`` and ``NOT_RECORDED`` in place of zero and NaN.

        Args:
            values: float32 [rows, columns] of blocks of cells.
            query: the first query, a multiple of ``down``.
            key: the first key, a multiple of ``across``.
            down: queries of a block.
            across: keys of a block.
        """
        outside = self.outside((values.shape[0], values.shape[1]), query, key, down, across)
        outside &= values == 0
        unknown = np.isnan(values)
        if not (outside.any() or unknown.any()):
            return values
        found = np.where(outside, np.float32(MASKED), values)
        found[unknown] = NOT_RECORDED
        return found


def everything(queries: int, keys: int, sink: bool = False) -> MaskRule:
    """The rule of a map where nothing was masked."""
    return MaskRule(
        np.zeros(queries, np.int64), np.full(queries, keys - 1, np.int64), sink, max(keys, 0)
    )


def inferred_rule(
    values: Floats,
    queries: int,
    keys: int,
    *,
    positions: Ints | None = None,
    sink: bool = False,
    down: int = 1,
    across: int = 1,
) -> MaskRule:
    """The rule that the zeros of a map tell.

    Args:
        values: float32 [rows, columns], the map or the largest values of blocks of its cells.
        queries: number of queries.
        keys: number of keys.
        positions: int64 [queries], the key that is the same item as each query, which is the last
            one behind a causal mask; None where queries are no keys.
        sink: whether the last key is a learned sink.
        down: queries of a block.
        across: keys of a block.
    """
    rule = everything(queries, keys, sink)
    if not values.size or queries < 2:
        return rule
    own = values[:, :-1] if sink and across == 1 else values
    # What was not recorded is no sign of anything, but its row may well have held something.
    empty = np.repeat(~own.any(axis=1), down)[:queries]
    own = np.nan_to_num(own, nan=0.0) != 0
    looked_at = np.flatnonzero(own.any(axis=0))
    if not looked_at.size:
        return rule
    # Blocks that the mask goes through hold keys on both of its sides.
    lead, trail = int(looked_at[0]) * across, (int(looked_at[-1]) + 1) * across - 1
    causal = rule
    if positions is not None and _ends_at(own, positions, down, across):
        causal = MaskRule(rule.first, np.clip(positions, -1, keys - 1), sink, keys)
    padded = MaskRule(np.maximum(rule.first, lead), np.minimum(causal.last, trail), sink, keys)
    density = _density(own, padded, down, across)
    found = padded if density >= _DENSE_EDGES else causal if density >= _DENSE_CAUSAL else rule
    return MaskRule(np.where(empty, keys, found.first), np.where(empty, -1, found.last), sink, keys)


def _ends_at(some: NDArray[np.bool_], positions: Ints, down: int, across: int) -> bool:
    """Whether no query looks past its own position, though there are keys to look at there."""
    starts = np.arange(0, len(positions), down)
    last = np.maximum.reduceat(positions, starts)
    left = np.arange(some.shape[1]) * across
    after = np.asarray(left[None] > last[:, None])
    return bool(after.any()) and not bool((some & after).any())


def _density(some: NDArray[np.bool_], rule: MaskRule, down: int, across: int) -> float:
    """The share of cells inside the rule that hold something, of queries that look at any."""
    shape = (some.shape[0], some.shape[1])
    without = MaskRule(rule.first, rule.last, False, rule.keys)
    inside = ~without.outside(shape, 0, 0, down, across)
    inside[~np.asarray(some.any(axis=1))] = False
    return float(np.mean(some, where=inside)) if inside.any() else 0.0
