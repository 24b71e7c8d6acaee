"""The notes of the example and of the head that are shown, below the inspector's numbers."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from hardattn_viewer.session.bookmarks import Bookmark
from hardattn_viewer.session.marking import all_bookmarks
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import column, heading, label, line

MOST = 4
LONGEST = 400


class NotesPart(QWidget):
    """Notes as they were written; nothing where there are none."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("notesPart")
        self._session = session
        self.text = label(name="notesText")
        self.text.setWordWrap(True)
        self.setLayout(
            column(line(), heading("Notes"), self.text, spacing=6, margins=(13, 4, 13, 10))
        )
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def minimumSizeHint(self) -> QSize:
        """Small: words that wrap would ask for any height."""
        return QSize(60, 40)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        before = (old.notebooks, old.place, old.rows, old.slot_a, old.slot_b)
        if (new.notebooks, new.place, new.rows, new.slot_a, new.slot_b) != before:
            self._show(new)

    def _show(self, state: SessionState) -> None:
        lines = notes_shown(state)
        more = len(lines) - MOST
        words = [*lines[:MOST], *([f"and {more:,} more: see Bookmarks"] if more > 0 else [])]
        self.text.setText("\n".join(words))
        self.setVisible(bool(lines))


def notes_shown(state: SessionState) -> list[str]:
    """The notes of this example, then those of this head in other examples."""
    if state.rows is None or not 0 <= state.place.example < len(state.rows):
        return []
    name = state.rows.names[state.place.example]
    keys = (state.slot_a, state.slot_b)
    site = state.site.name if state.site is not None else None
    marks = [one.mark for one in all_bookmarks(state) if one.key in keys and one.mark.note.strip()]
    here = [mark for mark in marks if mark.example == name]
    # What is noted of the very step that is shown comes first.
    here.sort(key=lambda mark: (mark.step != state.place.step, mark.step))
    head = [
        mark
        for mark in marks
        if mark.example != name and mark.head is not None
        if (mark.head, mark.site) == (state.place.head, site)
    ]
    return [_line(mark, "") for mark in here] + [_line(mark, mark.example) for mark in head]


def _line(mark: Bookmark, example: str) -> str:
    note = mark.note.strip()
    note = note if len(note) <= LONGEST else note[: LONGEST - 1] + "…"
    head = "" if mark.head is None else f", head {mark.head}"
    where = f"{example}, step {mark.step + 1:,}" if example else f"step {mark.step + 1:,}"
    return f"{where}{head}: {note}"
