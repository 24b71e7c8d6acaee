"""Two places of one run, or of two, beside each other: pure functions of the state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hardattn_viewer.session.beside import Beside
from hardattn_viewer.session.pairing import head_in, is_within, site_in
from hardattn_viewer.session.state import SessionState


def moves_beside(state: SessionState) -> bool:
    """Whether choosing a site or head is about B's own place, not about that of both."""
    return state.beside.is_set and state.site_slot == "B"


def beside_at_site(state: SessionState, site: str) -> Beside:
    """B at another site; its head stays where that site has one of its number."""
    facts, head = state.facts("B"), state.beside.head
    found = facts.site(site) if facts is not None else None
    if found is not None and isinstance(head, int) and head >= found.heads:
        head = None
    return replace(state.beside, site=site, head=head)


def beside_a(state: SessionState, key: int, beside: Beside) -> dict[str, Any]:
    """What changes when slot B shows a run at a place of its own, to be compared with A."""
    if state.slot_a is None or state.run(key) is None:
        return {}
    return {"slot_b": key, "beside": beside, "view": "compare"}


def swapped(state: SessionState) -> dict[str, Any]:
    """What changes when A and B change places."""
    slots = {"slot_a": state.slot_b, "slot_b": state.slot_a}
    a, b = site_in(state, "A"), site_in(state, "B")
    if not state.beside.is_set or a is None or b is None:
        return slots
    now, other = state.place, state.beside
    place = replace(
        now,
        site=b.name,
        head=head_in(state, "B"),
        snapshot=now.snapshot if other.snapshot == "same" else other.snapshot,
        query=None,
    )
    own = Beside(
        site=a.name if is_within(state) or other.site is not None else None,
        head="same" if other.head == "same" else head_in(state, "A"),
        snapshot="same" if other.snapshot == "same" else now.snapshot,
    )
    return {**slots, "place": place, "beside": own}


def same_place(state: SessionState) -> dict[str, Any]:
    """What changes when B looks where A looks again."""
    if not is_within(state):
        return {"beside": Beside()}
    others = (run.key for run in state.runs if run.status == "ready" and run.key != state.slot_a)
    return {"beside": Beside(), "slot_b": next(others, None), "focus": "A"}
