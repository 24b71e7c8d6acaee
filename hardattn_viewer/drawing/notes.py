"""Words on a picture: what was left out of it, or why there is none."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.strokes import tint
from hardattn_viewer.drawing.text import draw_text, first_that_fits, line_height, text_width, wrap
from hardattn_viewer.drawing.theme import Theme

NOTE_HEIGHT = 18.0


def paint_message(painter: QPainter, rect: QRectF, message: str, theme: Theme) -> None:
    """Say in the middle of an empty panel why it is empty."""
    painter.fillRect(rect, QColor(theme.raised))
    inner = rect.adjusted(8, 4, -8, -4)
    step = line_height(theme) + 1
    lines = wrap(message, inner.width(), theme)[: max(1, int(inner.height() / step))]
    top = inner.center().y() - step * len(lines) / 2
    for index, line in enumerate(lines):
        where = QRectF(inner.left(), top + index * step, inner.width(), step)
        draw_text(painter, where, line, theme, colour=theme.muted, align="centre")


def paint_note(painter: QPainter, where: QRectF, note: str, theme: Theme) -> None:
    """Write a note on a dark strip in the lower left corner of the image.

    Where it would take most of the width, only its words before the colon are written.
    """
    choices = (note, note.partition(":")[0])
    words = first_that_fits(choices, 0.7 * where.width() - 12, theme, theme.size_small)
    note = words or choices[-1]
    width = min(where.width(), text_width(note, theme, theme.size_small) + 12)
    height = min(NOTE_HEIGHT, where.height())
    strip = QRectF(where.left(), where.bottom() - height, width, height)
    painter.fillRect(strip, tint("#000000", 0.65))
    draw_text(
        painter,
        strip.adjusted(6, 0, -6, 0),
        note,
        theme,
        size=theme.size_small,
        colour="#f2f2f2",
    )
