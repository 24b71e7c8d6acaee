"""Parts of a state that follow from the rest of it, without reading anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hardattn_viewer.session.filters import FilterError, filter_rows
from hardattn_viewer.session.frames import frame_at
from hardattn_viewer.session.rows import sort_rows
from hardattn_viewer.session.state import Frames, OpenRun, SessionState


def with_order(state: SessionState) -> SessionState:
    """``state`` with its rows filtered and sorted; a wrong filter leaves the list as it was."""
    if state.rows is None:
        return replace(state, order=(), filter_error="")
    try:
        keep = filter_rows(state.filter, state.rows)
    except FilterError as error:
        everything = np.ones(len(state.rows), dtype=np.bool_)
        kept = state.order or sort_rows(state.rows, everything, state.sort)
        return replace(state, order=kept, filter_error=str(error))
    return replace(state, order=sort_rows(state.rows, keep, state.sort), filter_error="")


def at_place(frames: Frames, step: int, query: int | None) -> Frames:
    """Both frames at another step or query of their example."""
    return replace(
        frames,
        a=frame_at(frames.a, step, query) if frames.a else None,
        b=frame_at(frames.b, step, query) if frames.b else None,
    )


def filled_slots(
    runs: Sequence[OpenRun], slot_a: int | None, slot_b: int | None
) -> tuple[int | None, int | None]:
    """A and B with empty ones filled by the first runs of the list that are ready."""
    free = [run.key for run in runs if run.status == "ready" and run.key not in (slot_a, slot_b)]
    free.sort()
    if slot_a is None and free:
        slot_a = free.pop(0)
    if slot_b is None and free:
        slot_b = free.pop(0)
    return slot_a, slot_b


def with_notices(
    runs: tuple[OpenRun, ...], notices: Mapping[int, tuple[str, ...]]
) -> tuple[OpenRun, ...]:
    """The runs with what they have to say by now."""
    return tuple(
        replace(run, facts=replace(run.facts, notices=notices[run.key]))
        if run.facts is not None and run.key in notices
        else run
        for run in runs
    )
