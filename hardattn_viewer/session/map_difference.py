"""B − A of two maps over the same queries and keys, at the resolution at which it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.map_source import MapSource, Pace, pyramid_of, source_of
from hardattn_viewer.session.map_window import Region, region_of
from hardattn_viewer.session.masking import MASKED, NOT_RECORDED
from hardattn_viewer.session.matrix import layout_in
from hardattn_viewer.session.pyramid import MapPatch

if TYPE_CHECKING:
    from hardattn_viewer.session.frames import Frame
    from hardattn_viewer.session.state import SessionState
    from recorders.run.reader import Run

KIND = "matrixDifference"
_MARGIN = 0.3
# Below every difference, above what stands for a value that is none.
_NO_NUMBER = -1.5

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class MapDifference:
    """B − A in a part of two maps.

    Attributes:
        a: the map of A.
        b: the map of B.
        region: which part.
    """

    a: MapSource
    b: MapSource
    region: Region

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return tuple(dict.fromkeys((self.a.place.key, self.b.place.key)))

    def results(self, runs: Mapping[int, Run]) -> Iterator[MapPatch | None]:
        """Read both, rows after rows."""
        region, pace = self.region, Pace()
        rows, columns = -(-region.queries // region.down), -(-region.keys // region.across)
        values = np.empty((rows, columns), np.float32)
        end, keys = region.query + region.queries, range(region.key, region.key + region.keys)
        # Whichever is read in smaller parts sets the pace of both.
        smaller = self.a if self.a.values is None else self.b
        for part in smaller.parts(runs, range(region.query, end), region.down):
            a, b = (
                source.coded(source.rows(runs, part.start, part.stop), part.start, keys)
                for source in (self.a, self.b)
            )
            done = pooled_signed(difference(a, b), region.down, region.across)
            first = (part.start - region.query) // region.down
            values[first : first + len(done)] = done
            if part.stop < end and not pace.is_time():
                yield None
                continue
            yield MapPatch(
                values[: first + len(done)],
                region.query,
                region.key,
                region.down,
                region.across,
                part.stop - region.query,
                region.keys,
            )


def difference(a: Floats, b: Floats) -> Floats:
    """B − A of coded values: masked where both are, not recorded where either is.

    Where only one of them was masked, it counts as the zero that it is.
    """
    found = np.maximum(b, 0) - np.maximum(a, 0)
    found[(a == MASKED) & (b == MASKED)] = MASKED
    found[(a == NOT_RECORDED) | (b == NOT_RECORDED)] = NOT_RECORDED
    return np.asarray(found, np.float32)


def pooled_signed(values: Floats, down: int, across: int) -> Floats:
    """Coded differences with that farthest from zero of every ``down`` × ``across`` cells."""
    for axis, block in ((0, down), (1, across)):
        while block > 1:
            values, block = _halved(values, axis), block // 2
    return values


def _halved(values: Floats, axis: int) -> Floats:
    length = values.shape[axis]
    found = (values[::2] if axis == 0 else values[:, ::2]).copy()
    second = values[1::2] if axis == 0 else values[:, 1::2]
    first = found[: length // 2] if axis == 0 else found[:, : length // 2]
    np.copyto(first, second, where=_weight(second) > _weight(first))
    return found


def _weight(values: Floats) -> Floats:
    return np.where(values < _NO_NUMBER, values, np.abs(values))


def why_no_difference(a: Frame | None, b: Frame | None) -> str:
    """Why B − A of two maps cannot be shown; empty where it can."""
    if a is None or b is None:
        return "It needs a run in A and one in B that both hold this example."
    known = [pyramid for one in (a, b) if (pyramid := pyramid_of(one)) is not None]
    if len(known) < 2:
        return "This step was not recorded in both runs."
    sizes = [(one.queries, one.keys) for one in known]
    if sizes[0] != sizes[1]:
        words = [f"{queries:,} × {keys:,}" for queries, keys in sizes]
        return (
            f"The map of A is {words[0]} and that of B {words[1]}: only maps over the same "
            "queries and keys can be subtracted."
        )
    if a.texts.on(a.key_axis) != b.texts.on(b.key_axis):
        return "The keys of A and B are other tokens: only maps over the same can be subtracted."
    return ""


def difference_wanted(state: SessionState) -> MapDifference | None:
    """The difference that a state shows."""
    if state.view != "matrix" or not state.matrix.both or state.matrix_area is None:
        return None
    if why_no_difference(state.frames.a, state.frames.b):
        return None
    a, b = source_of(state, "A"), source_of(state, "B")
    if a is None or b is None:
        return None
    layout = layout_in(state.matrix_area, a.queries, a.keys, state.matrix.zoom)
    blocks = layout.blocks(state.matrix_area.pixels)
    known = state.studies.get(KIND)
    if known is not None and isinstance(known.study, MapDifference):
        study = known.study
        if (study.a, study.b) == (a, b) and study.region.covers(region_of(layout, *blocks)):
            return study
    return MapDifference(a, b, region_of(layout, *blocks, _MARGIN))
