"""The output of one example if something else had been chosen, best first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.drawing.strokes import tint
from hardattn_viewer.drawing.text import draw_text, line_height, number
from hardattn_viewer.drawing.theme import Theme

_ROW = 18.0
_NAME = 84.0
_NUMBER = 76.0


@dataclass(frozen=True, eq=False)
class ForcedPicture:
    """One choice of one example, forced to each candidate.

    Attributes:
        forced: of the example.
        step: number of the choice, from 0.
        names: what to call the candidates; their numbers if there are none.
    """

    forced: Forced
    step: int
    names: tuple[str, ...] = ()

    @property
    def rows(self) -> list[int]:
        """Candidates that were tried, what was chosen first, then by falling output."""
        values = self.forced.values[self.step]
        chosen = int(self.forced.chosen[self.step])
        tried = [int(at) for at in np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")]
        return [chosen, *[at for at in tried if at != chosen and not np.isnan(values[at])]]

    def name(self, candidate: int) -> str:
        """What a candidate is called."""
        return self.names[candidate] if candidate < len(self.names) else f"item {candidate}"


def forced_at(picture: ForcedPicture, rect: QRectF, point: QPointF) -> int | None:
    """The candidate of the row under a point."""
    rows = picture.rows
    at = int((point.y() - rect.top()) // _ROW)
    fits = int(rect.height() // _ROW)
    return rows[at] if 0 <= at < min(len(rows), fits) else None


def paint_forced(painter: QPainter, rect: QRectF, picture: ForcedPicture, theme: Theme) -> None:
    """A bar a candidate: what the output would have been, and how probable it was."""
    rows, values = picture.rows, picture.forced.values[picture.step]
    p = picture.forced.probabilities[picture.step]
    known = values[~np.isnan(values)]
    low = min(0.0, float(known.min())) if len(known) else 0.0
    high = max(float(known.max()), low + 1e-9) if len(known) else 1.0
    room = rect.width() - _NAME - _NUMBER
    small = theme.size_small
    for at, candidate in enumerate(rows[: int(rect.height() // _ROW)]):
        y = rect.top() + at * _ROW
        chosen = candidate == int(picture.forced.chosen[picture.step])
        name = picture.name(candidate) + (" ●" if chosen else "")
        place = QRectF(rect.left(), y, _NAME - 6, _ROW)
        draw_text(painter, place, name, theme, size=small, align="right")
        width = (float(values[candidate]) - low) / (high - low) * room
        bar = QRectF(rect.left() + _NAME, y + 4, max(width, 1), _ROW - 8)
        painter.fillRect(bar, tint(theme.hard if chosen else theme.bar, 1.0))
        words = f"{number(float(values[candidate]))}  π {number(float(p[candidate]))}"
        place = QRectF(rect.right() - _NUMBER, y, _NUMBER, line_height(theme, small) + 4)
        draw_text(painter, place, words, theme, size=small, colour=theme.muted, align="right")
