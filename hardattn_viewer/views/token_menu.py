"""The menu of a token: what can be copied of it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.token_copy import row_tsv, token_text, weight_text, whole_text


def token_menu(parent: QWidget, frame: Frame, display: Display, key: int) -> QMenu:
    """A menu of what can be copied.

    Args:
        parent: the widget it belongs to.
        frame: one run at one place.
        display: what is shown of its tokens.
        key: the key under the pointer, or ``-1 - query`` of a list of queries.
    """
    menu = QMenu(parent)
    menu.setObjectName("tokenMenu")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    name = token_text(frame, display, key).replace("&", "&&")
    _add(menu, f"Copy “{name}”", lambda: token_text(frame, display, key))
    if key >= 0:
        weight = weight_text(frame, display, key)
        _add(menu, f"Copy its weight, {weight}", lambda: weight)
    _add(menu, "Copy this row as TSV", lambda: row_tsv(frame, display))
    _add(menu, "Copy the whole text", lambda: whole_text(frame, display, key))
    return menu


def _add(menu: QMenu, text: str, copied: Callable[[], str]) -> None:
    action = menu.addAction(text)
    action.triggered.connect(lambda *_: QApplication.clipboard().setText(copied()))
