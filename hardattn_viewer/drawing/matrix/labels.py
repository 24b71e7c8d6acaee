"""Names of queries beside a matrix and of keys above it: none overlaps another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.matrix.geometry import ANGLE, GUTTER, Cells
from hardattn_viewer.drawing.matrix.picture import MatrixPicture
from hardattn_viewer.drawing.text import font, metrics_of, plain
from hardattn_viewer.drawing.theme import Theme

# Px from one label to the next that is written.
ROW_PITCH = 12.0
COLUMN_PITCH = 16.0
_GAP = 6.0


def written(seen: range, size: float, pitch: float, always: Sequence[int | None]) -> list[int]:
    """Which names to write so that none touches the next.

    Args:
        seen: the rows or columns in sight.
        size: px of each.
        pitch: px that a name takes.
        always: those that are written, the first before the others, where they are in sight.
    """
    step = max(1, math.ceil(pitch / size - 1e-9))
    kept: list[int] = []
    for at in always:
        if at is not None and at in seen and all(abs(at - other) >= step for other in kept):
            kept.append(at)
    # Multiples, so that the same names stay while the map is dragged.
    start = -(-seen.start // step) * step
    usual = (at for at in range(start, seen.stop, step))
    return sorted([*kept, *(at for at in usual if all(abs(at - k) >= step for k in kept))])


@lru_cache(maxsize=8192)
def fitted(text: str, theme: Theme, bold: bool, room: int) -> tuple[str, float]:
    """As much of a name as fits, and how many px it takes."""
    metrics = metrics_of(theme, theme.size_small, bold)
    words = metrics.elidedText(plain(text), Qt.TextElideMode.ElideRight, room)
    return words, metrics.horizontalAdvance(words)


def paint_rows(
    painter: QPainter, rect: QRectF, cells: Cells, picture: MatrixPicture, theme: Theme
) -> None:
    """Write the names of queries at the left of their rows."""
    layout = cells.layout
    marked = picture.query, picture.hover_query
    right = cells.area.left() - _GAP
    room = int(min(GUTTER - _GAP, right - rect.left()))
    drop = _drop(theme)
    for bold in (False, True):
        painter.setFont(font(theme, theme.size_small, bold))
        painter.setPen(QColor(theme.text if bold else theme.muted))
        for query in written(layout.seen_queries, layout.cell_height, ROW_PITCH, marked):
            if (query in marked) != bold:
                continue
            shown = cells.row(query).intersected(cells.area)
            if shown.height() < min(ROW_PITCH, layout.cell_height) / 2 and not bold:
                continue
            y = shown.center().y()
            words, width = fitted(picture.query_name(query), theme, bold, room)
            painter.drawText(QPointF(right - width, y + drop), words)


def paint_columns(
    painter: QPainter, rect: QRectF, cells: Cells, picture: MatrixPicture, theme: Theme
) -> None:
    """Write the names of keys above their columns, slanted."""
    layout = cells.layout
    marked = picture.hover, picture.pinned
    angle = math.radians(ANGLE)
    # As long as reaches the upper edge at this slant.
    longest = (cells.area.top() - rect.top() - 8) / math.sin(angle)
    drop = _drop(theme)
    for bold in (False, True):
        painter.setFont(font(theme, theme.size_small, bold))
        painter.setPen(QColor(theme.text if bold else theme.muted))
        for key in written(layout.seen_keys, layout.cell_width, COLUMN_PITCH, marked):
            if (key in marked) != bold:
                continue
            shown = cells.column(key).intersected(cells.area)
            if shown.width() < min(COLUMN_PITCH, layout.cell_width) / 2 and not bold:
                continue
            x = shown.center().x()
            room = min(longest, (rect.right() - x) / math.cos(angle))
            if room < ROW_PITCH:
                continue
            words, _ = fitted(picture.key_name(key), theme, bold, int(room))
            painter.save()
            painter.translate(x, cells.area.top() - 4)
            painter.rotate(-ANGLE)
            painter.drawText(QPointF(2, drop - 2), words)
            painter.restore()


def _drop(theme: Theme) -> float:
    metrics = metrics_of(theme, theme.size_small)
    return (metrics.ascent() - metrics.descent()) / 2
