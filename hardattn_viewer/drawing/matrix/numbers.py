"""Hairlines between cells that are large, and the value of each written into it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from hardattn_viewer.drawing.matrix import codes as c
from hardattn_viewer.drawing.matrix.geometry import Cells
from hardattn_viewer.drawing.matrix.picture import MatrixPicture
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.text import amount, font
from hardattn_viewer.drawing.theme import Theme

# Logical px of a cell that has room for a hairline around it, and for its number.
_LINE = 8.0
_NUMBER = (27.0, 14.0)
_LEAST_NUMBER = -1.5
# Luminance above which dark ink is read more easily than light ink.
_BRIGHT = 140


def paint_lines(painter: QPainter, cells: Cells, theme: Theme) -> None:
    """Paint hairlines between cells that are large enough for them."""
    layout = cells.layout
    if min(layout.cell_width, layout.cell_height) < _LINE:
        return
    painter.setPen(pen(theme.window, 1.0))
    area = cells.area
    for query in layout.seen_queries:
        y = cells.row(query).top()
        if y > area.top():
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
    for key in layout.seen_keys:
        x = cells.column(key).left()
        if x > area.left():
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))


def paint_numbers(painter: QPainter, cells: Cells, picture: MatrixPicture, theme: Theme) -> None:
    """Write the value of each cell into it, where it fits; what does not is said on pointing."""
    layout, area = cells.layout, cells.area
    rows, columns = layout.seen_queries, layout.seen_keys
    patch = next((one for one in reversed(picture.layers(1, 1)) if one.is_exact), None)
    if layout.cell_width < _NUMBER[0] or layout.cell_height < _NUMBER[1] or patch is None:
        return
    rows = range(max(rows.start, patch.query), min(rows.stop, patch.query + patch.queries))
    columns = range(max(columns.start, patch.key), min(columns.stop, patch.key + patch.keys))
    values = patch.values[
        rows.start - patch.query : max(rows.start, rows.stop) - patch.query,
        columns.start - patch.key : max(columns.start, columns.stop) - patch.key,
    ]
    bright = _is_bright(values, picture, theme)
    face = font(theme, 10 if layout.cell_width < 44 else theme.size_small)
    metrics = QFontMetricsF(face)
    drop = (metrics.ascent() - metrics.descent()) / 2
    digits = 2 if layout.cell_width < 52 else 3 if layout.cell_width < 76 else 5
    painter.setFont(face)
    for dark_ink in (False, True):
        painter.setPen(QColor("#101216" if dark_ink else "#ffffff"))
        for row, column in np.argwhere((bright == dark_ink) & (values > _LEAST_NUMBER)).tolist():
            value = float(values[row, column])
            if value == 0:
                continue
            cell = cells.row(rows.start + row).center().y(), cells.column(columns.start + column)
            text = number_words(value, digits, signed=picture.signed)
            wide = metrics.horizontalAdvance(text)
            x, y = cell[1].center().x() - wide / 2, cell[0] + drop
            fits = wide <= layout.cell_width - 2 and area.left() <= x <= area.right() - wide
            if fits and area.top() + metrics.ascent() <= y <= area.bottom() - metrics.descent():
                painter.drawText(QPointF(x, y), text)


def number_words(value: float, digits: int, *, signed: bool = False) -> str:
    """A value with some digits after the point, or two that count where those would say too little.

    Args:
        value: an amount or a difference.
        digits: after the point.
        signed: whether it is a difference, whose sign is always written.
    """
    enough = digits > 2 and abs(value) >= 10.0 ** (1 - digits)
    words = (f"{value:.{digits}f}" if enough else amount(value)).replace("-", "−")
    return f"+{words}" if signed and value > 0 else words


def _is_bright(values: c.Floats, picture: MatrixPicture, theme: Theme) -> np.ndarray:
    """Which cells have a bright colour, bool of the same shape."""
    transform = picture.look.transform
    if picture.signed:
        codes = c.signed_codes(values, picture.top, transform)
    else:
        codes = c.amount_codes(values, picture.top, transform, 0.0)
        codes[codes == c.CLIPPED] = 255
    shades = c.colour_table(theme, picture.colours, picture.signed)[codes]
    red, green, blue = (shades >> shift & 255 for shift in (16, 8, 0))
    return np.asarray(0.299 * red + 0.587 * green + 0.114 * blue > _BRIGHT)
