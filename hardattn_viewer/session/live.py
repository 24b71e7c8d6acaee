"""What follows for a state when its runs grow, are sealed or cut off: pure functions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.requests import Grown
from hardattn_viewer.session.rows import Rows
from hardattn_viewer.session.state import (
    SLOTS,
    Frames,
    OpenRun,
    RunFacts,
    SessionState,
    Slot,
)

# What may not be known for certain from another host counts as being recorded.
_GOES_ON = ("recording", "joining", "unknown")


def grows(run: OpenRun | None) -> bool:
    """Whether more may come to a run."""
    return run is not None and run.live is not None and run.live.doing in _GOES_ON


def is_left(run: OpenRun | None) -> bool:
    """Whether a run was left unsealed, so that it can be recovered."""
    return run is not None and run.live is not None and run.live.doing in ("cut off", "unknown")


def followed_slot(state: SessionState) -> Slot | None:
    """The slot whose newest step is shown while following: that in focus, or the other one."""
    slots = (state.focus, *(slot for slot in SLOTS if slot != state.focus))
    return next((slot for slot in slots if grows(state.run_in(slot))), None)


def left_run(state: SessionState) -> OpenRun | None:
    """The run to recover: that in focus, or another one in a slot."""
    slots = (state.focus, *(slot for slot in SLOTS if slot != state.focus))
    return next((run for slot in slots if is_left(run := state.run_in(slot))), None)


def with_grown(state: SessionState, answer: Grown) -> SessionState:
    """``state`` with what came to one of its runs; the place stays where it is."""
    before = state.run(answer.key)
    if before is None:
        return state
    facts = answer.facts or before.facts
    run = replace(
        before,
        path=answer.path,
        facts=facts,
        live=answer.live,
        error=answer.error,
        generation=before.generation + (answer.facts is not None),
    )
    state = replace(state, runs=tuple(run if one.key == run.key else one for one in state.runs))
    if before.facts is None or facts is None:
        return state
    return _at_same_snapshot(state, before, before.facts, facts)


def _at_same_snapshot(
    state: SessionState, run: OpenRun, before: RunFacts, now: RunFacts
) -> SessionState:
    """The place at the moment of training where it was, though that may no longer be the last."""
    leads = state.slot_of(run.key) == next((s for s in SLOTS if state.facts(s) is not None), None)
    if state.following or not leads or before.snapshots == now.snapshots or not before.snapshots:
        return state
    last = len(before.snapshots) - 1
    chosen = last if state.place.snapshot is None else min(state.place.snapshot, last)
    step = before.snapshots[chosen]
    if step not in now.snapshots:
        return state
    return replace(state, place=replace(state.place, snapshot=now.snapshots.index(step)))


def rows_moved(old: Rows, new: Rows) -> NDArray[np.int64]:
    """For each row of a table the row where its example is in a longer one; -1 where nowhere."""
    if new.names[: len(old)] == old.names:
        return np.arange(len(old), dtype=np.int64)
    places: dict[str, list[int]] = defaultdict(list)
    for row in range(len(new) - 1, -1, -1):
        places[new.names[row]].append(row)
    return np.array(
        [found.pop() if (found := places.get(name)) else -1 for name in old.names], np.int64
    )


def with_longer_rows(state: SessionState, rows: Rows) -> SessionState:
    """``state`` with a table that has grown, at the example where it is."""
    place = state.place
    if state.rows is not None and place.example < len(state.rows):
        row = int(rows_moved(state.rows, rows)[place.example])
        place = replace(place, example=max(row, 0))
    return replace(state, rows=rows, place=place)


def followed_run(state: SessionState) -> int | None:
    """The key of the run whose newest step is shown while following."""
    slot = followed_slot(state)
    return state.slot(slot) if slot is not None else None


def at_newest(state: SessionState, key: int | None) -> SessionState:
    """``state`` at what was recorded last at its site of a run; unchanged where nothing was."""
    slot = state.slot_of(key) if key is not None else None
    facts = state.facts(slot) if slot is not None else None
    if slot is None or facts is None or state.rows is None:
        return state
    names = [site.name for site in facts.sites]
    site = names.index(state.place.site) if state.place.site in names else 0
    newest = facts.newest[site] if site < len(facts.newest) else None
    columns = state.rows.a if slot == "A" else state.rows.b
    if newest is None or columns is None:
        return state
    row = np.flatnonzero(columns.index == newest.example)
    if not row.size:
        return state
    snapshot = newest.snapshot if newest.snapshot < len(facts.snapshots) - 1 else None
    place = replace(state.place, example=int(row[0]), step=newest.step, snapshot=snapshot)
    return replace(state, place=place)


def same_pictures(one: Frames, other: Frames) -> bool:
    """Whether two answers show the very same: nothing came to what is looked at."""
    return (
        one.a is other.a
        and one.b is other.b
        and replace(one, milliseconds=0.0) == replace(other, milliseconds=0.0)
    )
