"""The example table as a Qt model over the session's rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage, QPixmap

from hardattn_viewer.session.numbers import NOT_RECORDED, decimal, plain
from hardattn_viewer.session.rows import Column, RunColumns
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, RunFacts, SessionState
from hardattn_viewer.views.parts import plain_tooltip

Index = QModelIndex | QPersistentModelIndex
COLUMNS: tuple[Column, ...] = ("index", "outcome", "entropy", "reward")
TITLES = ("#", "true → A · B", "H bits", "reward")
NOTES = (
    "Number of the example in the run",
    "True class, then what A and B predict: ✓ right, ✗ wrong",
    "Entropy of the attention of A, mean over steps, in bits",
    "Reward of A at the last step",
)
# What the second column is where nothing was labelled or predicted.
OTHER_TITLES = {"text": "text", "name": "example"}
OTHER_NOTES = {"text": "How its text begins", "name": "Name of the example"}


class ExamplesModel(QAbstractTableModel):
    """Rows that pass the filter, in their order; numbers come from the session as they are."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._order: tuple[int, ...] = ()
        self._pixmaps: dict[int, QPixmap] = {}
        # The runs that the rows are of.
        self._slots: tuple[int | None, int | None] = (None, None)
        session.changed.connect(self._on_changed)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.sort != old.sort:
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)
        grew = new.rows is not old.rows and self._continues(new, old)
        self._slots = (new.slot_a, new.slot_b) if new.rows is not old.rows else self._slots
        if grew and new.order[: len(self._order)] == self._order:
            self._add(new.order)
        elif new.order is not self._order or new.rows is not old.rows:
            self.beginResetModel()
            self._order = new.order
            if new.rows is not old.rows and not grew:
                self._pixmaps.clear()
            self.endResetModel()
        elif new.thumbnails != old.thumbnails and self._order:
            # A text comes with the images, into the column beside them.
            last = self.index(len(self._order) - 1, 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _continues(self, new: SessionState, old: SessionState) -> bool:
        """Whether the rows are those of before, of the same runs, and more."""
        if new.rows is None or old.rows is None or self._slots != (new.slot_a, new.slot_b):
            return False
        return new.rows.names[: len(old.rows)] == old.rows.names

    def _add(self, order: tuple[int, ...]) -> None:
        """Show further lines below those that there are, whose numbers may have changed."""
        lines = len(self._order)
        if len(order) > lines:
            self.beginInsertRows(QModelIndex(), lines, len(order) - 1)
            self._order = order
            self.endInsertRows()
        self._order = order
        if lines:
            self.dataChanged.emit(self.index(0, 0), self.index(lines - 1, len(COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The number of lines."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    @property
    def session_rows(self) -> int:
        """How many rows the session has; it may be ahead of the model for a moment."""
        rows = self._session.state.rows
        return 0 if rows is None else len(rows)

    def row_of(self, line: int) -> int:
        """The session's row that a line of the table shows."""
        return self._order[line]

    def line_of(self, row: int) -> int:
        """The line of the table that shows a row; -1 where the filter hides it."""
        return self._order.index(row) if row in self._order else -1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of columns and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            sort = self._session.state.sort
            arrow = ("↓" if sort.descending else "↑") if sort.column == COLUMNS[section] else ""
            return f"{self._title(section)} {arrow}".strip()
        if role == Qt.ItemDataRole.ToolTipRole:
            other = COLUMNS[section] == "outcome" and self.kind != "outcome"
            return OTHER_NOTES[self.kind] if other else NOTES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What one cell shows."""
        rows = self._session.state.rows
        if rows is None or not index.isValid() or index.row() >= len(self._order):
            return None
        row, column = self._order[index.row()], COLUMNS[index.column()]
        # The session may be ahead of the model for a moment; raising while Qt paints is deadly.
        if row >= len(rows):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text_of(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role == Qt.ItemDataRole.DecorationRole and column == "index":
            return self.pixmap_of(row)
        if role == Qt.ItemDataRole.ToolTipRole and column == "outcome" and self.kind != "outcome":
            return plain_tooltip(self.text_of(row, column))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self._title(index.column())}: {self.text_of(row, column)}"
        return None

    @property
    def kind(self) -> str:
        """What the second column shows: ``"outcome"``, ``"text"`` or ``"name"``."""
        recorded = self._recorded
        if not self._facts or recorded & {"label", "prediction"}:
            return "outcome"
        return "text" if "tokens" in recorded else "name"

    @property
    def _facts(self) -> tuple[RunFacts, ...]:
        state = self._session.state
        return tuple(found for slot in SLOTS if (found := state.facts(slot)) is not None)

    @property
    def _recorded(self) -> frozenset[str]:
        return frozenset().union(*(one.recorded for one in self._facts))

    @property
    def has_rewards(self) -> bool:
        """Whether any run that is shown has a reward."""
        return not self._facts or any("reward" in one.scalars for one in self._facts)

    @property
    def has_images(self) -> bool:
        """Whether any example of the runs that are shown has an image."""
        return "image" in self._recorded

    def _title(self, section: int) -> str:
        other = COLUMNS[section] == "outcome" and self.kind != "outcome"
        return OTHER_TITLES[self.kind] if other else TITLES[section]

    def text_of(self, row: int, column: Column) -> str:
        """What a cell says."""
        rows = self._session.state.rows
        assert rows is not None
        first = rows.a or rows.b
        if column == "index" or first is None:
            return f"{row:,}"
        if column == "entropy":
            return decimal(float(first.entropy[row]))
        if column == "reward":
            reward = float(first.reward[row])
            return plain(reward) if np.isfinite(reward) else NOT_RECORDED
        if self.kind != "outcome":
            return (self.kind == "text" and self._session.beginning(row)) or rows.names[row]
        true, predictions = self.outcome_of(row)
        shown = [
            "missing" if p is None else f"{p if p >= 0 else NOT_RECORDED}{_mark(true, p)}"
            for p in predictions
        ]
        return f"{true if true >= 0 else NOT_RECORDED} → {' · '.join(shown)}"

    def outcome_of(self, row: int) -> tuple[int, tuple[int | None, ...]]:
        """The true class, and one prediction a run: None where it lacks the example."""
        rows = self._session.state.rows
        assert rows is not None
        sides = tuple(side for side in (rows.a, rows.b) if side is not None)
        return int(rows.label[row]), tuple(_prediction(side, row) for side in sides)

    def pixmap_of(self, row: int) -> QPixmap | None:
        """The small image of a row, if it is there by now."""
        if row not in self._pixmaps:
            image = self._session.thumbnail(row)
            if image is None:
                return None
            self._pixmaps[row] = QPixmap.fromImage(qimage(image))
        return self._pixmaps[row]


def qimage(image: NDArray[np.uint8]) -> QImage:
    """A grey [height, width] or colour [height, width, 3] array as an image of its own."""
    height, width = image.shape[:2]
    grey = image.ndim == 2
    kind = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888
    data = np.ascontiguousarray(image)
    return QImage(data.data, width, height, data.strides[0], kind).copy()


def _prediction(side: RunColumns, row: int) -> int | None:
    return None if side.index[row] < 0 else int(side.prediction[row])


def _mark(true: int, prediction: int) -> str:
    if true < 0 or prediction < 0:
        return ""
    return " ✓" if true == prediction else " ✗"


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column >= 2 else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
