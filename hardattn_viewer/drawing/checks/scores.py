"""Scores that are no rankings by removal: a row an explanation, a column a score."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.checks.scores import Score, score_of
from hardattn_viewer.checks.scoring import BY_REMOVAL, RELATIVE, Kind
from hardattn_viewer.checks.words import reasons_of, score_number
from hardattn_viewer.drawing.checks.picture import ChecksPicture, colour_of
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import (
    Words,
    draw_text,
    first_that_fits,
    line_height,
    text_width,
    wrap,
)
from hardattn_viewer.drawing.theme import Theme

COLUMNS: tuple[Kind, ...] = (*BY_REMOVAL, RELATIVE)
_HEAD = 24.0
_NAMES_OF_COLUMNS = 18.0
_ROW = 19.0
_VALUE = 46.0
_BAR = 28.0
"""Room that a bar needs beside its value."""
_LINES = 5
_BETTER = {"low": " ↓", "high": " ↑", "": ""}


def scores_height(picture: ChecksPicture, width: float, theme: Theme) -> float:
    """Height of the table in logical px; 0 where there are no scores."""
    if not _shown(picture):
        return 0.0
    lines = len(_notes(picture, width, theme)) * line_height(theme, theme.size_small)
    rows = len(picture.report.explainers) * _ROW
    return _HEAD + _NAMES_OF_COLUMNS + rows + 6 + lines


def paint_scores(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    """Values, each with the share of random explanations that it is better than, and its 95 %."""
    if not _shown(picture):
        return
    small, measured = theme.size_small, picture.measured
    assert measured is not None
    names = list(picture.report.explainers)
    wide = min(max(text_width(name, theme) for name in names) + 12, 0.3 * rect.width())
    step = (rect.width() - wide) / len(COLUMNS)
    title = Words("Scores", bold=True)
    room = rect.width() - text_width([title], theme)
    by = f" by {measured.operator}"
    choices: tuple[str, ...] = (
        f"  value{by}; bar: share of random explanations that it is better than, 95 %. They "
        "inform, and no verdict rests on them",
        f"  value{by}; bar: share of random explanations that it beats, 95 %; no verdict rests on "
        "them",
        f"  value{by}; bar: share of random ones beaten, 95 %",
        "",
    )
    if step - 6 < _VALUE + _BAR:
        choices = (f"  value{by}; what it is better than is in the report", f"  value{by}", "")
    more = Words(first_that_fits(choices, room, theme), colour=theme.muted)
    head = QRectF(rect.left(), rect.top(), rect.width(), line_height(theme))
    draw_text(painter, head, [title, more], theme)
    top = rect.top() + _HEAD + _NAMES_OF_COLUMNS
    for column, kind in enumerate(COLUMNS):
        place = QRectF(rect.left() + wide + column * step, top - 18, min(step, _VALUE + 24), 16)
        both = (f"{kind.short}{_BETTER[kind.better]}", kind.short)
        words = first_that_fits(both, place.width() - 4, theme, small)
        draw_text(painter, place, words, theme, size=small, colour=theme.faint, align="left")
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for row, name in enumerate(names):
        y = top + row * _ROW
        if name in (picture.pointed, picture.named):
            strength = 0.9 if name == picture.named else 0.5
            line = QRectF(rect.left(), y, rect.width(), _ROW)
            painter.fillRect(line, tint(theme.selection, strength))
        own = QRectF(rect.left() + 4, y, wide - 12, _ROW)
        draw_text(painter, own, name, theme, align="right")
        for column, kind in enumerate(COLUMNS):
            score = score_of(picture.report.scores, name, measured.operator, kind)
            cell = QRectF(rect.left() + wide + column * step, y, step - 6, _ROW)
            _paint_score(painter, cell, score, colour_of(name, theme), theme)
    painter.restore()
    y, height = top + len(names) * _ROW + 6, line_height(theme, small)
    for at, words in enumerate(_notes(picture, rect.width(), theme)):
        place = QRectF(rect.left(), y + at * height, rect.width(), height)
        draw_text(painter, place, words, theme, size=small, colour=theme.faint)


def _paint_score(
    painter: QPainter, cell: QRectF, score: Score | None, colour: str, theme: Theme
) -> None:
    value = QRectF(cell.left(), cell.top(), min(_VALUE, cell.width()), _ROW)
    if score is None or not score.examples:
        draw_text(painter, value, "N/A", theme, size=theme.size_small, colour=theme.faint)
        return
    draw_text(painter, value, score_number(score).replace("-", "−"), theme)
    left, right = value.right() + 6, cell.right() - 6
    if not score.win.count or cell.width() < _VALUE + _BAR:
        return
    y = cell.center().y()
    chance = left + (right - left) / 2
    painter.setPen(pen(theme.line, 1))
    painter.drawLine(QLineF(left, y, right, y))
    painter.setPen(pen(theme.bad, 1))
    painter.drawLine(QLineF(chance, y - 5, chance, y + 5))
    low, mean, high = (
        left + share * (right - left) for share in (score.win.low, score.win.mean, score.win.high)
    )
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tint(colour, 0.5))
    painter.drawRect(QRectF(low, y - 2, max(high - low, 1), 4))
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QPointF(mean, y), 3, 3)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _shown(picture: ChecksPicture) -> bool:
    return bool(picture.report.scores) and picture.measured is not None


def _notes(picture: ChecksPicture, width: float, theme: Theme) -> list[str]:
    """Why scores are N/A, on a few lines."""
    measured = picture.measured
    own = [
        one
        for one in picture.report.scores
        if measured is not None and one.operator in ("", measured.operator)
    ]
    small = theme.size_small
    lines = [line for why in reasons_of(own) for line in wrap(f"N/A: {why}", width, theme, small)]
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], "… and more, in the report"]
    return lines
