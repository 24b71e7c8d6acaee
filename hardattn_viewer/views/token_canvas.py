"""The canvas of a text: clicked, swept over, and asked for a menu."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent

from hardattn_viewer.drawing.tokens import TokensPicture
from hardattn_viewer.views.canvas import Canvas


class TokenCanvas(Canvas[TokensPicture]):
    """Says which tokens were clicked, with which keys held, or swept over with the button down.

    Numbers are keys, or ``-1 - query`` for queries that have a list of their own.
    """

    control_clicked = Signal(int)
    swept = Signal(int, int)
    menu_wanted = Signal(int, QPoint)

    _start: int | None = None
    _end: int | None = None

    @property
    def is_sweeping(self) -> bool:
        """Whether the button is held over more than one token."""
        return self._end is not None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """React to a click, and begin to sweep."""
        key = self._find(event.position())
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._start, self._end = key, None
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._start = None
            if key is not None:
                self.control_clicked.emit(key)
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer; with the button down, take in what lies between."""
        if self._start is not None and event.buttons() & Qt.MouseButton.LeftButton:
            key = self._find(event.position())
            if key is not None and key != (self._start if self._end is None else self._end):
                self._end = key
                self.swept.emit(self._start, key)
            return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a sweep."""
        self._start = self._end = None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the token under the pointer."""
        key = self._find(event.pos().toPointF())
        if key is not None:
            self.menu_wanted.emit(key, event.globalPos())
