"""Windows of maps that are too large to be held: read at the resolution at which they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hardattn_viewer.session.map_source import (
    MapPlace,
    MapSource,
    Pace,
    pyramid_of,
    shown_slots,
    source_of,
)
from hardattn_viewer.session.matrix import MapLayout, layout_in
from hardattn_viewer.session.pyramid import MapPatch, pooled
from recorders.run.detail import block_of
from recorders.run.layout import DETAIL_SIZE

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState
    from recorders.run.reader import Run

KIND = "matrix"
# Of what is in sight, how much more on each side is read: it is dragged there next.
_MARGIN = 0.3
# Blocks that the edges of a window fall on, so that a drag of a few px asks for the same one.
_STEP = 64


@dataclass(frozen=True)
class Region:
    """A part of a map, in whole blocks.

    Attributes:
        query: the first query.
        key: the first key.
        queries: number of queries.
        keys: number of keys.
        down: queries of a block.
        across: keys of a block.
    """

    query: int
    key: int
    queries: int
    keys: int
    down: int
    across: int

    def covers(self, other: Region) -> bool:
        """Whether another is a part of it, at no finer a resolution."""
        return (
            self.query <= other.query
            and self.key <= other.key
            and self.query + self.queries >= other.query + other.queries
            and self.key + self.keys >= other.key + other.keys
            and (self.down, self.across) == (other.down, other.across)
        )


@dataclass(frozen=True)
class MapWindows:
    """The windows of the maps beside each other that are not in memory.

    Attributes:
        parts: a map and the part of it that is shown.
    """

    parts: tuple[tuple[MapSource, Region], ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return tuple(dict.fromkeys(source.place.key for source, _ in self.parts))

    def results(self, runs: Mapping[int, Run]) -> Iterator[dict[MapPlace, MapPatch] | None]:
        """Read, rows after rows; what is there by now is a window of fewer rows."""
        found: dict[MapPlace, MapPatch] = {}
        for source, region in self.parts:
            run = runs[source.place.key]
            if run.sealed and _is_stored(source, region):
                yield found | {source.place: _stored(run, source)}
                continue
            pace = Pace()
            rows, columns = -(-region.queries // region.down), -(-region.keys // region.across)
            values = np.empty((rows, columns), np.float32)
            end = region.query + region.queries
            keys = range(region.key, region.key + region.keys)
            for part in source.parts(runs, range(region.query, end), region.down):
                coded = source.coded(source.rows(runs, part.start, part.stop), part.start, keys)
                first = (part.start - region.query) // region.down
                done = pooled(coded, region.down, region.across)
                values[first : first + len(done)] = done
                found[source.place] = MapPatch(
                    values[: first + len(done)],
                    region.query,
                    region.key,
                    region.down,
                    region.across,
                    part.stop - region.query,
                    region.keys,
                )
                yield dict(found) if part.stop == end or pace.is_time() else None


def _is_stored(source: MapSource, region: Region) -> bool:
    """Whether a sealed run holds the map at the resolution of a region."""
    down, across = (block_of(count, DETAIL_SIZE) for count in (source.queries, source.keys))
    return region.down >= down and region.across >= across


def _stored(run: Run, source: MapSource) -> MapPatch:
    place = source.place
    found = run.overview(
        place.site, place.example, place.step or 0, snapshot=place.snapshot, head=place.head,
        size=DETAIL_SIZE,
    )  # fmt: skip
    down, across = found.query_block, found.key_block
    values = source.rule.coded(found.values, 0, 0, down, across)
    return MapPatch(values, 0, 0, down, across, source.queries, source.keys)


def region_of(layout: MapLayout, down: int, across: int, margin: float = 0.0) -> Region:
    """The part of a map that is in sight, and some more, in whole blocks."""
    query, queries = _span(layout.seen_queries, layout.queries, down, margin)
    key, keys = _span(layout.seen_keys, layout.keys, across, margin)
    return Region(query, key, queries, keys, down, across)


def _span(seen: range, count: int, block: int, margin: float) -> tuple[int, int]:
    more = margin * len(seen)
    step = block * (_STEP if margin else 1)
    start = max(0, int((seen.start - more) // step) * step)
    stop = min(count, -int(-(seen.stop + more) // step) * step)
    return start, max(0, stop - start)


def windows_wanted(state: SessionState) -> MapWindows | None:
    """The windows that a state shows and does not hold; None where it holds all that it shows."""
    if state.view != "matrix" or state.matrix_area is None:
        return None
    needed: list[tuple[MapSource, Region, Region]] = []
    for slot in shown_slots(state):
        frame, source = state.frames.of(slot), source_of(state, slot)
        pyramid = pyramid_of(frame) if frame is not None else None
        if source is None or pyramid is None or pyramid.is_exact:
            continue
        layout = layout_in(state.matrix_area, source.queries, source.keys, state.matrix.zoom)
        blocks = layout.blocks(state.matrix_area.pixels)
        if blocks[0] >= pyramid.base[0] and blocks[1] >= pyramid.base[1]:
            continue
        seen, more = (region_of(layout, *blocks, margin) for margin in (0.0, _MARGIN))
        needed.append((source, seen, more))
    if not needed:
        return None
    known = state.studies.get(KIND)
    if known is not None and isinstance(known.study, MapWindows):
        parts = known.study.parts
        if [source for source, _ in parts] == [source for source, _, _ in needed] and all(
            had.covers(seen) for (_, had), (_, seen, _) in zip(parts, needed, strict=True)
        ):
            return known.study
    return MapWindows(tuple((source, more) for source, _, more in needed))
