"""The maps of all steps as one, where each step goes on from the query that the last ended with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.maps import StepMap
from hardattn_viewer.session.masking import MaskRule
from hardattn_viewer.session.pyramid import Pyramid

# Cells beyond which the whole is not put together: a text of 4,096 tokens.
MOST_CELLS = 1 << 24


@dataclass(frozen=True, eq=False)
class JoinedMap:
    """All queries of all steps, as when a model writes one token a step after reading a prompt.

    Attributes:
        pyramid: the whole at every resolution; a key that came after a query is masked.
        queries: number of queries of all steps.
        keys: number of keys on the whole axis.
        first_row: int64 [steps], the row of each step's first query.
        first_column: int64 [steps], the column of each step's first key.
        first_query: position of the first query.
        first_key: position of the first key.
    """

    pyramid: Pyramid
    queries: int
    keys: int
    first_row: NDArray[np.int64]
    first_column: NDArray[np.int64]
    first_query: int
    first_key: int

    @property
    def nbytes(self) -> int:
        """How much memory it holds."""
        return int(self.pyramid.values.nbytes) + self.pyramid.nbytes

    def place_of(self, row: int) -> tuple[int, int]:
        """The step and the query in it that a row is."""
        step = int(np.searchsorted(self.first_row, row, "right")) - 1
        return step, row - int(self.first_row[step])


def joined(maps: Sequence[StepMap | None]) -> JoinedMap | None:
    """Put the maps of all steps together; None where they do not continue each other."""
    known = [one for one in maps if one is not None]
    if len(known) < 2 or len(known) != len(maps) or not all(one.is_whole for one in known):
        return None
    events = [one.event for one in known]
    for before, after in pairwise(events):
        if after.first_query != before.first_query + before.queries:
            return None
    if any(one.windows > 1 or one.sink or one.query_stride != 1 for one in events):
        return None
    first_key = min(one.first_key for one in events)
    keys = max(one.first_key + one.keys for one in events) - first_key
    starts = np.cumsum([0, *(one.queries for one in events)])
    queries = int(starts[-1])
    if queries * keys > MOST_CELLS:
        return None
    whole = np.zeros((queries, keys), np.float32)
    columns = np.array([one.first_key - first_key for one in events], np.int64)
    first, last = np.zeros((2, queries), np.int64)
    for one, row, column in zip(known, starts.tolist(), columns.tolist(), strict=False):
        down, across = one.values.shape
        whole[row : row + down, column : column + across] = one.values
        rule = one.pyramid.rule
        # A query that looked at nothing has its first key after its last, also here.
        first[row : row + down] = column + rule.first
        last[row : row + down] = column + rule.last
    return JoinedMap(
        pyramid=Pyramid(whole, queries, keys, MaskRule(first, last, False, keys)).prepared(),
        queries=queries,
        keys=keys,
        first_row=starts[:-1].astype(np.int64),
        first_column=columns,
        first_query=events[0].first_query,
        first_key=first_key,
    )
