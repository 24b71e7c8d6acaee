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
    QWidget,
)

_ARROWS = (Qt.Key.Key_Up, Qt.Key.Key_Down)


class FocusedKeys(QObject):
    """Lets Space press a focused button, and arrows choose in an open list.

    Args:
        window: the window whose commands would take the keys.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._app = cast("QApplication", QApplication.instance())
        self._app.installEventFilter(self)

    def end(self) -> None:
        """Watch no more."""
        self._app.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim a key for the widget that has the focus."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.ShortcutOverride:
            return False
        taken = _belongs_to(watched, Qt.Key(event.key())) or (
            # In a list of completions the arrows choose a completion, not an example.
            self._app.activePopupWidget() is not None
        )
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
    return on_button or in_list or in_table
