"""Parts of a state that follow from the rest of it, without reading anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hardattn_viewer.session.beside import Beside
from hardattn_viewer.session.finding import checked
from hardattn_viewer.session.frames import Place, frame_at
from hardattn_viewer.session.listing import depends_on, vocabulary_of, with_order
from hardattn_viewer.session.moving import at_known_site
from hardattn_viewer.session.rows import Rows
from hardattn_viewer.session.state import Frames, OpenRun, SessionState


def at_place(
    frames: Frames,
    step: int,
    query: int | None,
    also: tuple[int, ...] = (),
    words: bool = False,
) -> Frames:
    """Both frames at another step, query or set of queries of their example."""
    return replace(
        frames,
        a=frame_at(frames.a, step, query, also, words) if frames.a else None,
        b=frame_at(frames.b, step, query, also, words) if frames.b else None,
    )


def place_in(rows: Rows, state: SessionState) -> Place:
    """The place of ``state`` in another table: at the example of the same name, if it is there."""
    row = state.place.example
    if state.rows is not None and row < len(state.rows):
        name = state.rows.names[row]
        row = rows.names.index(name) if name in rows.names else row
    return replace(state.place, example=min(max(row, 0), max(len(rows) - 1, 0)))


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


def resolved(
    new: SessionState, old: SessionState, site_of: Mapping[int, str], grew: bool
) -> SessionState:
    """A state with what follows from its difference to the one before.

    Args:
        new: the state to be.
        old: the state before.
        site_of: the site that was last looked at, by the run's key.
        grew: whether the rows are those of before and more, at the same example.
    """
    if (new.slot_a, new.slot_b, new.runs) != (old.slot_a, old.slot_b, old.runs):
        new = at_known_site(new, site_of)
    elsewhere = new.place.example != old.place.example and not grew
    if elsewhere or new.slot_a != old.slot_a:
        new = replace(new, hovered=None, hovered_query=None, pinned=None)
        if new.loop == old.loop:
            new = replace(new, loop=None)
    if (new.slot_a, new.slot_b) != (old.slot_a, old.slot_b) and new.beside is old.beside:
        # What B was shown beside is no longer there.
        new = replace(new, beside=Beside())
    if new.find.text and vocabulary_of(new) != vocabulary_of(old):
        new = replace(new, find=checked(new, new.find.text))
    if depends_on(new) != depends_on(old):
        new = with_order(new)
    # The frames are those of another example still, which has steps of its own.
    if (new.place.step, *new.rows_asked) != (old.place.step, *old.rows_asked) and not elsewhere:
        new = replace(new, frames=at_place(new.frames, new.place.step, *new.rows_asked))
    known = {run.key for run in new.runs}
    if not {new.slot_a, new.slot_b} <= known | {None}:
        a, b = (key if key in known else None for key in (new.slot_a, new.slot_b))
        new = replace(new, slot_a=a, slot_b=b)
    if new.slot_a is None and new.slot_b is None and new.rows is not None:
        new = replace(new, rows=None, order=(), frames=Frames())
    return new


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
