"""What has to be read for a state to be shown: pure functions from states to requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hardattn_viewer.session.frames import Target
from hardattn_viewer.session.requests import CompareRequest, FramesRequest, RowsRequest
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
    return RowsRequest(generation, a, b, state.place.site, snapshots, (grown_a, grown_b))


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


def compare_wanted(state: SessionState, generation: int = 0) -> CompareRequest | None:
    """The whole-run comparison of A and B, or None where there are not two runs."""
    a, b, rows = _ready(state, "A"), _ready(state, "B"), state.rows
    if a is None or b is None or rows is None or rows.a is None or rows.b is None:
        return None
    if _lacks_site(state, "A") or _lacks_site(state, "B"):
        return None
    both = zip(rows.a.index.tolist(), rows.b.index.tolist(), strict=True)
    pairs = tuple((i, j) for i, j in both if i >= 0 and j >= 0)
    snapshots = (snapshot_of(state, "A"), snapshot_of(state, "B"))
    return CompareRequest(generation, a, b, pairs, state.place.site, snapshots)


def is_settled(state: SessionState) -> bool:
    """Whether the frames are those of the place that the session is at."""
    if state.rows is None:
        return False
    return state.frames.targets == targets_wanted(state)


def snapshot_of(state: SessionState, slot: Slot) -> int | None:
    """The snapshot shown in ``slot``; None is the last one.

    ``place.snapshot`` counts in the first run that is there; the other run is shown at the
    snapshot of the same training step, or at its last one where it has none such.
    """
    facts, chosen = state.facts(slot), state.place.snapshot
    leader = state.facts("A") or state.facts("B")
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
    site = facts.site(state.place.site)
    head = state.place.head
    large = site is not None and site.large
    query, also, words = state.rows_asked
    place = replace(
        state.place,
        example=example,
        # A frame holds every step and query, so that going to another never reads; but of a map
        # of thousands of queries it holds the one looked from.
        step=0,
        query=query if large else None,
        also=also if large else (),
        words=words and large,
        snapshot=snapshot_of(state, slot),
        site=site.name if site else None,
        head=head if site and head is not None and head < site.heads else None,
    )
    return Target(key, place)


def _lacks_site(state: SessionState, slot: Slot) -> bool:
    """Whether the site that was asked for is not in a slot's run."""
    facts = state.facts(slot)
    return facts is not None and bool(facts.sites) and not facts.has_site(state.place.site)


def _near(state: SessionState) -> Iterator[tuple[SessionState, int]]:
    """Where the user may go next: other snapshots of this example, then other examples."""
    leader = state.facts("A") or state.facts("B")
    count = len(leader.snapshots) if leader is not None else 0
    here = count - 1 if state.place.snapshot is None else state.place.snapshot
    for snapshot in (here + by for by in SNAPSHOTS_AHEAD):
        if 0 <= snapshot < count:
            place = replace(state.place, snapshot=snapshot)
            yield replace(state, place=place), state.place.example
    for row in _neighbours(state):
        yield state, row


def _is_slow(state: SessionState, slot: Slot) -> bool:
    """Whether a frame takes so long that none is read before it is asked for."""
    facts = state.facts(slot)
    site = facts.site(state.place.site) if facts is not None else None
    # The levels of large maps are made when a run is sealed.
    return facts is not None and site is not None and site.large and not facts.sealed


def _neighbours(state: SessionState) -> list[int]:
    order = state.order
    if state.place.example not in order:
        return list(order[:2])
    here = order.index(state.place.example)
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
            "Choose a site that both runs hold, or look at each run alone."
        )
    if rows.index(slot, row) < 0:
        return (
            f"{facts.name} does not hold example {rows.names[row]}. "
            "Choose another example, or put another run into this slot."
        )
    return ""
