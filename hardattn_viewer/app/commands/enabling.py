"""What commands of several menus are enabled by."""

from __future__ import annotations

from hardattn_viewer.session.state import SessionState


def has_frame(state: SessionState) -> bool:
    """Whether anything is shown."""
    return state.frame is not None


def has_two(state: SessionState) -> bool:
    """Whether there is a run in A and one in B."""
    return state.slot_a is not None and state.slot_b is not None


def has_sites(state: SessionState) -> bool:
    """Whether the run in focus has several sites."""
    facts = state.facts(state.site_slot)
    return facts is not None and len(facts.sites) > 1
