"""B − A of two maps over the same queries and keys: one signed colour a cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import ref

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.colours import rgb, signed_rgba
from hardattn_viewer.drawing.difference_words import map_problem
from hardattn_viewer.drawing.kept import Kept
from hardattn_viewer.drawing.keys import known_key
from hardattn_viewer.drawing.names import key_labels, query_labels
from hardattn_viewer.drawing.pixels import is_vector, paint_pixels, to_qimage
from hardattn_viewer.drawing.regions import paint_message
from hardattn_viewer.drawing.scale import largest
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import Words, amount, draw_text, first_that_fits, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import Display, Together
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.maps import POOLED, StepMap

_LARGEST_CELL = 24.0
_GUTTER, _FOOT = 84.0, 16.0
_ANGLE = 50.0
_PITCH = 11.0
_COLUMN_PITCH = 13.5
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MatrixDifference:
    """Everything to paint of a map's difference; made by ``matrix_difference``.

    Attributes:
        values: float32 [rows, columns], B − A, the strongest of each block of cells; empty where
            there is none.
        queries: number of queries.
        keys: number of keys.
        query_names: what is written for each query.
        key_names: what is written for each key.
        query: the query looked from.
        hover: key under the mouse.
        pinned: key held by a click.
        scale_max: magnitude of the strongest colour.
        note: why there is no difference; empty where there is one.
        of_pooled: whether both maps were pooled before they were subtracted.
        step: the step shown.
    """

    values: Floats
    queries: int
    keys: int
    query_names: tuple[str, ...]
    key_names: tuple[str, ...]
    query: int
    hover: int | None
    pinned: int | None
    scale_max: float
    note: str
    of_pooled: bool
    step: int


def strongest(values: Floats, rows: int, columns: int) -> Floats:
    """``values`` with at most ``rows`` × ``columns`` cells, each of largest magnitude in its block.

    A missing value never hides a number.
    """
    high = low = values
    for axis, most in ((0, rows), (1, columns)):
        block = -(-values.shape[axis] // max(1, most))
        if block > 1:
            high, low = (_each(np.fmax, high, block, axis), _each(np.fmin, low, block, axis))
    found: Floats = np.where(np.abs(low) > np.abs(high), low, high)
    return found


def _each(over: np.ufunc, values: Floats, block: int, axis: int) -> Floats:
    """``over`` of every ``block`` rows or columns, the last ones of which may be fewer.

    A slice for each place in a block is several times as fast as ``reduceat``.
    """
    along = np.moveaxis(values, axis, 0)
    found = along[::block].copy()
    for place in range(1, block):
        part = along[place::block]
        over(found[: len(part)], part, out=found[: len(part)])
    return np.moveaxis(found, 0, axis)


def map_scale(a: Frame, b: Frame, display: Display) -> float:
    """Magnitude of the strongest difference of this step's maps, or of all steps'."""
    if isinstance(display, Together) and display.difference:
        return display.difference
    pairs = [(a.map, b.map)] if display.scale == "step" else zip(a.maps, b.maps, strict=False)
    tops = [
        _top(one, other)
        for one, other in pairs
        if one is not None and other is not None and _pooled_shape(one) == _pooled_shape(other)
    ]
    return largest([np.array(tops)])


_POOLED: Kept[Floats] = Kept(4)
_TOPS: Kept[float] = Kept(1_024)


def _top(a: StepMap, b: StepMap) -> float:
    # What is pooled keeps the strongest of each block, and so the strongest of all.
    return _TOPS.get(a.values, ref(b), lambda: _largest_magnitude(_pooled(a, b)))


def _largest_magnitude(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.abs(known).max(initial=0.0))


def _pooled(a: StepMap, b: StepMap) -> Floats:
    """B − A of two maps with at most ``POOLED`` rows and columns, worked out once for both."""
    return _POOLED.get(a.values, ref(b), lambda: strongest(_values(a, b), POOLED, POOLED))


def matrix_difference(
    a: Frame,
    b: Frame,
    display: Display,
    *,
    scale_max: float | None = None,
    hover: int | None = None,
    pinned: int | None = None,
) -> MatrixDifference:
    """Work out what ``paint_matrix_difference`` paints.

    Args:
        a: run A.
        b: run B at the same example and step.
        display: whose scale counts.
        scale_max: magnitude of the strongest colour; None takes ``map_scale``.
        hover: key under the mouse.
        pinned: key held by a click.
    """
    note = map_problem(a, b)
    values, of_pooled = np.zeros((0, 0), np.float32), False
    if a.map is not None and b.map is not None and not note:
        values = _pooled(a.map, b.map)
        of_pooled = not (a.map.is_whole and b.map.is_whole)
    scale = map_scale(a, b, display) if scale_max is None and not note else scale_max or 1.0
    keys = a.probabilities.size
    return MatrixDifference(
        values=values,
        queries=a.queries,
        keys=keys,
        query_names=query_labels(a),
        key_names=key_labels(a),
        query=b.query,
        hover=known_key(hover, keys),
        pinned=known_key(pinned, keys),
        scale_max=scale,
        note=note,
        of_pooled=of_pooled,
        step=b.place.step,
    )


def _values(a: StepMap, b: StepMap) -> Floats:
    whole = a.is_whole and b.is_whole
    return b.values - a.values if whole else b.pyramid.values - a.pyramid.values


def _pooled_shape(one: StepMap) -> tuple[int, ...]:
    return (one.event.queries, one.event.keys)


def difference_cells(picture: MatrixDifference, rect: QRectF) -> QRectF:
    """Where the cells of all queries and keys lie when painted into ``rect``."""
    gutter = min(_GUTTER, rect.width() / 4)
    head = min(_GUTTER * math.sin(math.radians(_ANGLE)), rect.height() / 4)
    room = rect.adjusted(gutter, head, -gutter / 3, -_FOOT)
    queries, keys = max(1, picture.queries), max(1, picture.keys)
    width = min(_LARGEST_CELL, max(room.width(), 1.0) / keys)
    height = min(_LARGEST_CELL, max(room.height(), 1.0) / queries)
    width, height = min(width, 4 * height), min(height, 4 * width)
    if queries == keys:
        width = height = min(width, height)
    across, down = max(1, math.floor(width * keys)), max(1, math.floor(height * queries))
    left = math.floor(room.left() + max(0.0, (room.width() - across) / 2))
    return QRectF(left, math.floor(room.top()), across, down)


def difference_height(picture: MatrixDifference, width: float, most: float) -> float:
    """Height in logical px, at most ``most``, that the cells take when they fill ``width``."""
    return min(most, difference_cells(picture, QRectF(0, 0, width, most)).bottom() + _FOOT + 2)


def difference_cell_at(picture: MatrixDifference, rect: QRectF, point: QPointF) -> int | None:
    """The cell under a point as query × number of keys + key, or None beside the cells."""
    area = difference_cells(picture, rect)
    if not picture.values.size or not area.contains(point):
        return None
    query = int((point.y() - area.top()) / area.height() * picture.queries)
    key = int((point.x() - area.left()) / area.width() * picture.keys)
    return min(query, picture.queries - 1) * picture.keys + min(key, picture.keys - 1)


def difference_note(picture: MatrixDifference, shown: tuple[int, int]) -> str:
    """What a reader must know of the cells, painted with ``shown`` rows and columns of colour."""
    down, across = -(-picture.queries // shown[0]), -(-picture.keys // shown[1])
    words = f"{picture.queries:,} × {picture.keys:,}"
    if picture.of_pooled:
        words += " · difference of maps pooled by their largest"
    elif down * across > 1:
        words += f" · each pixel the strongest of {down} × {across} cells"
    else:
        words += " · exact cells"
    return f"{words} · ± {amount(picture.scale_max)}"


def paint_matrix_difference(
    painter: QPainter, rect: QRectF, picture: MatrixDifference, theme: Theme
) -> None:
    """Paint B − A with names beside and above it: orange more in A, blue more in B.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: from ``matrix_difference``.
        theme: ``hard`` is the colour of more in A, ``soft`` of more in B.
    """
    if not picture.values.size:
        paint_message(painter, rect, f"no difference: {picture.note}", theme)
        return
    area = difference_cells(picture, rect)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    values = _for_device(painter, picture, area)
    # The same darkness as under the scale bar and over images, in either theme.
    painter.fillRect(area, QColor("#101216"))
    colours = signed_rgba(values, picture.scale_max, theme.hard, theme.soft)
    colours[np.isnan(values)] = (*rgb(theme.bar), 255)
    paint_pixels(painter, area, to_qimage(colours))
    _paint_cursors(painter, area, picture, theme)
    _paint_rows(painter, rect, area, picture, theme)
    _paint_columns(painter, rect, area, picture, theme)
    note = QRectF(rect.left(), area.bottom() + 2, rect.width(), _FOOT)
    words = difference_note(picture, (values.shape[0], values.shape[1]))
    choices = (words, words.partition(" · ")[2], words.rpartition(" · ")[2])
    found = first_that_fits(choices, note.width(), theme, theme.size_small) or choices[2]
    draw_text(
        painter, note, found, theme, size=theme.size_small, colour=theme.muted, align="centre"
    )
    painter.restore()


_FITTED: Kept[Floats] = Kept(4)


def _for_device(painter: QPainter, picture: MatrixDifference, area: QRectF) -> Floats:
    if is_vector(painter):
        return picture.values
    device = painter.deviceTransform().mapRect(area)
    shape = max(1, int(device.height())), max(1, int(device.width()))
    return _FITTED.get(picture.values, shape, lambda: strongest(picture.values, *shape))


def _row(area: QRectF, picture: MatrixDifference, query: int) -> QRectF:
    each = area.height() / max(1, picture.queries)
    return QRectF(area.left(), area.top() + query * each, area.width(), each)


def _column(area: QRectF, picture: MatrixDifference, key: int) -> QRectF:
    each = area.width() / max(1, picture.keys)
    return QRectF(area.left() + key * each, area.top(), each, area.height())


def _paint_cursors(
    painter: QPainter, area: QRectF, picture: MatrixDifference, theme: Theme
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    row = _row(area, picture, picture.query)
    if picture.pinned is not None:
        painter.setPen(pen(tint(theme.accent, 0.9), 1.25, dashed=True))
        painter.drawRect(_column(area, picture, picture.pinned))
    painter.setPen(pen(theme.accent, 2.0))
    painter.drawRect(row.adjusted(-1, -1, 1, 1))
    if picture.hover is not None:
        painter.setPen(pen("#ffffff", 1.25))
        painter.drawRect(_column(area, picture, picture.hover).intersected(row))


def _written(count: int, size: float, pitch: float, always: int | None) -> list[int]:
    """Which of ``count`` names to write so that none touches the next; ``always`` is among them."""
    step = max(1, math.ceil(pitch / max(size, 1e-6)))
    found = list(range(0, count, step))
    if always is None or not 0 <= always < count:
        return found
    return sorted([*(at for at in found if abs(at - always) >= step), always])


def _paint_rows(
    painter: QPainter, rect: QRectF, area: QRectF, picture: MatrixDifference, theme: Theme
) -> None:
    right, each = area.left() - 5, area.height() / max(1, picture.queries)
    for query in _written(picture.queries, each, _PITCH, picture.query):
        here = query == picture.query
        y = _row(area, picture, query).center().y() - _PITCH / 2
        where = QRectF(max(rect.left(), right - _GUTTER), y, 0, _PITCH)
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
    painter: QPainter, rect: QRectF, area: QRectF, picture: MatrixDifference, theme: Theme
) -> None:
    marked = picture.hover if picture.hover is not None else picture.pinned
    longest = (area.top() - rect.top() - 8) / math.sin(math.radians(_ANGLE))
    each = area.width() / max(1, picture.keys)
    for key in _written(picture.keys, each, _COLUMN_PITCH, marked):
        middle = _column(area, picture, key).center().x()
        reach = (rect.right() - middle) / math.cos(math.radians(_ANGLE))
        if min(longest, reach) < _PITCH:
            continue
        words = Words(_name(picture.key_names, key), bold=key == marked)
        width = min(longest, reach, text_width([words], theme, theme.size_small) + 1)
        painter.save()
        painter.translate(middle - 1, area.top() - 4)
        painter.rotate(-_ANGLE)
        where = QRectF(0, -_PITCH / 2 - 2, width, _PITCH)
        colour = theme.text if key == marked else theme.muted
        draw_text(painter, where, [words], theme, size=theme.size_small, colour=colour)
        painter.restore()


def _name(names: tuple[str, ...], at: int) -> str:
    return names[at] if at < len(names) else str(at)
