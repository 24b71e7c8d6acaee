"""The list of where A and B disagree most, and the way through it: pure functions of the state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.session.frames import Place

if TYPE_CHECKING:
    from hardattn_viewer.session.disagreements import Disagreement
    from hardattn_viewer.session.state import SessionState


def ranked(state: SessionState) -> tuple[Disagreement, ...]:
    """The steps that disagree most by the measure of the state, as far as they are known."""
    found = comparison_of(state)
    return found.tops.ranked(state.rank_by) if found is not None else ()


def place_at(state: SessionState, item: Disagreement) -> Place:
    """The place of the session that shows a disagreement."""
    found = comparison_of(state)
    head = state.place.head
    if found is not None and item.lane:
        head = found.lanes[item.lane][0]
    several = any(frame.queries > 1 for frame in state.frames.present)
    query = item.query if several else None
    # The rows of the table are A's examples, in A's order, before those that only B holds.
    return replace(state.place, example=item.example, step=item.step, head=head, query=query)


def here(state: SessionState, items: tuple[Disagreement, ...]) -> int | None:
    """Which of the items the session is at; None where it is at none."""
    found, now = comparison_of(state), state.place
    if found is None:
        return None
    heads = [lane[0] if number else now.head for number, lane in enumerate(found.lanes)]
    for index, item in enumerate(items):
        if (item.example, item.step, heads[item.lane]) == (now.example, now.step, now.head):
            return index
    return None


def neighbour(state: SessionState, by: int) -> Disagreement | None:
    """The next (or previous) item; the first one where the session is at none."""
    items = ranked(state)
    at = here(state, items)
    if not items:
        return None
    return items[0 if at is None else min(max(at + by, 0), len(items) - 1)]
