"""All heads of a run as one picture: small maps or coloured cells, with marks on some of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.colours import ENTRIES, Mark, amount_table, entries, rgb
from hardattn_viewer.drawing.heads_layout import HeadsLayout, heads_layout
from hardattn_viewer.drawing.pixels import is_vector, to_qimage
from hardattn_viewer.drawing.regions import paint_message
from hardattn_viewer.drawing.strokes import paint_mark, pen
from hardattn_viewer.drawing.text import Words, amount, draw_text, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.atlas import WORDS, Atlas, HeadAt, Measure
from hardattn_viewer.session.display import AmountTable
from hardattn_viewer.session.head_numbers import LEVELS, UNKNOWN, ZERO, HeadNumbers, SiteHeads
from hardattn_viewer.session.head_order import Shown, shown_heads

# Pixels of a vector picture for each logical px of a map.
_VECTOR_RATIO = 4.0
# From this side on, a cell has room for its number.
_NUMBERED, _NAMED = 30.0, 40.0
_SMALLER = 9.5


@dataclass(frozen=True)
class SharedScale:
    """One scale for sheets that belong together: the frames of an animation.

    Attributes:
        largest: the largest probability of all their maps.
        low: the smallest value of their measure; NaN where none is known.
        high: its largest value.
        over: what these are taken over, such as "the 6 steps shown".
    """

    largest: float
    low: float
    high: float
    over: str


@dataclass(frozen=True, eq=False)
class HeadsSheet:
    """What stays while the pointer and the current head move.

    Attributes:
        numbers: what is known of the heads.
        atlas: how they are shown.
        shown: which, and in which order.
        colours: table of amounts.
        shared: the scale, where it is not of these numbers alone.
    """

    numbers: HeadNumbers
    atlas: Atlas
    shown: Shown
    colours: AmountTable = "viridis"
    shared: SharedScale | None = None

    @property
    def largest(self) -> float:
        """The largest probability of the maps that share a scale."""
        return self.numbers.largest if self.shared is None else self.shared.largest


@dataclass(frozen=True, eq=False)
class HeadsPicture:
    """The sheet with marks on it.

    Attributes:
        sheet: what stays.
        current: the head that all other views show, or None.
        site: the site that they show; marked where they show the mean of its heads.
        hover: the head under the pointer, or None.
        picked: the heads whose mean is shown.
    """

    sheet: HeadsSheet
    current: HeadAt | None = None
    site: str = ""
    hover: HeadAt | None = None
    picked: tuple[HeadAt, ...] = ()


def heads_sheet(
    numbers: HeadNumbers, atlas: Atlas, colours: AmountTable, shared: SharedScale | None = None
) -> HeadsSheet:
    """Work out what ``paint_sheet`` paints."""
    return HeadsSheet(numbers, atlas, shown_heads(numbers, atlas), colours, shared)


def shared_scale(numbers: Sequence[HeadNumbers], atlas: Atlas, over: str) -> SharedScale:
    """One scale for several sheets.

    Args:
        numbers: of each.
        atlas: how they are shown.
        over: what they are, such as "the 6 steps shown".
    """
    ranges = np.array([one.range_of(atlas.measure) for one in numbers])
    known = ranges[np.isfinite(ranges).all(1)]
    low, high = (known[:, 0].min(), known[:, 1].max()) if len(known) else (math.nan, math.nan)
    return SharedScale(max(one.largest for one in numbers), float(low), float(high), over)


def sheet_layout(sheet: HeadsSheet, rect: QRectF, theme: Theme) -> HeadsLayout:
    """Where the heads lie when the sheet is painted into ``rect``."""
    atlas = sheet.atlas
    return heads_layout(sheet.numbers, sheet.shown.heads, atlas.mode, atlas.by_measure, rect, theme)


def paint_heads(painter: QPainter, rect: QRectF, picture: HeadsPicture, theme: Theme) -> None:
    """Paint the sheet and the marks on it.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: what.
        theme: colours and type.
    """
    layout = sheet_layout(picture.sheet, rect, theme)
    paint_sheet(painter, rect, picture.sheet, layout, theme)
    paint_marks(painter, picture, layout, theme)


def paint_sheet(
    painter: QPainter, rect: QRectF, sheet: HeadsSheet, layout: HeadsLayout, theme: Theme
) -> None:
    """Paint maps or cells, labels and numbers; the maps are one image."""
    if not layout.cells:
        filtered = "no head passes the filter: change it or clear it"
        words = filtered if sheet.shown.of else "no head was read"
        paint_message(painter, rect, words, theme)
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if sheet.atlas.mode == "maps":
        _paint_maps(painter, sheet, layout, theme)
    else:
        _paint_cells(painter, sheet, layout, theme)
    _paint_labels(painter, rect, sheet, layout, theme)
    painter.restore()


def paint_marks(
    painter: QPainter, picture: HeadsPicture, layout: HeadsLayout, theme: Theme
) -> None:
    """Outline the current head and the one under the pointer, and number the picked ones."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for place, head in enumerate(picture.picked, start=1):
        cell = layout.cells.get(head)
        if cell is not None:
            _paint_pick(painter, cell, place, theme)
    hover = layout.cells.get(picture.hover) if picture.hover is not None else None
    if hover is not None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme.text, 1.25))
        painter.drawRect(hover.adjusted(-0.5, -0.5, 0.5, 0.5))
    current = layout.cells.get(picture.current) if picture.current is not None else None
    if current is not None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme.window, 1.0))
        painter.drawRect(current.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(pen(theme.accent, 2.0))
        painter.drawRect(current.adjusted(-1, -1, 1, 1))
    elif picture.current is None and layout.rows:
        _paint_site(painter, picture, layout, theme)
    painter.restore()


def _paint_site(
    painter: QPainter, picture: HeadsPicture, layout: HeadsLayout, theme: Theme
) -> None:
    """A line below the heads whose mean the other views show."""
    cells = [cell for head, cell in layout.cells.items() if head.site == picture.site]
    painter.setPen(pen(theme.accent, 2.0))
    for cell in cells:
        painter.drawLine(QLineF(cell.left(), cell.bottom() + 1, cell.right(), cell.bottom() + 1))


def measure_text(measure: Measure, value: float, *, unit: bool = False) -> str:
    """A measure as it is written, for example ``"1.83 bits"``; "–" where it is not known."""
    if math.isnan(value):
        return "–"
    text = f"{value:,.1f}" if measure == "distance" else amount(value)
    word = WORDS[measure].unit
    return f"{text} {word}" if unit and word else text


def code_colours(
    largest: NDArray[np.floating], colours: AmountTable, theme: Theme
) -> NDArray[np.uint8]:
    """The colour of each code of small maps, uint8 [maps, 256, 4]; zero is bare, unknown is grey.

    Args:
        largest: [maps], the probability that each map's last code stands for, in units of the
            probability that has the strongest colour.
        colours: table of amounts.
        theme: names the grey.
    """
    share = np.square((np.arange(ENTRIES) - ZERO) / LEVELS)
    made = np.empty((len(largest), ENTRIES, 4), np.uint8)
    made[..., :3] = amount_table(colours)[entries(largest[:, None] * share, 1.0)]
    made[..., 3] = 255
    made[:, ZERO, 3] = 0
    made[:, UNKNOWN] = (*rgb(theme.bar), 255)
    return made


def fitted(codes: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Small maps [n, h, w] in other sizes: enlarged in sharp squares, reduced to the largest.

    Codes order as amounts do, so that the largest of several codes is that of the largest.
    """
    for axis, wanted in ((1, rows), (2, columns)):
        length = codes.shape[axis]
        if wanted >= length:
            codes = codes.take(np.arange(wanted) * length // wanted, axis=axis)
        else:
            starts = -(-np.arange(wanted) * length // wanted)
            codes = np.maximum.reduceat(codes, starts, axis=axis)
    return codes


def _paint_maps(painter: QPainter, sheet: HeadsSheet, layout: HeadsLayout, theme: Theme) -> None:
    vector = is_vector(painter)
    transform = painter.deviceTransform()
    ratio = _VECTOR_RATIO if vector else max(transform.m11(), 0.1)
    area = layout.area
    # A colour is one number here: moved at once, not a byte at a time.
    image = np.zeros((_px(area.height() * ratio), _px(area.width() * ratio)), np.uint32)
    side = _px(layout.cell * ratio)
    (raised,) = np.array([*rgb(theme.raised), 255], np.uint8).view(np.uint32)
    for one, places in _by_site(sheet, layout):
        if one.maps.shape[0] != one.heads:
            continue
        heads = [head.head for head, _ in places]
        drawn = fitted(one.maps[heads], side, side)
        largest = one.largest[heads].astype(np.float64)
        scales = [map_scale(sheet, value) for value in largest.tolist()]
        made = code_colours(largest / scales, sheet.colours, theme)
        tables = made.view(np.uint32)[..., 0]
        tables[made[..., 3] == 0] = raised
        for (_, cell), codes, table in zip(places, drawn, tables, strict=True):
            top = round((cell.top() - area.top()) * ratio)
            left = round((cell.left() - area.left()) * ratio)
            part = image[top : top + side, left : left + side]
            part[...] = table[codes[: part.shape[0], : part.shape[1]]]
    target = QRectF(area.left(), area.top(), image.shape[1] / ratio, image.shape[0] / ratio)
    coloured = image.view(np.uint8).reshape(*image.shape, 4)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering, True)
    picture = to_qimage(coloured)
    painter.drawImage(target, picture, QRectF(picture.rect()))
    painter.restore()


def map_scale(sheet: HeadsSheet, largest: float) -> float:
    """Probability of the strongest colour of a map whose largest is ``largest``."""
    top = largest if sheet.atlas.scale == "each" else sheet.largest
    return top if top > 0 else 1.0


def _by_site(
    sheet: HeadsSheet, layout: HeadsLayout
) -> list[tuple[SiteHeads, list[tuple[HeadAt, QRectF]]]]:
    """The heads that are shown and where, by site."""
    found = []
    ordered = sorted(layout.cells.items(), key=lambda item: item[0])
    for name, places in groupby(ordered, key=lambda item: item[0].site):
        one = sheet.numbers.site(name)
        if one is not None:
            found.append((one, list(places)))
    return found


def _px(length: float) -> int:
    return max(1, round(length))


def cell_range(sheet: HeadsSheet) -> tuple[float, float]:
    """What the first and the last colour of cells stand for; NaN where nothing is known."""
    shared = sheet.shared
    low, high = (
        sheet.numbers.range_of(sheet.atlas.measure) if shared is None else (shared.low, shared.high)
    )
    return (low, high) if high > low or math.isnan(low) else (min(0.0, low), max(high, 1e-12))


def _paint_cells(painter: QPainter, sheet: HeadsSheet, layout: HeadsLayout, theme: Theme) -> None:
    measure, numbers = sheet.atlas.measure, sheet.numbers
    low, high = cell_range(sheet)
    table = amount_table(sheet.colours)
    side = layout.cell
    radius = min(4.0, side / 6)
    for head, cell in layout.cells.items():
        value = numbers.value(measure, head)
        if math.isnan(value):
            painter.fillRect(cell, QColor(theme.raised))
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            paint_mark(painter, cell, Mark.NAN)
            painter.restore()
            continue
        red, green, blue = table[entries(np.array([value - low]), high - low)[0]].tolist()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(red, green, blue))
        painter.drawRoundedRect(cell, radius, radius)
        if side < _NUMBERED:
            continue
        # The weights of Rec. 709 luminance tell on which colours black is read best.
        dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 120
        ink = "#ffffff" if dark else "#101216"
        text = QRectF(cell)
        if sheet.atlas.by_measure and side >= _NAMED:
            name = QRectF(cell.left(), cell.top() + 3, side, side / 2 - 3)
            text.setTop(cell.center().y() - 2)
            draw_text(
                painter, name, [Words(numbers.label(head), bold=True)], theme, size=_SMALLER,
                colour=ink, align="centre",
            )  # fmt: skip
        draw_text(
            painter, text, measure_text(measure, value), theme, size=_SMALLER, colour=ink,
            align="centre",
        )  # fmt: skip


def _paint_labels(
    painter: QPainter, rect: QRectF, sheet: HeadsSheet, layout: HeadsLayout, theme: Theme
) -> None:
    small = theme.size_small
    if layout.rows:
        corner = QRectF(rect.left(), rect.top(), layout.rows[0][1].width(), 14)
        word = "layer" if sheet.numbers.has_layers else "site"
        draw_text(painter, corner, word, theme, size=small, colour=theme.faint, align="right")
    step = 1
    if layout.columns:
        width = 7.5 * max(len(words) for words, _ in layout.columns) + 4
        apart = layout.columns[1][1] - layout.columns[0][1] if len(layout.columns) > 1 else width
        step = max(1, math.ceil(width / max(apart, 1)))
    for words, middle in layout.columns[::step]:
        above = QRectF(middle - 20, rect.top(), 40, 14)
        text = f"head {words}" if middle == layout.columns[0][1] and layout.cell >= 34 else words
        draw_text(painter, above, text, theme, size=small, colour=theme.muted, align="centre")
    apart = layout.rows[1][1].top() - layout.rows[0][1].top() if len(layout.rows) > 1 else 99
    step = max(1, math.ceil(11 / max(apart, 1)))
    for words, beside in layout.rows[::step]:
        line = QRectF(beside.left(), beside.center().y() - 7, beside.width(), 14)
        draw_text(painter, line, words, theme, size=small, colour=theme.muted, align="right")
    if layout.caption:
        for head, cell in layout.cells.items():
            _paint_caption(painter, sheet, head, cell, layout.caption, theme)


def _paint_caption(
    painter: QPainter,
    sheet: HeadsSheet,
    head: HeadAt,
    cell: QRectF,
    height: float,
    theme: Theme,
) -> None:
    """The number of a head below its map, and its name where no axis tells it."""
    measure = sheet.atlas.measure
    line = QRectF(cell.left(), cell.bottom() + 1, cell.width(), height - 1)
    value = measure_text(measure, sheet.numbers.value(measure, head))
    words = [Words(value, colour=theme.muted)]
    if sheet.atlas.by_measure:
        name = [Words(sheet.numbers.label(head), bold=True)]
        both = [*name, Words(f"  {value}", colour=theme.muted)]
        # A number that is cut would be another number.
        words = both if text_width(both, theme, theme.size_small - 1) <= line.width() else name
    draw_text(painter, line, words, theme, size=theme.size_small - 1)


def _paint_pick(painter: QPainter, cell: QRectF, place: int, theme: Theme) -> None:
    """The corner of a picked head, with the place that it was picked at."""
    painter.setPen(pen(theme.accent, 1.25, dashed=True))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(cell.adjusted(-0.5, -0.5, 0.5, 0.5))
    side = min(15.0, cell.width() / 2)
    badge = QRectF(cell.right() - side, cell.top(), side, side)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.accent))
    painter.drawRect(badge)
    if side >= 11:
        draw_text(
            painter,
            badge,
            [Words(str(place) if place < 100 else "…", bold=True)],
            theme,
            size=9,
            colour=theme.accent_text,
            align="centre",
        )
