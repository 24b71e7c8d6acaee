"""Where the matrix of a state lies, and where moving in it leads: pure functions of the state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hardattn_viewer.session import map_difference, map_margins, map_window
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.map_margins import MapMargins
from hardattn_viewer.session.map_source import origin_of, pyramid_of, row_of, source_of
from hardattn_viewer.session.matrix import (
    READABLE_CELL,
    MapLayout,
    Zoom,
    centred,
    layout_in,
    map_layout,
    zoomed,
)
from hardattn_viewer.session.pyramid import MapPatch
from hardattn_viewer.session.state import SessionState, Slot


@dataclass(frozen=True)
class CellPlace:
    """What a cell of a matrix is in the run.

    Attributes:
        step: its step.
        query: its query at that step.
        key: its key at that step; may be outside those of the step.
    """

    step: int
    query: int
    key: int


def place_of(frame: Frame, row: int, column: int) -> CellPlace:
    """The step, query and key of a cell."""
    if frame.whole is None:
        return CellPlace(frame.place.step, row, column)
    step, query = frame.whole.place_of(row)
    return CellPlace(step, query, column - int(frame.whole.first_column[step]))


def shown_layout(state: SessionState) -> MapLayout | None:
    """Where the cells of the map in focus lie; None before it was shown."""
    frame = state.frame
    pyramid = pyramid_of(frame) if frame is not None else None
    if pyramid is None or state.matrix_area is None:
        return None
    return layout_in(state.matrix_area, pyramid.queries, pyramid.keys, state.matrix.zoom)


def cell_in_focus(state: SessionState) -> tuple[int, int] | None:
    """The row and column of the query looked from and of the key that is marked or strongest."""
    frame = state.frame
    if frame is None:
        return None
    row, column = origin_of(frame)
    values = row_of(frame)
    chosen = frame.map.selected(frame.query) if frame.map is not None else ()
    if state.marked is not None and state.marked < values.size:
        key = state.marked
    elif chosen:
        key = chosen[0]
    elif values.size and not bool(np.isnan(values).all()):
        key = int(np.nanargmax(values))
    else:
        return None
    return row + frame.query, column + key


def zoomed_by(state: SessionState, by: float) -> Zoom:
    """Nearer or farther, about the middle of what is in sight."""
    layout = shown_layout(state)
    if layout is None:
        return state.matrix.zoom
    left, top, right, bottom = layout.box
    return zoomed(layout, by, (left + right) / 2, (top + bottom) / 2)


def zoomed_to(state: SessionState, row: int, column: int) -> Zoom:
    """So near that the number in a cell can be read; from there back to the whole map."""
    layout = shown_layout(state)
    if layout is None:
        return state.matrix.zoom
    whole = map_layout(
        layout.queries, layout.keys, layout.width, layout.height, Zoom(), layout.largest
    )
    # The cells of a small map can be read as it is, so that nearer is to be nearer.
    near = max(READABLE_CELL, 1.6 * min(whole.cell_width, whole.cell_height))
    if not layout.is_whole and min(layout.cell_width, layout.cell_height) >= near - 0.5:
        return Zoom()
    return centred(layout, row + 0.5, column + 0.5, near)


def detail_of(state: SessionState, slot: Slot) -> tuple[MapPatch, ...]:
    """The finer part of a slot's map that was read; nothing where it is all in memory."""
    source, result = source_of(state, slot), state.studies.get(map_window.KIND)
    if source is None or result is None or not isinstance(result.value, dict):
        return ()
    found = result.value.get(source.place)
    return (found,) if isinstance(found, MapPatch) else ()


def margins_of(state: SessionState, slot: Slot) -> MapMargins | None:
    """The numbers at the margins of a slot's map, as far as they are known."""
    source, result = source_of(state, slot), state.studies.get(map_margins.KIND)
    if source is None or result is None or not isinstance(result.value, dict):
        return None
    found = result.value.get(source.place)
    return found if isinstance(found, MapMargins) else None


def difference_of(state: SessionState) -> tuple[MapPatch, ...]:
    """The part of B − A that was read."""
    result = state.studies.get(map_difference.KIND)
    return (result.value,) if result is not None and isinstance(result.value, MapPatch) else ()


def is_reading(state: SessionState, kind: str) -> bool:
    """Whether something of a kind of study is still on its way."""
    result = state.studies.get(kind)
    return result is not None and not result.finished


def why_stopped(state: SessionState) -> str:
    """Why a part of a map could not be read; empty where nothing went wrong."""
    kinds = (map_window.KIND, map_margins.KIND, map_difference.KIND)
    found = (state.studies[kind].error for kind in kinds if kind in state.studies)
    return next(filter(None, found), "")
