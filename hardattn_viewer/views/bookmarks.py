"""The list of bookmarks: go there, write a note, take it away."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedLayout,
    QTableView,
    QToolButton,
    QWidget,
)

from hardattn_viewer.session.bookmarks import Bookmark
from hardattn_viewer.session.marking import Marked, all_bookmarks
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import ElidedLabel, column, label, plain_tooltip, row

Index = QModelIndex | QPersistentModelIndex
TITLES = ("run", "example", "step", "where", "note")
WHERE = 3
NOTE = 4
NARROW = 380
LINE_HEIGHT = 25
SortRole = Qt.ItemDataRole.UserRole


class BookmarksModel(QAbstractTableModel):
    """The bookmarks of all open runs, in the order that a click on a title chose."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._lines: list[Marked] = []
        self._sort = (1, Qt.SortOrder.AscendingOrder)

    def show_state(self, state: SessionState) -> None:
        """Show the bookmarks of a state."""
        lines = sorted(all_bookmarks(state), key=self._key, reverse=self._is_reversed)
        if lines == self._lines:
            return
        if [line.mark.id for line in lines] == [line.mark.id for line in self._lines]:
            # Whoever writes a note just then goes on writing.
            self._lines = lines
            self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, NOTE))
            return
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    @property
    def _is_reversed(self) -> bool:
        return self._sort[1] == Qt.SortOrder.DescendingOrder

    def _key(self, line: Marked) -> tuple[object, ...]:
        mark = line.mark
        keys: tuple[object, ...] = (
            line.run,
            _natural(mark.example),
            mark.step,
            where_words(mark),
            mark.note.casefold(),
        )
        return keys[self._sort[0]], _natural(mark.example), mark.step, mark.id

    def line(self, index: Index) -> Marked:
        """The bookmark of a line."""
        return self._lines[index.row()]

    def line_of(self, id_: str) -> int:
        """The line of a bookmark; -1 where it is not there."""
        return next((at for at, one in enumerate(self._lines) if one.mark.id == id_), -1)

    def sort(self, section: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the lines by a column."""
        self._sort = (max(section, 0), order)
        self.show_state(self._session.state)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The number of lines."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The number of columns."""
        return 0 if parent.isValid() else len(TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What one cell shows."""
        if not index.isValid() or index.row() >= len(self._lines):
            return None
        line = self._lines[index.row()]
        mark = line.mark
        slot = self._session.state.slot_of(line.key) or line.run
        words = (slot, mark.example, f"{mark.step + 1:,}", where_words(mark), mark.note)
        text = words[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return " ".join(text.split())
        if role == Qt.ItemDataRole.EditRole:
            return mark.note
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip("\n".join(filter(None, (line.run, *words[1:]))))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{TITLES[index.column()]}: {text}"
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Write a note."""
        if role != Qt.ItemDataRole.EditRole or index.column() != NOTE:
            return False
        line = self._lines[index.row()]
        self._session.set_note(line.key, line.mark.id, str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Notes can be written."""
        usual = super().flags(index)
        return usual | Qt.ItemFlag.ItemIsEditable if index.column() == NOTE else usual


class BookmarksTable(QTableView):
    """The list itself; Enter goes there, Delete takes the bookmark away, F2 writes its note."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("bookmarksTable")
        self.setAccessibleName("Bookmarks")
        self._session = session
        self.lines = BookmarksModel(session)
        self.setModel(self.lines)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSortingEnabled(True)
        self.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(LINE_HEIGHT)
        header = self.horizontalHeader()
        header.setAccessibleName("Columns: a click sorts")
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(34)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(self._go)
        self.activated.connect(self._go)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width among the columns."""
        super().resizeEvent(event)
        width = self.viewport().width()
        # Where there is little room, what a bookmark is of stands in its tool tip.
        narrow = width < NARROW
        self.setColumnHidden(WHERE, narrow)
        shares = (0.1, 0.28, 0.12, 0.0) if narrow else (0.08, 0.18, 0.09, 0.3)
        for section, share in enumerate(shares):
            self.setColumnWidth(section, int(width * share))

    def chosen(self) -> Marked | None:
        """The bookmark of the chosen line."""
        index = self.currentIndex()
        return self.lines.line(index) if index.isValid() else None

    def delete_chosen(self) -> None:
        """Take the chosen bookmark away."""
        chosen = self.chosen()
        if chosen is not None:
            self._session.delete_bookmark(chosen.key, chosen.mark.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes the bookmark away, Enter goes there."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_chosen()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _go(self, index: Index) -> None:
        if index.isValid():
            line = self.lines.line(index)
            self._session.go_to_bookmark(line.key, line.mark.id)


class BookmarksView(QWidget):
    """The list with its buttons, and words where it is empty or a file of notes is wrong."""

    note_wanted = Signal(int, str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("bookmarks")
        self._session = session
        self.table = BookmarksTable(session)
        words = "No bookmarks yet: B sets one where you are, Ctrl+B one with a note."
        self.notice = label(words, "muted", "noBookmarks")
        self.notice.setWordWrap(True)
        self.notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.problem = label(name="notesProblem")
        self.problem.setProperty("tone", "bad")
        self.problem.setWordWrap(True)
        self.kept = ElidedLabel(role="faint", name="notesKept", cut=Qt.TextElideMode.ElideMiddle)
        self.note = _button("bookmarkNote", "Note…", "Write the note of this bookmark")
        self.delete = _button("bookmarkDelete", "Delete", "Take this bookmark away (Delete)")
        self.export = _button("bookmarkExport", "CSV…", "Save all bookmarks as a table")
        below = QWidget()
        self._stack = QStackedLayout(below)
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.notice)
        buttons = row(self.note, self.delete, 1, self.export, spacing=6, margins=(10, 2, 10, 4))
        kept = row(self.kept, margins=(12, 0, 10, 6))
        problem = row(self.problem, margins=(12, 2, 10, 2))
        table = row(below, margins=(8, 0, 8, 0))
        layout = column(problem, table, buttons, kept)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.setMinimumHeight(176)
        self.delete.clicked.connect(self.table.delete_chosen)
        self.note.clicked.connect(self._ask_note)
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def bind(self, export: QAction) -> None:
        """Let the button do what the app's action does."""
        self.export.clicked.connect(lambda *_: export.trigger())

    def _ask_note(self) -> None:
        chosen = self.table.chosen()
        if chosen is not None:
            self.note_wanted.emit(chosen.key, chosen.mark.id)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if (new.notebooks, new.runs) != (old.notebooks, old.runs):
            self._show(new)

    def _show(self, state: SessionState) -> None:
        chosen = self.table.chosen()
        self.table.lines.show_state(state)
        if chosen is not None:
            line = self.table.lines.line_of(chosen.mark.id)
            if line >= 0:
                self.table.selectRow(line)
        self.table.setColumnHidden(0, len(state.runs) < 2)
        there = self.table.lines.rowCount() > 0
        self._stack.setCurrentWidget(self.table if there else self.notice)
        for button in (self.note, self.delete, self.export):
            button.setEnabled(there)
        books = [state.notebooks[run.key] for run in state.runs if run.key in state.notebooks]
        problems = dict.fromkeys(book.problem for book in books if book.problem)
        self.problem.setText(" ".join(problems))
        self.problem.setVisible(bool(problems))
        kept = list(dict.fromkeys(book.kept_in for book in books if book.kept_in))
        self.kept.set_whole(f"kept in {kept[0]}" if kept else "")
        self.kept.setVisible(bool(kept))
        self.kept.setToolTip(plain_tooltip("\n".join(kept)))


def where_words(mark: Bookmark) -> str:
    """Site, head, query and moment of training of a bookmark, in few words."""
    words = [mark.site or "first site", "mean" if mark.head is None else f"head {mark.head}"]
    if mark.query is not None:
        words.append(f"query {mark.query}")
    if mark.snapshot is not None:
        words.append(f"training step {mark.snapshot:,}")
    return " · ".join(words)


def _natural(name: str) -> tuple[object, ...]:
    """A key by which ``digit-9`` comes before ``digit-10``."""
    head = name.rstrip("0123456789")
    number = name[len(head) :]
    return head, int(number[:18]) if number else -1, name


def _button(name: str, text: str, tooltip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setProperty("kind", "flat")
    button.setText(text)
    button.setToolTip(tooltip)
    button.setAccessibleName(tooltip)
    return button
