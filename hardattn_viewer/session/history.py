"""Undo and redo of what a person changed about the view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from hardattn_viewer.session.atlas import Atlas
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Place
from hardattn_viewer.session.rows import Sort
from hardattn_viewer.session.state import SessionState, Slot, View

LIMIT = 200


@dataclass(frozen=True)
class ViewState:
    """The part of a session state that undo brings back; not what is open or playing."""

    slot_a: int | None
    slot_b: int | None
    focus: Slot
    place: Place
    pinned: int | None
    view: View
    display: Display
    atlas: Atlas
    sort: Sort
    filter: str


_NAMES = tuple(field.name for field in fields(ViewState))


def view_of(state: SessionState) -> ViewState:
    """The part of ``state`` that undo brings back."""
    return ViewState(**{name: getattr(state, name) for name in _NAMES})


def with_view(state: SessionState, view: ViewState) -> SessionState:
    """``state`` with the part that undo brings back replaced."""
    changes: dict[str, Any] = {name: getattr(view, name) for name in _NAMES}
    return replace(state, **changes)


class History:
    """Past and future views.

    Changes of one kind that follow each other, such as twenty steps, are undone together.
    """

    def __init__(self) -> None:
        self._past: list[ViewState] = []
        self._future: list[ViewState] = []
        self._kind = ""

    def note(self, before: SessionState, kind: str) -> None:
        """Remember the view before a change of ``kind``."""
        if kind != self._kind or not self._past:
            self._past = [*self._past[-LIMIT:], view_of(before)]
        self._kind = kind
        self._future.clear()

    def back(self, now: SessionState) -> SessionState | None:
        """The state before the last change, or None."""
        return self._move(now, self._past, self._future)

    def forth(self, now: SessionState) -> SessionState | None:
        """The state before the last :meth:`back`, or None."""
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

        def carried(view: ViewState) -> ViewState:
            return replace(view, place=replace(view.place, example=moved(view.place.example)))

        self._past = [carried(view) for view in self._past]
        self._future = [carried(view) for view in self._future]

    def _move(
        self, now: SessionState, source: list[ViewState], target: list[ViewState]
    ) -> SessionState | None:
        if not source:
            return None
        target.append(view_of(now))
        self._kind = ""
        return with_view(now, source.pop())
