"""The pictures of a report, by what paints them on the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.checks.document_parts import Drawing
from hardattn_viewer.checks.report import Report
from hardattn_viewer.drawing.checks.agreement import paint_agreement
from hardattn_viewer.drawing.checks.curves import legend_height, paint_legend, paint_removal
from hardattn_viewer.drawing.checks.effects import paint_effects
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.checks.wins import paint_wins, rows_of
from hardattn_viewer.drawing.theme import LIGHT, Theme

WIDTH = 720.0
"""Logical pixels; the same for every picture."""
_CURVES = 230.0
_GAP = 24.0
_INSET = 6.0


@dataclass(frozen=True)
class Painted:
    """A picture with its size.

    Attributes:
        height: logical px, at ``WIDTH``.
        paint: paints it into a rectangle, which is scaled to ``WIDTH``.
    """

    height: float
    paint: Callable[[QPainter, QRectF, Theme], None]


def painted(report: Report, drawing: Drawing) -> Painted:
    """A picture of a report."""
    picture = ChecksPicture(report, drawing.operator, _best(report, drawing.operator), turned=True)
    count = len(report.explainers)
    if drawing.kind == "curves":
        legend = legend_height(picture, WIDTH - 2 * _INSET, LIGHT) + 6
        return _scaled(_CURVES + legend, lambda p, r, t: _curves(p, r, picture, t, legend))
    if drawing.kind == "wins":
        high = 24.0 + 18 + 24 * len(rows_of(picture))
        return _scaled(high, lambda p, r, t: paint_wins(p, r, picture, t))
    if drawing.kind == "agreement":
        return _scaled(24.0 + 18 + 27 * count, lambda p, r, t: paint_agreement(p, r, picture, t))
    return _scaled(_CURVES, lambda p, r, t: paint_effects(p, r, picture, t))


def _scaled(height: float, paint: Callable[[QPainter, QRectF, Theme], None]) -> Painted:
    def scaled(painter: QPainter, rect: QRectF, theme: Theme) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.translate(rect.topLeft())
        scale = rect.width() / WIDTH
        painter.scale(scale, scale)
        paint(painter, QRectF(_INSET, 0, WIDTH - 2 * _INSET, height), theme)
        painter.restore()

    return Painted(height, scaled)


def _curves(
    painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme, legend: float
) -> None:
    half = (rect.width() - _GAP) / 2
    left = QRectF(rect.left(), rect.top(), half, _CURVES)
    paint_removal(painter, left, picture, "deletion", theme)
    paint_removal(painter, left.translated(half + _GAP, 0), picture, "insertion", theme)
    place = QRectF(rect.left(), rect.top() + _CURVES + 4, rect.width(), legend)
    paint_legend(painter, place, picture, theme)


def _best(report: Report, operator: str) -> str:
    """The explanation that beats most random rankings; neither a control nor a search."""
    found = [
        one
        for one in report.explained
        if one.operator == operator
        and one.explainer not in ("random", "oracle")
        and one.separation.examples
    ]
    return max(found, key=lambda one: one.separation.win.mean).explainer if found else ""
