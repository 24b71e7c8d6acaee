"""The cells of a matrix as one picture, pixel by pixel, with signs on what is not an amount."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from hardattn_viewer.drawing.matrix import codes as c
from hardattn_viewer.drawing.matrix.geometry import Cells
from hardattn_viewer.drawing.matrix.numbers import paint_lines, paint_numbers
from hardattn_viewer.drawing.matrix.picture import MatrixPicture
from hardattn_viewer.drawing.pixels import is_vector
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.map_difference import pooled_signed
from hardattn_viewer.session.pyramid import MapPatch

# Logical px of a cell that has room for a sign.
_SIGN = 8.0
# Pictures that go into vector files have at least this many px, so that no viewer blurs them.
_VECTOR_PIXELS = 1600
_STRIPES = 6

Codes = c.Codes
Floats = c.Floats
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """The cells in sight as a picture.

    Attributes:
        image: of the part of the map that is in sight.
        counts: how many cells (or blocks of them) in sight have each mark, by code.
        down: queries of the coarsest block in sight.
        across: keys of it.
    """

    image: QImage
    counts: dict[int, int]
    down: int
    across: int


class CellMemory:
    """Remembers the last picture of the cells: hovering changes none of them."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._held: tuple[object, ...] = ()
        self._drawn: Drawn | None = None

    def drawn(self, picture: MatrixPicture, cells: Cells, theme: Theme, pixels: float) -> Drawn:
        """The cells of a picture, drawn anew where anything that they depend on has changed."""
        # What is told by identity is held on to, so that no other object takes its place.
        held = (picture.pyramid, *picture.detail)
        key = (
            tuple(map(id, held)), cells.layout, picture.top, picture.look.transform, picture.tiny,
            picture.colours, theme, pixels,
        )  # fmt: skip
        if self._drawn is None or key != self._key:
            self._drawn = draw_cells(picture, cells, theme, pixels)
            if picture.in_window:
                _write(self._drawn.image, picture, cells, theme, pixels)
            self._key, self._held = key, held
        return self._drawn


def device_pixels(painter: QPainter, cells: Cells) -> float:
    """Px of the device in a logical px; of a vector file as many as keep the cells sharp."""
    if is_vector(painter):
        return max(1.0, _VECTOR_PIXELS / max(cells.area.width(), cells.area.height(), 1.0))
    return max(0.05, abs(painter.deviceTransform().m11()))


def draw_cells(picture: MatrixPicture, cells: Cells, theme: Theme, pixels: float) -> Drawn:
    """Draw the cells in sight, one colour a pixel of the device: that of the cell at its centre.

    Where cells are smaller than pixels, blocks of them are drawn that fill one, each in the colour
    of its largest cell, so that none is lost between two pixels.
    """
    layout, area = cells.layout, cells.area
    width = max(1, round(area.width() * pixels))
    height = max(1, round(area.height() * pixels))
    left, top = layout.box[0] - layout.left, layout.box[1] - layout.top
    across = (left + (np.arange(width) + 0.5) / pixels) / layout.cell_width
    down = (top + (np.arange(height) + 0.5) / pixels) / layout.cell_height
    keys = np.minimum(across.astype(np.int64), picture.keys - 1)
    queries = np.minimum(down.astype(np.int64), picture.queries - 1)
    canvas = np.full((height, width), c.UNREAD, np.uint16)
    counts: dict[int, int] = {}
    coarsest = (1, 1)
    layers = picture.layers(*layout.blocks(pixels))
    covering = [at for at, patch in enumerate(layers) if _covers(patch, queries, keys)]
    for number, patch in enumerate(layers[covering[-1] if covering else 0 :]):
        part = _part(patch, queries, keys)
        if part is None:
            continue
        rows, columns, values, row, column = part
        values = _with_ends(picture, patch, values, row, column)
        codes = (
            c.signed_codes(values, picture.top, picture.look.transform)
            if picture.signed
            else c.amount_codes(values, picture.top, picture.look.transform, picture.tiny)
        )
        if number == 0:
            found = np.bincount(codes.ravel(), minlength=c.EDGE + 1)
            counts = {
                code: int(found[code]) for code in (c.ZERO, c.TINY, c.CLIPPED, c.MASKED, c.NAN)
            }
            coarsest = patch.down, patch.across
        # Columns first: rows are then copied whole.
        wide = codes.take((keys[columns] - patch.key) // patch.across - column, axis=1)
        canvas[rows.start : rows.stop, columns.start : columns.stop] = wide.take(
            (queries[rows] - patch.query) // patch.down - row, axis=0
        )
    if min(layout.cell_width, layout.cell_height) >= _SIGN:
        size = layout.cell_width, layout.cell_height
        x, y = np.mod(across, 1) * size[0], np.mod(down, 1) * size[1]
        _sign(canvas, counts, picture, x, y, size)
    _stripe(canvas, counts, max(1, round(pixels)))
    pixels_of = c.colour_table(theme, picture.colours, picture.signed)[canvas]
    image = QImage(pixels_of.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
    return Drawn(image, counts, *coarsest)


def _write(
    image: QImage, picture: MatrixPicture, cells: Cells, theme: Theme, pixels: float
) -> None:
    """Put hairlines and numbers on a picture of cells, once for as long as it is shown."""
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.scale(pixels, pixels)
    painter.translate(-cells.area.topLeft())
    paint_lines(painter, cells, theme)
    paint_numbers(painter, cells, picture, theme)
    painter.end()


def _covers(patch: MapPatch, queries: Ints, keys: Ints) -> bool:
    """Whether a patch fills every pixel."""
    return patch.holds(int(queries[0]), int(keys[0])) and patch.holds(
        int(queries[-1]), int(keys[-1])
    )


def _part(
    patch: MapPatch, queries: Ints, keys: Ints
) -> tuple[range, range, Floats, int, int] | None:
    """The pixels that a patch fills, its blocks that they show, and where those begin in it."""
    rows = _span(queries, patch.query, patch.queries)
    columns = _span(keys, patch.key, patch.keys)
    if not rows or not columns or not patch.values.size:
        return None
    row, last_row = (int(queries[at] - patch.query) // patch.down for at in (rows[0], rows[-1]))
    column, last = (int(keys[at] - patch.key) // patch.across for at in (columns[0], columns[-1]))
    values = patch.values[row : last_row + 1, column : last + 1]
    return rows, columns, values, row, column


def _with_ends(
    picture: MatrixPicture, patch: MapPatch, values: Floats, row: int, column: int
) -> Floats:
    """The blocks with the last one of the map, which may be less than a pixel, in its neighbour."""
    down, across = patch.values.shape
    last_row, last_column = row + values.shape[0], column + values.shape[1]
    ends_rows = patch.query + patch.queries == picture.queries and last_row == down - 1
    ends_columns = patch.key + patch.keys == picture.keys and last_column == across - 1
    more = patch.values[
        row : last_row + (1 if ends_rows else 0), column : last_column + (1 if ends_columns else 0)
    ]
    if not (ends_rows or ends_columns) or not values.size:
        return values
    join = _farther if picture.signed else np.maximum
    more = more.copy()
    if ends_rows:
        more[-2] = join(more[-2], more[-1])
    if ends_columns:
        more[:, -2] = join(more[:, -2], more[:, -1])
    return more[: values.shape[0], : values.shape[1]]


def _farther(a: Floats, b: Floats) -> Floats:
    """Whichever differences are farther from zero."""
    return np.asarray(pooled_signed(np.stack([a, b]), 2, 1)[0])


def _span(at: Ints, first: int, count: int) -> range:
    start, stop = np.searchsorted(at, (first, first + count))
    return range(int(start), int(stop))


def _sign(
    canvas: Codes,
    counts: dict[int, int],
    picture: MatrixPicture,
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    size: tuple[float, float],
) -> None:
    """Put a dot on tiny cells and a notch on clipped ones, in place.

    Args:
        canvas: codes of all pixels.
        counts: which there are.
        picture: of what.
        x: px from the left edge of its cell, for each column of pixels.
        y: px from the upper edge of its cell, for each row of pixels.
        size: of a cell, px.
    """
    if counts.get(c.TINY):
        dot = (np.abs(y - size[1] / 2) <= 1.0)[:, None] & (np.abs(x - size[0] / 2) <= 1.0)
        canvas[dot & (canvas == c.TINY)] = c.DOT
    if counts.get(c.CLIPPED):
        notch = min(9.0, size[0] / 2, size[1] / 2)
        reach = (size[0] - x) + y[:, None]
        clipped = canvas == c.CLIPPED
        if not picture.signed:
            canvas[clipped] = 255
        canvas[clipped & (reach < notch + 1.5)] = c.EDGE
        canvas[clipped & (reach < notch)] = c.NOTCH


def _stripe(canvas: Codes, counts: dict[int, int], pixel: int) -> None:
    """Hatch what was masked one way and what was not recorded the other, in place."""
    for code, stripe, way in ((c.MASKED, c.STRIPE, 1), (c.NAN, c.NAN_STRIPE, -1)):
        if not counts.get(code):
            continue
        period = _STRIPES * pixel
        # A few rows of the pattern, repeated: it is the same after one period.
        rows = way * np.arange(period)[:, None] + np.arange(canvas.shape[1])
        tile = rows % period < pixel
        for start in range(period):
            line = canvas[start::period]
            np.copyto(line, np.uint16(stripe), where=(line == code) & tile[start])


def paint_image(painter: QPainter, area: QRectF, image: QImage) -> None:
    """Paint the cells; their pixels stay as they are."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering, True)
    painter.drawImage(area, image, QRectF(image.rect()))
    painter.restore()
