"""One attention distribution as bars over its keys, in their order or sorted."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from hardattn_viewer.drawing.axes import tick_words
from hardattn_viewer.drawing.bar_marks import paint_cumulative, paint_draws, paint_names
from hardattn_viewer.drawing.bars import (
    AXIS,
    HEADER,
    NAMED,
    TALL,
    TRIANGLE,
    Bars,
    DistributionPicture,
    bar_at,
    bars_in,
)
from hardattn_viewer.drawing.colours import Mark, marks
from hardattn_viewer.drawing.keys import known_key
from hardattn_viewer.drawing.names import shown_token
from hardattn_viewer.drawing.strokes import faded, hatch, pen, tint
from hardattn_viewer.drawing.text import amount, draw_text, first_that_fits, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.measures.distributions import most_probable
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.draws import Draws
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import key_noun, special_name

__all__ = [
    "Bars",
    "DistributionPicture",
    "bar_at",
    "bars_in",
    "distribution_picture",
    "key_kind",
    "key_name",
    "paint_distribution",
]

NAMED_KEYS = 5
DECADES = 8
"""Most decades of a logarithmic axis; what is below is drawn as tiny."""


def key_kind(frame: Frame) -> str:
    """What a key of this frame is, in one word."""
    # With special tokens among them, the bars stand for more than regions.
    return "key" if frame.boxes is not None and frame.first_region else key_noun(frame)


def key_name(frame: Frame, key: int) -> str:
    """A key in words: its token, or its number and the centre of its region in px."""
    if frame.tokens is not None and key < len(frame.tokens):
        return f"“{frame.tokens[key]}”"
    region = key - frame.first_region
    if region < 0:
        return special_name(frame, key)
    if frame.boxes is not None and region < len(frame.boxes):
        x0, y0, x1, y1 = (float(v) for v in frame.boxes[region])
        named = frame.scene.region_name(region, (x0, y0, x1, y1))
        if named:
            return named
        return f"region {region} at ({(x0 + x1) / 2:g}, {(y0 + y1) / 2:g}) px"
    return f"key {key}"


def distribution_picture(
    frame: Frame,
    scale_max: float,
    hover: int | None = None,
    *,
    pinned: int | None = None,
    masked: NDArray[np.bool_] | None = None,
    display: Display | None = None,
    draws: Draws | None = None,
) -> DistributionPicture:
    """Work out what ``paint_distribution`` paints.

    Args:
        frame: one run at one place.
        scale_max: probability of a bar of full height, positive.
        hover: key under the mouse.
        pinned: key held by a click.
        masked: bool [keys], keys that the model could not look at.
        display: order, axis and names of the bars; None for keys in their order, linear, nameless.
        draws: how often each key was drawn, as ticks beside its probability.

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
        if draws is not None and hover < draws.counts.size:
            text += f", drawn {int(draws.counts[hover]):,} of {draws.n:,}"
    options = Display(bar_names=False) if display is None else display
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
        order=falling(values) if options.sorted_bars else None,
        low=_foot(values, scale_max) if options.log_bars else 0.0,
        cumulative=options.cumulative,
        names=_names(frame, values) if options.bar_names else (),
        draws=draws,
        left_out=frame.hidden_mass,
    )


def falling(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Keys by falling probability, equal ones in their order, those without one last."""
    return np.argsort(-values, kind="stable").astype(np.int64)


def _foot(values: NDArray[np.float32], scale_max: float) -> float:
    """The power of ten below every probability, but not too many decades down."""
    positive = values[values > 0]
    least = max(float(positive.min(initial=scale_max)), scale_max / 10.0**DECADES)
    return min(10.0 ** math.floor(math.log10(least)), scale_max / 10)


def _names(frame: Frame, values: NDArray[np.float32]) -> tuple[tuple[int, str], ...]:
    """The largest keys that stand out from an even spread, with their names."""
    named = []
    even = 1.0 / max(len(values), 1)
    for key in most_probable(values, NAMED_KEYS).tolist():
        if not values[key] > 1.5 * even:
            break
        region = key - frame.first_region
        if frame.tokens is not None and key < len(frame.tokens):
            words = shown_token(frame.tokens[key])
        else:
            words = special_name(frame, key) if region < 0 else str(region)
        named.append((key, words))
    return tuple(named)


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
        paint_draws(painter, bars, picture, theme)
        if picture.cumulative:
            paint_cumulative(painter, bars, picture, theme)
        if rect.height() >= NAMED:
            paint_names(painter, bars, picture, theme)
        if rect.height() >= TALL:
            _paint_axis(painter, rect, picture, theme)
    painter.restore()


def _paint_header(
    painter: QPainter, rect: QRectF, picture: DistributionPicture, bars: Bars, theme: Theme
) -> None:
    header = QRectF(rect.left(), rect.top(), rect.width(), HEADER)
    scale = f"0 – {amount(picture.scale_max)}"
    if picture.low:
        scale = f"{tick_words(picture.low)} – {amount(picture.scale_max)}, log"
    if picture.cumulative:
        scale = f"bars {scale} · line: mass so far, 0 – 1"
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
    if picture.draws is not None and not picture.hover_text:
        # Said in every wording, since the ticks mean nothing without it.
        choices = [f"{one} · ticks: {picture.draws.words}" for one in choices]
        choices.append(picture.draws.words)
    words = first_that_fits(choices, header.width(), theme, theme.size_small) or choices[-1]
    draw_text(painter, header, words, theme, size=theme.size_small, colour=colour)


def _paint_axis(
    painter: QPainter, rect: QRectF, picture: DistributionPicture, theme: Theme
) -> None:
    line = QRectF(rect.left(), rect.bottom() - AXIS + 1, rect.width(), AXIS - 1)
    count = len(picture.values)
    first, last = f"{picture.kind} 0", str(count - 1)
    if picture.order is not None:
        first, last = "rank 1", str(count)
    room = text_width(last, theme, theme.size_small - 1)
    draw_text(
        painter, line, last, theme, size=theme.size_small - 1, colour=theme.faint, align="right"
    )
    line.setWidth(max(0.0, line.width() - room - 8))
    draw_text(
        painter,
        line,
        first,
        theme,
        size=theme.size_small - 1,
        colour=theme.faint,
    )


def _paint_bars(painter: QPainter, bars: Bars, picture: DistributionPicture, theme: Theme) -> None:
    area = bars.area
    painter.setPen(pen(theme.line, 1.0))
    painter.drawLine(QLineF(area.left(), area.bottom() + 0.5, area.right(), area.bottom() + 0.5))
    usual = QColor(theme.bar) if picture.hard else tint(theme.soft, 0.85)
    pointed = [key for key in (picture.hover, picture.pinned) if key is not None]
    for index in np.flatnonzero(np.isin(bars.peak, pointed)).tolist():
        column = bars.column(index).adjusted(0, -TRIANGLE, 0, 0)
        painter.fillRect(column, tint(theme.accent, 0.22))
    _paint_usual_bars(painter, bars, picture, usual)
    odd = ~np.isin(picture.marks[bars.peak], (Mark.VALUE, Mark.ZERO, Mark.TINY))
    for index in np.flatnonzero(odd).tolist():
        key = int(bars.peak[index])
        _paint_bar(painter, bars.column(index), picture, key, usual, theme)
    for key in picture.chosen:
        index = bars.bar_of(picture.place_of(key))
        column = bars.column(index)
        tip = _paint_bar(painter, QRectF(column), picture, key, QColor(theme.hard), theme)
        # Of a merged bar the triangle stands above the whole, or taller neighbours would hide it.
        share = picture.share(float(picture.values[bars.peak[index]]))
        tip = min(tip, column.bottom() - share * column.height())
        x, y = column.center().x(), tip - 2.5
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.hard))
        # At the ends of the axis the base is cut, and the tip stays on its bar.
        left, right = max(x - 4, area.left()), min(x + 4, area.right())
        painter.drawPolygon(QPolygonF([QPointF(left, y - 5), QPointF(right, y - 5), QPointF(x, y)]))


def _paint_usual_bars(
    painter: QPainter, bars: Bars, picture: DistributionPicture, usual: QColor
) -> None:
    """All bars of a probability without a mark, and all tiny ones, at once: there are hundreds."""
    heights = np.maximum(1.0, picture.shares(bars.peak) * bars.area.height())
    found = picture.marks[bars.peak]
    painter.setPen(Qt.PenStyle.NoPen)
    for mark, colour in ((Mark.VALUE, usual), (Mark.TINY, faded(usual))):
        some = np.flatnonzero(found == mark)
        if not some.size:
            continue
        start = bars.column(0)
        lefts = (start.left() + some * bars.pitch).tolist()
        bottom, width = start.bottom(), start.width()
        painter.setBrush(colour)
        painter.drawRects(
            [
                QRectF(left, bottom - height, width, height)
                for left, height in zip(lefts, heights[some].tolist(), strict=True)
            ]
        )


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
    share = picture.share(float(picture.values[key]))
    # A value above zero never vanishes: it keeps one px.
    bar = QRectF(column)
    bar.setTop(column.bottom() - max(1.0, share * column.height()))
    painter.fillRect(bar, faded(colour) if mark is Mark.TINY else colour)
    if mark is Mark.CLIPPED:
        painter.fillRect(QRectF(bar.left(), bar.top() + 3, bar.width(), 2), QColor(theme.window))
    return bar.top()
