"""Cutting a captured attention into pieces: padding off, and examples that lie alike together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recorders.capture.captured import Captured
from recorders.capture.placement.axes import MASS_TOLERANCE, Axes
from recorders.capture.placement.grids import Box
from recorders.capture.placement.pieces import Piece
from recorders.capture.placement.rows import Rows
from recorders.capture.placement.spans import Spans, kept, lost, selected


@dataclass(frozen=True)
class _Cut:
    """Where one row's piece lies in what was captured; equal for rows that go together."""

    beam: int
    queries: tuple[int, int, int]
    keys: tuple[int, int]
    first_query: int
    query_stride: int
    first_key: int
    box: Box | None


@dataclass(eq=False)
class Cutting:
    """One captured attention, its rows unfolded, about to be cut.

    Attributes:
        rows: how its rows lie.
        captured: what was captured; probabilities, selection and log_prob [rows.count, …].
        axes: what its queries and keys are.
        query_spans: padding among the queries' items; None for none.
        key_spans: padding among the keys' items; None for none.
        boxes: of each example, the part of the original image that the model was given.
        finished: bool [rows], those of which nothing is kept.
        whole: rows whose padding stays, since the model attends to it; more are added.
        leaked: the largest mass that padding was seen to have.
    """

    rows: Rows
    captured: Captured
    axes: Axes
    query_spans: Spans | None
    key_spans: Spans | None
    boxes: Sequence[Box | None]
    finished: NDArray[np.bool_] | None
    whole: set[int]
    leaked: float = 0.0
    _groups: dict[_Cut, list[int]] = field(default_factory=dict)

    def pieces(self, wanted: slice | None) -> list[Piece]:
        """The pieces.

        Args:
            wanted: queries to keep of each example, counted without padding; None for all.
        """
        for row in range(self.rows.count):
            if self.finished is not None and self.finished[row]:
                continue
            cut = self._cut(row, wanted)
            if cut is not None:
                self._groups.setdefault(cut, []).append(row)
        return [self._piece(cut, members) for cut, members in self._groups.items()]

    def _cut(self, row: int, wanted: slice | None) -> _Cut | None:
        """Where a row's piece lies, or None where nothing of it is left."""
        found = self._place(row, wanted, padded=row not in self.whole)
        if found is None or self._agrees(row, found):
            return found
        self.whole.add(row)
        return self._place(row, wanted, padded=False)

    def _place(self, row: int, wanted: slice | None, *, padded: bool) -> _Cut | None:
        queries, keys = self.axes.queries, self.axes.keys
        # Padding that the keys keep, the queries keep where they are the same items.
        own = self.query_spans if padded or not self.axes.same else None
        low, high = _span(own, row, queries.length)
        count, items = self.captured.probabilities.shape[-2:]
        items -= self.captured.sink
        offset, stride = self.captured.first_query, self.captured.query_stride
        base = queries.past + offset
        start = max(0, -(-(low - base) // stride))
        end = min(count, -(-(high - base) // stride))
        if wanted is not None:
            start, end, step = _sliced(start, end, wanted)
        else:
            step = 1
        if end <= start:
            return None
        key_low, key_high = _span(self.key_spans if padded else None, row, keys.length)
        # A cache that slides holds the last positions only.
        first = max(0, keys.length - items)
        key_start, key_end = max(0, key_low - first), min(items, key_high - first)
        if key_end <= key_start:
            return None
        example = row // self.rows.beams
        return _Cut(
            row % self.rows.beams,
            (start, end, step),
            (key_start, key_end),
            base + stride * start - low,
            stride * step,
            max(0, first - key_low),
            self.boxes[example] if keys.grid is not None else None,
        )

    def _agrees(self, row: int, cut: _Cut) -> bool:
        """Whether what is cut off is nothing that a real query attends to."""
        captured = self.captured
        count = captured.probabilities.shape[-1]
        if cut.keys == (0, count - captured.sink):
            return True
        start, end, step = cut.queries
        mass = lost(captured.probabilities[row, :, start:end:step], *cut.keys, sink=captured.sink)
        if mass > MASS_TOLERANCE:
            self.leaked = max(self.leaked, mass)
            return False
        if captured.selection is None:
            return True
        chosen = captured.selection[row, :, start:end:step]
        if selected(chosen, *cut.keys, keys=count, sink=captured.sink) is None:
            self.leaked = 1.0
            return False
        return True

    def _piece(self, cut: _Cut, members: list[int]) -> Piece:
        captured, grid = self.captured, self.axes.keys.grid
        rows = _taken(members)
        start, end, step = cut.queries
        where = (rows, slice(None), slice(start, end, step))
        selection = None
        if captured.selection is not None:
            count = captured.probabilities.shape[-1]
            chosen = captured.selection[where]
            selection = selected(chosen, *cut.keys, keys=count, sink=captured.sink)
        return Piece(
            examples=np.array(members, np.int64) // self.rows.beams,
            beam=cut.beam,
            probabilities=kept(captured.probabilities[where], *cut.keys, sink=captured.sink),
            selection=selection,
            log_prob=None if captured.log_prob is None else captured.log_prob[where],
            query_axis=self.axes.queries.name,
            key_axis=self.axes.keys.name,
            first_query=cut.first_query,
            query_stride=cut.query_stride,
            first_key=cut.first_key,
            first_region=len(self.axes.keys.specials),
            boxes=None if grid is None else grid.boxes(cut.box),
            special_keys=self.axes.keys.specials,
            sink=captured.sink,
        )


def windowed(rows: Rows, captured: Captured, wanted: slice | None) -> list[Piece]:
    """The pieces of an attention that is confined to windows; one a beam.

    Args:
        rows: how its rows lie.
        captured: what was captured, its rows as they are.
        wanted: queries to keep of each window; None for all.
    """
    step = slice(*wanted.indices(captured.probabilities.shape[-2])) if wanted else slice(None)
    stride = captured.query_stride * (step.step or 1)

    def unfolded(values: Tensor | None) -> Tensor | None:
        return None if values is None else rows.unfolded(values[:, :, step])

    whole = replace(
        captured,
        probabilities=rows.unfolded(captured.probabilities[:, :, step]),
        selection=unfolded(captured.selection),
        log_prob=unfolded(captured.log_prob),
    )
    found = []
    for beam in range(rows.beams if whole.probabilities.shape[-2] else 0):
        members = slice(beam, None, rows.beams)
        found.append(
            Piece(
                examples=np.arange(rows.batch, dtype=np.int64),
                beam=beam,
                probabilities=whole.probabilities[members],
                selection=None if whole.selection is None else whole.selection[members],
                log_prob=None if whole.log_prob is None else whole.log_prob[members],
                query_axis="queries",
                key_axis="window tokens",
                first_query=captured.first_query + captured.query_stride * (step.start or 0),
                query_stride=stride,
                windows=rows.windows,
                sink=captured.sink,
            )
        )
    return found


def _span(spans: Spans | None, row: int, length: int) -> tuple[int, int]:
    if spans is None:
        return 0, length
    return int(spans.low[row]), min(int(spans.high[row]), length)


def _sliced(start: int, end: int, wanted: slice) -> tuple[int, int, int]:
    """``wanted`` among the queries from ``start`` to before ``end``."""
    first, last, step = wanted.indices(max(end - start, 0))
    return start + first, start + last, step


def _taken(members: list[int]) -> slice | list[int]:
    """An index of these rows that copies nothing where they lie evenly."""
    step = members[1] - members[0] if len(members) > 1 else 1
    if members == list(range(members[0], members[-1] + 1, step)):
        return slice(members[0], members[-1] + 1, step)
    return members
