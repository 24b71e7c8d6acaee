"""The verdict that a check comes to, written out."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.checks.picture import ChecksPicture, level_colour
from hardattn_viewer.drawing.text import Words, draw_text, line_height, wrap
from hardattn_viewer.drawing.theme import Theme

_TITLE = 14.0
_LINES = 4


def verdict_height(picture: ChecksPicture, width: float, theme: Theme) -> float:
    """Height of the verdict in logical px."""
    lines = min(_LINES, len(_sentence(picture, width, theme)))
    return line_height(theme, _TITLE) + 6 + lines * line_height(theme)


def paint_verdict(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    """The level of the explanation in focus, then the sentence that says why."""
    name = picture.named
    if not name:
        draw_text(painter, rect, "Nothing was measured.", theme, colour=theme.muted)
        return
    said = picture.report.verdicts[name]
    height = line_height(theme, _TITLE)
    title = [
        Words(f"{name}: "),
        Words(said.level, bold=True, colour=level_colour(said.level, theme)),
    ]
    top = QRectF(rect.left(), rect.top(), rect.width(), height)
    draw_text(painter, top, title, theme, size=_TITLE)
    step, y = line_height(theme), rect.top() + height + 6
    lines = _sentence(picture, rect.width(), theme)
    for at, line in enumerate(lines[:_LINES]):
        words = line if at + 1 < _LINES or len(lines) == _LINES else f"{line} …"
        place = QRectF(rect.left(), y + at * step, rect.width(), step)
        draw_text(painter, place, words, theme, colour=theme.muted)


def _sentence(picture: ChecksPicture, width: float, theme: Theme) -> list[str]:
    if not picture.named:
        return []
    return wrap(picture.report.verdicts[picture.named].sentence, width, theme)
