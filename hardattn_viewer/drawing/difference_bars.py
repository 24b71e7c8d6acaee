"""B − A of one row as signed bars: more in A hangs below the line, more in B stands above it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.difference_words import keys_problem
from hardattn_viewer.drawing.keys import known_key
from hardattn_viewer.drawing.names import key_labels
from hardattn_viewer.drawing.regions import paint_message
from hardattn_viewer.drawing.scale import largest
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import Words, draw_text, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.measures.distributions import most_probable
from hardattn_viewer.session.display import Display, Together
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.numbers import signed

_WIDEST = 26.0
_LABEL = 13.0
_GAP = 4.0
# Bars that are named where no pointer marks one.
_NAMED = 3


@dataclass(frozen=True, eq=False)
class BarsPicture:
    """Everything to paint of a row's difference; made by ``bars_picture``.

    Attributes:
        values: float32 [keys], B − A; empty where there is none.
        names: a short name for each key.
        scale_max: magnitude of the longest bar.
        hover: key under the mouse.
        pinned: key held by a click.
        note: why there is no difference; empty where there is one.
        step: the step shown.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    scale_max: float
    hover: int | None
    pinned: int | None
    note: str
    step: int


def row_scale(a: Frame, b: Frame, display: Display) -> float:
    """Magnitude of the strongest difference of one row.

    Returns:
        The largest |B − A| of this step (``display.scale == "step"``) or of all steps that both
        frames have; 1.0 where there is none.
    """
    if isinstance(display, Together) and display.difference:
        return display.difference
    if a.probabilities.shape != b.probabilities.shape:
        return 1.0
    here = np.abs(b.probabilities.astype(np.float64) - a.probabilities)
    if display.scale == "step" or a.distributions.shape[1] != b.distributions.shape[1]:
        return largest([here])
    steps = min(len(a.distributions), len(b.distributions))
    both = b.distributions[:steps].astype(np.float64) - a.distributions[:steps]
    return largest([here, np.abs(both)])


def bars_picture(
    a: Frame,
    b: Frame,
    display: Display,
    *,
    hover: int | None = None,
    pinned: int | None = None,
) -> BarsPicture:
    """Work out what ``paint_bars`` paints.

    Args:
        a: run A.
        b: run B at the same example and step.
        display: whose scale counts.
        hover: key under the mouse.
        pinned: key held by a click.
    """
    note = keys_problem(a, b)
    values = np.zeros(0, np.float32) if note else b.probabilities - a.probabilities
    return BarsPicture(
        values=np.asarray(values, np.float32),
        names=key_labels(a),
        scale_max=row_scale(a, b, display),
        hover=known_key(hover, len(values)),
        pinned=known_key(pinned, len(values)),
        note=note,
        step=b.place.step,
    )


def bars_area(picture: BarsPicture, rect: QRectF) -> QRectF:
    """Where the bars stand when the picture is painted into ``rect``."""
    room = rect.adjusted(0, _LABEL + _GAP, 0, -_LABEL - _GAP)
    width = min(room.width(), _WIDEST * max(1, len(picture.values)))
    return QRectF(room.left(), room.top(), max(width, 1.0), max(room.height(), 1.0))


def bar_under(picture: BarsPicture, rect: QRectF, point: QPointF) -> int | None:
    """The key under a point, or None."""
    area, keys = bars_area(picture, rect), len(picture.values)
    if not keys or not area.left() <= point.x() < area.right() or not rect.contains(point):
        return None
    return min(int((point.x() - area.left()) / area.width() * keys), keys - 1)


def paint_bars(painter: QPainter, rect: QRectF, picture: BarsPicture, theme: Theme) -> None:
    """Paint one bar a key; the strongest, or the one pointed at, are named with their numbers.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: from ``bars_picture``.
        theme: ``hard`` is the colour of more in A, ``soft`` of more in B.
    """
    if not len(picture.values):
        paint_message(painter, rect, f"no difference: {picture.note}", theme)
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    area, keys = bars_area(picture, rect), len(picture.values)
    middle, each = area.center().y(), area.width() / keys
    painter.setPen(Qt.PenStyle.NoPen)
    for key, value in enumerate(np.nan_to_num(picture.values).tolist()):
        height = min(1.0, abs(value) / picture.scale_max) * area.height() / 2
        top = middle - height if value > 0 else middle
        gap = min(1.0, each / 4)
        bar = QRectF(area.left() + key * each, top, max(each - gap, 0.5), height)
        painter.fillRect(bar, QColor(theme.soft if value > 0 else theme.hard))
    cursors = (picture.pinned, tint(theme.accent, 0.35)), (picture.hover, tint(theme.text, 0.18))
    for marked, colour in cursors:
        if marked is not None:
            left = area.left() + marked * each
            painter.fillRect(QRectF(left, area.top(), max(each, 1.0), area.height()), colour)
    painter.setPen(pen(theme.line, 1.0))
    painter.drawLine(QLineF(area.left(), middle, area.right(), middle))
    _paint_names(painter, rect, area, picture, theme)
    painter.restore()


def _paint_names(
    painter: QPainter, rect: QRectF, area: QRectF, picture: BarsPicture, theme: Theme
) -> None:
    """Names above the bars that stand, below those that hang, where none touches another."""
    marked = picture.hover if picture.hover is not None else picture.pinned
    if marked is not None:
        order = [marked]
    else:
        magnitudes = np.nan_to_num(np.abs(picture.values))
        order = most_probable(magnitudes, 2 * _NAMED).tolist()
    taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for key in order:
        value = float(picture.values[key])
        above = value > 0
        if len(taken[above]) >= _NAMED or value == 0:
            continue
        name = picture.names[key] if key < len(picture.names) else str(key)
        words = Words(f"{name} {signed(value, 3)}", bold=key == marked)
        width = min(text_width([words], theme, theme.size_small) + 2, rect.width())
        centre = area.left() + (key + 0.5) * area.width() / len(picture.values)
        left = min(max(centre - width / 2, rect.left()), rect.right() - width)
        if any(left < end + 6 and start < left + width + 6 for start, end in taken[above]):
            continue
        taken[above].append((left, left + width))
        y = area.top() - _LABEL - 2 if above else area.bottom() + 2
        colour = theme.soft_text if above else theme.hard_text
        where = QRectF(left, y, width, _LABEL)
        draw_text(painter, where, [words], theme, size=theme.size_small, colour=colour)
