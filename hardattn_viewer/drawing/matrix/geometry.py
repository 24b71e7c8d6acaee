"""Where the cells of a matrix lie in the room that it is painted into, and what is around them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.drawing.matrix.picture import MatrixPicture
from hardattn_viewer.session.matrix import MapLayout, map_layout

GUTTER = 112.0
FOOT = 18.0
ANGLE = 50.0
# Room of the numbers at the margins: of rows from a gap on, a column for each kind of them.
ROW_GAP = 24.0
ROW_COLUMN = 58.0
COLUMN_MARGIN = 30.0
# A picture that is narrower has room for one kind of numbers of rows only.
_NARROW = 620.0


@dataclass(frozen=True)
class Cells:
    """Where the cells lie.

    Attributes:
        room: all that the cells may take.
        layout: where in ``room`` they are.
    """

    room: QRectF
    layout: MapLayout

    @property
    def area(self) -> QRectF:
        """The part of the map that is in sight."""
        left, top, right, bottom = self.layout.box
        return QRectF(
            self.room.left() + left, self.room.top() + top, max(0.0, right - left), bottom - top
        )

    def row(self, query: int) -> QRectF:
        """Where the keys of a query are."""
        top = self.room.top() + self.layout.top + query * self.layout.cell_height
        area = self.area
        return QRectF(area.left(), top, area.width(), self.layout.cell_height)

    def column(self, key: int) -> QRectF:
        """Where a key is, over all queries."""
        left = self.room.left() + self.layout.left + key * self.layout.cell_width
        area = self.area
        return QRectF(left, area.top(), self.layout.cell_width, area.height())

    def cell(self, query: int, key: int) -> QRectF:
        """Where a cell is."""
        return self.row(query).intersected(self.column(key))


def matrix_layout(picture: MatrixPicture, rect: QRectF) -> Cells:
    """Where the cells lie when the picture is painted into ``rect``."""
    room = matrix_room(rect, in_window=picture.in_window, margins=picture.look.statistics)
    layout = map_layout(
        picture.queries, picture.keys, room.width(), room.height(), picture.look.zoom,
        picture.largest,
    )  # fmt: skip
    return Cells(room, layout)


def matrix_room(rect: QRectF, *, in_window: bool, margins: bool) -> QRectF:
    """All that the cells may take of ``rect``: what is left by labels, lines and margins."""
    gutter = min(GUTTER, rect.width() / 4)
    top = min(GUTTER * math.sin(math.radians(ANGLE)), rect.height() / 4)
    right, bottom = gutter / 2, FOOT
    if in_window:
        bottom += FOOT
    if margins:
        right = ROW_GAP + row_columns(rect) * ROW_COLUMN + 8
        bottom += 2 * COLUMN_MARGIN + 4
    room = rect.adjusted(gutter, top, -right, -bottom)
    # Whole px, so that cells end on them.
    return QRectF(
        math.floor(room.left()),
        math.floor(room.top()),
        max(1.0, math.floor(room.width())),
        max(1.0, math.floor(room.height())),
    )


def row_columns(rect: QRectF) -> int:
    """How many kinds of numbers of rows there is room for."""
    return 3 if rect.width() >= _NARROW else 1


def matrix_height(picture: MatrixPicture, width: float, most: float) -> float:
    """Height in logical px, at most ``most``, that the cells take when they fill ``width``."""
    area = matrix_layout(picture, QRectF(0, 0, width, most)).area
    return min(most, area.bottom() + FOOT + 2)


def matrix_at(picture: MatrixPicture, rect: QRectF, point: QPointF) -> int | None:
    """The cell under a point as query × number of keys + key, or None beside the cells."""
    cells = matrix_layout(picture, rect)
    if not picture.queries or not picture.keys:
        return None
    found = cells.layout.at(point.x() - cells.room.left(), point.y() - cells.room.top())
    return None if found is None else found[0] * picture.keys + found[1]
