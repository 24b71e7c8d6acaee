"""Keys that belong to what has the focus before they are commands."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QWidget


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
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            key = event.key()
            on_button = isinstance(watched, QAbstractButton) and key == Qt.Key.Key_Space
            in_list = isinstance(watched, QComboBox) and key in (
                Qt.Key.Key_Up,
                Qt.Key.Key_Down,
                Qt.Key.Key_Space,
            )
            # In a list of completions the arrows choose a completion, not an example.
            if on_button or in_list or self._app.activePopupWidget() is not None:
                event.accept()
                return True
        return False
