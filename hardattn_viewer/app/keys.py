"""Which keys belong to the widget with the focus before they are the window's."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QWidget

_ARROWS = (Qt.Key.Key_Up, Qt.Key.Key_Down)


def belongs_to_widget(watched: QObject, key: Qt.Key, popup: QWidget | None) -> bool:
    """Whether a key does something in a widget, and must not play or step instead.

    Args:
        watched: the widget that gets it.
        key: the key.
        popup: a menu or list that is open over the window, or None.
    """
    on_button = isinstance(watched, QAbstractButton) and key == Qt.Key.Key_Space
    in_list = isinstance(watched, QComboBox) and key in (*_ARROWS, Qt.Key.Key_Space)
    # In a list of bookmarks the arrows choose one; in the table of examples they are the same.
    in_table = (
        isinstance(watched, QAbstractItemView)
        and watched.objectName() == "bookmarksTable"
        and key in (*_ARROWS, Qt.Key.Key_Home, Qt.Key.Key_End)
    )
    # In a list of completions the arrows choose a completion, not an example.
    return on_button or in_list or in_table or popup is not None
