"""Bringing a saved session back: its runs, then its place, once they have been read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hardattn_viewer.session.frames import Place
from hardattn_viewer.session.history import ViewState, view_of
from hardattn_viewer.session.plain import with_plain
from hardattn_viewer.session.saved import SavedSession
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, SessionState
from hardattn_viewer.session.wants import is_settled
from recorders.run.address import Address, address_of
from recorders.run.errors import RunError
from recorders.run.text import visible

NAMED = 3


class Restoring:
    """Closes what is open and brings a saved session back.

    Args:
        session: where it is brought back.
        saved: the session.
        done: called once with what could not be brought back, in one sentence, or with "".
    """

    def __init__(self, session: Session, saved: SavedSession, done: Callable[[str], None]) -> None:
        self._session = session
        self._saved = saved
        self._done = done
        self._unfit: list[str] = []
        self._missing: list[str] = []
        self._keys: list[int | None] = []
        self._view: ViewState | None = None
        self._stage: Callable[[SessionState], None] | None = None

    def begin(self) -> None:
        """Close what is open, and open the runs."""
        session = self._session
        for run in session.state.runs:
            session.close_run(run.key)
        session.set_theme(self._saved.theme)
        if 0 < abs(self._saved.speed) <= 100:
            session.set_speed(self._saved.speed)
        addresses = [_address(text) for text in self._saved.runs]
        session.open([address for address in addresses if address is not None])
        by_path = {run.path: run.key for run in session.state.runs}
        self._keys = [by_path.get(one) if one is not None else None for one in addresses]
        self._stage = self._fill_slots
        session.changed.connect(self._on_changed)
        self._on_changed(session.state, session.state)

    def stop(self) -> None:
        """Leave it as far as it has come."""
        if self._stage is not None:
            self._stage = None
            self._session.changed.disconnect(self._on_changed)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if self._stage is not None:
            self._stage(self._session.state)

    # --- one stage after the other --------------------------------------------------------

    def _fill_slots(self, state: SessionState) -> None:
        if any(run.status == "loading" for run in state.runs):
            return
        for text, key in zip(self._saved.runs, self._keys, strict=True):
            run = state.run(key)
            if run is None or run.status == "failed":
                self._missing.append(visible(text.rpartition("/")[2] or text))
        a, b = (self._ready_key(state, index) for index in (self._saved.a, self._saved.b))
        if a is None and b is None:
            self._finish()
            return
        known = replace(view_of(state), slot_a=a, slot_b=b)
        view = with_plain(known, dict(self._saved.view), self._unfit)
        # In the order of the file, whatever was opened first.
        self._view = replace(view, slot_a=a, slot_b=b)
        self._stage = self._go_to_place
        first = replace(self._view, place=replace(known.place, site=_site(state, self._view)))
        self._session.show_view(replace(first, pinned=None))
        self._on_changed(self._session.state, state)

    def _go_to_place(self, state: SessionState) -> None:
        view = self._view
        if view is None or state.rows is None or not _is_read(state):
            return
        names, row = state.rows.names, view.place.example
        if self._saved.example in names and not (
            0 <= row < len(names) and names[row] == self._saved.example
        ):
            row = names.index(self._saved.example)
        place = replace(_possible(state, view), example=min(max(row, 0), max(len(names) - 1, 0)))
        self._stage = self._pin
        self._session.show_view(replace(view, place=place, pinned=None))
        self._on_changed(self._session.state, state)

    def _pin(self, state: SessionState) -> None:
        view = self._view
        if view is None or not _is_read(state):
            return
        frame, pinned = state.frame, view.pinned
        self._stage = None
        if frame is not None and pinned is not None and 0 <= pinned < frame.probabilities.size:
            self._session.show_view(replace(view_of(state), pinned=pinned))
        self._finish()

    def _finish(self) -> None:
        self._stage = None
        self._session.changed.disconnect(self._on_changed)
        self._done(self._words())

    def _words(self) -> str:
        parts = []
        if self._missing:
            total = len(self._saved.runs)
            names = ", ".join(self._missing[:NAMED])
            more = len(self._missing) - NAMED
            names += f" and {more:,} more" if more > 0 else ""
            parts.append(
                f"{len(self._missing)} of the session’s {total} runs could not be opened: {names}."
            )
        if self._unfit:
            parts.append(f"Not understood, and left as usual: {', '.join(self._unfit[:NAMED])}.")
        return " ".join(parts)

    def _ready_key(self, state: SessionState, index: int | None) -> int | None:
        if index is None or not 0 <= index < len(self._keys):
            return None
        run = state.run(self._keys[index])
        return run.key if run is not None and run.status == "ready" else None


def _is_read(state: SessionState) -> bool:
    """Whether what is shown is that of the runs in A and B, as far as it can be shown."""
    loading = any(run.status == "loading" for run in state.runs)
    return not loading and is_settled(state)


def _site(state: SessionState, view: ViewState) -> str | None:
    """The site of a view, where one of its runs has it."""
    runs = (state.run(key) for key in (view.slot_a, view.slot_b))
    facts = [run.facts for run in runs if run is not None and run.facts is not None]
    site = view.place.site
    return site if site is not None and any(one.has_site(site) for one in facts) else None


def _possible(state: SessionState, view: ViewState) -> Place:
    """The place of a view as far as the runs in A and B have it."""
    place = view.place
    site = _site(state, view)
    facts = [one for slot in SLOTS if (one := state.facts(slot)) is not None]
    found = [one.site(site) for one in facts if one.has_site(site)]
    heads = max((one.heads for one in found if one is not None), default=0)
    snapshots = len(facts[0].snapshots) if facts else 0
    return replace(
        place,
        site=site,
        step=max(place.step, 0),
        head=_within(place.head, heads),
        snapshot=_within(place.snapshot, snapshots),
        query=None if place.query is None or place.query < 0 else place.query,
    )


def _within(value: int | None, count: int) -> int | None:
    return value if value is not None and 0 <= value < count else None


def _address(text: str) -> Address | None:
    try:
        # An empty text would be the folder that the app was started in.
        return address_of(text) if text and "\0" not in text else None
    except RunError:
        return None
