"""Attention of all queries at once: queries × keys as one image with labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.colours import amount_table, entries, rgb
from hardattn_viewer.drawing.keys import known_key
from hardattn_viewer.drawing.names import key_labels, query_labels, whole_labels
from hardattn_viewer.drawing.notes import paint_message
from hardattn_viewer.drawing.pixels import is_vector, paint_pixels, to_qimage
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import Words, amount, draw_text, first_that_fits, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import AmountTable, Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.joined import JoinedMap
from hardattn_viewer.session.maps import block_of, max_pooled

_LARGEST_CELL = 24.0
_STRETCH = 4.0
_GUTTER = 112.0
_FOOT = 18.0
_ANGLE = 50.0
# Px from one label to the next that is written.
_LABEL_PITCH = 11.0
_COLUMN_PITCH = 13.5


@dataclass(frozen=True, eq=False)
class MatrixPicture:
    """Everything to paint of one map; made by ``matrix_picture``.

    Attributes:
        values: float32 [rows, columns]: the map, or its largest values in equal blocks.
        queries: number of queries.
        keys: number of keys.
        query_names: what is written for each query.
        key_names: what is written for each key.
        query: the query looked from.
        chosen: the keys that it selected.
        scale_max: probability of the strongest colour.
        colours: table of amounts.
        hover: key under the mouse.
        pinned: key held by a click.
        windows: windows that attention is confined to; the keys are then those of each window.
        step: the step shown.
        steps: how many steps the queries are of.
    """

    values: NDArray[np.float32]
    queries: int
    keys: int
    query_names: tuple[str, ...]
    key_names: tuple[str, ...]
    query: int
    chosen: tuple[int, ...]
    scale_max: float
    colours: AmountTable
    hover: int | None
    pinned: int | None
    windows: int
    step: int
    steps: int = 1


@dataclass(frozen=True)
class Cells:
    """Where the cells lie.

    Attributes:
        area: the cells of all queries and keys.
        width: of a cell, px.
        height: of a cell, px.
    """

    area: QRectF
    width: float
    height: float

    def row(self, query: int) -> QRectF:
        """Where the keys of a query are."""
        top = self.area.top() + query * self.height
        return QRectF(self.area.left(), top, self.area.width(), self.height)

    def column(self, key: int) -> QRectF:
        """Where a key is, over all queries."""
        left = self.area.left() + key * self.width
        return QRectF(left, self.area.top(), self.width, self.area.height())


def matrix_picture(
    frame: Frame,
    display: Display,
    *,
    scale_max: float,
    hover: int | None = None,
    pinned: int | None = None,
) -> MatrixPicture:
    """Work out what ``paint_matrix`` paints.

    Args:
        frame: one run at one place.
        display: the table of colours.
        scale_max: probability of the strongest colour, positive.
        hover: key under the mouse.
        pinned: key held by a click.

    Raises:
        ValueError: scale_max is not positive.
    """
    if not scale_max > 0:
        raise ValueError(f"scale_max is {scale_max}; it must be positive")
    if frame.whole is not None:
        return _whole_picture(frame, frame.whole, display, scale_max, hover, pinned)
    one = frame.map
    values = frame.probabilities[None] if one is None else one.pooled
    keys = frame.probabilities.size
    return MatrixPicture(
        values=values,
        queries=frame.queries,
        keys=keys,
        query_names=query_labels(frame),
        key_names=key_labels(frame),
        query=frame.query,
        chosen=frame.selection,
        scale_max=scale_max,
        colours=display.colours,
        hover=known_key(hover, keys),
        pinned=known_key(pinned, keys),
        windows=one.event.windows if one is not None else 1,
        step=frame.place.step,
    )


def _whole_picture(
    frame: Frame,
    whole: JoinedMap,
    display: Display,
    scale_max: float,
    hover: int | None,
    pinned: int | None,
) -> MatrixPicture:
    """The picture of all steps: keys of the frame's step lie at a column of their own."""
    step, keys = frame.place.step, frame.probabilities.size
    column = int(whole.first_column[step])
    queries, key_names = whole_labels(frame, whole)

    def at(key: int | None) -> int | None:
        return None if known_key(key, keys) is None or key is None else key + column

    return MatrixPicture(
        values=whole.pooled,
        queries=whole.queries,
        keys=whole.keys,
        query_names=queries,
        key_names=key_names,
        query=int(whole.first_row[step]) + frame.query,
        chosen=tuple(key + column for key in frame.selection),
        scale_max=scale_max,
        colours=display.colours,
        hover=at(hover),
        pinned=at(pinned),
        windows=1,
        step=step,
        steps=frame.steps,
    )


def matrix_cells(picture: MatrixPicture, rect: QRectF) -> Cells:
    """Where the cells lie when the picture is painted into ``rect``."""
    gutter = min(_GUTTER, rect.width() / 4)
    top = min(_GUTTER * math.sin(math.radians(_ANGLE)), rect.height() / 4)
    room = rect.adjusted(gutter, top, -gutter / 2, -_FOOT)
    queries, keys = max(1, picture.queries), max(1, picture.keys)
    width = min(_LARGEST_CELL, max(room.width(), 1.0) / keys)
    height = min(_LARGEST_CELL, max(room.height(), 1.0) / queries)
    # Square where possible; a long row of a few queries would else be too thin to see.
    width, height = min(width, _STRETCH * height), min(height, _STRETCH * width)
    if queries == keys:
        width = height = min(width, height)
    # Whole px, so that cells end on them.
    across, down = max(1, math.floor(width * keys)), max(1, math.floor(height * queries))
    left = math.floor(room.left() + max(0.0, (room.width() - across) / 2))
    area = QRectF(left, math.floor(room.top()), across, down)
    return Cells(area, across / keys, down / queries)


def matrix_height(picture: MatrixPicture, width: float, most: float) -> float:
    """Height in logical px, at most ``most``, that the cells take when they fill ``width``."""
    area = matrix_cells(picture, QRectF(0, 0, width, most)).area
    return min(most, area.bottom() + _FOOT + 2)


def matrix_at(picture: MatrixPicture, rect: QRectF, point: QPointF) -> int | None:
    """The cell under a point as query × number of keys + key, or None beside the cells."""
    cells = matrix_cells(picture, rect)
    if cells.area.isEmpty() or not cells.area.contains(point):
        return None
    query = min(int((point.y() - cells.area.top()) / cells.height), picture.queries - 1)
    key = min(int((point.x() - cells.area.left()) / cells.width), picture.keys - 1)
    return query * picture.keys + key


def matrix_note(picture: MatrixPicture, shown: tuple[int, int]) -> str:
    """What a reader must know of the picture's cells.

    Args:
        picture: what is painted.
        shown: rows and columns of colour that it is painted with.
    """
    steps = f" of {picture.steps} steps" if picture.steps > 1 else ""
    words = f"{picture.queries:,} queries{steps} × {picture.keys:,} keys"
    down, across = -(-picture.queries // shown[0]), -(-picture.keys // shown[1])
    words += (
        " · exact cells"
        if down == across == 1
        else (f" · max-pooled: each pixel the largest of {down} × {across} cells")
    )
    words += f" · colours 0 – {amount(picture.scale_max)}"
    if picture.windows > 1:
        words += f" · {picture.windows} windows, keys of each query’s own"
    return words


def paint_matrix(painter: QPainter, rect: QRectF, picture: MatrixPicture, theme: Theme) -> None:
    """Paint the map with names beside and above it, the query's row outlined.

    Where there are more cells than pixels, each pixel takes the largest of its cells, and the
    line below says so.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: from ``matrix_picture``.
        theme: colours and type.
    """
    if not picture.values.size:
        paint_message(painter, rect, "this step holds no keys", theme)
        return
    cells = matrix_cells(picture, rect)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    values = _for_device(painter, picture, cells.area)
    painter.fillRect(cells.area, QColor(theme.raised))
    paint_pixels(painter, cells.area, to_qimage(_colours(values, picture, theme)))
    _paint_grid(painter, cells, picture, theme)
    _paint_cursors(painter, cells, picture, theme)
    _paint_rows(painter, rect, cells, picture, theme)
    _paint_columns(painter, rect, cells, picture, theme)
    note = QRectF(rect.left(), cells.area.bottom() + 3, rect.width(), _FOOT)
    words = matrix_note(picture, (values.shape[0], values.shape[1]))
    choices = (words, words.partition(" · ")[2], words.partition(" · ")[0])
    found = first_that_fits(choices, note.width(), theme, theme.size_small) or words
    draw_text(
        painter, note, found, theme, size=theme.size_small, colour=theme.muted, align="centre"
    )
    painter.restore()


def _for_device(painter: QPainter, picture: MatrixPicture, area: QRectF) -> NDArray[np.float32]:
    """The values with no more cells than the device has pixels in ``area``."""
    if is_vector(painter):
        return picture.values
    device = painter.deviceTransform().mapRect(area)
    rows, columns = max(1, int(device.height())), max(1, int(device.width()))
    shape = picture.values.shape
    if block_of(shape[0], rows) == block_of(shape[1], columns) == 1:
        return picture.values
    return max_pooled(picture.values, rows, columns)


def _colours(
    values: NDArray[np.float32], picture: MatrixPicture, theme: Theme
) -> NDArray[np.uint8]:
    """uint8 [rows, columns, 4]: opaque amounts; zero is bare, a missing value grey."""
    rgba = np.empty((*values.shape, 4), dtype=np.uint8)
    rgba[..., :3] = amount_table(picture.colours)[entries(values, picture.scale_max)]
    rgba[..., 3] = np.where(values == 0, 0, 255)
    rgba[np.isnan(values)] = (*rgb(theme.bar), 255)
    return rgba


def _paint_grid(painter: QPainter, cells: Cells, picture: MatrixPicture, theme: Theme) -> None:
    if min(cells.width, cells.height) < 8 or picture.queries * picture.keys > 10_000:
        return
    painter.setPen(pen(theme.window, 1.0))
    area = cells.area
    for query in range(1, picture.queries):
        y = area.top() + query * cells.height
        painter.drawLine(QLineF(area.left(), y, area.right(), y))
    for key in range(1, picture.keys):
        x = area.left() + key * cells.width
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))


def _paint_cursors(painter: QPainter, cells: Cells, picture: MatrixPicture, theme: Theme) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    row = cells.row(picture.query)
    for key in picture.chosen:
        painter.setPen(pen(theme.hard, 2.0))
        painter.drawRect(cells.column(key).intersected(row).adjusted(1, 1, -1, -1))
    if picture.pinned is not None:
        painter.setPen(pen(tint(theme.accent, 0.9), 1.25, dashed=True))
        painter.drawRect(cells.column(picture.pinned))
    painter.setPen(pen(theme.accent, 2.0))
    painter.drawRect(row.adjusted(-1, -1, 1, 1))
    if picture.hover is not None:
        painter.setPen(pen("#ffffff", 1.25))
        painter.drawRect(cells.column(picture.hover).intersected(row))


def _written(count: int, size: float, pitch: float, always: int | None) -> list[int]:
    """Which of ``count`` names to write so that none touches the next; ``always`` is among them."""
    step = max(1, math.ceil(pitch / size))
    found = list(range(0, count, step))
    if always is None or not 0 <= always < count:
        return found
    return sorted([*(at for at in found if abs(at - always) >= step), always])


def _paint_rows(
    painter: QPainter, rect: QRectF, cells: Cells, picture: MatrixPicture, theme: Theme
) -> None:
    right = cells.area.left() - 6
    for query in _written(picture.queries, cells.height, _LABEL_PITCH, picture.query):
        here = query == picture.query
        y = cells.row(query).center().y() - _LABEL_PITCH / 2
        where = QRectF(max(rect.left(), right - _GUTTER), y, 0, _LABEL_PITCH)
        where.setRight(right)
        draw_text(
            painter,
            where,
            [Words(_name(picture.query_names, query), bold=here)],
            theme,
            size=theme.size_small,
            colour=theme.text if here else theme.muted,
            align="right",
        )


def _paint_columns(
    painter: QPainter, rect: QRectF, cells: Cells, picture: MatrixPicture, theme: Theme
) -> None:
    marked = picture.hover if picture.hover is not None else picture.pinned
    # As long as reaches the upper edge at this slant.
    longest = (cells.area.top() - rect.top() - 8) / math.sin(math.radians(_ANGLE))
    for key in _written(picture.keys, cells.width, _COLUMN_PITCH, marked):
        column = cells.column(key)
        reach = (rect.right() - column.center().x()) / math.cos(math.radians(_ANGLE))
        words = Words(_name(picture.key_names, key), bold=key == marked)
        if min(longest, reach) < _LABEL_PITCH:
            continue
        width = min(longest, reach, text_width([words], theme, theme.size_small) + 1)
        painter.save()
        painter.translate(column.center().x() - 1, cells.area.top() - 4)
        painter.rotate(-_ANGLE)
        where = QRectF(0, -_LABEL_PITCH / 2 - 2, width, _LABEL_PITCH)
        colour = theme.text if key == marked else theme.muted
        draw_text(painter, where, [words], theme, size=theme.size_small, colour=colour)
        painter.restore()


def _name(names: tuple[str, ...], at: int) -> str:
    return names[at] if at < len(names) else str(at)
