"""Pens, brushes and the signs that mark values which are not amounts."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from hardattn_viewer.drawing.colours import Mark
from hardattn_viewer.drawing.pixels import is_vector

DASH = (4.0, 3.0)


def tint(colour: str, alpha: float) -> QColor:
    """``#rrggbb`` with an alpha in [0, 1]."""
    made = QColor(colour)
    made.setAlphaF(alpha)
    return made


def faded(colour: QColor) -> QColor:
    """``colour`` at half its alpha."""
    made = QColor(colour)
    made.setAlphaF(colour.alphaF() / 2)
    return made


def pen(colour: str | QColor, width: float, *, dashed: bool = False) -> QPen:
    """A pen of ``width`` logical px with square joins."""
    made = QPen(QColor(colour), width)
    made.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    made.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dashed:
        # Qt counts dashes in widths of the pen.
        made.setDashPattern([length / width for length in DASH])
    return made


def hatch(painter: QPainter, rect: QRectF, colour: QColor, spacing: float = 6.0) -> None:
    """Fill ``rect`` with lines at 45°, each ending exactly at its edges."""
    painter.setPen(pen(colour, 1.0))
    # On x + y = c; c is a multiple of the spacing, so that neighbours continue each other.
    total = (rect.left() + rect.top()) // spacing * spacing
    while total < rect.right() + rect.bottom():
        x0, x1 = max(rect.left(), total - rect.bottom()), min(rect.right(), total - rect.top())
        if x1 > x0:
            painter.drawLine(QLineF(x0, total - x0, x1, total - x1))
        total += spacing


def paint_mark(painter: QPainter, rect: QRectF, mark: Mark) -> None:
    """Put the sign of ``mark`` on a cell of an image; values, zero and tiny have none.

    Each sign brings a veil of its own, so that it shows on dark and on light images.
    """
    if mark is Mark.NAN:
        painter.fillRect(rect, tint("#202020", 0.5))
        hatch(painter, rect, tint("#e0e0e0", 0.8), max(3.0, min(6.0, rect.height() / 3)))
    elif mark is Mark.MASKED:
        painter.fillRect(rect, tint("#707070", 0.6))
        painter.setPen(pen(tint("#101010", 0.8), 1.0))
        painter.drawLine(QLineF(rect.bottomLeft(), rect.topRight()))
    elif mark is Mark.CLIPPED:
        size = min(8.0, rect.width() / 3, rect.height() / 3)
        corner = rect.topRight() + QPointF(-0.5, 0.5)
        edge = pen("#000000", 0.75)
        # A mitre would send a spike out of the cell at the sharp corners.
        edge.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
        painter.setPen(edge)
        painter.setBrush(QColor("#ffffff"))
        painter.drawPolygon(
            QPolygonF([corner, corner - QPointF(size, 0), corner + QPointF(0, size)])
        )


def _frame(painter: QPainter, rect: QRectF) -> None:
    """Stroke a rectangle; on pixels as filled bars, which takes a tenth of the time."""
    stroke = painter.pen()
    if is_vector(painter) or rect.isEmpty():
        painter.drawRect(rect)
        return
    half = stroke.widthF() / 2
    outer, inner = rect.adjusted(-half, -half, half, half), rect.adjusted(half, half, -half, -half)
    if inner.isEmpty():
        painter.fillRect(outer, stroke.color())
        return
    if stroke.style() != Qt.PenStyle.SolidLine:
        bars = _dashes(rect, 2 * half, [part * stroke.widthF() for part in stroke.dashPattern()])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(stroke.color())
        painter.drawRects(bars)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(stroke)
        return
    colour = stroke.color()
    wide, high = outer.width(), inner.height()
    painter.fillRect(QRectF(outer.left(), outer.top(), wide, 2 * half), colour)
    painter.fillRect(QRectF(outer.left(), inner.bottom(), wide, 2 * half), colour)
    painter.fillRect(QRectF(outer.left(), inner.top(), 2 * half, high), colour)
    painter.fillRect(QRectF(inner.right(), inner.top(), 2 * half, high), colour)


def _dashes(rect: QRectF, width: float, pattern: list[float]) -> list[QRectF]:
    """The dashes of a rectangle's outline, clockwise from its top left corner.

    Args:
        rect: the middle of the line.
        width: of the line, px.
        pattern: lengths of a dash and of the gap after it, px.
    """
    length, period = pattern[0], pattern[0] + pattern[1]
    half = width / 2
    left, top, right, bottom = rect.left(), rect.top(), rect.right(), rect.bottom()
    wide, high = rect.width(), rect.height()
    sides = ((0.0, wide), (wide, high), (wide + high, wide), (2 * wide + high, high))
    found = []
    for side, (begin, long) in enumerate(sides):
        # A dash that began on the side before goes on here.
        at = -(begin % period)
        while at < long:
            first, last = max(at, 0.0), min(at + length, long)
            if last > first:
                if side == 0:
                    found.append(QRectF(left + first, top - half, last - first, width))
                elif side == 1:
                    found.append(QRectF(right - half, top + first, width, last - first))
                elif side == 2:
                    found.append(QRectF(right - last, bottom - half, last - first, width))
                else:
                    found.append(QRectF(left - half, bottom - last, width, last - first))
            at += period
    return found


def outline(
    painter: QPainter,
    rect: QRectF,
    bounds: QRectF,
    stroke: QPen,
    *,
    halo: float = 0.45,
) -> None:
    """Outline the part of ``rect`` inside ``bounds``.

    Where ``rect`` reaches beyond ``bounds`` its side is drawn along the edge of ``bounds`` in
    dashes, which say that it goes on.

    Args:
        painter: paints.
        rect: the box, may reach outside.
        bounds: the image.
        stroke: pen of the outline; it stays inside ``rect`` and ``bounds`` with its whole width.
        halo: alpha of the dark casing that keeps the line visible on light images.
    """
    shown = rect.intersected(bounds)
    if shown.isEmpty():
        return
    # The pen runs inside: its outer edge is exactly where the box ends.
    half = min(stroke.widthF() / 2, shown.width() / 3, shown.height() / 3)
    line = shown.adjusted(half, half, -half, -half)
    tolerance = 1e-6 * max(bounds.width(), bounds.height())
    outside = (
        rect.top() < bounds.top() - tolerance,
        rect.right() > bounds.right() + tolerance,
        rect.bottom() > bounds.bottom() + tolerance,
        rect.left() < bounds.left() - tolerance,
    )
    before = painter.pen(), painter.brush()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if halo:
        painter.setPen(pen(tint("#000000", halo * stroke.color().alphaF()), stroke.widthF() + 2))
        room = half + 1
        _frame(painter, line.intersected(bounds.adjusted(room, room, -room, -room)))
    if not any(outside):
        painter.setPen(stroke)
        _frame(painter, line)
    else:
        _sides(painter, line, outside, stroke, half)
    painter.setPen(before[0])
    painter.setBrush(before[1])


def _sides(
    painter: QPainter, line: QRectF, outside: tuple[bool, ...], stroke: QPen, half: float
) -> None:
    """Stroke the sides of ``line``, from the top clockwise; those that go on in dashes."""
    beyond = QPen(stroke)
    beyond.setDashPattern([length / stroke.widthF() for length in DASH])
    beyond.setColor(tint(stroke.color().name(), stroke.color().alphaF() * 0.75))
    sides = (
        (line.topLeft(), line.topRight(), 1, 0),
        (line.topRight(), line.bottomRight(), 0, 1),
        (line.bottomRight(), line.bottomLeft(), -1, 0),
        (line.bottomLeft(), line.topLeft(), 0, -1),
    )
    for is_outside, (start, end, dx, dy) in zip(outside, sides, strict=True):
        # Sides overlap by half a pen at their ends, so that corners close.
        reach = QPointF(dx * half, dy * half)
        painter.setPen(beyond if is_outside else stroke)
        painter.drawLine(QLineF(start - reach, end + reach))
