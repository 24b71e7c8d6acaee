"""The scan path: numbered badges on the selected regions, joined in the order of the steps."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.badges import Badge, Labels, Visit, place_badges
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import Words, draw_text
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.frames import Frame

# Images smaller than this get dots without numbers.
_NUMBERED = 96.0
# Of a path with more steps than this, lines fade with their distance in time.
_MANY = 16
_FADED = 0.25
# And those farther away are thin.
_NEAR = 6
# Steps of a path that are drawn where an example has thousands.
_PATH = 6


def paint_path(
    painter: QPainter,
    visits: Sequence[Visit],
    step: int,
    points: Sequence[QPointF],
    bounds: QRectF,
    theme: Theme,
    *,
    kept_free: float = 0.0,
) -> int:
    """Paint lines, then badges; steps to come are dashed and hollow.

    Lines meet at the true centres of the regions. A badge that would cover another one stands
    beside its region, with a line to it; below 96 px the image is too small for numbers, and dots
    take their place.

    Args:
        painter: paints.
        visits: in the order of the steps.
        step: the current step.
        points: centre of each visit in the painter's coordinates.
        bounds: the part of the image that can be seen.
        theme: its ``hard`` colour is that of the path.
        kept_free: height at the bottom of ``bounds`` where no number stands, for words.

    Returns:
        How many steps of what can be seen had no room for a number.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _paint_legs(painter, visits, step, points, bounds, theme)
    unnumbered = 0
    if min(bounds.width(), bounds.height()) < _NUMBERED:
        inside = bounds.adjusted(4, 4, -4, -4)
        _paint_dots(painter, visits, step, [_held(point, inside) for point in points], theme)
    else:
        labels = place_badges(visits, step, points, bounds, kept_free)
        _paint_labels(painter, labels, step, theme)
        unnumbered = labels.unnumbered
    painter.restore()
    return unnumbered


def clipped(line: QLineF, bounds: QRectF) -> QLineF | None:
    """The part of a line inside ``bounds`` (Liang and Barsky 1984), or None."""
    start, end = 0.0, 1.0
    for origin, change, low, high in (
        (line.x1(), line.dx(), bounds.left(), bounds.right()),
        (line.y1(), line.dy(), bounds.top(), bounds.bottom()),
    ):
        if change == 0:
            if not low <= origin <= high:
                return None
            continue
        first, last = sorted(((low - origin) / change, (high - origin) / change))
        start, end = max(start, first), min(end, last)
    return None if start >= end else QLineF(line.pointAt(start), line.pointAt(end))


def _paint_legs(
    painter: QPainter,
    visits: Sequence[Visit],
    step: int,
    points: Sequence[QPointF],
    bounds: QRectF,
    theme: Theme,
) -> None:
    by_step: dict[int, list[QPointF]] = {}
    for visit, point in zip(visits, points, strict=True):
        by_step.setdefault(visit.step, []).append(point)
    # A step that chose several regions at once has no single place to come from or go to.
    singles = {at: where[0] for at, where in by_step.items() if len(where) == 1}
    legs = [(singles[at - 1], singles[at], at) for at in singles if at - 1 in singles]
    near = _MANY if len(by_step) <= _MANY else _NEAR
    far: dict[bool, list[QLineF]] = {False: [], True: []}
    shown = []
    for start, end, at in sorted(legs, key=lambda leg: -abs(leg[2] - step)):
        line = clipped(QLineF(start, end), bounds)
        if line is None or line.length() < 1:
            continue
        if abs(at - step) > near:
            far[at > step].append(line)
        else:
            shown.append((line, at))
    for future, lines in far.items():
        # Far in time they only tell where the path was, and are drawn at once.
        painter.setPen(pen(tint(theme.hard, _FADED if future else 1.5 * _FADED), 1.0))
        # Hundreds of lines that are as long as the image take ten times as long with soft edges.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawLines(lines)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for line, at in shown:
        future = at > step
        seen = max(_FADED, 1 - abs(at - step) / _MANY) if len(by_step) > _MANY else 1.0
        painter.setPen(
            pen(tint("#000000", (0.3 if future else 0.45) * seen), 2.0 if future else 3.0)
        )
        painter.drawLine(line)
        strong = tint(theme.hard, (0.55 if future else 0.95) * seen)
        painter.setPen(pen(strong, 1.0 if future else 1.5, dashed=future))
        painter.drawLine(line)


def _held(point: QPointF, inside: QRectF) -> QPointF:
    return QPointF(
        min(max(point.x(), inside.left()), max(inside.left(), inside.right())),
        min(max(point.y(), inside.top()), max(inside.top(), inside.bottom())),
    )


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


def _paint_labels(painter: QPainter, labels: Labels, step: int, theme: Theme) -> None:
    for point, future in labels.dots:
        painter.setPen(pen(tint("#000000", 0.5), 1.0))
        painter.setBrush(tint(theme.hard, 0.5 if future else 1.0))
        painter.drawEllipse(point, 2.5, 2.5)
    for badge in labels.badges:
        if QLineF(badge.anchor, badge.centre).length() > 1.2 * badge.radius:
            painter.setPen(pen(tint("#000000", 0.5), 2.5))
            painter.drawLine(QLineF(badge.anchor, badge.centre))
            painter.setPen(pen(tint(theme.hard, 0.9), 1.0))
            painter.drawLine(QLineF(badge.anchor, badge.centre))
            painter.setBrush(QColor(theme.hard))
            painter.drawEllipse(badge.anchor, 1.5, 1.5)
    for badge in labels.badges:
        _paint_badge(painter, badge, step, theme)


def _paint_badge(painter: QPainter, badge: Badge, step: int, theme: Theme) -> None:
    rect, radius = badge.rect, badge.radius
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tint("#000000", 0.5))
    painter.drawRoundedRect(rect.adjusted(-1, -1, 1, 1), radius + 1, radius + 1)
    if badge.future:
        painter.setBrush(tint("#101216", 0.72))
        painter.setPen(pen(tint(theme.hard, 0.8), 1.0, dashed=True))
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius - 0.5, radius - 0.5)
    else:
        painter.setBrush(QColor(theme.hard))
        painter.drawRoundedRect(rect, radius, radius)
    if badge.current:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen("#ffffff", 1.5))
        painter.drawRoundedRect(rect, radius, radius)
    # Three digits share the width that two have in full size.
    single = "·" not in badge.text and "+" not in badge.text
    size = radius * (0.9 if single and len(badge.text) > 2 else 1.2)
    colour = theme.hard if badge.future and theme.is_dark else theme.on_hard
    if badge.future and not theme.is_dark:
        colour = "#ffb37a"
    words = [Words(badge.text, bold=True)]
    if badge.current and not single:
        # Of several steps at one place the current one is set in bold.
        now = str(step + 1)
        numbers, more, rest = badge.text.partition("+")
        before, _, after = f"·{numbers}·".partition(f"·{now}·")
        parts = (f"{before[1:]}·" if before else "", now, f"·{after[:-1]}" if after else "")
        words = [Words(parts[0]), Words(parts[1], bold=True), Words(parts[2] + more + rest)]
    draw_text(
        painter,
        rect.adjusted(-4, 0, 4, 0),
        [part for part in words if part.text],
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
