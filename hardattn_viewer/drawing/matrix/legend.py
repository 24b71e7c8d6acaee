"""Which marks occur among the cells in sight, with the sign of each."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.matrix import codes as c
from hardattn_viewer.drawing.matrix.cells import Drawn, paint_image
from hardattn_viewer.drawing.matrix.picture import MatrixPicture
from hardattn_viewer.drawing.pixels import to_qimage
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.text import amount, draw_text, text_width
from hardattn_viewer.drawing.theme import Theme

_SIDE = 11
_GAP = 14.0


def legend_words(picture: MatrixPicture, drawn: Drawn) -> list[tuple[int, str]]:
    """The code and the words of each mark that occurs in sight, with how often it does."""
    names = {
        c.ZERO: "no difference" if picture.signed else "zero",
        c.TINY: f"tiny, up to {amount(picture.tiny)}",
        c.CLIPPED: f"clipped, beyond {amount(picture.top)}",
        c.MASKED: "masked",
        c.NAN: "not recorded",
    }
    noun = "cell" if drawn.down == drawn.across == 1 else "block"
    return [
        (code, f"{name}: {drawn.counts[code]:,} {noun}{'s' if drawn.counts[code] != 1 else ''}")
        for code, name in names.items()
        if drawn.counts.get(code)
    ]


def paint_legend(
    painter: QPainter, rect: QRectF, picture: MatrixPicture, drawn: Drawn, theme: Theme
) -> None:
    """Paint the sign of each mark that occurs, and what it means, in one line."""
    entries = legend_words(picture, drawn)
    widths = [_SIDE + 5 + text_width(words, theme, theme.size_small) for _, words in entries]
    total = sum(widths) + _GAP * max(0, len(widths) - 1)
    if total > rect.width():
        # How often each occurs gives way to what each is.
        entries = [(code, words.partition(":")[0]) for code, words in entries]
        widths = [_SIDE + 5 + text_width(words, theme, theme.size_small) for _, words in entries]
        total = sum(widths) + _GAP * max(0, len(widths) - 1)
    x = rect.left() + max(0.0, (rect.width() - total) / 2)
    for (code, words), width in zip(entries, widths, strict=True):
        if x >= rect.right():
            return
        box = QRectF(x, rect.center().y() - _SIDE / 2, _SIDE, _SIDE)
        paint_image(painter, box, to_qimage(_swatch(code, picture, theme)))
        painter.setPen(pen(theme.muted, 1.0))
        painter.drawRect(box)
        text = QRectF(box.right() + 5, rect.top(), min(width, rect.right() - box.right() - 5), 0)
        text.setHeight(rect.height())
        draw_text(painter, text, words, theme, size=theme.size_small, colour=theme.muted)
        x += width + _GAP


def _swatch(code: int, picture: MatrixPicture, theme: Theme) -> np.ndarray:
    """A cell with a mark, uint8 [side, side, 3]."""
    cell = np.full((_SIDE, _SIDE), code, np.uint16)
    y, x = np.mgrid[0:_SIDE, 0:_SIDE]
    if code == c.TINY:
        cell[4:7, 4:7] = c.DOT
    elif code == c.CLIPPED:
        reach = _SIDE - 1 - x + y
        cell[reach < 7] = c.EDGE
        cell[reach < 6] = c.NOTCH
    elif code == c.MASKED:
        cell[(x + y) % 5 == 0] = c.STRIPE
    elif code == c.NAN:
        cell[(x - y) % 5 == 0] = c.NAN_STRIPE
    shades = c.colour_table(theme, picture.colours, picture.signed)[cell]
    return np.stack([shades >> 16 & 255, shades >> 8 & 255, shades & 255], -1).astype(np.uint8)
