"""A ring around what has the focus when it was moved by a key, whatever widget that is."""

from __future__ import annotations

from typing import cast

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget

WIDTH = 2.0
RADIUS = 6.0


class FocusRings(QObject):
    """Puts a ring onto each widget that gets the focus otherwise than by a click.

    The style sheet marks fields and buttons; this marks everything else as well, such as a
    picture, so that no view has to think of it.

    Args:
        window: rings are shown as long as it is there.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._app = cast("QApplication", QApplication.instance())
        self._ring: _Ring | None = None
        self._app.focusChanged.connect(self._moved)

    def end(self) -> None:
        """Show no ring any more."""
        self._app.focusChanged.disconnect(self._moved)
        self._remove()

    def _moved(self, old: QWidget | None, new: QWidget | None) -> None:
        self._remove()
        clicked = self._app.mouseButtons() != Qt.MouseButton.NoButton
        # Fields have a cursor and a border of their own.
        if new is None or clicked or isinstance(new, QLineEdit | QPlainTextEdit):
            return
        if new.isWindow():
            return
        self._ring = _Ring(new)

    def _remove(self) -> None:
        # Its widget may have taken it along.
        if self._ring is not None and shiboken6.isValid(self._ring):
            self._ring.hide()
            self._ring.deleteLater()
        self._ring = None


class _Ring(QWidget):
    """The ring on one widget, as large as that."""

    def __init__(self, around: QWidget) -> None:
        super().__init__(around)
        self.setObjectName("focusRing")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setGeometry(around.rect())
        around.installEventFilter(self)
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the widget."""
        if event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QApplication.palette().color(QPalette.ColorRole.Link), WIDTH))
        half = WIDTH / 2
        inside = QRectF(self.rect()).adjusted(half, half, -half, -half)
        painter.drawRoundedRect(inside, RADIUS, RADIUS)
        painter.end()
