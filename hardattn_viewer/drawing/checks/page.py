"""A whole check on one page: verdict, curves, win rates, agreement and controls."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.checks.agreement import paint_agreement
from hardattn_viewer.drawing.checks.controls import paint_controls
from hardattn_viewer.drawing.checks.curves import legend_height, paint_legend, paint_removal
from hardattn_viewer.drawing.checks.effects import paint_effects
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.checks.verdicts import paint_verdict, verdict_height
from hardattn_viewer.drawing.checks.wins import paint_wins, wins_at
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.theme import Theme

_MARGIN = 12.0
_GAP = 20.0
_TOP = 0.54
"""Share of the height below the verdict that curves and win rates get."""


def paint_checks(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    """Paint a report inside ``rect``."""
    inner, below = _parts(rect, picture, theme)
    paint_verdict(painter, inner, picture, theme)
    painter.setPen(pen(theme.line, 1))
    painter.drawLine(QLineF(rect.left(), below.top() - 7, rect.right(), below.top() - 7))
    curves, wins, agreement, controls = _quarters(below)
    if picture.measured is not None:
        legend = legend_height(picture, curves.width(), theme)
        half = (curves.width() - _GAP) / 2
        left = QRectF(curves.left(), curves.top(), half, curves.height() - legend - 4)
        paint_removal(painter, left, picture, "deletion", theme)
        paint_removal(painter, left.translated(half + _GAP, 0), picture, "insertion", theme)
        place = QRectF(curves.left(), curves.bottom() - legend, curves.width(), legend)
        paint_legend(painter, place, picture, theme)
        paint_agreement(painter, agreement, picture, theme)
    else:
        paint_effects(painter, curves.united(agreement), picture, theme)
    paint_wins(painter, wins, picture, theme)
    paint_controls(painter, controls, picture, theme)
    painter.setPen(pen(theme.line, 1))
    middle = wins.left() - _GAP / 2
    painter.drawLine(QLineF(middle, below.top() - 7, middle, rect.bottom()))
    across = agreement.top() - _GAP / 2
    begin = rect.left() if picture.measured is not None else middle
    painter.drawLine(QLineF(begin, across, rect.right(), across))


def explanation_at(
    picture: ChecksPicture, rect: QRectF, point: QPointF, theme: Theme
) -> int | None:
    """The row of the win rates under a point: see :func:`.wins.rows_of`."""
    _, below = _parts(rect, picture, theme)
    return wins_at(picture, _quarters(below)[1], point)


def _parts(rect: QRectF, picture: ChecksPicture, theme: Theme) -> tuple[QRectF, QRectF]:
    inner = rect.adjusted(_MARGIN, 8, -_MARGIN, -8)
    height = verdict_height(picture, inner.width(), theme)
    return inner, inner.adjusted(0, height + 14, 0, 0)


def _quarters(below: QRectF) -> tuple[QRectF, QRectF, QRectF, QRectF]:
    left = (below.width() - _GAP) * 0.5
    top = (below.height() - _GAP) * _TOP
    right = below.width() - _GAP - left
    bottom = below.height() - _GAP - top
    x, y = below.left() + left + _GAP, below.top() + top + _GAP
    return (
        QRectF(below.left(), below.top(), left, top),
        QRectF(x, below.top(), right, top),
        QRectF(below.left(), y, left, bottom),
        QRectF(x, y, right, bottom),
    )
