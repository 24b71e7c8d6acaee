"""Undo and redo of what a person changed about the view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from hardattn_viewer.session.beside import Beside
from hardattn_viewer.session.bookmarks import Bookmark
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Place
from hardattn_viewer.session.hits import Find
from hardattn_viewer.session.matrix import MatrixLook
from hardattn_viewer.session.rows import Sort
from hardattn_viewer.session.state import SessionState, Slot, View

LIMIT = 200


@dataclass(frozen=True)
class ViewState:
    """The part of a session state that undo brings back; not what is open or playing."""

    slot_a: int | None
    slot_b: int | None
    beside: Beside
    focus: Slot
    place: Place
    pinned: int | None
    view: View
    display: Display
    matrix: MatrixLook
    sort: Sort
    filter: str
    find: Find
    loop: tuple[int, int] | None
    tracks: tuple[str, ...]


_NAMES = tuple(field.name for field in fields(ViewState))


def view_of(state: SessionState) -> ViewState:
    """The part of ``state`` that undo brings back."""
    return ViewState(**{name: getattr(state, name) for name in _NAMES})


def with_view(state: SessionState, view: ViewState) -> SessionState:
    """``state`` with the part that undo brings back replaced."""
    changes: dict[str, Any] = {name: getattr(view, name) for name in _NAMES}
    return replace(state, **changes)


@dataclass(frozen=True)
class NoteEdit:
    """A bookmark that was set, changed or taken away.

    It is taken back by itself, so that what others have noted meanwhile stays.

    Attributes:
        key: the open run.
        before: the bookmark as it was; None where it was not there.
        after: the bookmark as it became; None where it was taken away.
    """

    key: int
    before: Bookmark | None
    after: Bookmark | None


class History:
    """Past and future views, and edits of notes between them.

    Changes of one kind that follow each other, such as twenty steps, are undone together.
    """

    def __init__(self) -> None:
        self._past: list[ViewState | NoteEdit] = []
        self._future: list[ViewState | NoteEdit] = []
        self._kind = ""

    def note(self, before: SessionState, kind: str) -> None:
        """Remember the view before a change of ``kind``."""
        if kind != self._kind or not self._past:
            self._past = [*self._past[-LIMIT:], view_of(before)]
        self._kind = kind
        self._future.clear()

    def note_edit(self, edit: NoteEdit) -> None:
        """Remember an edit of a note."""
        self._past = [*self._past[-LIMIT:], edit]
        self._kind = ""
        self._future.clear()

    def back(self, now: SessionState) -> SessionState | NoteEdit | None:
        """The state before the last change, the edit to take back, or None."""
        return self._move(now, self._past, self._future)

    def forth(self, now: SessionState) -> SessionState | NoteEdit | None:
        """The state before the last :meth:`back`, the edit to make again, or None."""
        return self._move(now, self._future, self._past)

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to make again."""
        return bool(self._future)

    def move_rows(self, moved: Callable[[int], int]) -> None:
        """Let every view go on pointing at its example when the rows of the table move."""

        def carried(view: ViewState | NoteEdit) -> ViewState | NoteEdit:
            if isinstance(view, NoteEdit):
                return view
            return replace(view, place=replace(view.place, example=moved(view.place.example)))

        self._past = [carried(view) for view in self._past]
        self._future = [carried(view) for view in self._future]

    def _move(
        self,
        now: SessionState,
        source: list[ViewState | NoteEdit],
        target: list[ViewState | NoteEdit],
    ) -> SessionState | NoteEdit | None:
        if not source:
            return None
        last = source.pop()
        target.append(last if isinstance(last, NoteEdit) else view_of(now))
        self._kind = ""
        return last if isinstance(last, NoteEdit) else with_view(now, last)
