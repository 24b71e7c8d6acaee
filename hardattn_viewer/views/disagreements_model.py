"""Where A and B disagree most, as a Qt model over what is known by now."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from hardattn_viewer.session.comparing import Comparison
from hardattn_viewer.session.disagreements import BY, By, Disagreement
from hardattn_viewer.session.numbers import NOT_RECORDED, signed

Index = QModelIndex | QPersistentModelIndex
PLACE = ("example", "step", "head")
TITLES: dict[By, tuple[str, str]] = {
    "jensen_shannon": ("JS bits", "Jensen–Shannon divergence"),
    "same_argmax": ("argmax", "Same argmax, least first"),
    "soft_mass": ("mass", "Soft mass on the hard choice, least first"),
    "entropy": ("ΔH bits", "Entropy of B minus that of A"),
    "effective": ("Δ2^H", "Effective items of B minus those of A"),
}


class DisagreementsModel(QAbstractTableModel):
    """One line a step, worst first."""

    def __init__(self) -> None:
        super().__init__()
        self._items: tuple[Disagreement, ...] = ()
        self._found: Comparison | None = None
        self._names: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[Disagreement, ...]:
        """What is listed."""
        return self._items

    def show_items(
        self, items: tuple[Disagreement, ...], found: Comparison | None, names: tuple[str, ...]
    ) -> None:
        """List other steps.

        Args:
            items: the steps, worst first.
            found: the comparison that they are of.
            names: the names of A's examples, and perhaps more.
        """
        if items == self._items and found is self._found:
            return
        same = len(items) == len(self._items)
        if not same:
            self.beginResetModel()
        self._items, self._found, self._names = items, found, names
        if not same:
            self.endResetModel()
        elif items:
            last = self.index(len(items) - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The number of lines."""
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The number of columns."""
        return 0 if parent.isValid() else len(PLACE) + len(BY)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of columns and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        place = section < len(PLACE)
        if role == Qt.ItemDataRole.DisplayRole:
            short = ("#", "step", "head")
            return short[section] if place else TITLES[BY[section - len(PLACE)]][0]
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                PLACE[section] if place else f"{TITLES[BY[section - len(PLACE)]][1]}: click to sort"
            )
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(item, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return self._note(item)
        return None

    def _text(self, item: Disagreement, column: int) -> str:
        if column == 0:
            differs = self._found is not None and item.example in self._found.differs
            return f"{item.example:,}" + ("≠" if differs else "")
        if column == 1:
            return f"{item.step + 1}"
        if column == 2:
            return self._head(item)
        return value_words(item, BY[column - len(PLACE)])

    def _head(self, item: Disagreement) -> str:
        head_a, head_b = self._found.lanes[item.lane] if self._found is not None else (None, None)
        if head_a == head_b or item.lane:
            return "mean" if head_a is None else str(head_a)
        return " | ".join("mean" if head is None else str(head) for head in (head_a, head_b))

    def _note(self, item: Disagreement) -> str:
        name = self._names[item.example] if item.example < len(self._names) else ""
        differs = self._found is not None and item.example in self._found.differs
        other = "; A and B hold different inputs of this name" if differs else ""
        return f"{name}, step {item.step + 1}, furthest apart at query {item.query}{other}"


def value_words(item: Disagreement, by: By) -> str:
    """The number that a step is ranked by, as shown."""
    value = item.by(by)
    if math.isnan(value):
        return NOT_RECORDED
    if by in ("entropy", "effective"):
        return signed(value, 2 if by == "entropy" else 1)
    return f"{value:.3f}" if by == "jensen_shannon" else f"{value:.2f}"
