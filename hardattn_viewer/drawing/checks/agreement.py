"""How alike the explanations rank items: a matrix of τ-b. Agreement, not correctness."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.strokes import hatch, tint
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
_LARGEST = 27.0
_GAP = 2.0


def paint_agreement(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    """A cell a pair: blue where they rank alike, orange where they rank the opposite way."""
    names = list(picture.report.explainers)
    head = QRectF(rect.left(), rect.top(), rect.width(), line_height(theme))
    title = [
        Words("Agreement between methods", bold=True),
        Words("  τ-b, not correctness", colour=theme.muted),
    ]
    draw_text(painter, head, title, theme)
    if not names:
        return
    small = theme.size_small
    words = min(max(text_width(name, theme, small) for name in names) + 8, 0.4 * rect.width())
    marks = [str(at + 1) for at in range(len(names))]
    wide = (rect.width() - words - 22) / len(names)
    high = (rect.height() - _HEAD - 18) / len(names)
    height, width = min(_LARGEST, high), min(62.0, wide)
    if height < 6 or width < 6:
        return
    top = rect.top() + _HEAD + 18
    for row, name in enumerate(names):
        y = top + row * height
        place = QRectF(rect.left(), y, words - 4, height)
        draw_text(painter, place, name, theme, size=small, colour=theme.muted, align="right")
        number_of = QRectF(rect.left() + words, y, 18, height)
        draw_text(painter, number_of, marks[row], theme, size=small, colour=theme.faint)
        for column in range(len(names)):
            x = rect.left() + words + 20 + column * width
            cell = QRectF(x, y, width - _GAP, height - _GAP)
            _paint_cell(painter, cell, float(picture.report.agreement[row, column]), theme)
    for column, mark in enumerate(marks):
        x = rect.left() + words + 20 + column * width
        place = QRectF(x, top - 17, width - _GAP, 15)
        draw_text(painter, place, mark, theme, size=small, colour=theme.faint, align="centre")


def _paint_cell(painter: QPainter, cell: QRectF, value: float, theme: Theme) -> None:
    if np.isnan(value):
        hatch(painter, cell, tint(theme.bar, 0.5))
        return
    colour = QColor(theme.soft if value >= 0 else theme.hard)
    ground = QColor(theme.raised)
    share = min(1.0, abs(value)) * 0.85
    mixed = QColor(
        round(ground.red() + share * (colour.red() - ground.red())),
        round(ground.green() + share * (colour.green() - ground.green())),
        round(ground.blue() + share * (colour.blue() - ground.blue())),
    )
    painter.fillRect(cell, mixed)
    if cell.width() > 26 and cell.height() > 11:
        light = mixed.lightnessF() > 0.5
        ink = "#0b0d10" if light else "#ffffff"
        small = theme.size_small
        full = number(value)
        shorter = full.replace("0.", ".", 1), number(value, 1)
        words = first_that_fits((full, *shorter), cell.width(), theme, small)
        draw_text(painter, cell, words, theme, size=small, colour=ink, align="centre")
