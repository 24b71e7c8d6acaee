"""What each head, each layer and all of a model do to the output where they run hard: a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.checks.hardened import EVERYTHING, Hardened
from hardattn_viewer.drawing.strokes import outline, pen
from hardattn_viewer.drawing.text import draw_text, number, text_width
from hardattn_viewer.drawing.theme import Theme

ROW = 18.0
_NAME = 26.0
_GAP = 1.0
_WHOLE = 46.0
"""Width of the cell of a layer, beside those of its heads."""


@dataclass(frozen=True, eq=False)
class HardenedPicture:
    """Changes of the output, by one way to choose.

    Attributes:
        hardened: what was found.
        how: which way, a place in ``HOW``.
        pointed: the place under the mouse, by its number; None for none.
    """

    hardened: Hardened
    how: int = 0
    pointed: int | None = None


def hardened_height(made: Hardened) -> float:
    """Height of the grid in logical px."""
    return ROW * (1 + len({one.layer for one in made.places if one.layer != EVERYTHING}))


def place_at(picture: HardenedPicture, rect: QRectF, point: QPointF) -> int | None:
    """The place under a point, by its number."""
    for at, cell in _cells(picture.hardened, rect):
        if cell.contains(point):
            return at
    return None


def paint_hardened(painter: QPainter, rect: QRectF, picture: HardenedPicture, theme: Theme) -> None:
    """A row a layer: its name, all of it, then its heads; the first row is all of the model.

    Orange where the output falls, blue where it rises; the strongest colour is the largest change
    of all heads, and of all that is more than a head.
    """
    made, small = picture.hardened, theme.size_small
    changes = made.changes[picture.how]
    single = np.array([one.head != EVERYTHING for one in made.places])
    largest = {whole: _largest(changes[single != whole]) for whole in (True, False)}
    named = set()
    for at, cell in _cells(made, rect):
        place = made.places[at]
        if place.layer not in named:
            named.add(place.layer)
            name = "all" if place.layer == EVERYTHING else str(place.layer + made.choices)
            side = QRectF(rect.left(), cell.top(), _NAME - 5, cell.height())
            draw_text(painter, side, name, theme, size=small, colour=theme.muted, align="right")
        colour = _mixed(theme, float(changes[at]) / largest[place.head == EVERYTHING])
        painter.fillRect(cell, colour)
        words = number(float(changes[at]))
        if text_width(words, theme, small) <= cell.width() - 2:
            ink = "#0b0d10" if colour.lightnessF() > 0.5 else "#ffffff"
            draw_text(painter, cell, words, theme, size=small, colour=ink, align="centre")
        if at == picture.pointed:
            outline(painter, cell, cell, pen(theme.text, 1), halo=0)


def _largest(changes: NDArray[np.float64]) -> float:
    known = np.abs(changes[np.isfinite(changes)])
    return float(known.max()) if known.size and known.max() > 0 else 1.0


def _cells(made: Hardened, rect: QRectF) -> Iterator[tuple[int, QRectF]]:
    layers = sorted({one.layer for one in made.places if one.layer != EVERYTHING})
    heads = 1 + max((one.head for one in made.places), default=-1)
    room = max(0.0, rect.width() - _NAME - _WHOLE)
    width = room / heads if heads else 0.0
    for at, place in enumerate(made.places):
        row = 0 if place.layer == EVERYTHING else 1 + layers.index(place.layer)
        y = rect.top() + row * ROW
        x = rect.left() + _NAME
        if place.head == EVERYTHING:
            cell = QRectF(x, y, _WHOLE, ROW)
        else:
            cell = QRectF(x + _WHOLE + place.head * width, y, width, ROW)
        yield at, cell.adjusted(_GAP, _GAP, -_GAP, -_GAP)


def _mixed(theme: Theme, share: float) -> QColor:
    if not np.isfinite(share):
        return QColor(theme.raised)
    colour, ground = QColor(theme.soft if share >= 0 else theme.hard), QColor(theme.raised)
    part = min(1.0, abs(share)) * 0.85
    return QColor(
        round(ground.red() + part * (colour.red() - ground.red())),
        round(ground.green() + part * (colour.green() - ground.green())),
        round(ground.blue() + part * (colour.blue() - ground.blue())),
    )
