"""What a page is made of: blocks with their places in logical px."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.text import draw_text, line_height, wrap
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.recorded import verification_kind

Paint = Callable[[QPainter, QRectF], None]
MARGIN = 10.0
GAP = 8.0
STRIP = 74.0
SCALE = 16.0


@dataclass(frozen=True, eq=False)
class Block:
    """One thing on the page.

    Attributes:
        rect: where, in logical px from the top left of the page.
        paint: paints it into that rectangle.
    """

    rect: QRectF
    paint: Paint


@dataclass(frozen=True, eq=False)
class Page:
    """A page of blocks.

    Attributes:
        width: logical px.
        height: logical px.
        blocks: in the order to paint.
        caption: the words below, also where they are not painted.
        scales: for each frame the probability of the strongest colour.
        difference: magnitude of the strongest colour of B − A, or None.
    """

    width: float
    height: float
    blocks: tuple[Block, ...]
    caption: str
    scales: tuple[float, ...]
    difference: float | None


def whole(length: float) -> float:
    """Images lie on whole px; columns that do too line up with them."""
    return max(1.0, math.floor(length))


def caption_block(words: str, width: float, theme: Theme) -> tuple[float, Paint]:
    """Height in logical px and painter of the words below a figure."""
    return _wrapped_block(words, width, theme, theme.muted)


def warning_block(frame: Frame, width: float, theme: Theme) -> list[tuple[float, Paint]]:
    """The words above a picture that is not what the model used; nothing where it is."""
    if verification_kind(frame.verified) != "mismatch":
        return []
    return [_wrapped_block(f"⚠ {frame.verified}", width, theme, theme.bad)]


def _wrapped_block(words: str, width: float, theme: Theme, colour: str) -> tuple[float, Paint]:
    lines = wrap(words, width, theme, theme.size_small)
    step = line_height(theme, theme.size_small) + 1

    def paint(painter: QPainter, rect: QRectF) -> None:
        for index, line in enumerate(lines):
            where = QRectF(rect.left(), rect.top() + index * step, rect.width(), step)
            draw_text(painter, where, line, theme, size=theme.size_small, colour=colour)

    return step * len(lines), paint
