"""The example table: thumbnails, what was predicted, and the filter above it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedLayout,
    QTableView,
    QWidget,
)

from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.example_lines import THUMBNAIL, ExampleLines
from hardattn_viewer.views.examples_model import COLUMNS, ExamplesModel, Index
from hardattn_viewer.views.filter_field import FilterField
from hardattn_viewer.views.parts import OPEN, Notice, column

LINE_HEIGHT = 27
# Free px at both sides of a cell, and one more.
EDGES = 10
# Narrowest column.
LEAST = 40
REWARD = COLUMNS.index("reward")


class ExamplesView(QWidget):
    """The filter field, the table below it, and words where the table is empty."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("examples")
        self.filter = FilterField(session)
        self.table = ExamplesTable(session)
        self.notice = Notice("noExamples")
        below = QWidget()
        self._stack = QStackedLayout(below)
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.notice)
        self.setLayout(column(self.filter, below, spacing=4, margins=(10, 0, 10, 0)))
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.filter.set_theme(theme)
        self.table.set_theme(theme)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if (new.order, new.rows, new.runs) != (old.order, old.rows, old.runs):
            self._show(new)

    def _show(self, state: SessionState) -> None:
        self._stack.setCurrentWidget(self.table if state.order else self.notice)
        if state.order:
            return
        if state.rows is not None and len(state.rows) and state.filter:
            clear = ("Clear the filter", "clearFilter")
            self.notice.say("No example matches", "Change the filter above, or clear it.", clear)
        elif state.rows is not None:
            self.notice.say("No examples", "The run ended before its first example was recorded.")
        elif any(run.status == "loading" for run in state.runs):
            self.notice.say("Reading…", "The examples appear when the run is open.")
        elif any(run.status == "waiting" for run in state.runs):
            self.notice.say("Waiting…", "The examples appear with the first part of the recording.")
        else:
            self.notice.say("No examples yet", "Open a run with Ctrl+O.", OPEN)


class ExamplesTable(QTableView):
    """The table itself; a click goes to the example, a click on a title sorts."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("examplesTable")
        self.setAccessibleName("Examples")
        self._session = session
        self._model = ExamplesModel(session)
        self.setModel(self._model)
        self._lines = ExampleLines(self._model)
        self._theme = DARK
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(LINE_HEIGHT)
        self.verticalHeader().setMinimumSectionSize(LINE_HEIGHT)
        header = self.horizontalHeader()
        header.setAccessibleName("Columns: a click sorts")
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(LEAST)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.sectionClicked.connect(self._sort)
        self.clicked.connect(self._go)
        # Scrolling asks for thumbnails once it pauses, not for every line that flew by.
        self._ask = QTimer(self)
        self._ask.setSingleShot(True)
        self._ask.setInterval(15)
        self._ask.timeout.connect(self.ask_now)
        self.verticalScrollBar().valueChanged.connect(self._ask_soon)
        session.changed.connect(self._on_changed)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint whole lines: to be asked cell by cell takes three times as long."""
        painter = QPainter(self.viewport())
        try:
            self._lines.paint(painter, self, event.rect(), self._theme)
        finally:
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width among the columns."""
        super().resizeEvent(event)
        self._share_out()
        self._ask_soon()

    def _share_out(self) -> None:
        """Give every column its width: a text as much as there is."""
        width, rewards = self.viewport().width(), self._model.has_rewards
        self.setColumnHidden(REWARD, not rewards)
        index = self.fontMetrics().horizontalAdvance(f"{max(self._model.session_rows - 1, 0):,}")
        first = max(index + (THUMBNAIL + 7 if self._model.has_images else 0) + EDGES, LEAST)
        last = int((0.2 if rewards else 0.0) * width)
        entropy = int(0.2 * width)
        for section, wide in enumerate((first, width - first - entropy - last, entropy, last)):
            if not self.isColumnHidden(section):
                self.setColumnWidth(section, wide)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.order is not old.order or new.rows is not old.rows:
            self._share_out()
            self._ask_soon()
            self._select(new)
        elif new.place.example != old.place.example:
            self._select(new)

    def _select(self, state: SessionState) -> None:
        line = self._model.line_of(state.place.example)
        if line < 0:
            self.clearSelection()
        elif self.currentIndex().row() != line or not self.selectionModel().hasSelection():
            self.setCurrentIndex(self._model.index(line, 0))
            if not self.viewport().rect().contains(self.visualRect(self._model.index(line, 0))):
                middle = QAbstractItemView.ScrollHint.PositionAtCenter
                self.scrollTo(self._model.index(line, 0), middle)

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Go to the example that the keyboard moved to."""
        super().currentChanged(current, previous)
        if self.hasFocus() and current.isValid():
            self._go(current)

    def _go(self, index: Index) -> None:
        self._session.go_to_row(self._model.row_of(index.row()))

    def _sort(self, section: int) -> None:
        sort = self._session.state.sort
        chosen = COLUMNS[section]
        self._session.set_sort(
            chosen, not sort.descending if sort.column == chosen else section > 0
        )

    def _ask_soon(self) -> None:
        self._ask.start()

    def ask_now(self) -> None:
        """Ask for the small images of the lines that can be seen."""
        if not self._model.rowCount():
            return
        first = max(self.rowAt(0), 0)
        last = self.rowAt(self.viewport().height())
        last = self._model.rowCount() - 1 if last < 0 else last
        self._session.want_thumbnails([self._model.row_of(i) for i in range(first, last + 1)])
