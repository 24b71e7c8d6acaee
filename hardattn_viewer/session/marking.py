"""What a person can do with bookmarks and their notes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardattn_viewer.session.bookmarks import (
    MAX_NOTE,
    Bookmark,
    Notebook,
    changed_now,
    merged,
    new_bookmark,
)
from hardattn_viewer.session.engine import Engine
from hardattn_viewer.session.history import NoteEdit
from hardattn_viewer.session.keeping import Keeper, NotesRead, Task
from hardattn_viewer.session.requests import Opened
from hardattn_viewer.session.state import OpenRun, Status

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState

CSV_COLUMNS = ("run", "example", "step", "snapshot", "site", "head", "query", "note")


@dataclass(frozen=True)
class Marked:
    """A bookmark of an open run.

    Attributes:
        key: the open run.
        run: its name.
        mark: the bookmark.
    """

    key: int
    run: str
    mark: Bookmark


class Marking(Engine):
    """The part of a session that sets bookmarks and keeps notes.

    Args:
        wake: as of the engine.
    """

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        super().__init__(wake)
        self._keeper = Keeper(wake)

    def bookmark(self) -> Marked | None:
        """Set a bookmark where the session is, or take away the one that is set there.

        Returns:
            The bookmark that was set, or None where none was.
        """
        here = bookmark_for(self.state)
        if here is None:
            return None
        key, wanted = here
        known = self._at_place(key, wanted)
        if known is not None:
            self._edit(key, known, None)
            return None
        self._edit(key, None, wanted)
        return Marked(key, _name(self.state, key), wanted)

    def bookmarked(self) -> Marked | None:
        """The bookmark where the session is; it is set where there is none."""
        here = bookmark_for(self.state)
        if here is None:
            return None
        known = self._at_place(*here)
        return Marked(here[0], _name(self.state, here[0]), known) if known else self.bookmark()

    def set_note(self, key: int, id_: str, note: str) -> None:
        """Write a note to a bookmark."""
        known = self._known(key, id_)
        note = note[:MAX_NOTE]
        if known is not None and known.note != note:
            self._edit(key, known, replace(known, note=note))

    def delete_bookmark(self, key: int, id_: str) -> None:
        """Take a bookmark away."""
        known = self._known(key, id_)
        if known is not None:
            self._edit(key, known, None)

    def go_to_bookmark(self, key: int, id_: str) -> None:
        """Go to the place of a bookmark, of a run that may not be shown now."""
        mark = self._known(key, id_)
        run = self.state.run(key)
        if mark is None or run is None or run.facts is None:
            return
        slot = self.state.slot_of(key)
        if slot is None:
            self._change("slots", slot_a=key, focus="A")
            self._then_go = (key, id_)
            self._go_when_read()
            return
        self._then_go = None
        state = self.state
        if state.rows is None or mark.example not in state.rows.names:
            return
        facts = run.facts
        snapshots = facts.snapshots
        at = snapshots.index(mark.snapshot) if mark.snapshot in snapshots else None
        site = mark.site if facts.has_site(mark.site) else state.place.site
        place = replace(
            state.place,
            example=state.rows.names.index(mark.example),
            step=mark.step,
            snapshot=None if at == len(snapshots) - 1 else at,
            site=site,
            head=mark.head,
            query=mark.query,
        )
        if site is not None:
            self._site_of[key] = site
        self._change("bookmark", place=place, focus=slot, following=False, hovered_query=None)

    def refresh_notes(self) -> None:
        """Look whether another window has written notes."""
        for run in self.state.runs:
            if run.status == "ready":
                self._keeper.submit(Task(run.key, run.path, run.name))
        self._collect_if_direct()

    # --- how that is done -----------------------------------------------------------------

    _then_go: tuple[int, str] | None = None

    def _go_when_read(self) -> None:
        waits = self._then_go
        if waits is not None and self.state.slot_of(waits[0]) and self.state.rows is not None:
            mark = self._known(*waits)
            if mark is not None and mark.example in self.state.rows.names:
                self.go_to_bookmark(*waits)

    def collect(self) -> None:
        """Take in what the reader thread and the keeper have answered."""
        super().collect()
        for answer in self._keeper.take():
            self._notes_read(answer)
        self._go_when_read()

    def close(self) -> None:
        """Close every run, and write every note."""
        super().close()
        self._keeper.close()

    def _opened(self, answer: Opened, status: Status | None = None) -> None:
        super()._opened(answer, status)
        run = self.state.run(answer.key)
        if run is not None and answer.facts is not None:
            self._keeper.submit(Task(run.key, run.path, run.name, again=True))

    def _notes_read(self, answer: NotesRead) -> None:
        if self.state.run(answer.key) is None:
            return
        known = self.state.notebooks.get(answer.key, Notebook({}))
        book = answer.notebook
        if book is None:
            book = replace(known, problem=answer.error)
        # What was done here meanwhile is not on disk yet.
        entries = merged(book.entries.values(), known.entries.values())
        book = replace(book, entries=entries)
        if book != known:
            self._change(notebooks={**self.state.notebooks, answer.key: book})

    def _known(self, key: int, id_: str) -> Bookmark | None:
        book = self.state.notebooks.get(key)
        found = book.entries.get(id_) if book is not None else None
        return None if found is None or found.deleted else found

    def _at_place(self, key: int, wanted: Bookmark) -> Bookmark | None:
        book = self.state.notebooks.get(key)
        there = book.bookmarks if book is not None else ()
        return next((one for one in there if one.at_same_place(wanted)), None)

    def _edit(self, key: int, before: Bookmark | None, after: Bookmark | None) -> None:
        self.history.note_edit(NoteEdit(key, before, after))
        self._apply(key, before, after)

    def _apply(self, key: int, before: Bookmark | None, after: Bookmark | None) -> None:
        run = self.state.run(key)
        known = self.state.notebooks.get(key, Notebook({}))
        old = after or before
        if run is None or old is None:
            return
        there = known.entries.get(old.id)
        change = changed_now(old, there, deleted=after is None)
        book = replace(known, entries={**known.entries, change.id: change})
        self._change(notebooks={**self.state.notebooks, key: book})
        self._keeper.submit(Task(key, run.path, run.name, (change,)))
        self._collect_if_direct()


def bookmark_for(state: SessionState) -> tuple[int, Bookmark] | None:
    """The key of the run in focus and a bookmark for where the session is; None without one."""
    key, frame, rows = state.slot(state.shown_slot), state.frame, state.rows
    facts = state.facts(state.shown_slot)
    if key is None or frame is None or rows is None or facts is None:
        return None
    if not 0 <= state.place.example < len(rows):
        return None
    several = len(facts.snapshots) > 1
    shown = frame.place.snapshot
    snapshot = facts.snapshots[shown] if several and shown is not None else None
    mark = new_bookmark(
        example=rows.names[state.place.example],
        step=state.place.step,
        snapshot=snapshot,
        site=frame.place.site,
        head=frame.place.head,
        query=state.place.query,
    )
    return key, mark


def all_bookmarks(state: SessionState) -> Iterator[Marked]:
    """The bookmarks of all open runs."""
    for run in state.runs:
        book = state.notebooks.get(run.key)
        for mark in book.bookmarks if book is not None else ():
            yield Marked(run.key, run.name, mark)


def bookmarks_here(state: SessionState) -> tuple[Bookmark, ...]:
    """The bookmarks of the runs in A and B in the example that is shown."""
    if state.rows is None or not 0 <= state.place.example < len(state.rows):
        return ()
    name = state.rows.names[state.place.example]
    found = []
    for key in (state.slot_a, state.slot_b):
        book = state.notebooks.get(key) if key is not None else None
        found += [one for one in book.bookmarks if one.example == name] if book else []
    return tuple(found)


def csv_of(state: SessionState) -> str:
    """All bookmarks as a table with a header line; steps, heads and queries count from 0."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for one in all_bookmarks(state):
        b = one.mark
        writer.writerow(
            (
                _inert(one.run),
                _inert(b.example),
                b.step,
                "last" if b.snapshot is None else b.snapshot,
                _inert(b.site or ""),
                "mean" if b.head is None else b.head,
                "usual" if b.query is None else b.query,
                _inert(b.note),
            )
        )
    return out.getvalue()


def _inert(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _name(state: SessionState, key: int) -> str:
    run: OpenRun | None = state.run(key)
    return run.name if run is not None else ""
