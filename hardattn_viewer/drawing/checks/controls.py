"""The controls of a check: what would make its numbers worthless."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.checks.sanity import FAIL, PASS
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.text import Words, draw_text, line_height, wrap
from hardattn_viewer.drawing.theme import Theme

_HEAD = 24.0
_OUTCOME = 92.0
_PAD = 4.0


def paint_controls(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    """A row a control, with what it came to; failures first."""
    head = QRectF(rect.left(), rect.top(), rect.width(), line_height(theme))
    title = [
        Words("Sanity", bold=True),
        Words("  what would make the numbers worthless", colour=theme.muted),
    ]
    draw_text(painter, head, title, theme)
    small, y = theme.size_small, rect.top() + _HEAD
    step = line_height(theme, small)
    rows = sorted(picture.report.sanity, key=lambda one: one.outcome != FAIL)
    if not rows:
        place = QRectF(rect.left(), y, rect.width(), step)
        draw_text(painter, place, "Controls run at the end.", theme, size=small, colour=theme.faint)
        return
    for at, one in enumerate(rows):
        words = f"{one.name}. {one.note}" if one.note else one.name
        lines = wrap(words, rect.width() - _OUTCOME, theme, small)
        height = max(1, len(lines)) * step + 2 * _PAD
        # Words on what is left need a line of their own.
        last = at + 1 == len(rows)
        if y + height + (0 if last else step) > rect.bottom() + 1:
            left = f"… and {len(rows) - at} more, in the report"
            place = QRectF(rect.left(), rect.bottom() - step, rect.width(), step)
            draw_text(painter, place, left, theme, size=small, colour=theme.faint)
            return
        for number, line in enumerate(lines):
            place = QRectF(rect.left(), y + _PAD + number * step, rect.width() - _OUTCOME, step)
            draw_text(painter, place, line, theme, size=small)
        colour = {PASS: theme.good, FAIL: theme.bad}.get(one.outcome, theme.faint)
        place = QRectF(rect.right() - _OUTCOME, y + _PAD, _OUTCOME, step)
        draw_text(
            painter,
            place,
            [Words(one.outcome, bold=True, colour=colour)],
            theme,
            size=small,
            align="right",
        )
        y += height
        painter.setPen(pen(theme.line, 1))
        painter.drawLine(QLineF(rect.left(), y, rect.right(), y))
