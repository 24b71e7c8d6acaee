"""Small icons drawn from shapes, so that they are sharp and follow the theme."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF

SIZE = 16
SCALE = 3


def transport_icon(shape: str, colour: str) -> QIcon:
    """A transport button's icon.

    Args:
        shape: ``"first"``, ``"back"``, ``"play"``, ``"pause"``, ``"forward"`` or ``"last"``.
        colour: ``#rrggbb``.
    """
    pixmap = QPixmap(SIZE * SCALE, SIZE * SCALE)
    pixmap.setDevicePixelRatio(SCALE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    if shape in ("first", "back"):
        # Mirrored, so that the pairs match exactly.
        painter.translate(SIZE, 0)
        painter.scale(-1, 1)
    if shape == "pause":
        painter.drawRect(QRectF(4, 3.5, 3, 9))
        painter.drawRect(QRectF(9, 3.5, 3, 9))
    elif shape == "play":
        painter.drawPolygon(_triangle(4.5, 8))
    elif shape in ("back", "forward"):
        painter.drawPolygon(_triangle(2.5, 5.5))
        painter.drawPolygon(_triangle(8, 5.5))
    else:
        painter.drawPolygon(_triangle(4, 6.5))
        painter.drawRect(QRectF(10.5, 4, 2, 8))
    painter.end()
    return QIcon(pixmap)


def theme_icon(colour: str) -> QIcon:
    """A circle, half filled: light and dark."""
    pixmap = QPixmap(SIZE * SCALE, SIZE * SCALE)
    pixmap.setDevicePixelRatio(SCALE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(colour))
    painter.drawEllipse(QRectF(3, 3, 10, 10))
    painter.setBrush(QColor(colour))
    painter.drawPie(QRectF(3, 3, 10, 10), 90 * 16, 180 * 16)
    painter.end()
    return QIcon(pixmap)


def _triangle(left: float, width: float) -> QPolygonF:
    return QPolygonF([QPointF(left, 3.5), QPointF(left + width, 8), QPointF(left, 12.5)])
