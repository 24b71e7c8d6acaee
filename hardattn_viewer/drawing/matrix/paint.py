"""A matrix of queries × keys with everything around it, on screen and in figures alike."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.matrix.cells import (
    CellMemory,
    Drawn,
    device_pixels,
    paint_image,
)
from hardattn_viewer.drawing.matrix.geometry import FOOT, Cells, matrix_layout
from hardattn_viewer.drawing.matrix.labels import paint_columns, paint_rows
from hardattn_viewer.drawing.matrix.legend import paint_legend
from hardattn_viewer.drawing.matrix.margins import paint_margins
from hardattn_viewer.drawing.matrix.minimap import paint_minimap
from hardattn_viewer.drawing.matrix.numbers import paint_lines
from hardattn_viewer.drawing.matrix.picture import MatrixPicture
from hardattn_viewer.drawing.regions import paint_message
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import amount, draw_text, first_that_fits
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.matrix import MapLayout

# Px of the smallest frame around a cell.
_LEAST = 4.0


def matrix_note(picture: MatrixPicture, layout: MapLayout, blocks: tuple[int, int]) -> list[str]:
    """What a reader must know of the picture's cells, in several wordings, longest first.

    Args:
        picture: what is painted.
        layout: where its cells are.
        blocks: queries and keys of the coarsest block that is painted.
    """
    steps = f" of {picture.steps} steps" if picture.steps > 1 else ""
    size = f"{_counted(picture.queries, 'query', 'queries')}{steps} × "
    size += _counted(picture.keys, "key", "keys")
    down, across = blocks
    what = "the difference farthest from zero" if picture.signed else "the largest"
    cells = (
        "exact cells"
        if down == across == 1
        else f"max-pooled: each pixel is {what} of {down} × {across} cells"
    )
    if picture.reading:
        cells += ", finer ones are being read"
    top = amount(picture.top)
    named = {"linear": "", "sqrt": " (square root)", "log": " (logarithm, 4 decades)"}
    ends = f"−{top} – +{top}" if picture.signed else f"0 – {top}"
    colours = f"colours {ends}{named[picture.look.transform]}"
    seen = ""
    if not layout.is_whole:
        rows, columns = layout.seen_queries, layout.seen_keys
        seen = (
            f" · in sight queries {rows.start:,} – {rows.stop - 1:,}, "
            f"keys {columns.start:,} – {columns.stop - 1:,}"
        )
    windows = (
        f" · {picture.windows} windows, keys of each query’s own" if picture.windows > 1 else ""
    )
    return [
        f"{size}{seen} · {cells} · {colours}{windows}",
        f"{size} · {cells} · {colours}",
        f"{size} · {cells}",
        cells,
        size,
    ]


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def paint_matrix(
    painter: QPainter,
    rect: QRectF,
    picture: MatrixPicture,
    theme: Theme,
    memory: CellMemory | None = None,
) -> None:
    """Paint the map with names beside and above it, the query's row outlined.

    Where there are more cells than pixels, each pixel takes the largest of its cells, and the
    line below says so.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: from ``matrix_picture``.
        theme: colours and type.
        memory: remembers the cells from one time to the next.
    """
    if not picture.queries or not picture.keys:
        paint_message(painter, rect, "this step holds no keys", theme)
        return
    cells = matrix_layout(picture, rect)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    drawn = (memory or CellMemory()).drawn(picture, cells, theme, device_pixels(painter, cells))
    paint_image(painter, cells.area, drawn.image)
    painter.save()
    painter.setClipRect(cells.area.adjusted(-1, -1, 1, 1), Qt.ClipOperation.IntersectClip)
    if not picture.in_window:
        paint_lines(painter, cells, theme)
    _paint_cursors(painter, cells, picture, theme)
    painter.restore()
    paint_rows(painter, rect, cells, picture, theme)
    paint_columns(painter, rect, cells, picture, theme)
    if picture.look.statistics:
        paint_margins(painter, rect, cells, picture, theme)
    if picture.in_window and not cells.layout.is_whole:
        paint_minimap(painter, rect, cells, picture, theme)
    _paint_foot(painter, rect, cells, picture, drawn, theme)
    painter.restore()


def _paint_cursors(painter: QPainter, cells: Cells, picture: MatrixPicture, theme: Theme) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    row = cells.row(picture.query)
    for key in picture.chosen:
        painter.setPen(pen(theme.hard, 2.0))
        painter.drawRect(_seen(cells.column(key).intersected(row).adjusted(1, 1, -1, -1)))
    if picture.pinned is not None:
        painter.setPen(pen(tint(theme.accent, 0.9), 1.25, dashed=True))
        painter.drawRect(cells.column(picture.pinned))
    painter.setPen(pen(tint(theme.accent, 0.6), 1.25))
    for query in picture.also:
        painter.drawRect(cells.row(query))
    painter.setPen(pen(theme.accent, 2.0))
    painter.drawRect(row.adjusted(-1, -1, 1, 1))
    if picture.hover is None:
        return
    query = picture.query if picture.hover_query is None else picture.hover_query
    cell = _seen(cells.cell(query, picture.hover))
    if picture.hover_query is not None:
        _paint_cross(painter, cells.area, cell)
    painter.setPen(pen("#ffffff", 1.25))
    painter.drawRect(cell)


def _seen(cell: QRectF) -> QRectF:
    """The cell, or a few px around it where it is smaller than that."""
    width, height = max(cell.width(), _LEAST), max(cell.height(), _LEAST)
    centre = cell.center()
    return QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height)


def _paint_cross(painter: QPainter, area: QRectF, cell: QRectF) -> None:
    """Paint lines from all sides to a cell, which itself stays clear."""
    x, y = cell.center().x(), cell.center().y()
    lines = [
        QLineF(area.left(), y, cell.left(), y),
        QLineF(cell.right(), y, area.right(), y),
        QLineF(x, area.top(), x, cell.top()),
        QLineF(x, cell.bottom(), x, area.bottom()),
    ]
    for colour, width in (("#000000", 3.0), ("#ffffff", 1.0)):
        painter.setPen(pen(tint(colour, 0.55), width))
        painter.drawLines(lines)


def _paint_foot(
    painter: QPainter,
    rect: QRectF,
    cells: Cells,
    picture: MatrixPicture,
    drawn: Drawn,
    theme: Theme,
) -> None:
    choices = matrix_note(picture, cells.layout, (drawn.down, drawn.across))
    note = QRectF(rect.left(), cells.area.bottom() + 3, rect.width(), FOOT)
    if picture.in_window:
        note.moveTop(rect.bottom() - 2 * FOOT)
        legend = QRectF(rect.left(), rect.bottom() - FOOT, rect.width(), FOOT)
        paint_legend(painter, legend, picture, drawn, theme)
    found = first_that_fits(choices, note.width(), theme, theme.size_small) or choices[-2]
    draw_text(
        painter, note, found, theme, size=theme.size_small, colour=theme.muted, align="centre"
    )
