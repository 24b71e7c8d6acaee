"""Keys that belong to the widget that has the focus before they belong to a command."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider

_IN_LIST = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Space)
_ON_SLIDER = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def is_own_key(widget: QObject, key: int) -> bool:
    """Whether a key does something in ``widget`` itself."""
    if isinstance(widget, QAbstractButton):
        return key == Qt.Key.Key_Space
    if isinstance(widget, QComboBox):
        return key in _IN_LIST
    if isinstance(widget, QSlider):
        return key in _ON_SLIDER
    return isinstance(widget, QLineEdit) and key in _ENTER
