"""The timeline: tracks above each other, one column a step, or many steps a column of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from hardattn_viewer.drawing.strokes import paint_line
from hardattn_viewer.drawing.text import draw_text, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.tracks import Curve, Track

# Left of the first column, for the names of the tracks.
GUTTER = 118.0
RULER = 19.0
# Below the tracks, for hits and bookmarks.
LANE = 16.0
# Columns narrower than this have no lines and points of their own.
_COLUMN = 9.0
_LABEL = 64.0
# Points up to which lines are drawn smooth.
_SMOOTH = 250
_LINES = {
    "solid": Qt.PenStyle.SolidLine,
    "dashed": Qt.PenStyle.DashLine,
    "dotted": Qt.PenStyle.DotLine,
}


@dataclass(frozen=True, eq=False)
class TimelinePicture:
    """What ``paint_tracks`` and ``paint_marks`` paint.

    Attributes:
        tracks: what is drawn, from top to bottom.
        steps: number of steps there are.
        first: where the visible part begins, in steps; a step is as long as 1.
        last: where it ends.
        step: the step that is shown.
        tokens: the token that came to a step, for some steps.
        hits: int64, steps that a search has found, ascending.
        bookmarks: steps with bookmarks, and their notes.
        loop: the first and the last step of a range that is repeated, or None.
        above: px between the ruler and the first track that are left free.
    """

    tracks: tuple[Track, ...]
    steps: int
    first: float
    last: float
    step: int = 0
    tokens: Mapping[int, str] = field(default_factory=dict)
    hits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    bookmarks: tuple[tuple[int, str], ...] = ()
    loop: tuple[int, int] | None = None
    above: float = 0.0


def plot_area(rect: QRectF) -> QRectF:
    """Where the columns are."""
    return rect.adjusted(min(GUTTER, rect.width() / 2), 0, 0, 0)


def x_of(picture: TimelinePicture, rect: QRectF, step: float) -> float:
    """Where a place on the axis of steps is, in pixels."""
    area = plot_area(rect)
    return area.left() + (step - picture.first) / _span(picture) * area.width()


def step_at(picture: TimelinePicture, rect: QRectF, x: float) -> int:
    """The step whose column is at ``x``; clamped to the steps there are."""
    area = plot_area(rect)
    step = picture.first + (x - area.left()) / max(area.width(), 1.0) * _span(picture)
    return min(max(int(step // 1), 0), max(picture.steps - 1, 0))


def paint_tracks(painter: QPainter, rect: QRectF, picture: TimelinePicture, theme: Theme) -> None:
    """Paint curves and hits over the ruler: all that stays while the playhead moves."""
    area = plot_area(rect)
    top = area.top() + RULER + picture.above
    body = QRectF(area.left(), top, area.width(), area.bottom() - LANE - top)
    height = body.height() / max(len(picture.tracks), 1)
    for at, track in enumerate(picture.tracks):
        box = QRectF(body.left(), body.top() + at * height, body.width(), height)
        name = QRectF(rect.left() + 6, box.top(), GUTTER - 12, height)
        _paint_name(painter, name, track, theme)
        painter.setPen(QPen(QColor(theme.line), 1.0))
        painter.drawLine(QPointF(rect.left(), box.bottom()), box.bottomRight())
        painter.save()
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        inner = box.adjusted(0, min(5.0, height / 6), 0, -min(6.0, height / 6))
        for curve in track.curves:
            _paint_curve(painter, inner, picture, track, curve, theme)
        painter.restore()
    painter.save()
    painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
    _paint_hits(painter, rect, picture, theme)
    painter.restore()


def paint_marks(painter: QPainter, rect: QRectF, picture: TimelinePicture, theme: Theme) -> None:
    """Paint the step that is shown, the range that is repeated, and bookmarks."""
    area = plot_area(rect)
    painter.save()
    painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
    _paint_loop(painter, rect, picture, theme)
    _paint_playhead(painter, rect, picture, theme)
    _paint_bookmarks(painter, rect, picture, theme)
    painter.restore()


def _span(picture: TimelinePicture) -> float:
    return max(picture.last - picture.first, 1e-9)


def _width(picture: TimelinePicture, rect: QRectF) -> float:
    """Pixels of one step."""
    return plot_area(rect).width() / _span(picture)


def _paint_name(painter: QPainter, rect: QRectF, track: Track, theme: Theme) -> None:
    line = theme.size_small + 3
    ends = f"{track.low:.3g} – {track.high:.3g}".replace("-", "−")
    # Where a track is too low for two lines, its ends go without.
    lines = [track.name, ends] if rect.height() >= 2 * line else [track.name]
    top = rect.center().y() - len(lines) * line / 2
    for at, words in enumerate(lines):
        place = QRectF(rect.left(), top + at * line, rect.width(), line)
        colour = theme.faint if at else theme.muted
        draw_text(painter, place, words, theme, size=theme.size_small, colour=colour)


def paint_ruler(painter: QPainter, rect: QRectF, picture: TimelinePicture, theme: Theme) -> None:
    """Paint the axis: a line and a number at steps, and the tokens that came with them."""
    area = plot_area(rect)
    width = _width(picture, rect)
    widest = text_width(_step_words(int(picture.last), 1), theme, theme.size_small)
    every = label_every(width, max(_LABEL, widest + 14))
    # Of every ten thousand steps the one with a round number has a label.
    shift = -1 if every > 1 else 0
    first = max(int(picture.first // every) * every + shift, 0)
    last = min(int(np.ceil(picture.last)), picture.steps)
    bottom = rect.bottom() - LANE
    painter.setPen(QPen(QColor(theme.line), 1.0))
    painter.save()
    painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
    lines = range(first, last + 1, 1 if width >= _COLUMN else every)
    for step in lines:
        x = x_of(picture, rect, step)
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, bottom))
    for step in (0, *range(first or (every + shift), last, every)) if every > 1 else lines:
        x = x_of(picture, rect, step)
        room = max(every * width - 8, 10.0)
        words = _step_words(step, every)
        token = picture.tokens.get(step, "")
        if token and every == 1:
            words = f"{words}  {_quoted(token)}"
        place = QRectF(x + 4, rect.top(), room, RULER)
        draw_text(painter, place, words, theme, size=theme.size_small, colour=theme.faint)
    painter.restore()


def _step_words(step: int, every: int) -> str:
    return f"step {step + 1:,}" if every == 1 or not step else f"{step + 1:,}"


def label_every(width: float, room: float = _LABEL) -> int:
    """How many steps have one label, where a step is ``width`` pixels wide: 1, 2, 5, 10, 20 …"""
    wanted = room / max(width, 1e-9)
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= wanted:
                return factor * power
        power *= 10


def _quoted(token: str) -> str:
    plain = " ".join(token.split()) or "␣"
    return f"“{plain}”"


def _paint_curve(
    painter: QPainter,
    box: QRectF,
    picture: TimelinePicture,
    track: Track,
    curve: Curve,
    theme: Theme,
) -> None:
    colour = QColor(theme.hard if curve.hard else theme.soft)
    if box.width() / _span(picture) < 1.0:
        _paint_columns(painter, box, picture, track, curve, colour)
        return
    first = max(int(picture.first) - 1, 0)
    last = min(int(np.ceil(picture.last)) + 1, curve.values.size)
    values = curve.values[first:last]
    span = max(track.high - track.low, 1e-300)
    x = box.left() + (np.arange(first, last) + 0.5 - picture.first) / _span(picture) * box.width()
    y = box.bottom() - (values - track.low) / span * box.height()
    known = np.isfinite(values)
    # Very many wide lines take ten times as long, and look no different.
    many = int(known.sum()) > _SMOOTH
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not many)
    painter.setPen(QPen(colour, 1.0 if many else 1.8, _LINES[curve.line]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    points = [QPointF(*pair) for pair in zip(x[known].tolist(), y[known].tolist(), strict=True)]
    # A line ends where a step was not recorded.
    ends = np.flatnonzero(np.diff(np.flatnonzero(known)) > 1) + 1
    start = 0
    for end in [*ends.tolist(), len(points)]:
        paint_line(painter, points[start:end])
        start = end
    wide = box.width() / _span(picture) >= _COLUMN
    alone = set(np.flatnonzero(known & ~_joined(known)).tolist())
    places = np.flatnonzero(known).tolist()
    painter.setPen(QPen(colour, 1.4))
    painter.setBrush(QColor(theme.panel) if curve.line == "dotted" else colour)
    for point, place in zip(points, places, strict=True):
        # A step between two that were not recorded has no line that would show it.
        if wide or place in alone:
            _paint_symbol(painter, point, curve.hard)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _joined(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which steps have a known neighbour."""
    padded = np.concatenate([[False], known, [False]])
    return np.asarray(padded[:-2] | padded[2:])


def _paint_symbol(painter: QPainter, point: QPointF, hard: bool) -> None:
    if hard:
        painter.drawEllipse(point, 3.2, 3.2)
    else:
        painter.drawRect(QRectF(point.x() - 2.8, point.y() - 2.8, 5.6, 5.6))


def _paint_columns(
    painter: QPainter,
    box: QRectF,
    picture: TimelinePicture,
    track: Track,
    curve: Curve,
    colour: QColor,
) -> None:
    """From the smallest to the largest value of each column of pixels, as an image."""
    # Device pixels, so that a peak is one pixel and not a blur.
    scale = painter.device().devicePixelRatioF() if painter.device() is not None else 1.0
    columns = max(int(box.width() * scale), 1)
    rows = max(int(box.height() * scale), 1)
    low, high = curve.levels.binned(picture.first, picture.last, columns)
    span = max(track.high - track.low, 1e-300)
    with np.errstate(invalid="ignore"):
        top = np.floor((track.high - high) / span * (rows - 1))
        bottom = np.ceil((track.high - low) / span * (rows - 1))
    line = np.arange(rows)[:, None]
    inside = (line >= top) & (line <= bottom)
    rgba = np.zeros((rows, columns, 4), np.uint8)
    rgba[inside] = (colour.red(), colour.green(), colour.blue(), 190)
    data = np.ascontiguousarray(rgba)
    image = QImage(data.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
    painter.drawImage(box, image.copy())


def _paint_loop(painter: QPainter, rect: QRectF, picture: TimelinePicture, theme: Theme) -> None:
    if picture.loop is None:
        return
    first, last = picture.loop
    left, right = x_of(picture, rect, first), x_of(picture, rect, last + 1)
    shade = QColor(theme.accent)
    shade.setAlpha(26)
    bottom = rect.bottom() - LANE
    painter.fillRect(QRectF(left, rect.top(), right - left, bottom - rect.top()), shade)
    painter.setPen(QPen(QColor(theme.accent), 1.0))
    for x in (left, right):
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, bottom))
    painter.fillRect(QRectF(left, rect.top(), right - left, 3), QColor(theme.accent))


def _paint_playhead(
    painter: QPainter, rect: QRectF, picture: TimelinePicture, theme: Theme
) -> None:
    left, right = x_of(picture, rect, picture.step), x_of(picture, rect, picture.step + 1)
    bottom = rect.bottom() - LANE
    column = QColor(theme.accent)
    column.setAlpha(34)
    painter.fillRect(QRectF(left, rect.top(), right - left, bottom - rect.top()), column)
    x = (left + right) / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.accent), 1.6))
    painter.drawLine(QPointF(x, rect.top()), QPointF(x, bottom))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.accent))
    head = [QPointF(x - 5, rect.top()), QPointF(x + 5, rect.top()), QPointF(x, rect.top() + 7)]
    painter.drawPolygon(QPolygonF(head))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _paint_hits(painter: QPainter, rect: QRectF, picture: TimelinePicture, theme: Theme) -> None:
    if not picture.hits.size:
        return
    low, high = np.searchsorted(picture.hits, [int(picture.first) - 1, picture.last])
    centres = picture.hits[low:high] + 0.5
    area = plot_area(rect)
    # One tick a pixel is all that can be seen.
    x = (centres - picture.first) / _span(picture) * area.width()
    painter.setPen(QPen(QColor(theme.text), 1.4))
    bottom = rect.bottom() - LANE
    for place in np.unique(x.astype(np.int64)).tolist():
        at = area.left() + place + 0.5
        painter.drawLine(QPointF(at, bottom - 5), QPointF(at, bottom + 2))


def _paint_bookmarks(
    painter: QPainter, rect: QRectF, picture: TimelinePicture, theme: Theme
) -> None:
    top = rect.bottom() - LANE + 2
    free = -1e9
    for step, note in sorted(picture.bookmarks):
        x = x_of(picture, rect, step + 0.5)
        if not rect.left() <= x <= rect.right():
            continue
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.bad))
        mark = [QPointF(x - 5, top + 8), QPointF(x + 5, top + 8), QPointF(x, top)]
        painter.drawPolygon(QPolygonF(mark))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        words = " ".join(note.split())
        if not words or x < free:
            continue
        place = QRectF(x + 9, top - 2, min(rect.right() - x - 9, 220.0), LANE - 1)
        if place.width() < 30:
            continue
        draw_text(painter, place, words, theme, size=theme.size_small, colour=theme.muted)
        free = place.left() + min(place.width(), text_width(words, theme, theme.size_small)) + 12
