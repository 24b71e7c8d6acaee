"""What has to be read for a state to be shown: pure functions from states to requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hardattn_viewer.session.frames import Target
from hardattn_viewer.session.long_examples import BLOCK_STEPS, LONG_STEPS, block_of_step
from hardattn_viewer.session.pairing import head_in, site_in
from hardattn_viewer.session.requests import FramesRequest, RowsRequest
from hardattn_viewer.session.state import SLOTS, SessionState, Slot

# How many rows of the table, down and up, are read before anybody asks, and how many snapshots.
AHEAD = (1, -1, 2, 3)
SNAPSHOTS_AHEAD = (1, -1)


def rows_wanted(state: SessionState, generation: int = 0) -> RowsRequest | None:
    """The example table that ``state`` shows, or None without a run."""
    a, b = (_ready(state, slot) for slot in SLOTS)
    if a is None and b is None:
        return None
    snapshots = (snapshot_of(state, "A"), snapshot_of(state, "B"))
    runs = (state.run_in(slot) for slot in SLOTS)
    grown_a, grown_b = (run.generation if run is not None else 0 for run in runs)
    return RowsRequest(generation, a, b, _site_names(state), snapshots, (grown_a, grown_b))


def frames_wanted(state: SessionState, generation: int = 0) -> FramesRequest:
    """The frames that ``state`` shows, and those that may be asked for next."""
    row = state.place.example
    a, b = targets_wanted(state)
    ahead = [
        _target(place, slot, near)
        for place, near in _near(state)
        for slot in SLOTS
        if not _is_slow(state, slot)
    ]
    return FramesRequest(
        generation,
        a,
        b,
        why_a=_why_missing(state, "A", row),
        why_b=_why_missing(state, "B", row),
        ahead=tuple(dict.fromkeys(one for one in ahead if one not in (None, a, b))),
    )


def is_settled(state: SessionState) -> bool:
    """Whether the frames are those of the place that the session is at."""
    if state.rows is None:
        return False
    return state.frames.targets == targets_wanted(state)


def snapshot_of(state: SessionState, slot: Slot) -> int | None:
    """The snapshot shown in ``slot``; None is the last one.

    ``place.snapshot`` counts in the leader's snapshots; the other run is shown at the
    snapshot of the same training step, or at its last one where it has none such. Slot B may also
    be put at a snapshot of its own.
    """
    if slot == "B" and state.beside.snapshot != "same":
        return state.beside.snapshot
    facts, chosen = state.facts(slot), state.place.snapshot
    leader = state.leader
    if facts is None or leader is None or chosen is None or chosen >= len(leader.snapshots):
        return None
    if facts is leader:
        return chosen
    step = leader.snapshots[chosen]
    return facts.snapshots.index(step) if step in facts.snapshots else None


def targets_wanted(state: SessionState) -> tuple[Target | None, Target | None]:
    """What A and B have to show for the row that the session is at."""
    row = state.place.example
    return _target(state, "A", row), _target(state, "B", row)


def _ready(state: SessionState, slot: Slot) -> int | None:
    run = state.run_in(slot)
    return run.key if run is not None and run.status == "ready" else None


def _target(state: SessionState, slot: Slot, row: int) -> Target | None:
    key, facts = _ready(state, slot), state.facts(slot)
    if key is None or facts is None or state.rows is None or _lacks_site(state, slot):
        return None
    example = state.rows.index(slot, row)
    if example < 0:
        return None
    site = site_in(state, slot)
    large = site is not None and site.large
    query, also, words = state.rows_asked
    place = replace(
        state.place,
        example=example,
        # A frame holds every step and query, so that going to another never reads; but of very
        # many steps it holds those around, and of a map of thousands of queries the one looked
        # from.
        step=block_of_step(state.place.step, steps_of(state, slot, row)),
        query=query if large else _query(state, slot, row),
        also=also if large else (),
        words=words and large,
        snapshot=snapshot_of(state, slot),
        site=site.name if site else None,
        head=head_in(state, slot),
    )
    return Target(key, place)


def _query(state: SessionState, slot: Slot, row: int) -> int | None:
    # The curve of a long example is of one query; what is only pointed at does not change it.
    return state.place.query if steps_of(state, slot, row) > LONG_STEPS else None


def steps_of(state: SessionState, slot: Slot, row: int) -> int:
    """How many steps a row has in ``slot``; 0 where it has none."""
    columns = None
    if state.rows is not None:
        columns = state.rows.a if slot == "A" else state.rows.b
    if columns is None or not 0 <= row < columns.steps.size or np.isnan(columns.steps[row]):
        return 0
    return int(columns.steps[row])


def _lacks_site(state: SessionState, slot: Slot) -> bool:
    """Whether the site that was asked for is not in a slot's run."""
    facts = state.facts(slot)
    return facts is not None and bool(facts.sites) and site_in(state, slot) is None


def _site_names(state: SessionState) -> tuple[str | None, str | None]:
    """The sites whose columns the table shows; of a run that lacks it the name that it lacks."""
    a, b = (
        found.name if (found := site_in(state, slot)) is not None else state.place.site
        for slot in SLOTS
    )
    return a, b


def _near(state: SessionState) -> Iterator[tuple[SessionState, int]]:
    """Where the user may go next: other snapshots of this example, then other examples."""
    leader = state.leader
    count = len(leader.snapshots) if leader is not None else 0
    here = count - 1 if state.place.snapshot is None else state.place.snapshot
    for snapshot in (here + by for by in SNAPSHOTS_AHEAD):
        if 0 <= snapshot < count:
            place = replace(state.place, snapshot=snapshot)
            yield replace(state, place=place), state.place.example
    longest = max(steps_of(state, slot, state.place.example) for slot in SLOTS)
    here = block_of_step(state.place.step, longest)
    for by in (1, -1) if longest > LONG_STEPS else ():
        step = here + by * BLOCK_STEPS
        if 0 <= step < longest:
            yield replace(state, place=replace(state.place, step=step)), state.place.example
    for row in _neighbours(state):
        yield state, row


def _is_slow(state: SessionState, slot: Slot) -> bool:
    """Whether a frame takes so long that none is read before it is asked for."""
    facts = state.facts(slot)
    site = site_in(state, slot)
    # The levels of large maps are made when a run is sealed.
    return facts is not None and site is not None and site.large and not facts.sealed


def _neighbours(state: SessionState) -> list[int]:
    order = state.order
    try:
        here = order.index(state.place.example)
    except ValueError:
        return list(order[:2])
    return [order[here + by] for by in AHEAD if 0 <= here + by < len(order)]


def _why_missing(state: SessionState, slot: Slot, row: int) -> str:
    facts, rows = state.facts(slot), state.rows
    if facts is None or rows is None:
        return ""
    if not len(rows):
        return f"{facts.name} holds no examples: its recording ended before the first one."
    if _lacks_site(state, slot):
        others = len(facts.sites) - 1
        more = f" and {others:,} more" if others else ""
        return (
            f"{facts.name} has no site {state.place.site}; it has {facts.sites[0].name}{more}. "
            "Choose a site that both runs hold, or say with Analyse › Compare with… which of its "
            "sites belongs to it."
        )
    if rows.index(slot, row) < 0:
        return (
            f"{facts.name} does not hold example {rows.names[row]}. "
            "Choose another example, or put another run into this slot."
        )
    return ""
