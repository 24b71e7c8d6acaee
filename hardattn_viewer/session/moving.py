"""Where a step, head, site or query further on leads: pure functions of the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hardattn_viewer.session.frames import Place, frame_at_step
from hardattn_viewer.session.state import SLOTS, SessionState


def head_after(state: SessionState, by: int) -> int | None:
    """From the mean over heads to head 0, 1, … and round to the mean again."""
    head = state.head
    at = ((0 if head is None else head + 1) + by) % (state.heads + 1)
    return None if at == 0 else at - 1


def snapshots(state: SessionState) -> int:
    """The number of snapshots of the run that the snapshot shown is counted in; 0 without one."""
    return len(state.leader.snapshots) if state.leader is not None else 0


def shown_snapshot(state: SessionState) -> int:
    """The snapshot shown, as an index; -1 without a run."""
    last = snapshots(state) - 1
    return last if state.place.snapshot is None else min(state.place.snapshot, last)


def snapshot_after(state: SessionState, by: int) -> int | None:
    """The next (or previous) snapshot; the ends hold, and None is where there are none."""
    count = snapshots(state)
    return min(max(shown_snapshot(state) + by, 0), count - 1) if count else None


def is_last_snapshot(state: SessionState, *, forward: bool) -> bool:
    """Whether no snapshot follows in a direction."""
    return shown_snapshot(state) == (snapshots(state) - 1 if forward else 0)


def site_after(state: SessionState, by: int) -> str | None:
    """The name of the next (or previous) site of the run in focus; the ends hold."""
    facts = state.facts(state.site_slot)
    if facts is None or not facts.sites:
        return state.place.site
    names = [site.name for site in facts.sites]
    here = names.index(state.site.name) if state.site is not None else 0
    return names[min(max(here + by, 0), len(names) - 1)]


def place_at_site(state: SessionState, site: str | None) -> Place:
    """The place at another site; the head stays where that site has one of its number."""
    facts = state.facts(state.site_slot)
    found = facts.site(site) if facts is not None and facts.has_site(site) else None
    head = state.place.head
    if found is not None and head is not None and head >= found.heads:
        head = None
    return replace(state.place, site=site, head=head)


def place_at_query(state: SessionState, query: int | None, step: int | None) -> Place:
    """The place at another query of a step, None for this one; those outside it are clamped."""
    step = state.place.step if step is None else step
    frame = state.frame
    if frame is not None and query is not None:
        query = min(max(query, 0), frame_at_step(frame, step).queries - 1)
    return replace(state.place, query=query, step=step, also=())


def place_at_queries(state: SessionState, queries: Sequence[int]) -> Place:
    """The place that looks from several queries of this step; those outside it are left out."""
    frame = state.frame
    known = [at for at in dict.fromkeys(queries) if frame is None or 0 <= at < frame.queries]
    if not known:
        return state.place
    return replace(state.place, query=known[0], also=tuple(sorted(known[1:])))


def place_with_query(state: SessionState, query: int) -> Place:
    """The place with one query more among those looked from, or without it."""
    frame = state.frame
    held = [frame.query if frame is not None else state.place.query or 0, *state.place.also]
    if query in held:
        held.remove(query)
    else:
        held.append(query)
    return place_at_queries(state, held)


def at_known_site(state: SessionState, site_of: Mapping[int, str]) -> SessionState:
    """``state`` at a site that one of its runs has.

    Args:
        state: with other runs in A and B than before.
        site_of: the site that was last looked at, by the run's key.
    """
    facts = [found for slot in SLOTS if (found := state.facts(slot)) is not None]
    site = state.place.site
    if site is None or not facts or any(found.has_site(site) for found in facts):
        return state
    key = state.slot_a if state.slot_a is not None else state.slot_b
    known = site_of.get(key) if key is not None else None
    return replace(state, place=replace(state.place, site=known, head=None, query=None))


def shuttled(speed: float, direction: int, most: float, playing: bool) -> float:
    """The speed after J or L: faster in the direction of play, slower against it."""
    if not playing:
        return float(direction)
    if speed * direction > 0:
        return direction * min(abs(speed) * 2, most)
    return speed / 2 if abs(speed) > 1 else float(direction)


def looped(step: int, loop: tuple[int, int], speed: float) -> int:
    """The step that playback shows after ``step`` while it repeats a range."""
    start, end = loop if speed > 0 else loop[::-1]
    onwards = loop[0] <= step <= loop[1] and step != end
    return step + (1 if speed > 0 else -1) if onwards else start
