"""Keys that belong to what has the focus before they are commands."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QSlider,
    QWidget,
)

_ARROWS = (Qt.Key.Key_Up, Qt.Key.Key_Down)
_ON_SLIDER = (
    *(*_ARROWS, Qt.Key.Key_Left, Qt.Key.Key_Right),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
)
_CLAIM = (QAbstractButton, QAbstractItemView, QComboBox, QLineEdit, QSlider)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class FocusedKeys(QObject):
    """Lets Space press a focused button, and arrows choose in an open list.

    Only the widget with the focus is watched: a filter on the application would be called for
    every event of every object.

    Args:
        window: the window whose commands would take the keys.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._app = cast("QApplication", QApplication.instance())
        self._app.focusChanged.connect(self._moved)

    def end(self) -> None:
        """Watch no more."""
        self._app.focusChanged.disconnect(self._moved)

    def _moved(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        if isinstance(new, _CLAIM):
            new.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim a key for the widget that has the focus."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.ShortcutOverride:
            return False
        taken = _belongs_to(watched, Qt.Key(event.key()))
        if taken:
            event.accept()
        return taken


def _belongs_to(watched: QObject, key: Qt.Key) -> bool:
    """Whether a key does something in a widget, and must not play or step instead."""
    on_button = isinstance(watched, QAbstractButton) and key == Qt.Key.Key_Space
    in_list = isinstance(watched, QComboBox) and key in (*_ARROWS, Qt.Key.Key_Space)
    # In a list of bookmarks the arrows choose one; in the table of examples they are the same.
    in_table = (
        isinstance(watched, QAbstractItemView)
        and watched.objectName() == "bookmarksTable"
        and key in (*_ARROWS, Qt.Key.Key_Home, Qt.Key.Key_End)
    )
    on_slider = isinstance(watched, QSlider) and key in _ON_SLIDER
    in_field = isinstance(watched, QLineEdit) and key in _ENTER
    return on_button or in_list or in_table or on_slider or in_field
