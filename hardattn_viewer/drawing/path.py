"""The scan path: numbered discs on the selected regions, joined in the order of the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import Words, draw_text
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.frames import Frame

# Places visited more often show this many numbers and how many more there are.
_MOST = 8
_IN_A_ROW = 4
# Of pushing apart discs that touch; neighbours settle within a few.
_ROUNDS = 40
# Images smaller than this get dots without numbers.
_NUMBERED = 96.0
# Steps of a path that are drawn where an example has thousands.
_PATH = 6


@dataclass(frozen=True)
class Visit:
    """One selected region of one step.

    Attributes:
        step: counted from zero.
        key: the region.
        x: centre of the region, px of the image.
        y: the same downwards.
    """

    step: int
    key: int
    x: float
    y: float


@dataclass(frozen=True)
class Disc:
    """A number on the path, placed.

    Attributes:
        text: step number counted from one, or "+n" for n more visits.
        centre: where, in the painter's coordinates.
        radius: in the same.
        future: whether every step it stands for is still to come.
        current: whether it is the current step.
    """

    text: str
    centre: QPointF
    radius: float
    future: bool
    current: bool


def disc_radius(rect: QRectF) -> float:
    """Radius of the discs on an image shown in ``rect``: 2.8 % of its width, 6.5 to 10 px."""
    return min(10.0, max(6.5, 0.028 * min(rect.width(), rect.height())))


def place_discs(
    visits: Sequence[Visit], step: int, points: Sequence[QPointF], bounds: QRectF
) -> list[Disc]:
    """Place one disc a visit; those of one place stand side by side, at most four in
    a row, fewer where they would mix with those of the next place.

    Args:
        visits: in the order of the steps.
        step: the current step.
        points: centre of each visit in the painter's coordinates.
        bounds: discs are moved inside it.

    Returns:
        Discs in the order to paint: the future below the past, the current one on top.
    """
    radius = disc_radius(bounds)
    groups: list[list[int]] = []
    for index, point in enumerate(points):
        for group in groups:
            if QLineF(points[group[0]], point).length() < 0.75 * radius:
                group.append(index)
                break
        else:
            groups.append([index])
    discs: list[Disc] = []
    middles = [points[group[0]] for group in groups]
    for group, middle in zip(groups, middles, strict=True):
        here = [visits[index] for index in group]
        discs += _side_by_side(here, step, middle, _columns(middle, middles, radius), bounds)
    centres = _apart([disc.centre for disc in discs], 2 * radius + 1.0, radius, bounds)
    moved = [replace(disc, centre=centre) for disc, centre in zip(discs, centres, strict=True)]
    return sorted(moved, key=lambda disc: (not disc.future, disc.current))


def _apart(
    centres: Sequence[QPointF], pitch: float, radius: float, bounds: QRectF
) -> list[QPointF]:
    """Push centres that are nearer than ``pitch`` apart until none are, as far as there is room."""
    if len(centres) < 2:
        return list(centres)
    at = np.array([(point.x(), point.y()) for point in centres])
    # One px for the disc's own casing.
    edge = radius + 1.0
    low = np.array([bounds.left() + edge, bounds.top() + edge])
    high = np.maximum(low, np.array([bounds.right() - edge, bounds.bottom() - edge]))
    for _ in range(_ROUNDS):
        apart = at[:, None] - at[None]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        lacking = np.where(np.eye(len(at), dtype=bool), 0.0, np.maximum(0.0, pitch - distance))
        if float(lacking.max()) < 0.1:
            break
        # Of two at the very same point the later goes right.
        same = np.sign(np.arange(len(at))[:, None] - np.arange(len(at)))[..., None] * (1.0, 0.0)
        away = np.where(
            distance[..., None] > 0, apart / np.maximum(distance, 1e-9)[..., None], same
        )
        at = np.clip(at + 0.5 * (away * lacking[..., None]).sum(axis=1), low, high)
    return [QPointF(float(x), float(y)) for x, y in at]


def _columns(middle: QPointF, middles: Sequence[QPointF], radius: float) -> int:
    """How many discs fit beside each other before they mix with those of the next place."""
    beside = [
        abs(other.x() - middle.x())
        for other in middles
        if other != middle and abs(other.y() - middle.y()) < 4 * radius
    ]
    room = min(beside, default=math.inf)
    return max(1, min(_IN_A_ROW, int(min(room, 1e6) / (2 * radius + 1.0))))


def _side_by_side(
    visits: Sequence[Visit], step: int, middle: QPointF, most: int, bounds: QRectF
) -> list[Disc]:
    radius = disc_radius(bounds)
    left_out: list[Visit] = []
    shown = list(visits)
    if len(shown) > _MOST:
        # The nearest in time stay, since the reader asks how it came here and where it goes next.
        near = sorted(shown, key=lambda visit: abs(visit.step - step))
        left_out = near[_MOST - 1 :]
        shown = sorted(near[: _MOST - 1], key=lambda visit: visit.step)
    labels = [(str(visit.step + 1), visit.step > step, visit.step == step) for visit in shown]
    if left_out:
        labels.append((f"+{len(left_out)}", all(v.step > step for v in left_out), False))
    pitch = 2 * radius + 1.0
    columns = min(len(labels), most)
    rows = math.ceil(len(labels) / columns)
    half_width, half_height = columns * pitch / 2 + 0.5, rows * pitch / 2 + 0.5
    x = _held(middle.x(), bounds.left() + half_width, bounds.right() - half_width)
    y = _held(middle.y(), bounds.top() + half_height, bounds.bottom() - half_height)
    placed = []
    for index, (text, future, current) in enumerate(labels):
        row, column = divmod(index, columns)
        in_row = min(columns, len(labels) - row * columns)
        centre = QPointF(
            x + (column - (in_row - 1) / 2) * pitch, y + (row - (rows - 1) / 2) * pitch
        )
        placed.append(Disc(text, centre, radius, future, current))
    return placed


def _held(value: float, low: float, high: float) -> float:
    return (low + high) / 2 if low > high else min(max(value, low), high)


def paint_path(
    painter: QPainter,
    visits: Sequence[Visit],
    step: int,
    points: Sequence[QPointF],
    bounds: QRectF,
    theme: Theme,
) -> None:
    """Paint lines, then discs; steps to come are dashed and hollow.

    Lines meet at the true centres of the regions. Discs that would cover each other are moved just
    far enough apart; below 96 px the image is too small for numbers, and dots take their place.

    Args:
        painter: paints.
        visits: in the order of the steps.
        step: the current step.
        points: centre of each visit in the painter's coordinates.
        bounds: the image.
        theme: its ``hard`` colour is that of the path.
    """
    by_step: dict[int, list[QPointF]] = {}
    for visit, point in zip(visits, points, strict=True):
        by_step.setdefault(visit.step, []).append(point)
    # A step that chose several regions at once has no single place to come from or go to.
    singles = {at: where[0] for at, where in by_step.items() if len(where) == 1}
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    legs = [(singles[at - 1], singles[at], at > step) for at in singles if at - 1 in singles]
    for start, end, future in sorted(legs, key=lambda leg: not leg[2]):
        line = QLineF(start, end)
        if line.length() < 1:
            continue
        painter.setPen(pen(tint("#000000", 0.3 if future else 0.45), 2.0 if future else 3.0))
        painter.drawLine(line)
        strong = tint(theme.hard, 0.55 if future else 0.95)
        painter.setPen(pen(strong, 1.0 if future else 1.5, dashed=future))
        painter.drawLine(line)
    if min(bounds.width(), bounds.height()) < _NUMBERED:
        inside = bounds.adjusted(4, 4, -4, -4)
        held = [
            QPointF(
                _held(point.x(), inside.left(), inside.right()),
                _held(point.y(), inside.top(), inside.bottom()),
            )
            for point in points
        ]
        _paint_dots(painter, visits, step, held, theme)
    else:
        for disc in place_discs(visits, step, points, bounds):
            _paint_disc(painter, disc, theme)
    painter.restore()


def _paint_dots(
    painter: QPainter, visits: Sequence[Visit], step: int, points: Sequence[QPointF], theme: Theme
) -> None:
    for visit, point in zip(visits, points, strict=True):
        if visit.step != step:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tint(theme.hard, 0.5 if visit.step > step else 1.0))
            painter.drawEllipse(point, 1.75, 1.75)
    for visit, point in zip(visits, points, strict=True):
        if visit.step == step:
            painter.setPen(pen("#ffffff", 1.0))
            painter.setBrush(QColor(theme.hard))
            painter.drawEllipse(point, 3.0, 3.0)


def _paint_disc(painter: QPainter, disc: Disc, theme: Theme) -> None:
    radius = disc.radius
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tint("#000000", 0.5))
    painter.drawEllipse(disc.centre, radius + 1.0, radius + 1.0)
    if disc.future:
        painter.setBrush(tint("#101216", 0.72))
        painter.setPen(pen(tint(theme.hard, 0.8), 1.0, dashed=True))
        painter.drawEllipse(disc.centre, radius - 0.5, radius - 0.5)
    else:
        painter.setBrush(QColor(theme.hard))
        painter.drawEllipse(disc.centre, radius, radius)
    if disc.current:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen("#ffffff", 1.5))
        painter.drawEllipse(disc.centre, radius, radius)
    box = QRectF(disc.centre.x() - radius, disc.centre.y() - radius, 2 * radius, 2 * radius)
    # Three characters share the width that two have in full size.
    size = radius * (1.2 if len(disc.text) < 3 else 0.9)
    colour = theme.hard if disc.future and theme.is_dark else theme.on_hard
    if disc.future and not theme.is_dark:
        colour = "#ffb37a"
    draw_text(
        painter,
        box.adjusted(-4, 0, 4, 0),
        [Words(disc.text, bold=True)],
        theme,
        size=size,
        colour=colour,
        align="centre",
    )


def path_steps(frame: Frame) -> range:
    """The steps whose path is drawn: all, or of very many the last few."""
    if not frame.is_part:
        return frame.held
    step = frame.place.step
    return range(max(step + 1 - _PATH, frame.held.start), step + 1)
