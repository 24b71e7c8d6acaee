"""The whole map small, with the part of it that is in sight framed."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from hardattn_viewer.drawing.matrix import codes as c
from hardattn_viewer.drawing.matrix.cells import paint_image
from hardattn_viewer.drawing.matrix.geometry import Cells
from hardattn_viewer.drawing.matrix.picture import MatrixPicture
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.pyramid import block_for

_SIDE = 74.0
_EDGE = 4.0


def minimap_rect(picture: MatrixPicture, rect: QRectF, cells: Cells) -> QRectF:
    """Where the small map is: in the corner that the names of queries and of keys leave."""
    room = min(_SIDE, cells.room.top() - rect.top() - 2 * _EDGE,
               cells.room.left() - rect.left() - 2 * _EDGE)  # fmt: skip
    most = max(picture.queries, picture.keys, 1)
    # No side so thin that it cannot be seen.
    width = max(6.0, room * picture.keys / most)
    height = max(6.0, room * picture.queries / most)
    return QRectF(rect.left() + _EDGE, rect.top() + _EDGE, width, height)


def minimap_at(
    picture: MatrixPicture, rect: QRectF, cells: Cells, point: QPointF
) -> tuple[float, float] | None:
    """The query and the key at a point of the small map; None beside it, or where there is none."""
    box = minimap_rect(picture, rect, cells)
    if cells.layout.is_whole or picture.pyramid is None or not box.contains(point):
        return None
    return (
        (point.y() - box.top()) / box.height() * picture.queries,
        (point.x() - box.left()) / box.width() * picture.keys,
    )


def paint_minimap(
    painter: QPainter, rect: QRectF, cells: Cells, picture: MatrixPicture, theme: Theme
) -> None:
    """Paint the small map, and a frame around what is in sight."""
    if picture.pyramid is None:
        return
    box = minimap_rect(picture, rect, cells)
    patch = picture.pyramid.patch(
        block_for(box.height() / picture.queries), block_for(box.width() / picture.keys)
    )
    codes = c.amount_codes(patch.values, picture.top, picture.look.transform, picture.tiny)
    codes[codes == c.CLIPPED] = 255
    shades = np.ascontiguousarray(c.colour_table(theme, picture.colours, False)[codes])
    height, width = shades.shape
    image = QImage(shades.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    paint_image(painter, box, image)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(theme.line, 1.0))
    painter.drawRect(box)
    layout = cells.layout
    left, top, right, bottom = layout.box
    down, across = box.height() / picture.queries, box.width() / picture.keys
    (query, key), (end, last) = layout.place(left, top), layout.place(right, bottom)
    shown = QRectF(
        box.left() + key * across,
        box.top() + query * down,
        max(3.0, (last - key) * across),
        max(3.0, (end - query) * down),
    )
    for colour, wide in (("#000000", 3.0), (theme.accent, 1.5)):
        painter.setPen(pen(colour, wide))
        painter.drawRect(shown)
