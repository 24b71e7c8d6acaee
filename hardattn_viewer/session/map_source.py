"""The maps that the matrix shows, as studies read them: from memory, or row by row from a run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.maps import read_rows
from hardattn_viewer.session.masking import MaskRule
from hardattn_viewer.session.pyramid import Pyramid
from hardattn_viewer.session.recorded import event_of

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState, Slot
    from recorders.run.reader import Run
    from recorders.run.records import Event

# Values that are read and worked on between two looks at what else is asked for: milliseconds.
_AT_ONCE = 1 << 19
# How long the first results of a study are gathered before they are shown.
SHOWN_EVERY = 0.1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class MapPlace:
    """Which map is meant.

    Attributes:
        key: the open run.
        version: of what is there: of a map in memory which one it is, else the run's generation.
        site: name of the site.
        example: index of the example in the run.
        step: step; None for all of them as one map.
        snapshot: index of the snapshot.
        head: head; None for the mean over heads.
    """

    key: int
    version: int
    site: str
    example: int
    step: int | None
    snapshot: int
    head: int | None


@dataclass(frozen=True)
class MapSource:
    """A map that the matrix shows, and how its rows are got.

    Attributes:
        place: which map it is; two sources of one place are equal.
        queries: number of queries.
        keys: number of keys.
        rule: what was masked.
        values: float32 [queries, keys] where the map is in memory, else None.
        positions: int64 [queries], the key that is the same item as each query; None where
            queries are no keys.
    """

    place: MapPlace
    queries: int
    keys: int
    rule: MaskRule = field(compare=False, repr=False)
    values: Floats | None = field(compare=False, repr=False)
    positions: NDArray[np.int64] | None = field(compare=False, repr=False)

    def rows(self, runs: Mapping[int, Run], start: int, stop: int) -> Floats:
        """Rows of the map, float32 [stop - start, keys], NaN where nothing was recorded.

        Raises:
            recorders.RunError: the run is damaged there.
            IndexError: the run does not hold the map any more.
        """
        if self.values is not None:
            return self.values[start:stop]
        run, place = runs[self.place.key], self.place
        where = (place.site, place.example, place.step or 0, place.snapshot)
        return read_rows(run, where, self._event(run), place.head, slice(start, stop))

    def coded(self, rows: Floats, start: int, keys: range) -> Floats:
        """Some keys of rows that begin at query ``start``, coded as ``masking`` says."""
        rule = self.rule.within(start, start + len(rows))
        empty = ~rows.any(axis=1)
        if empty.any():
            # Of a large map only whole blocks of such rows were known.
            first, last = np.where(empty, self.keys, rule.first), np.where(empty, -1, rule.last)
            rule = MaskRule(first, last, rule.sink, rule.keys)
        return rule.coded(rows[:, keys.start : keys.stop], 0, keys.start)

    def parts(self, runs: Mapping[int, Run], queries: range, down: int = 1) -> Iterator[range]:
        """The queries of ``queries`` in parts that take milliseconds each, whole blocks."""
        heads = 1
        if self.values is None and self.place.head is None:
            heads = self._event(runs[self.place.key]).heads
        step = max(1, _AT_ONCE // (max(1, self.keys) * heads) // down) * down
        for start in range(queries.start, queries.stop, step):
            yield range(start, min(start + step, queries.stop))

    def _event(self, run: Run) -> Event:
        site = next((site for site in run.sites if site.name == self.place.site), None)
        step = self.place.step or 0
        found = event_of(run, site, self.place.example, step, self.place.snapshot) if site else None
        if found is None:
            raise IndexError(f"{run.name} has no map at {self.place.site} any more")
        return found


def pyramid_of(frame: Frame) -> Pyramid | None:
    """The map that a frame shows: of all steps as one where they are, else of its step."""
    if frame.whole is not None:
        return frame.whole.pyramid
    return frame.map.pyramid if frame.map is not None else None


def row_of(frame: Frame) -> NDArray[np.float32]:
    """The probabilities [keys] of the query looked from, of all keys one by one."""
    return frame.map.row(frame.query) if frame.map is not None else frame.probabilities


def origin_of(frame: Frame) -> tuple[int, int]:
    """The row and the column of the frame's step in the map that it shows."""
    if frame.whole is None:
        return 0, 0
    step = frame.place.step
    return int(frame.whole.first_row[step]), int(frame.whole.first_column[step])


def shown_slots(state: SessionState) -> tuple[Slot, ...]:
    """The slots whose maps the matrix shows."""
    if state.matrix.both and len(state.frames.present) == 2:
        return ("A", "B")
    return (state.shown_slot,) if state.frame is not None else ()


def source_of(state: SessionState, slot: Slot) -> MapSource | None:
    """The map that a slot shows; None where it shows none."""
    frame, run = state.frames.of(slot), state.run_in(slot)
    target = state.frames.targets[0 if slot == "A" else 1]
    pyramid = pyramid_of(frame) if frame is not None else None
    if frame is None or run is None or target is None or pyramid is None:
        return None
    place = frame.place
    return MapSource(
        MapPlace(
            target.key,
            # A frame that was read again holds another object, and an old one lives while it is
            # asked about: the source holds its rule.
            id(pyramid.rule) if pyramid.is_exact else run.generation,
            place.site or "",
            place.example,
            None if frame.whole is not None else place.step,
            place.snapshot or 0,
            place.head,
        ),
        pyramid.queries,
        pyramid.keys,
        pyramid.rule,
        pyramid.values if pyramid.is_exact else None,
        _positions(frame),
    )


def _positions(frame: Frame) -> NDArray[np.int64] | None:
    if frame.key_axis != frame.query_axis or frame.is_windowed:
        return None
    if frame.whole is not None:
        whole = frame.whole
        return whole.first_query - whole.first_key + np.arange(whole.queries)
    if frame.map is None:
        return None
    event = frame.map.event
    queries = np.arange(event.queries) * event.query_stride
    return np.asarray(event.first_query - event.first_key + queries, np.int64)


class Pace:
    """Says when there is enough that is new to be shown."""

    def __init__(self) -> None:
        self._next = time.monotonic() + SHOWN_EVERY

    def is_time(self) -> bool:
        """Whether results were last shown long enough ago."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + SHOWN_EVERY
        return True
