"""What each choice was worth: the output less that of the others, an example a dot."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.axes import tick_words, ticks
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import Words, draw_text, line_height, number
from hardattn_viewer.drawing.theme import Theme

_HEAD = 24.0
_FOOT = 20.0
_GUTTER = 38.0


def paint_effects(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    """A column a choice: dots of all examples, their mean as a line, no effect dashed."""
    small = theme.size_small
    head = QRectF(rect.left(), rect.top(), rect.width(), line_height(theme))
    title = [
        Words("Effect of a choice", bold=True),
        Words("  output less the mean of all others", colour=theme.muted),
    ]
    draw_text(painter, head, title, theme)
    forced = list(picture.report.forced.values())
    area = rect.adjusted(_GUTTER, _HEAD, -4, -_FOOT)
    if not forced or area.height() < 20 or area.width() < 40:
        return
    effects = [one.effect for one in forced]
    count = max(map(len, effects))
    known = np.concatenate([one[np.isfinite(one)] for one in effects])
    if not len(known):
        return
    low, high = min(float(known.min()), 0.0), max(float(known.max()), 0.0)
    room = 0.06 * (high - low or 1.0)
    low, high = low - room, high + room

    def y_of(value: float) -> float:
        return area.bottom() - (value - low) / (high - low) * area.height()

    height = line_height(theme, small)
    for value in ticks(low, high, max(2, int(area.height() / 40))):
        painter.setPen(pen(theme.line, 1))
        painter.drawLine(QLineF(area.left(), y_of(value), area.right(), y_of(value)))
        place = QRectF(area.left() - _GUTTER, y_of(value) - height / 2, _GUTTER - 5, height)
        words = tick_words(value)
        draw_text(painter, place, words, theme, size=small, colour=theme.faint, align="right")
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(pen(theme.bad, 1, dashed=True))
    painter.drawLine(QLineF(area.left(), y_of(0), area.right(), y_of(0)))
    step = area.width() / count
    spread = np.random.default_rng(0).uniform(0.18, 0.82, (len(forced), count))
    for at in range(count):
        left = area.left() + at * step
        values = [float(one[at]) for one in effects if at < len(one) and np.isfinite(one[at])]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tint(theme.hard, 0.55))
        for row, value in enumerate(values):
            x = left + float(spread[row, at]) * step
            painter.drawEllipse(QPointF(x, y_of(value)), 2.6, 2.6)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        place = QRectF(left, area.bottom() + 3, step, height)
        if values:
            mean = float(np.mean(values))
            painter.setPen(pen(theme.text, 2))
            edge = min(0.12 * step, 30.0)
            painter.drawLine(QLineF(left + edge, y_of(mean), left + step - edge, y_of(mean)))
            words = f"step {at + 1}: {number(mean)}" if step > 70 else str(at + 1)
            draw_text(painter, place, words, theme, size=small, colour=theme.faint, align="centre")
    painter.restore()
