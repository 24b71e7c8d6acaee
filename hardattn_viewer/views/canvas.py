"""Widgets that show a picture of ``drawing`` and tell which key is under the pointer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.views.behind import BEHIND_MS

P = TypeVar("P")
Paint = Callable[[QPainter, QRectF, P, Theme], None]
KeyAt = Callable[[P, QRectF, QPointF], int | None]


class Canvas(QWidget, Generic[P]):
    """Paints one picture over its whole area.

    Args:
        name: object name.
        paint: paints the picture.
        key_at: finds the key at a point, None for pictures that cannot be pointed at.
        behind: whether it is painted after other pictures, which then come first.
    """

    hovered = Signal(object)
    clicked = Signal(int)
    shift_clicked = Signal(int)
    painted = Signal()

    def __init__(
        self,
        name: str,
        paint: Paint[P],
        key_at: KeyAt[P] | None = None,
        *,
        behind: bool = False,
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self._paint = paint
        self._key_at = key_at
        self._is_behind = behind
        self._picture: P | None = None
        self._theme = DARK
        self._key: int | None = None
        self.setMouseTracking(key_at is not None)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def picture(self) -> P | None:
        """What is shown."""
        return self._picture

    def show_picture(self, picture: P | None, words: str) -> None:
        """Show a picture; ``words`` say the same to those who cannot see it."""
        self._picture = picture
        self.setAccessibleDescription(words)
        if self._is_behind:
            QTimer.singleShot(BEHIND_MS, self, self.update)
        else:
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        if self._picture is None:
            return
        painter = QPainter(self)
        # Painters of long pictures paint only what is in the clip.
        painter.setClipRect(event.rect())
        try:
            self._paint(painter, QRectF(self.rect()), self._picture, self._theme)
        finally:
            painter.end()
        self.painted.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        self._point_at(event.position())

    def enterEvent(self, event: QEnterEvent) -> None:
        """Follow the pointer from where it came in."""
        self._point_at(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        """Let go of what was under the pointer."""
        if self._key is not None:
            self._key = None
            self.hovered.emit(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """React to a click."""
        key = self._find(event.position())
        if event.button() == Qt.MouseButton.LeftButton and key is not None:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            (self.shift_clicked if shift else self.clicked).emit(key)

    def _point_at(self, point: QPointF) -> None:
        key = self._find(point)
        if key != self._key:
            self._key = key
            self.setCursor(
                Qt.CursorShape.ArrowCursor if key is None else Qt.CursorShape.PointingHandCursor
            )
            self.hovered.emit(key)

    def _find(self, point: QPointF) -> int | None:
        if self._picture is None or self._key_at is None:
            return None
        return self._key_at(self._picture, QRectF(self.rect()), point)
