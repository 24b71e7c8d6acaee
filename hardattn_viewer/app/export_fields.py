"""The fields of the export of figures."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QDoubleSpinBox


def choice(name: str, words: str, items: dict[str, str]) -> QComboBox:
    """A choice among words, each with what it stands for."""
    made = QComboBox()
    made.setObjectName(name)
    made.setAccessibleName(words)
    for text, data in items.items():
        made.addItem(text, data)
    return made


def number(
    name: str, words: str, low: float, high: float, value: float, suffix: str, digits: int = 1
) -> QDoubleSpinBox:
    """A number of a unit within its range."""
    made = QDoubleSpinBox()
    made.setObjectName(name)
    made.setAccessibleName(words)
    made.setRange(low, high)
    made.setDecimals(digits)
    made.setSuffix(suffix)
    # As far from the edge as the words of the choices.
    made.lineEdit().setTextMargins(8, 0, 0, 0)
    made.setValue(value)
    return made
