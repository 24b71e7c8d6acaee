"""Panels of curves beside and below each other, with one cursor through all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from hardattn_viewer.drawing.axes import log_ticks, peak_points, reading, tick_words, ticks
from hardattn_viewer.drawing.strokes import paint_line, pen, tint
from hardattn_viewer.drawing.text import Words, draw_text, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.curves import Line, Panel

Floats = NDArray[np.float64]

_TITLE = 21.0
_FOOT = 18.0
_GUTTER = 38.0
_GAP = QPointF(16.0, 9.0)
_WIDEST = 250.0
_LOWEST = 74.0
_TICK_PITCH = 26.0
_LABEL_PITCH = 46.0
_DOT = 2.2
_DOTS_APART = 7.0


@dataclass(frozen=True, eq=False)
class CurvesPicture:
    """Everything to paint of curves over one axis.

    Attributes:
        panels: what is drawn, line after line of the page.
        stops: float64 [stops], places on the axis that can be gone to; rising.
        at: number of the stop that is shown; None marks none.
        pointed: number of the stop under the mouse.
        axis: what the axis is.
        columns: panels beside each other; 0 for as many as look well.
    """

    panels: tuple[Panel, ...]
    stops: Floats
    at: int | None = None
    pointed: int | None = None
    axis: str = "training step"
    columns: int = 0

    @property
    def span(self) -> tuple[float, float]:
        """Ends of the axis: those of every curve."""
        ends = [line.x[at] for panel in self.panels for line in panel.lines for at in (0, -1)]
        low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
        return (float(low), float(high)) if high > low else (low - 0.5, low + 0.5)


def columns_of(picture: CurvesPicture, rect: QRectF) -> int:
    """How many panels stand beside each other: as few as leave every panel high enough."""
    count = max(len(picture.panels), 1)
    if picture.columns:
        return min(picture.columns, count)
    best = max(1, min(count, round(rect.width() / _WIDEST)))
    while best < count and _height(rect, math.ceil(count / best)) < _LOWEST:
        if rect.width() / (best + 1) < 0.52 * _WIDEST:
            break
        best += 1
    # As many lines as before, but the last one as long as the others.
    return math.ceil(count / math.ceil(count / best))


def areas(picture: CurvesPicture, rect: QRectF) -> list[QRectF]:
    """Between the axes of each panel, when the picture is painted into ``rect``."""
    columns = columns_of(picture, rect)
    lines = math.ceil(max(len(picture.panels), 1) / columns)
    width = (rect.width() - (columns - 1) * _GAP.x()) / columns
    height = _height(rect, lines)
    found = []
    for at in range(len(picture.panels)):
        line, column = divmod(at, columns)
        left = rect.left() + column * (width + _GAP.x())
        top = rect.top() + line * (height + _GAP.y())
        cell = QRectF(left, top, width, height)
        found.append(cell.adjusted(_GUTTER, _TITLE, -4, 0))
    return found


def stop_at(picture: CurvesPicture, rect: QRectF, point: QPointF) -> int | None:
    """The stop that is nearest to a point in a panel, its title and margins included."""
    if not len(picture.stops):
        return None
    for area in areas(picture, rect):
        if area.adjusted(-_GUTTER, -_TITLE, 4, _FOOT).contains(point):
            low, high = picture.span
            x = low + (point.x() - area.left()) / area.width() * (high - low)
            return int(np.abs(picture.stops - x).argmin())
    return None


def stop_place(picture: CurvesPicture, rect: QRectF, stop: int) -> QPointF:
    """Where a stop is in the middle of the first panel."""
    area = areas(picture, rect)[0]
    return QPointF(_x(picture, area, float(picture.stops[stop])), area.center().y())


def paint_curves(painter: QPainter, rect: QRectF, picture: CurvesPicture, theme: Theme) -> None:
    """Paint every panel inside ``rect``.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: what.
        theme: colours and type.
    """
    places = areas(picture, rect)
    columns = columns_of(picture, rect)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for at, (panel, area) in enumerate(zip(picture.panels, places, strict=True)):
        if area.height() < 4 or area.width() < 4:
            continue
        _paint_grid(painter, area, panel, theme)
        for line in panel.lines:
            _paint_line(painter, area, picture, panel, line, theme)
        _paint_cursors(painter, area, picture, theme)
        _paint_title(painter, area, picture, panel, theme)
        if at + columns >= len(places):
            _paint_foot(painter, area, picture, theme, named=at + columns == len(places))
    painter.restore()


def line_colour(line: Line, theme: Theme) -> QColor:
    """Orange for hard, blue for soft."""
    return QColor(theme.hard if line.hard else theme.soft)


def _height(rect: QRectF, lines: int) -> float:
    return (rect.height() - _FOOT - (lines - 1) * _GAP.y()) / lines


def _x(picture: CurvesPicture, area: QRectF, value: float) -> float:
    low, high = picture.span
    return area.left() + (value - low) / (high - low) * area.width()


def _y(panel: Panel, area: QRectF, values: Floats) -> Floats:
    if panel.log:
        shares = np.log(np.maximum(values, panel.low) / panel.low) / math.log(
            panel.high / panel.low
        )
    else:
        shares = (values - panel.low) / (panel.high - panel.low)
    return np.asarray(area.bottom() - shares * area.height())


def _paint_grid(painter: QPainter, area: QRectF, panel: Panel, theme: Theme) -> None:
    most = max(2, int(area.height() / _TICK_PITCH))
    marks = (log_ticks if panel.log else ticks)(panel.low, panel.high, most)
    for value, y in zip(marks, _y(panel, area, np.array(marks)), strict=True):
        painter.setPen(pen(tint(theme.line, 0.9), 1.0))
        painter.drawLine(QLineF(area.left(), y, area.right(), y))
        words = QRectF(area.left() - _GUTTER, y - 7, _GUTTER - 5, 14)
        draw_text(
            painter,
            words,
            tick_words(value),
            theme,
            size=theme.size_small - 1,
            colour=theme.faint,
            align="right",
        )


def _paint_line(
    painter: QPainter,
    area: QRectF,
    picture: CurvesPicture,
    panel: Panel,
    line: Line,
    theme: Theme,
) -> None:
    colour = line_colour(line, theme)
    # Two runs of one colour: the second is the thinner one.
    second = line.slot == "B" and any(
        one.slot == "A" and one.hard == line.hard for one in panel.lines
    )
    columns = max(int(area.width()), 1)
    x, y = peak_points(line.x, line.y, columns)
    across = np.array([_x(picture, area, value) for value in x])
    painter.save()
    painter.setClipRect(area.adjusted(-3, -3, 3, 3), Qt.ClipOperation.IntersectClip)
    if line.half_width is not None and x is line.x:
        band = tint(colour.name(), 0.18)
        low, high = (_y(panel, area, y + sign * line.half_width) for sign in (-1, 1))
        for part in _stretches(low + high):
            there = [QPointF(across[i], high[i]) for i in part]
            back = [QPointF(across[i], low[i]) for i in reversed(part)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(band)
            painter.drawPolygon(QPolygonF(there + back))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    stroke = pen(colour, 1.0 if second else 1.75 if line.style == "solid" else 1.35)
    if line.style == "dashed":
        stroke.setDashPattern([4.0, 3.0])
    elif line.style == "dotted":
        stroke.setDashPattern([1.0, 2.0])
    heights = _y(panel, area, y)
    for part in _stretches(heights):
        painter.setPen(stroke)
        paint_line(painter, [QPointF(across[i], heights[i]) for i in part])
    apart = area.width() / max(line.x.size - 1, 1)
    if line.style == "solid" and apart >= _DOTS_APART:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for i in np.flatnonzero(np.isfinite(heights)):
            _paint_dot(painter, QPointF(across[i], heights[i]), hard=line.hard)
    painter.restore()


def _paint_dot(painter: QPainter, middle: QPointF, *, hard: bool) -> None:
    """Round for hard, square for soft, so that colour is not the only sign."""
    if hard:
        painter.drawEllipse(middle, _DOT, _DOT)
    else:
        painter.drawRect(QRectF(middle.x() - _DOT, middle.y() - _DOT, 2 * _DOT, 2 * _DOT))


def _stretches(values: Floats) -> list[list[int]]:
    """Indices of neighbouring values that are known; a lone one is a stretch of one."""
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return []
    cuts = np.flatnonzero(np.diff(known) > 1) + 1
    return [part.tolist() for part in np.split(known, cuts)]


def _paint_cursors(painter: QPainter, area: QRectF, picture: CurvesPicture, theme: Theme) -> None:
    for stop, colour, width in (
        (picture.pointed, theme.muted, 1.0),
        (picture.at, theme.accent, 1.75),
    ):
        if stop is not None and 0 <= stop < len(picture.stops):
            x = _x(picture, area, float(picture.stops[stop]))
            painter.setPen(pen(colour, width))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))


def _paint_title(
    painter: QPainter, area: QRectF, picture: CurvesPicture, panel: Panel, theme: Theme
) -> None:
    """The number's name, and what it is at the cursor; with little room at least the name."""
    line = QRectF(area.left() - _GUTTER, area.top() - _TITLE, area.width() + _GUTTER, _TITLE - 7)
    size = theme.size_small
    choices = [
        (panel.title, readings(picture, panel, theme)),
        (panel.title, readings(picture, panel, theme, brief=True)),
        (panel.name, readings(picture, panel, theme, brief=True)),
        (panel.name, readings(picture, panel, theme, brief=True, digits=2)),
        (panel.name, []),
    ]
    for name, words in choices:
        if text_width(name, theme, size) + text_width(words, theme, size) + 4 <= line.width():
            break
    draw_text(painter, line, words, theme, size=size, align="right")
    line.setWidth(max(0.0, line.width() - text_width(words, theme, size)))
    draw_text(painter, line, name, theme, size=size, colour=theme.muted)


def readings(
    picture: CurvesPicture, panel: Panel, theme: Theme, *, brief: bool = False, digits: int = 3
) -> list[Words]:
    """What each run's first curve says at the cursor, or under the mouse.

    Of a run that was not recorded at that very place the nearest point is read.
    """
    stop = picture.at if picture.pointed is None else picture.pointed
    if stop is None or not 0 <= stop < len(picture.stops):
        return []
    where = float(picture.stops[stop])
    best: dict[str, Line] = {}
    for line in panel.lines:
        if line.slot not in best or line.style == "solid":
            best[line.slot] = line
    words: list[Words] = []
    for slot, line in sorted(best.items()):
        at = int(np.abs(line.x - where).argmin())
        colour = theme.hard_text if line.hard else theme.soft_text
        if len(best) > 1 and not brief:
            words.append(Words(f"  {slot} ", colour=theme.faint))
        words.append(
            Words(("  " if brief and words else "") + reading(line.y[at], digits), True, colour)
        )
        around = math.nan if line.half_width is None else float(line.half_width[at])
        if math.isfinite(around) and len(best) == 1 and not brief:
            words.append(Words(f" ± {reading(around)}", colour=theme.muted))
    return words


def _paint_foot(
    painter: QPainter, area: QRectF, picture: CurvesPicture, theme: Theme, *, named: bool
) -> None:
    low, high = picture.span
    most = max(2, int(area.width() / _LABEL_PITCH) + 1)
    marks = ticks(low, high, most)
    right = -math.inf
    size = theme.size_small - 1
    for value in marks:
        words = tick_words(value)
        if named and value == marks[0]:
            words = f"{picture.axis} {words}"
        wide = text_width(words, theme, size)
        x = _x(picture, area, value)
        left = min(max(x - wide / 2, area.left() - _GUTTER), area.right() - wide + 4)
        if left < right + 6:
            continue
        painter.setPen(pen(theme.line, 1.0))
        painter.drawLine(QLineF(x, area.bottom(), x, area.bottom() + 3))
        place = QRectF(left, area.bottom() + 5, wide + 1, _FOOT - 5)
        draw_text(painter, place, words, theme, size=size, colour=theme.faint)
        right = left + wide
