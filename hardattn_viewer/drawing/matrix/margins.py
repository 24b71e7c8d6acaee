"""Numbers of rows, columns and diagonals at the margins of a matrix."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from hardattn_viewer.drawing.colours import rgb
from hardattn_viewer.drawing.matrix.cells import paint_image
from hardattn_viewer.drawing.matrix.geometry import (
    COLUMN_MARGIN,
    ROW_COLUMN,
    ROW_GAP,
    Cells,
    row_columns,
)
from hardattn_viewer.drawing.matrix.picture import MatrixPicture
from hardattn_viewer.drawing.pixels import to_qimage
from hardattn_viewer.drawing.strokes import paint_line, pen, tint
from hardattn_viewer.drawing.text import amount, draw_text, font
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.map_margins import MapMargins

_COLUMN = ROW_COLUMN - 8
_HEAD = 14.0
# Px of a row that has room for its numbers.
_NUMBER = 12.0

Floats = NDArray[np.float64]


def seen_sums(picture: MatrixPicture, cells: Cells) -> Floats | None:
    """The sum of what is in sight of each row in sight; None where no exact cells are there."""
    rows, columns = cells.layout.seen_queries, cells.layout.seen_keys
    for patch in reversed(picture.layers(1, 1)):
        inside = patch.holds(rows.start, columns.start) and patch.holds(rows[-1], columns[-1])
        if patch.is_exact and inside:
            part = patch.values[
                rows.start - patch.query : rows.stop - patch.query,
                columns.start - patch.key : columns.stop - patch.key,
            ]
            return np.asarray(np.maximum(part, 0).sum(axis=1, dtype=np.float64))
    return None


def paint_margins(
    painter: QPainter, rect: QRectF, cells: Cells, picture: MatrixPicture, theme: Theme
) -> None:
    """Paint entropy, largest and sum beside rows, mass and mean below columns, and distances."""
    margins = picture.margins
    if picture.signed:
        return
    if margins is None:
        place = QRectF(cells.area.right() + ROW_GAP, cells.area.top(), rect.right(), _HEAD)
        draw_text(
            painter, place, "being added up…", theme, size=theme.size_small, colour=theme.muted
        )
        return
    rows, columns = cells.layout.seen_queries, cells.layout.seen_keys
    if not rows or not columns:
        return
    pieces = (
        ("H, bits", margins.entropy[rows.start : rows.stop]),
        ("largest", margins.largest[rows.start : rows.stop]),
        ("Σ in sight", _sums(picture, cells, margins)),
    )
    left = cells.area.right() + ROW_GAP
    kinds = row_columns(rect)
    for number, (name, values) in enumerate(pieces[:kinds]):
        place = QRectF(left + number * ROW_COLUMN, cells.area.top(), _COLUMN, cells.area.height())
        _paint_beside(painter, place, cells, rows, name, values, theme)
    top = cells.area.bottom() + 4
    for number, (name, values) in enumerate(
        (
            ("mass", margins.mass[columns.start : columns.stop]),
            ("mean", margins.mean[columns.start : columns.stop]),
        )
    ):
        place = QRectF(
            cells.area.left(), top + number * COLUMN_MARGIN, cells.area.width(), COLUMN_MARGIN - 6
        )
        _paint_below(painter, rect, place, cells, columns, name, values, theme)
    corner = QRectF(left, top + 14, kinds * ROW_COLUMN - 8, 2 * COLUMN_MARGIN - 14)
    if kinds > 1:
        _paint_distances(painter, corner, margins, theme)
    if margins.done < picture.queries:
        said = QRectF(cells.area.left(), corner.bottom() + 2, cells.area.width(), _HEAD)
        words = f"columns and distances of the first {margins.done:,} rows so far"
        draw_text(painter, said, words, theme, size=theme.size_small, colour=theme.muted)


def _sums(picture: MatrixPicture, cells: Cells, margins: MapMargins) -> Floats | None:
    columns, rows = cells.layout.seen_keys, cells.layout.seen_queries
    if len(columns) == picture.keys:
        return margins.total[rows.start : rows.stop]
    return seen_sums(picture, cells)


def _paint_beside(
    painter: QPainter,
    place: QRectF,
    cells: Cells,
    rows: range,
    name: str,
    values: Floats | None,
    theme: Theme,
) -> None:
    head = QRectF(place.left(), place.top() - _HEAD - 3, place.width() + 8, _HEAD)
    draw_text(painter, head, name, theme, size=theme.size_small, colour=theme.muted)
    if values is None:
        draw_text(
            painter, QRectF(place.left(), place.top(), place.width() + 8, _HEAD), "pooled", theme,
            size=theme.size_small, colour=theme.muted,
        )  # fmt: skip
        return
    most = _most(values)
    if cells.layout.cell_height >= _NUMBER:
        face = font(theme, theme.size_small)
        painter.setFont(face)
        painter.setPen(QColor(theme.text))
        drop = QFontMetricsF(face).ascent() / 2 - 1
        top, height = cells.row(rows.start).center().y(), cells.layout.cell_height
        for at, value in enumerate(values.tolist()):
            y = top + at * height
            if place.top() + 4 <= y <= place.bottom() - 4:
                bar = QRectF(place.left(), y - 4, _share(value, most) * place.width(), 8)
                painter.fillRect(bar, tint(theme.soft, 0.35))
                painter.drawText(QPointF(place.left() + 2, y + drop), _number(value))
        return
    start = cells.row(rows.start).top() - place.top()
    heights = _by_pixel(values, start, cells.layout.cell_height, place.height()) / most
    across = np.arange(round(place.width())) + 0.5
    _fill(painter, place, across[None] < heights[:, None] * place.width(), theme)
    foot = QRectF(place.left(), place.bottom() + 1, place.width() + 8, _HEAD)
    words = f"0 – {_number(most)}"
    draw_text(painter, foot, words, theme, size=theme.size_small, colour=theme.muted)


def _paint_below(
    painter: QPainter,
    rect: QRectF,
    place: QRectF,
    cells: Cells,
    columns: range,
    name: str,
    values: Floats,
    theme: Theme,
) -> None:
    most = _most(values)
    for line, words in enumerate((name, f"0 – {_number(most)}")):
        said = QRectF(
            rect.left(), place.top() + 2 + line * _HEAD, place.left() - rect.left() - 6, _HEAD
        )
        draw_text(
            painter, said, words, theme, size=theme.size_small, colour=theme.muted, align="right"
        )
    start = cells.column(columns.start).left() - place.left()
    heights = _by_pixel(values, start, cells.layout.cell_width, place.width()) / most
    up = np.arange(round(place.height()))[::-1] + 0.5
    _fill(painter, place, up[:, None] < heights[None] * place.height(), theme)
    painter.setPen(pen(theme.line, 1.0))
    painter.drawLine(QLineF(place.left(), place.bottom(), place.right(), place.bottom()))


def _paint_distances(painter: QPainter, rect: QRectF, margins: MapMargins, theme: Theme) -> None:
    """The mean probability at each distance of query and key, as a curve."""
    small = theme.size_small
    known = np.flatnonzero(np.isfinite(margins.diagonal))
    name = QRectF(rect.left(), rect.top(), rect.width(), _HEAD)
    if not known.size:
        told = "no distances: queries are no keys"
        draw_text(painter, name, told, theme, size=small, colour=theme.muted)
        return
    first, last = int(known[0]), int(known[-1])
    # The key before the query is at its left in the map, and here too.
    values = margins.diagonal[first : last + 1][::-1]
    farthest, nearest = margins.nearest + last, margins.nearest + first
    most = float(np.nanmax(values)) or 1.0
    words = f"mean by distance, 0 – {_number(most)}"
    draw_text(painter, name, words, theme, size=small, colour=theme.muted)
    place = QRectF(rect.left(), rect.top() + _HEAD + 2, rect.width(), rect.height() - 2 * _HEAD - 2)
    across = place.width() / len(values)
    line = []
    for at, value in _largest(range(len(values)), values, across):
        if math.isfinite(value):
            x = place.left() + (at + 0.5) * across
            line.append(QPointF(x, place.bottom() - _share(value, most) * place.height()))
    painter.setPen(pen(theme.line, 1.0))
    painter.drawLine(QLineF(place.left(), place.bottom(), place.right(), place.bottom()))
    if nearest <= 0 <= farthest:
        x = place.left() + (farthest + 0.5) * across
        painter.setPen(pen(theme.muted, 1.0, dashed=True))
        painter.drawLine(QLineF(x, place.top(), x, place.bottom()))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(theme.soft, 1.5))
    paint_line(painter, line)
    ends = QRectF(place.left(), place.bottom() + 1, place.width(), _HEAD)
    after = f"{-nearest:,} after" if nearest < 0 else f"{nearest:,} before" if nearest else "itself"
    draw_text(painter, ends, f"{farthest:,} before", theme, size=small, colour=theme.muted)
    draw_text(painter, ends, after, theme, size=small, colour=theme.muted, align="right")


def _largest(seen: range, values: Floats, size: float) -> list[tuple[int, float]]:
    """The first of each group that fills a pixel, and the largest value of the group."""
    step = max(1, math.floor(1 / size))
    starts = np.arange(0, len(seen), step)
    largest = np.fmax.reduceat(values, starts) if step > 1 else values
    return list(zip((seen.start + starts).tolist(), largest.tolist(), strict=True))


def _by_pixel(values: Floats, start: float, size: float, length: float) -> Floats:
    """The largest of the values in each of the pixels along a side, NaN as zero.

    Args:
        values: of the rows or columns in sight.
        start: px where the first of them begins, at most 0.
        size: px of each.
        length: px of the side.
    """
    at = ((np.arange(max(1, round(length))) + 0.5 - start) / size).astype(np.int64)
    found = np.fmax.reduceat(values, np.minimum(at, len(values) - 1))
    return np.nan_to_num(np.asarray(found, np.float64), nan=0.0)


def _most(values: Floats) -> float:
    """The largest value, by which bars are drawn; 1 where there is none above zero."""
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size and known.max() > 0 else 1.0


def _share(value: float, most: float) -> float:
    return min(1.0, max(0.0, value / most)) if math.isfinite(value) else 0.0


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) and value >= 0.1 else amount(value)


def _fill(painter: QPainter, place: QRectF, inside: NDArray[np.bool_], theme: Theme) -> None:
    """Fill the pixels of ``place`` that are inside bars."""
    pixels = np.zeros((*inside.shape, 4), np.uint8)
    pixels[inside] = (*rgb(theme.soft), 190)
    paint_image(painter, place, to_qimage(pixels))
