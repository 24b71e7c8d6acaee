"""The output while items are removed, and put back, with random rankings as a band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from hardattn_viewer.checks.curves import opposite
from hardattn_viewer.checks.measured import Measured, shares_of
from hardattn_viewer.drawing.axes import tick_words, ticks
from hardattn_viewer.drawing.checks.picture import ChecksPicture, colour_of, is_dashed
from hardattn_viewer.drawing.strokes import paint_line, pen, tint
from hardattn_viewer.drawing.text import (
    Words,
    draw_text,
    first_that_fits,
    line_height,
    text_width,
)
from hardattn_viewer.drawing.theme import Theme

Floats = NDArray[np.float64]

_HEAD = 22.0
_FOOT = 34.0
_GUTTER = 34.0
_LEVEL = 1.959964
"""Standard errors to each side that cover 95 % of a Normal distribution."""


def mean_band(curves: Floats) -> tuple[Floats, Floats]:
    """Mean over examples, and half of its 95 % interval, of curves ``[examples, shares]``."""
    known = curves[~np.isnan(curves).any(-1)]
    if not len(known):
        nothing = np.full(curves.shape[-1], np.nan)
        return nothing, nothing
    error = (
        known.std(0, ddof=1) / np.sqrt(len(known)) if len(known) > 1 else np.zeros(len(known[0]))
    )
    return known.mean(0), _LEVEL * error


def paint_removal(
    painter: QPainter, rect: QRectF, picture: ChecksPicture, kind: str, theme: Theme
) -> None:
    """Deletion or insertion curves of every explanation.

    Args:
        painter: paints.
        rect: where, in logical px.
        picture: what.
        kind: "deletion" or "insertion".
        theme: colours and type.
    """
    measured = picture.measured
    if measured is None:
        return
    small = theme.size_small
    head = QRectF(rect.left(), rect.top(), rect.width(), line_height(theme))
    reading = str(picture.report.facts.get("reading", "output"))
    verb = "removed" if kind == "deletion" else "kept"
    left = rect.width() - text_width([Words(kind.capitalize(), bold=True)], theme)
    more = first_that_fits((f"  {reading}, best first", f"  {reading}"), left, theme)
    title = [Words(kind.capitalize(), bold=True), Words(more, colour=theme.muted)]
    draw_text(painter, head, title, theme)
    area = rect.adjusted(_GUTTER, _HEAD, -6, -_FOOT)
    if area.height() < 20 or area.width() < 40:
        return
    shares = np.asarray(shares_of(measured))
    low, high = _ends(measured)
    _paint_axes(painter, area, low, high, theme)
    foot = QRectF(area.left(), area.bottom() + 17, area.width(), line_height(theme, small))
    choices = (f"share of items {verb} by {measured.operator}", f"share {verb}")
    words = first_that_fits(choices, area.width(), theme, small)
    draw_text(painter, foot, words, theme, size=small, colour=theme.faint, align="centre")

    def points(values: Floats) -> list[QPointF]:
        x = area.left() + shares * area.width()
        y = area.bottom() - (values - low) / (high - low) * area.height()
        return [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]

    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setClipRect(area.adjusted(0, -2, 2, 2))
    controls = measured.control_deletion if kind == "deletion" else measured.control_insertion
    _paint_band(painter, *mean_band(controls.mean(0)), points, QColor(theme.bar), 0.30)
    for name in measured.explainers:
        if name == "random":
            continue
        mean, half = mean_band(getattr(measured, kind)[name])
        if np.isnan(mean).any():
            continue
        strong = name in (picture.pointed, picture.named)
        colour = colour_of(name, theme)
        if strong:
            _paint_band(painter, mean, half, points, QColor(colour), 0.22)
        painter.setPen(
            pen(colour, 2.2 if strong else 1.2, dashed=is_dashed(name, measured.explainers, theme))
        )
        paint_line(painter, points(mean))
    if turned_name(picture):
        mean = mean_band(_turned(measured, picture.named, kind))[0]
        painter.setPen(_dotted(colour_of(picture.named, theme)))
        paint_line(painter, points(mean))
    painter.restore()


def paint_legend(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    """What the lines and the band are, on as many lines as fit."""
    measured = picture.measured
    if measured is None:
        return
    small = theme.size_small
    height = line_height(theme, small) + 2
    x, y = rect.left(), rect.top()
    names = [name for name in measured.explainers if name != "random"]
    for name in _legend(picture):
        width = 22 + text_width(name, theme, small)
        if x + width > rect.right() and x > rect.left():
            x, y = rect.left(), y + height
        if y + height > rect.bottom() + 1:
            return
        middle = y + height / 2
        if name == turned_name(picture):
            painter.setPen(_dotted(colour_of(picture.named, theme)))
            painter.drawLine(QLineF(x, middle, x + 15, middle))
        elif name in names:
            painter.setPen(
                pen(
                    colour_of(name, theme),
                    2.0,
                    dashed=is_dashed(name, measured.explainers, theme),
                )
            )
            painter.drawLine(QLineF(x, middle, x + 15, middle))
        else:
            painter.fillRect(QRectF(x, middle - 4, 15, 8), tint(theme.bar, 0.45))
        place = QRectF(x + 19, y, width, height)
        draw_text(painter, place, name, theme, size=small, colour=theme.muted)
        x += width + 10


def legend_height(picture: ChecksPicture, width: float, theme: Theme) -> float:
    """Height of the legend in logical px."""
    measured = picture.measured
    if measured is None:
        return 0.0
    small = theme.size_small
    lines, x = 1, 0.0
    for name in _legend(picture):
        step = 22 + text_width(name, theme, small)
        if x + step > width and x > 0:
            lines, x = lines + 1, 0.0
        x += step + 10
    return lines * (line_height(theme, small) + 2)


def turned_name(picture: ChecksPicture) -> str:
    """What the curve of the opposite ranking is called; empty where it is not drawn."""
    measured = picture.measured
    if not picture.turned or measured is None or picture.named not in measured.explainers:
        return ""
    return f"{picture.named}, turned round"


def _turned(measured: Measured, name: str, kind: str) -> Floats:
    deletion, insertion = opposite(measured.deletion[name], measured.insertion[name])
    return deletion if kind == "deletion" else insertion


def _dotted(colour: str) -> QPen:
    found = pen(colour, 1.6)
    found.setStyle(Qt.PenStyle.DotLine)
    return found


def _legend(picture: ChecksPicture) -> list[str]:
    measured = picture.measured
    names = [] if measured is None else [name for name in measured.explainers if name != "random"]
    turned = turned_name(picture)
    return [*names, *([turned] if turned else []), "random rankings, 95 %"]


def _ends(measured: Measured) -> tuple[float, float]:
    parts = [measured.control_deletion.mean(0), measured.control_insertion.mean(0)]
    parts += [*measured.deletion.values(), *measured.insertion.values()]
    means = np.concatenate([mean_band(part)[0] for part in parts])
    known = means[np.isfinite(means)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    room = 0.05 * (high - low or 1.0)
    return low - room, high + room


def _paint_axes(painter: QPainter, area: QRectF, low: float, high: float, theme: Theme) -> None:
    small = theme.size_small
    height = line_height(theme, small)
    for value in ticks(low, high, max(2, int(area.height() / 34))):
        y = area.bottom() - (value - low) / (high - low) * area.height()
        painter.setPen(pen(theme.line, 1))
        painter.drawLine(QLineF(area.left(), y, area.right(), y))
        place = QRectF(area.left() - _GUTTER, y - height / 2, _GUTTER - 5, height)
        draw_text(
            painter, place, tick_words(value), theme, size=small, colour=theme.faint, align="right"
        )
    marks = (0.0, 0.25, 0.5, 0.75, 1.0) if area.width() > 130 else (0.0, 0.5, 1.0)
    for value in marks:
        x = area.left() + value * area.width()
        place = QRectF(x - 22, area.bottom() + 3, 44, height)
        draw_text(
            painter, place, tick_words(value), theme, size=small, colour=theme.faint, align="centre"
        )


def _paint_band(
    painter: QPainter, mean: Floats, half: Floats, points: object, colour: QColor, alpha: float
) -> None:
    if np.isnan(mean).any():
        return
    assert callable(points)
    upper, lower = points(mean + half), points(mean - half)
    filled = QColor(colour)
    filled.setAlphaF(alpha)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(filled)
    painter.drawPolygon(QPolygonF([*upper, *reversed(lower)]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    line = QColor(colour)
    line.setAlphaF(min(1.0, 2.4 * alpha))
    painter.setPen(pen(line, 1.0))
    painter.drawPolyline(QPolygonF(points(mean)))
