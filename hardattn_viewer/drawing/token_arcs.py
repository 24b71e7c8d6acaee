"""Lines from a query to the tokens that get most of its attention."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath

from hardattn_viewer.drawing.strokes import pen, tint

# What a line of text gets above it for the lines that lead along it.
ARC_ROOM = 16.0
_THINNEST, _WIDEST = 1.0, 3.5
_DOT = 2.5


def paint_arc(painter: QPainter, start: QRectF, end: QRectF, share: float, colour: str) -> None:
    """Paint the line from one token to another: along a line of text above it, else across.

    Args:
        painter: paints.
        start: where the query is painted.
        end: where the key is.
        share: its weight as a part of the strongest one's, in [0, 1].
        colour: ``#rrggbb``.
    """
    path, tip = arc_path(start, end)
    stroke = pen(tint(colour, 0.45 + 0.5 * share), _THINNEST + (_WIDEST - _THINNEST) * share)
    stroke.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(stroke)
    painter.drawPath(path)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(tip, _DOT, _DOT)


def arc_path(start: QRectF, end: QRectF) -> tuple[QPainterPath, QPointF]:
    """The curve and where it ends: at the edge of ``end`` that faces ``start``."""
    if abs(start.top() - end.top()) < 1.0:
        return _along(start, end)
    down = end.top() > start.top()
    a = QPointF(start.center().x(), start.bottom() if down else start.top())
    b = QPointF(end.center().x(), end.top() if down else end.bottom())
    bend = (b.y() - a.y()) * 0.55
    path = QPainterPath(a)
    path.cubicTo(a + QPointF(0, bend), b - QPointF(0, bend), b)
    return path, b


def _along(start: QRectF, end: QRectF) -> tuple[QPainterPath, QPointF]:
    a = QPointF(start.center().x(), start.top())
    b = QPointF(end.center().x(), end.top())
    if start == end:
        # A token that looks at itself: a loop between its own ends.
        a, b = a - QPointF(6, 0), b + QPointF(6, 0)
    # A cubic rises to three quarters of its handles.
    height = min(ARC_ROOM - 3, 5 + abs(b.x() - a.x()) * 0.03) / 0.75
    path = QPainterPath(a)
    path.cubicTo(a - QPointF(0, height), b - QPointF(0, height), b)
    return path, b
