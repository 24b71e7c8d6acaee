"""One attention distribution as bars over its keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from hardattn_viewer.drawing.colours import Mark, marks
from hardattn_viewer.drawing.keys import known_key
from hardattn_viewer.drawing.strokes import faded, hatch, pen, tint
from hardattn_viewer.drawing.text import amount, draw_text, first_that_fits, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import special_name

# Bars closer together than this merge: a bar and a gap that can still be seen.
_PITCH = 2.0
_HEADER = 16.0
_TRIANGLE = 9.0
_AXIS = 14.0
# Below this height the ends of the axis are left out.
_TALL = 62.0


@dataclass(frozen=True, eq=False)
class DistributionPicture:
    """Everything to paint of one distribution; made by ``distribution_picture``.

    Attributes:
        values: float32 [keys].
        marks: ``Mark`` of each key.
        chosen: the selected keys; empty where attention is soft.
        hard: whether items are selected at this site.
        kind: what a key is: ``"region"``, ``"token"`` or ``"key"``.
        scale_max: probability of a bar of full height.
        hover: key under the mouse.
        hover_text: its name and value.
        pinned: key held by a click.
        left_out: share of the mass on keys that have no bar, in [0, 1].
    """

    values: NDArray[np.float32]
    marks: NDArray[np.uint8]
    chosen: tuple[int, ...]
    hard: bool
    kind: str
    scale_max: float
    hover: int | None
    hover_text: str
    pinned: int | None
    left_out: float = 0.0


@dataclass(frozen=True, eq=False)
class Bars:
    """Where bars stand.

    Attributes:
        area: between the baseline and the tip of a full bar.
        first: int64 [bars], the first key of each bar.
        peak: int64 [bars], the key whose value each bar shows.
        merged: the most keys that share a bar; 1 where every key has its own.
    """

    area: QRectF
    first: NDArray[np.int64]
    peak: NDArray[np.int64]
    merged: int

    @property
    def pitch(self) -> float:
        """Logical px from bar to bar."""
        return self.area.width() / max(1, len(self.first))

    def column(self, bar: int) -> QRectF:
        """Where bar number ``bar`` may stand, full height."""
        gap = 1.0 if self.pitch < 5 else 0.2 * self.pitch
        left = self.area.left() + bar * self.pitch + gap / 2
        return QRectF(left, self.area.top(), self.pitch - gap, self.area.height())


def key_kind(frame: Frame) -> str:
    """What a key of this frame is, in one word."""
    if frame.tokens is not None:
        return "word" if frame.groups is not None and frame.groups.merged else "token"
    # With special tokens among them, the bars stand for more than regions.
    return "region" if frame.boxes is not None and not frame.first_region else "key"


def key_name(frame: Frame, key: int) -> str:
    """A key in words: its token, or its number and the centre of its region in px."""
    if frame.tokens is not None and key < len(frame.tokens):
        return f"“{frame.tokens[key]}”"
    region = key - frame.first_region
    if region < 0:
        return special_name(frame, key)
    if frame.boxes is not None and region < len(frame.boxes):
        x0, y0, x1, y1 = (float(v) for v in frame.boxes[region])
        return f"region {region} at ({(x0 + x1) / 2:g}, {(y0 + y1) / 2:g}) px"
    return f"key {key}"


def distribution_picture(
    frame: Frame,
    scale_max: float,
    hover: int | None = None,
    *,
    pinned: int | None = None,
    masked: NDArray[np.bool_] | None = None,
) -> DistributionPicture:
    """Work out what ``paint_distribution`` paints.

    Args:
        frame: one run at one place.
        scale_max: probability of a bar of full height, positive.
        hover: key under the mouse.
        pinned: key held by a click.
        masked: bool [keys], keys that the model could not look at.

    Raises:
        ValueError: scale_max is not positive.
    """
    if not scale_max > 0:
        raise ValueError(f"scale_max is {scale_max}; it must be positive")
    values = np.asarray(frame.probabilities, dtype=np.float32)
    hover, pinned = known_key(hover, len(values)), known_key(pinned, len(values))
    text = ""
    if hover is not None:
        text = f"{key_name(frame, hover)}: {amount(float(values[hover]))}"
    return DistributionPicture(
        values=values,
        marks=marks(values, scale_max, masked),
        chosen=frame.selection,
        hard=frame.hard,
        kind=key_kind(frame),
        scale_max=scale_max,
        hover=hover,
        hover_text=text,
        pinned=pinned,
        left_out=frame.hidden_mass,
    )


def bars_in(picture: DistributionPicture, rect: QRectF) -> Bars:
    """Where the bars stand when the picture is painted into ``rect``."""
    below = _AXIS if rect.height() >= _TALL else 2.0
    area = rect.adjusted(0, _HEADER + _TRIANGLE, 0, -below)
    count = len(picture.values)
    bars = max(1, min(count, int(area.width() / _PITCH)))
    first = np.arange(bars, dtype=np.int64) * count // bars
    last = np.append(first[1:], count)
    strength = np.nan_to_num(picture.values.astype(np.float64), nan=-1.0)
    peak = np.array(
        [a + int(strength[a:b].argmax()) for a, b in zip(first, last, strict=True) if b > a],
        dtype=np.int64,
    )
    return Bars(area, first, peak, int((last - first).max()))


def bar_at(picture: DistributionPicture, rect: QRectF, point: QPointF) -> int | None:
    """The key whose bar is under a point, also above a short bar.

    Args:
        picture: what was painted.
        rect: the rectangle it was painted into.
        point: in the painter's coordinates.

    Returns:
        The key (of a merged bar the one it shows), or None beside the bars.
    """
    bars = bars_in(picture, rect)
    if not len(bars.peak) or bars.area.height() <= 0:
        return None
    reach = bars.area.adjusted(0, -_TRIANGLE, 0, 0)
    if not (reach.left() <= point.x() < reach.right()):
        return None
    if not (reach.top() <= point.y() <= reach.bottom()):
        return None
    index = int((point.x() - reach.left()) / bars.pitch)
    return int(bars.peak[min(index, len(bars.peak) - 1)])


def paint_distribution(
    painter: QPainter, rect: QRectF, picture: DistributionPicture, theme: Theme
) -> None:
    """Paint the bars, the chosen ones in the hard colour under a triangle, inside ``rect``.

    Bars too narrow to tell apart are merged by maximum, which the heading then says.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px; below 62 px of height the ends of the axis are left out.
        picture: from ``distribution_picture``.
        theme: colours and type.
    """
    bars = bars_in(picture, rect)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _paint_header(painter, rect, picture, bars, theme)
    if bars.area.height() > 0 and len(bars.peak):
        _paint_bars(painter, bars, picture, theme)
        if rect.height() >= _TALL:
            _paint_axis(painter, rect, picture, theme)
    painter.restore()


def _paint_header(
    painter: QPainter, rect: QRectF, picture: DistributionPicture, bars: Bars, theme: Theme
) -> None:
    header = QRectF(rect.left(), rect.top(), rect.width(), _HEADER)
    scale = f"0 – {amount(picture.scale_max)}"
    room = text_width(scale, theme, theme.size_small)
    if room < header.width() / 2:
        draw_text(
            painter, header, scale, theme, size=theme.size_small, colour=theme.faint, align="right"
        )
        header.setWidth(header.width() - room - 8)
    count = len(picture.values)
    hidden = f", {picture.left_out:.2f} hidden" if picture.left_out > 0 else ""
    if picture.hover_text:
        choices, colour = [picture.hover_text], theme.text
    elif bars.merged > 1:
        colour = theme.muted
        choices = [
            f"{count:,} {picture.kind}s{hidden} · each bar the largest of {bars.merged}",
            f"{count:,} {picture.kind}s{hidden}, max of {bars.merged}",
        ]
    else:
        plural = "" if count == 1 else "s"
        colour = theme.muted
        choices = [
            f"distribution over {count:,} {picture.kind}{plural}{hidden}",
            f"{count:,} {picture.kind}{plural}{hidden}",
        ]
    words = first_that_fits(choices, header.width(), theme, theme.size_small) or choices[-1]
    draw_text(painter, header, words, theme, size=theme.size_small, colour=colour)


def _paint_axis(
    painter: QPainter, rect: QRectF, picture: DistributionPicture, theme: Theme
) -> None:
    line = QRectF(rect.left(), rect.bottom() - _AXIS + 1, rect.width(), _AXIS - 1)
    last = str(len(picture.values) - 1)
    room = text_width(last, theme, theme.size_small - 1)
    draw_text(
        painter, line, last, theme, size=theme.size_small - 1, colour=theme.faint, align="right"
    )
    line.setWidth(max(0.0, line.width() - room - 8))
    draw_text(
        painter,
        line,
        f"{picture.kind} 0",
        theme,
        size=theme.size_small - 1,
        colour=theme.faint,
    )


def _paint_bars(painter: QPainter, bars: Bars, picture: DistributionPicture, theme: Theme) -> None:
    area = bars.area
    painter.setPen(pen(theme.line, 1.0))
    painter.drawLine(QLineF(area.left(), area.bottom() + 0.5, area.right(), area.bottom() + 0.5))
    usual = QColor(theme.bar) if picture.hard else tint(theme.soft, 0.85)
    for index, key in enumerate(bars.peak):
        column = bars.column(index)
        if key in (picture.hover, picture.pinned):
            painter.fillRect(column.adjusted(0, -_TRIANGLE, 0, 0), tint(theme.accent, 0.22))
        _paint_bar(painter, column, picture, int(key), usual, theme)
    for key in picture.chosen:
        index = int(np.searchsorted(bars.first, key, side="right")) - 1
        column = bars.column(index)
        tip = _paint_bar(painter, QRectF(column), picture, key, QColor(theme.hard), theme)
        # Of a merged bar the triangle stands above the whole, or taller neighbours would hide it.
        share = min(1.0, float(np.nan_to_num(picture.values[bars.peak[index]])) / picture.scale_max)
        tip = min(tip, column.bottom() - share * column.height())
        x, y = column.center().x(), tip - 2.5
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.hard))
        # At the ends of the axis the base is cut, and the tip stays on its bar.
        left, right = max(x - 4, area.left()), min(x + 4, area.right())
        painter.drawPolygon(QPolygonF([QPointF(left, y - 5), QPointF(right, y - 5), QPointF(x, y)]))


def _paint_bar(
    painter: QPainter,
    column: QRectF,
    picture: DistributionPicture,
    key: int,
    colour: QColor,
    theme: Theme,
) -> float:
    """Paint one bar and return the y of its tip."""
    mark = Mark(int(picture.marks[key]))
    if mark in (Mark.NAN, Mark.MASKED):
        column.setTop(column.bottom() - min(column.height(), 12.0))
        if mark is Mark.NAN:
            hatch(painter, column, QColor(theme.muted), 3.0)
        else:
            painter.setPen(pen(theme.muted, 1.0))
            painter.drawLine(QLineF(column.bottomLeft(), column.topRight()))
        return column.top()
    if mark is Mark.ZERO:
        return column.bottom()
    share = min(1.0, float(picture.values[key]) / picture.scale_max)
    # A value above zero never vanishes: it keeps one px.
    bar = QRectF(column)
    bar.setTop(column.bottom() - max(1.0, share * column.height()))
    painter.fillRect(bar, faded(colour) if mark is Mark.TINY else colour)
    if mark is Mark.CLIPPED:
        painter.fillRect(QRectF(bar.left(), bar.top() + 3, bar.width(), 2), QColor(theme.window))
    return bar.top()
