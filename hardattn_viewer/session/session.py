"""The one session that all views share: what is open, where it is looked at, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from psygnal import Signal

from hardattn_viewer.session import moving
from hardattn_viewer.session.derived import at_place, filled_slots, with_notices, with_order
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.history import History
from hardattn_viewer.session.loading import DirectLoader, Loader, ThreadLoader
from hardattn_viewer.session.requests import (
    Answer,
    CloseRequest,
    Compared,
    FramesRead,
    Opened,
    OpenRequest,
    RowsRead,
    ThumbnailsRead,
    ThumbnailsRequest,
    Unexpected,
)
from hardattn_viewer.session.rows import Column, Sort
from hardattn_viewer.session.state import (
    Frames,
    OpenRun,
    SessionState,
    Slot,
    Status,
    ThemeChoice,
    View,
)
from hardattn_viewer.session.wants import compare_wanted, frames_wanted, rows_wanted
from recorders.run.address import Address

Image = np.ndarray[Any, np.dtype[np.uint8]]
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Session:
    """Holds one :class:`SessionState` and changes it; knows no widget and no file format.

    Args:
        wake: called on the reader thread when :meth:`collect` should be called on this one.
            None answers every request at once, on this thread.
    """

    changed = Signal(SessionState, SessionState, reemission="queued")

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self.state = SessionState()
        self.history = History()
        self._loader: Loader = DirectLoader() if wake is None else ThreadLoader(wake)
        self._direct = wake is None
        self._generation = {"rows": 0, "frames": 0, "compare": 0, "thumbnails": 0}
        self._next_key = 1
        self._thumbnails: dict[tuple[int, int], Image | None] = {}
        # The site that was last chosen of each open run.
        self._site_of: dict[int, str] = {}

    # --- runs -----------------------------------------------------------------------------

    def open(self, paths: Sequence[Address]) -> None:
        """Open runs; one that is open already is not opened twice, one that failed is retried."""
        for path in paths:
            known = next((run for run in self.state.runs if run.path == path), None)
            if known is not None and known.status != "failed":
                continue
            if known is not None:
                self.close_run(known.key)
            key, self._next_key = self._next_key, self._next_key + 1
            self._change(runs=(*self.state.runs, OpenRun(key, path)))
            self._loader.submit(OpenRequest(key, path))
            self._collect_if_direct()

    def close_run(self, key: int) -> None:
        """Close a run and take it out of its slot."""
        self._loader.submit(CloseRequest(key))
        self._thumbnails = {k: v for k, v in self._thumbnails.items() if k[0] != key}
        state = self.state
        self._change(
            runs=tuple(run for run in state.runs if run.key != key),
            slot_a=None if state.slot_a == key else state.slot_a,
            slot_b=None if state.slot_b == key else state.slot_b,
        )

    def assign(self, key: int, slot: Slot) -> None:
        """Put a run into a slot; where it sits in the other one, the two change places."""
        state = self.state
        run = state.run(key)
        if run is None or run.status != "ready":
            return
        a, b = (key, state.slot_b) if slot == "A" else (state.slot_a, key)
        if a == b:
            a, b = state.slot_b, state.slot_a
        self._change("slots", slot_a=a, slot_b=b, focus=slot)

    def swap(self) -> None:
        """Exchange A and B."""
        self._change("slots", slot_a=self.state.slot_b, slot_b=self.state.slot_a)

    def look_at(self, slot: Slot) -> None:
        """Show the numbers of the run in ``slot``."""
        self._change("focus", focus=slot)

    # --- places ---------------------------------------------------------------------------

    def go_to_row(self, row: int) -> None:
        """Show the example in ``row`` of the example table."""
        if self.state.rows is not None and 0 <= row < len(self.state.rows):
            self._move("example", example=row)

    def next_example(self, by: int) -> None:
        """Go down (or up) in the example table as it is filtered and sorted."""
        order = self.state.order
        if not order:
            return
        here = self.state.place.example
        at = order.index(here) + by if here in order else 0
        self.go_to_row(order[min(max(at, 0), len(order) - 1)])

    def go_to_step(self, step: int) -> None:
        """Show a step of this example; steps outside it are clamped."""
        last = max(self.state.frames.steps - 1, 0)
        self._move("step", step=min(max(step, 0), last))

    def next_step(self, by: int) -> None:
        """Go to a later (or earlier) step."""
        self.go_to_step(self.state.place.step + by)

    def next_head(self, by: int) -> None:
        """Go from the mean over heads to head 0, 1, … and round to the mean again."""
        if self.state.heads > 1:
            self._move("head", head=moving.head_after(self.state, by))

    def go_to_snapshot(self, snapshot: int | None) -> None:
        """Show the run as it was at another moment of its training."""
        self._move("snapshot", snapshot=snapshot)

    def go_to_head(self, head: int | None) -> None:
        """Show one head, or with None the mean over all of them."""
        if head is None or 0 <= head < self.state.heads:
            self._move("head", head=head)

    def go_to_site(self, site: str | None) -> None:
        """Show another attention site."""
        key = self.state.slot(self.state.site_slot)
        if key is not None and site is not None:
            self._site_of[key] = site
        self._change("site", place=moving.place_at_site(self.state, site))

    def next_site(self, by: int) -> None:
        """Go to the next (or previous) site of the run in focus; the ends hold."""
        self.go_to_site(moving.site_after(self.state, by))

    def go_to_query(self, query: int | None, step: int | None = None) -> None:
        """Look from another query, also of another step; None goes back to the usual one."""
        place = moving.place_at_query(self.state, query, step)
        self._change("query", place=place, hovered_query=None)

    def next_query(self, by: int) -> None:
        """Look from the next (or previous) query of this step; the ends hold."""
        frame = self.state.frame
        if frame is not None and frame.queries > 1:
            self.go_to_query(frame.query + by)

    def hover(self, key: int | None, query: int | None = None) -> None:
        """Preview a key in every view, and the row of a query."""
        self._change(hovered=key, hovered_query=query)

    def pin(self, key: int | None) -> None:
        """Hold on to a key; the same key again, or None, lets go."""
        self._change("pin", pinned=None if key == self.state.pinned else key)

    # --- playback -------------------------------------------------------------------------

    def play(self, playing: bool | None = None) -> None:
        """Start or stop playback; at the end of the example it starts over."""
        playing = not self.state.playing if playing is None else playing
        if playing and self._at_end():
            self.go_to_step(0 if self.state.speed > 0 else self.state.frames.steps - 1)
        self._change(playing=playing and self.state.frames.steps > 1)

    def shuttle(self, direction: int) -> None:
        """J and L: play in a direction, faster each time; against it, slower first."""
        speed = moving.shuttled(self.state.speed, direction, SPEEDS[-1], self.state.playing)
        self._change(speed=speed)
        self.play(True)

    def set_speed(self, speed: float) -> None:
        """Set the playback speed; 1 shows two steps a second."""
        self._change(speed=speed)

    def tick(self) -> None:
        """Show the next step of playback, or stop where the example ends."""
        if not self.state.playing:
            return
        if self._at_end():
            self._change(playing=False)
        else:
            self.next_step(1 if self.state.speed > 0 else -1)

    def _at_end(self) -> bool:
        step, steps = self.state.place.step, self.state.frames.steps
        return step >= steps - 1 if self.state.speed > 0 else step <= 0

    # --- looks ----------------------------------------------------------------------------

    def set_view(self, view: View) -> None:
        """Show the overlay or the comparison."""
        self._change("view", view=view)

    def set_display(self, display: Display) -> None:
        """Change how attention is drawn."""
        self._change("display", display=display)

    def set_theme(self, theme: ThemeChoice) -> None:
        """Choose dark, light or what the system says."""
        self._change(theme=theme)

    def set_sort(self, column: Column, descending: bool) -> None:
        """Sort the example table."""
        self._change("sort", sort=Sort(column, descending))

    def set_filter(self, text: str) -> None:
        """Filter the example table; an expression that is wrong leaves it as it was."""
        self._change("filter", filter=text)

    def undo(self) -> None:
        """Take back the last change of the view."""
        self._replace(self.history.back(self.state))

    def redo(self) -> None:
        """Make the change again that was taken back."""
        self._replace(self.history.forth(self.state))

    # --- thumbnails -----------------------------------------------------------------------

    def thumbnail(self, row: int) -> Image | None:
        """The small image of a row, None where there is none or it was not asked for yet."""
        source = self._thumbnail_source(row)
        return None if source is None else self._thumbnails.get(source)

    def want_thumbnails(self, rows: Sequence[int]) -> None:
        """Ask for the small images of the rows that can be seen."""
        sources = [self._thumbnail_source(row) for row in rows]
        missing = [s for s in sources if s is not None and s not in self._thumbnails]
        if missing:
            request = ThumbnailsRequest(self._new("thumbnails"), tuple(missing))
            self._loader.submit(request)
            self._collect_if_direct()

    def _thumbnail_source(self, row: int) -> tuple[int, int] | None:
        if self.state.rows is None or not 0 <= row < len(self.state.rows):
            return None
        slot, example = self.state.rows.thumbnail_source(row)
        key = self.state.slot(slot)
        return None if key is None or example < 0 else (key, example)

    # --- answers --------------------------------------------------------------------------

    def collect(self) -> None:
        """Take in what the reader thread has answered.

        Raises:
            Exception: what no one foresaw on the reader thread.
        """
        for answer in self._loader.take():
            self._take_in(answer)

    def close(self) -> None:
        """Close every run and end the reader thread."""
        self._loader.close()

    def _collect_if_direct(self) -> None:
        if self._direct:
            self.collect()

    def _take_in(self, answer: Answer) -> None:
        latest = self._generation
        match answer:
            case Opened():
                self._opened(answer)
            case RowsRead(generation=generation) if generation == latest["rows"]:
                self._rows_read(answer)
            case FramesRead(generation=generation) if generation == latest["frames"]:
                self._frames_read(answer.frames)
            case Compared(generation=generation) if generation == latest["compare"]:
                self._change(comparison=answer.comparison)
            case ThumbnailsRead():
                self._thumbnails.update(answer.images)
                self._change(thumbnails=self.state.thumbnails + 1)
            case Unexpected(error=error):
                raise error

    def _opened(self, answer: Opened) -> None:
        state = self.state
        status: Status = "failed" if answer.facts is None else "ready"
        runs = tuple(
            replace(run, status=status, error=answer.error, facts=answer.facts)
            if run.key == answer.key
            else run
            for run in state.runs
        )
        slot_a, slot_b = state.slot_a, state.slot_b
        if answer.facts is not None:
            slot_a, slot_b = filled_slots(runs, slot_a, slot_b)
        self._change(runs=runs, slot_a=slot_a, slot_b=slot_b)

    def _rows_read(self, answer: RowsRead) -> None:
        state, rows = self.state, answer.rows
        if rows is None:
            why = answer.error
            self._change(rows=None, order=(), frames=Frames(why_a=why, why_b=why))
            return
        row = state.place.example
        if state.rows is not None and row < len(state.rows):
            name = state.rows.names[row]
            row = rows.names.index(name) if name in rows.names else row
        place = replace(state.place, example=min(max(row, 0), max(len(rows) - 1, 0)))
        self._change(rows=rows, runs=with_notices(state.runs, answer.notices), place=place)

    def _frames_read(self, frames: Frames) -> None:
        place = self.state.place
        step = min(place.step, max(frames.steps - 1, 0))
        frames = at_place(frames, step, self.state.query)
        self._change(frames=frames, place=replace(place, step=step))

    # --- changes --------------------------------------------------------------------------

    def _move(self, kind: str, **changes: Any) -> None:
        self._change(kind, place=replace(self.state.place, **changes))

    def _change(self, undo_as: str = "", **changes: Any) -> None:
        """Change the state; ``undo_as`` names the kind of change where it can be undone."""
        new = replace(self.state, **changes)
        if new == self.state:
            return
        if undo_as:
            self.history.note(self.state, undo_as)
        self._replace(new)

    def _replace(self, new: SessionState | None) -> None:
        """Take over a state, with everything that follows from it, and tell the views."""
        if new is None:
            return
        old = self.state
        new = self._resolved(new, old)
        self.state = new
        self._ask(new, old)
        self.changed.emit(new, old)
        self._collect_if_direct()

    def _resolved(self, new: SessionState, old: SessionState) -> SessionState:
        if (new.slot_a, new.slot_b, new.runs) != (old.slot_a, old.slot_b, old.runs):
            new = moving.at_known_site(new, self._site_of)
        if new.place.example != old.place.example or new.slot_a != old.slot_a:
            new = replace(new, hovered=None, hovered_query=None, pinned=None)
        if new.rows is not old.rows:
            new = replace(new, comparison=None)
        if (new.rows, new.filter, new.sort) != (old.rows, old.filter, old.sort):
            new = with_order(new)
        if (new.place.step, new.query) != (old.place.step, old.query):
            new = replace(new, frames=at_place(new.frames, new.place.step, new.query))
        known = {run.key for run in new.runs}
        if not {new.slot_a, new.slot_b} <= known | {None}:
            a, b = (key if key in known else None for key in (new.slot_a, new.slot_b))
            new = replace(new, slot_a=a, slot_b=b)
        if new.slot_a is None and new.slot_b is None and new.rows is not None:
            new = replace(new, rows=None, order=(), frames=Frames(), comparison=None)
        return new

    def _ask(self, new: SessionState, old: SessionState) -> None:
        """Ask for everything that ``new`` shows and ``old`` did not."""
        if rows_wanted(new) != rows_wanted(old):
            request = rows_wanted(new, self._new("rows"))
            if request is not None:
                self._loader.submit(request)
            return
        if new.rows is not None and (
            frames_wanted(new) != frames_wanted(old) or new.rows is not old.rows
        ):
            self._loader.submit(frames_wanted(new, self._new("frames")))
        if new.rows is not old.rows:
            compare = compare_wanted(new, self._new("compare"))
            if compare is not None:
                self._loader.submit(compare)

    def _new(self, kind: str) -> int:
        self._generation[kind] += 1
        return self._generation[kind]
