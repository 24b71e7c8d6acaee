"""What is drawn over the bars of a distribution: names, cumulative mass, how often it was drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from hardattn_viewer.drawing.bars import TRIANGLE, Bars, DistributionPicture
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import Words, amount, draw_text, text_width
from hardattn_viewer.drawing.theme import Theme

_LINE = 13.0
_WIDEST = 130.0
_TICK = 5.0


def paint_cumulative(
    painter: QPainter, bars: Bars, picture: DistributionPicture, theme: Theme
) -> None:
    """The mass of the bars so far, from 0 at the foot to 1 at the tip of a full bar."""
    mass = np.cumsum(np.nan_to_num(picture.in_order(picture.values)))
    ends = np.append(bars.first[1:], len(picture.values)) - 1
    area = bars.area
    points = [QPointF(area.left(), area.bottom())]
    for bar, so_far in enumerate(mass[ends]):
        y = area.bottom() - min(float(so_far), 1.0) * area.height()
        left, right = area.left() + bar * bars.pitch, area.left() + (bar + 1) * bars.pitch
        points += [QPointF(left, y), QPointF(right, y)]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(tint(theme.text, 0.75), 1.0))
    painter.drawPolyline(QPolygonF(points))


def paint_draws(painter: QPainter, bars: Bars, picture: DistributionPicture, theme: Theme) -> None:
    """A tick across each bar at the share of the draws that fell on what it stands for.

    Of a merged bar it is the largest share, as its height is the largest probability.
    """
    if picture.draws is None:
        return
    shares = picture.in_order(picture.draws.shares)
    highest = np.maximum.reduceat(shares, bars.first)
    painter.setPen(pen(theme.text, 1.5))
    for bar in np.flatnonzero(highest > 0).tolist():
        column = bars.column(bar)
        y = column.bottom() - picture.share(float(highest[bar])) * column.height()
        reach = max(0.0, (_TICK - column.width()) / 2) + 1
        painter.drawLine(QLineF(column.left() - reach, y, column.right() + reach, y))


def paint_names(painter: QPainter, bars: Bars, picture: DistributionPicture, theme: Theme) -> None:
    """The names of the largest keys at their bars, as far as they do not cover each other."""
    size = theme.size_small - 1
    taken: list[QRectF] = []
    tips = bars.area.bottom() - picture.shares(bars.peak) * bars.area.height()
    for key, name in picture.names:
        value = float(picture.values[key])
        words = [Words(name), Words(f" {amount(value)}", bold=True)]
        wide = min(text_width(words, theme, size) + 2, _WIDEST)
        bar = bars.bar_of(picture.place_of(key))
        column = bars.column(bar)
        tip = column.bottom() - picture.share(value) * column.height()
        chosen = key in picture.chosen
        above = tip - _LINE - (TRIANGLE if chosen else 1.0)
        beside = min(tip - 3, bars.area.bottom() - _LINE)
        left = min(max(column.center().x() - wide / 2, bars.area.left()), bars.area.right() - wide)
        right = column.right() + 4
        places = [QRectF(right, beside, wide, _LINE), QRectF(left, above, wide, _LINE)]
        # Sorted bars fall to the right, so that there is room beside each.
        if picture.order is None:
            places.reverse()
        highest = bars.area.top() - TRIANGLE - _LINE - 1
        for place in places:
            inside = place.right() <= bars.area.right() + 1 and place.top() >= highest
            if inside and not _is_covered(place, bars, tips, taken):
                taken.append(place)
                painter.fillRect(place, tint(theme.window, 0.72))
                colour = theme.hard_text if chosen else theme.text
                draw_text(painter, place, words, theme, size=size, colour=colour)
                painter.setBrush(QColor(theme.bar))
                break


def _is_covered(place: QRectF, bars: Bars, tips: NDArray[np.float64], taken: list[QRectF]) -> bool:
    """Whether a name would lie on another one, or on a bar."""
    first = max(0, int((place.left() - bars.area.left()) / bars.pitch))
    last = int((place.right() - bars.area.left()) / bars.pitch) + 1
    highest = float(tips[first:last].min(initial=place.bottom()))
    return highest < place.bottom() - 2 or any(place.intersects(other) for other in taken)
