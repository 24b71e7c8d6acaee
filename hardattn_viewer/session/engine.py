"""What holds the state: changes, what follows from them, what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from psygnal import Signal

from hardattn_viewer.session import live
from hardattn_viewer.session.derived import (
    at_place,
    filled_slots,
    place_in,
    resolved,
    with_notices,
)
from hardattn_viewer.session.history import History
from hardattn_viewer.session.loading import DirectLoader, Loader, ThreadLoader
from hardattn_viewer.session.requests import (
    Answer,
    FramesRead,
    FramesRequest,
    Grown,
    Opened,
    Recovering,
    RowsRead,
    RowsRequest,
    Studied,
    StudyRequest,
    ThumbnailsRead,
    Unexpected,
    Waits,
)
from hardattn_viewer.session.state import (
    Frames,
    SessionState,
    Status,
)
from hardattn_viewer.session.studies import KINDS, StudyResult
from hardattn_viewer.session.thumbnails import Thumbnails
from hardattn_viewer.session.wants import frames_wanted, rows_wanted

# Whoever goes elsewhere wants to stay there, not to be taken to the newest step.
_LEAVING = ("example", "step", "snapshot")


class Engine:
    """Holds one :class:`SessionState` and changes it; knows no widget and no file format.

    Args:
        wake: called on the reader thread when :meth:`collect` should be called on this one.
            None answers every request at once, on this thread.

    Attributes:
        state: what is shown, and what is known of it.
        history: of the states before, to go back to.
        answers_at_once: whether there is no other thread.
    """

    changed = Signal(SessionState, SessionState, reemission="queued")

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self.state = SessionState()
        self.history = History()
        self._loader: Loader = DirectLoader() if wake is None else ThreadLoader(wake)
        self.answers_at_once = wake is None
        self._generation = {"rows": 0, "frames": 0, "thumbnails": 0}
        self._next_key = 1
        self._thumbnails = Thumbnails()
        # What was last wanted of the frames, so that it is not worked out again to compare.
        self._frames_wanted: FramesRequest | None = None
        # What the rows and the frames of the state answer.
        self._rows_of: RowsRequest | None = None
        self._pictures = Frames()
        # The run whose newest step is shown: when it is sealed, its last part is still to be read.
        self._followed: int | None = None
        # The site that was last chosen of each open run.
        self._site_of: dict[int, str] = {}

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
        if self.answers_at_once:
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
            case Studied(kind=kind, generation=generation) if generation == latest.get(kind):
                self._studied(answer)
            case Grown():
                self._grown(answer)
            case Waits(key=key):
                self._opened(Opened(key, None), "waiting")
            case Recovering(recovery=recovery):
                self._change(recovery=recovery)
            case ThumbnailsRead():
                self._thumbnails.take(answer)
                self._change(thumbnails=self.state.thumbnails + 1)
            case Unexpected(error=error):
                raise error

    def _studied(self, answer: Studied) -> None:
        known = self.state.studies.get(answer.kind)
        if known is None:
            return
        if answer.value is known.value and not answer.finished:
            return
        result = StudyResult(known.study, answer.value, answer.finished, answer.error)
        self._change(studies={**self.state.studies, answer.kind: result})

    def _opened(self, answer: Opened, status: Status | None = None) -> None:
        state = self.state
        status = status or ("failed" if answer.facts is None else "ready")
        runs = tuple(
            replace(run, status=status, error=answer.error, facts=answer.facts, live=answer.live)
            if run.key == answer.key
            else run
            for run in state.runs
        )
        slot_a, slot_b = state.slot_a, state.slot_b
        if answer.facts is not None:
            slot_a, slot_b = filled_slots(runs, slot_a, slot_b)
        self._change(runs=runs, slot_a=slot_a, slot_b=slot_b)

    def _grown(self, answer: Grown) -> None:
        if answer.moved:
            self._thumbnails.forget(answer.key)
        self._followed = live.followed_run(self.state) or self._followed
        state = live.with_grown(self.state, answer)
        if state != self.state:
            self._replace(state)

    def _rows_read(self, answer: RowsRead) -> None:
        state, rows = self.state, answer.rows
        grew = answer.request is not None and answer.request.is_longer(self._rows_of)
        self._rows_of = answer.request
        if rows is None:
            why = answer.error
            self._change(rows=None, order=(), frames=Frames(why_a=why, why_b=why))
        elif grew and state.rows is not None:
            moved = live.rows_moved(state.rows, rows).tolist()
            self.history.move_rows(lambda row: moved[row] if 0 <= row < len(moved) else row)
            state = replace(state, runs=with_notices(state.runs, answer.notices))
            self._replace(live.with_longer_rows(state, rows), grew=True)
            if self.state.following:
                self._replace(live.at_newest(self.state, self._followed))
        else:
            runs = with_notices(state.runs, answer.notices)
            self._change(rows=rows, runs=runs, place=place_in(rows, state))
        if self.state.following and live.followed_slot(self.state) is None:
            # What came last has been shown, and nothing more will come.
            self._change(following=False)

    def _frames_read(self, frames: Frames) -> None:
        place, shown = self.state.place, self.state.frames
        if shown.targets == frames.targets and live.same_pictures(frames, self._pictures):
            # Nothing came to what is looked at, so nothing is to be drawn anew.
            frames = shown
        else:
            self._pictures = frames
        step = min(place.step, max(frames.steps - 1, 0))
        frames = at_place(frames, step, *self.state.rows_asked)
        self._change(frames=frames, place=replace(place, step=step))

    # --- changes --------------------------------------------------------------------------

    def _move(self, kind: str, **changes: Any) -> None:
        following = self.state.following and kind not in _LEAVING
        self._change(kind, place=replace(self.state.place, **changes), following=following)

    def _change(self, undo_as: str = "", **changes: Any) -> None:
        """Change the state; ``undo_as`` names the kind of change where it can be undone."""
        new = replace(self.state, **changes)
        if new == self.state:
            return
        if undo_as:
            self.history.note(self.state, undo_as)
        self._replace(new)

    def _replace(self, new: SessionState | None, grew: bool = False) -> None:
        """Take over a state, with everything that follows from it, and tell the views."""
        if new is None:
            return
        old = self.state
        new = resolved(new, old, self._site_of, grew)
        wanted = {kind: study for kind, want in KINDS.items() if (study := want(new)) is not None}
        known = {kind: result for kind, result in new.studies.items() if kind in wanted}
        news = {
            kind: study
            for kind, study in wanted.items()
            if kind not in known or known[kind].study != study
        }
        if news or len(known) != len(new.studies):
            begun = {kind: StudyResult(study) for kind, study in news.items()}
            new = replace(new, studies={**known, **begun})
        self.state = new
        for kind in old.studies.keys() - wanted.keys():
            self._loader.submit(StudyRequest(self._new(kind), kind, None))
        for kind, study in news.items():
            self._loader.submit(StudyRequest(self._new(kind), kind, study))
        self._ask(new, old)
        self.changed.emit(new, old)
        self._collect_if_direct()

    def _ask(self, new: SessionState, old: SessionState) -> None:
        """Ask for everything that ``new`` shows and ``old`` did not."""
        before, self._frames_wanted = self._frames_wanted, frames_wanted(new)
        if rows_wanted(new) != rows_wanted(old):
            request = rows_wanted(new, self._new("rows"))
            if request is not None:
                self._loader.submit(request)
            else:
                # Frames that are still on their way are of runs that are closed.
                self._new("frames")
            return
        if new.rows is not None and (self._frames_wanted != before or new.rows is not old.rows):
            asked = replace(self._frames_wanted, generation=self._new("frames"))
            self._loader.submit(asked)

    def _new(self, kind: str) -> int:
        self._generation[kind] = self._generation.get(kind, 0) + 1
        return self._generation[kind]
