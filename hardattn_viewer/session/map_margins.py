"""The numbers at the margins of a matrix: of every row, column and diagonal of the whole map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures.margins import add_rows, no_sums, row_margins
from hardattn_viewer.session.map_source import MapPlace, MapSource, Pace, shown_slots, source_of

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState
    from recorders.run.reader import Run

KIND = "matrixMargins"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MapMargins:
    """What the rows, columns and diagonals of a map hold.

    Attributes:
        done: how many rows were read so far; columns and diagonals are of these.
        entropy: float64 [queries], bits; NaN for rows that hold nothing or are not read yet.
        largest: float64 [queries].
        total: float64 [queries].
        mass: float64 [keys], the sum of a column.
        mean: float64 [keys], the same for each query that could look at the key.
        diagonal: float64 [distances], the mean probability at each distance.
        nearest: the distance of the first of ``diagonal``: query less key.
    """

    done: int
    entropy: Floats
    largest: Floats
    total: Floats
    mass: Floats
    mean: Floats
    diagonal: Floats
    nearest: int


@dataclass(frozen=True)
class MarginsOfMaps:
    """The margins of the maps beside each other."""

    sources: tuple[MapSource, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return tuple(dict.fromkeys(source.place.key for source in self.sources))

    def results(self, runs: Mapping[int, Run]) -> Iterator[dict[MapPlace, MapMargins] | None]:
        """Read, rows after rows; columns and diagonals are of the rows so far."""
        found: dict[MapPlace, MapMargins] = {}
        for source in self.sources:
            pace = Pace()
            rows = np.full((3, source.queries), np.nan)
            sums = no_sums(source.keys, source.positions)
            for part in source.parts(runs, range(source.queries)):
                values = source.rows(runs, part.start, part.stop)
                here = slice(part.start, part.stop)
                counted = source.coded(values, part.start, range(source.keys)) >= 0
                one = row_margins(values)
                rows[:, here] = one.entropy, one.largest, one.total
                places = source.positions[here] if source.positions is not None else None
                add_rows(sums, values, counted, places)
                if part.stop < source.queries and not pace.is_time():
                    yield None
                    continue
                entropy, largest, total = rows.copy()
                found[source.place] = MapMargins(
                    part.stop,
                    entropy,
                    largest,
                    total,
                    sums.columns.copy(),
                    sums.column_means,
                    sums.diagonal_means,
                    sums.nearest,
                )
                yield dict(found)


def margins_wanted(state: SessionState) -> MarginsOfMaps | None:
    """The margins that a state shows."""
    if state.view != "matrix" or not state.matrix.statistics:
        return None
    sources = tuple(
        source for slot in shown_slots(state) if (source := source_of(state, slot)) is not None
    )
    return MarginsOfMaps(sources) if sources else None
