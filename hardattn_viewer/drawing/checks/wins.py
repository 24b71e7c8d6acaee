"""How often each explanation beats random ones, a row each."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.checks.report import CHOICE
from hardattn_viewer.checks.statistics import AgainstRandom
from hardattn_viewer.drawing.checks.picture import ChecksPicture, colour_of, level_colour
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import (
    Words,
    draw_text,
    first_that_fits,
    line_height,
    number,
    text_width,
)
from hardattn_viewer.drawing.theme import Theme

_HEAD = 24.0
_FOOT = 18.0
_MOST = 24.0
_NUMBER = 34.0


def rows_of(picture: ChecksPicture) -> list[str]:
    """The explanations in the order of their win rates, the choices first."""
    report, measured = picture.report, picture.measured
    names = list(measured.explainers) if measured is not None else []

    def rate(name: str) -> float:
        against = _against(picture, name)
        mean = against.win.mean if against is not None and against.examples else -1.0
        return -mean

    names.sort(key=rate)
    return [CHOICE, *names] if CHOICE in report.verdicts else names


def wins_at(picture: ChecksPicture, rect: QRectF, point: QPointF) -> int | None:
    """The number of the row under a point."""
    rows = rows_of(picture)
    step = _step(rect, len(rows))
    at = int((point.y() - rect.top() - _HEAD) // step) if step else -1
    inside = rect.left() <= point.x() <= rect.right()
    return at if inside and 0 <= at < len(rows) else None


def paint_wins(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    """A dot and its interval a row, beside the line of chance, with the verdict's level."""
    rows = rows_of(picture)
    small = theme.size_small
    head = QRectF(rect.left(), rect.top(), rect.width(), line_height(theme))
    measured = picture.measured
    by = f", by {measured.operator}" if measured is not None else ""
    title = Words("Win rate against random", bold=True)
    room = rect.width() - text_width([title], theme)
    choices = (f"  dot: mean, bar: 95 %{by}", f"  95 %{by}", "")
    more = Words(first_that_fits(choices, room, theme), colour=theme.muted)
    draw_text(painter, head, [title, more], theme)
    if not rows:
        return
    step = _step(rect, len(rows))
    names = min(max(text_width(name, theme) for name in rows) + 10, 0.48 * rect.width())
    words = [said.level for name in rows if (said := picture.report.verdicts.get(name))]
    wide = max((text_width(one, theme, small) for one in words), default=0.0) + 16
    levels = wide if rect.width() > names + wide + 150 else 0.0
    left = rect.left() + names
    right = rect.right() - _NUMBER - levels
    if right - left < 30:
        return
    top = rect.top() + _HEAD
    chance = left + (right - left) / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(pen(theme.bad, 1, dashed=True))
    painter.drawLine(QLineF(chance, top, chance, top + step * len(rows)))
    foot = QRectF(chance - 40, top + step * len(rows) + 1, 80, line_height(theme, small))
    draw_text(painter, foot, "chance", theme, size=small, colour=theme.bad, align="centre")
    for at, name in enumerate(rows):
        place = QRectF(rect.left(), top + at * step, rect.width(), step)
        if name in (picture.pointed, picture.named):
            strength = 0.9 if name == picture.named else 0.5
            painter.fillRect(place, tint(theme.selection, strength))
        against = _against(picture, name)
        said = picture.report.verdicts.get(name)
        own = QRectF(place.left() + 4, place.top(), names - 10, step)
        draw_text(painter, own, name, theme, align="right")
        value = QRectF(right + 4, place.top(), _NUMBER - 4, step)
        if against is None or not against.examples:
            draw_text(painter, value, "N/A", theme, size=small, colour=theme.faint, align="right")
        else:
            _paint_interval(painter, place.center().y(), left, right, name, against, theme)
            draw_text(painter, value, number(against.win.mean), theme, align="right")
        if said is not None and levels:
            level = QRectF(right + _NUMBER + 10, place.top(), levels - 12, step)
            draw_text(
                painter,
                level,
                said.level,
                theme,
                size=small,
                colour=level_colour(said.level, theme),
            )
    painter.restore()


def _paint_interval(
    painter: QPainter,
    y: float,
    left: float,
    right: float,
    name: str,
    against: AgainstRandom,
    theme: Theme,
) -> None:
    colour = colour_of(name, theme)
    low, mean, high = (
        left + share * (right - left)
        for share in (against.win.low, against.win.mean, against.win.high)
    )
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tint(colour, 0.5))
    painter.drawRect(QRectF(low, y - 2.5, max(high - low, 1), 5))
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QPointF(mean, y), 4.5, 4.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _against(picture: ChecksPicture, name: str) -> AgainstRandom | None:
    if name == CHOICE:
        return picture.report.paths
    measured = picture.measured
    if measured is None:
        return None
    return picture.report.of(name, measured.operator).separation


def _step(rect: QRectF, count: int) -> float:
    room = rect.height() - _HEAD - _FOOT
    return min(_MOST, room / count) if count else 0.0
