"""Arranging painters on a page: each view as blocks with their places in logical px."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.difference import (
    difference_picture,
    difference_scale,
    paint_difference,
)
from hardattn_viewer.drawing.distribution import distribution_picture, paint_distribution
from hardattn_viewer.drawing.frame_words import mechanism_words, step_choices
from hardattn_viewer.drawing.headings import (
    HEADING_HEIGHT,
    chips_height,
    common_aside,
    paint_chips,
    paint_heading,
)
from hardattn_viewer.drawing.regions import frame_layout, paint_regions, regions_picture
from hardattn_viewer.drawing.scale import paint_scale_bar, scale_for, scope_words
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.text import Words, draw_text, line_height, wrap
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.figures.numbers import Comparison, compare
from hardattn_viewer.figures.options import FigureOptions
from hardattn_viewer.figures.provenance import caption
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame

Paint = Callable[[QPainter, QRectF], None]
_MARGIN = 10.0
_GAP = 8.0
_STRIP = 74.0
_SCALE = 16.0
_COLUMN_GAP = 16.0
_SMALL = 48.0
# A portrait image takes at most this many widths of height.
_TALLEST = 1.25


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


def regions_page(frame: Frame, options: FigureOptions, display: Display) -> Page:
    """One run: the image with attention on it, the distribution, all steps if wanted."""
    theme, width = options.theme, options.width
    inner = _whole(width - 2 * _MARGIN)
    scale = scale_for(frame, [frame], display)
    blocks: list[Block] = []
    y = _MARGIN

    def add(height: float, paint: Paint, gap: float = _GAP) -> None:
        nonlocal y
        blocks.append(Block(QRectF(_MARGIN, y, inner, height), paint))
        y += height + gap

    heading = [
        Words(frame.run_name, bold=True),
        Words(
            "  " + mechanism_words(frame), colour=theme.hard_text if frame.hard else theme.soft_text
        ),
    ]
    add(
        HEADING_HEIGHT,
        lambda painter, rect: paint_heading(
            painter, rect, heading, theme, aside=step_choices(frame)
        ),
        4,
    )
    picture = regions_picture(frame, display, scale_max=scale)
    add(
        inner * min(_aspect(frame), _TALLEST),
        lambda painter, rect: paint_regions(painter, rect, picture, theme),
    )
    if options.all_steps:
        for row in _step_rows(frame, display, scale, inner, theme):
            add(*row)
    bars = distribution_picture(frame, scale)
    add(_STRIP, lambda painter, rect: paint_distribution(painter, rect, bars, theme))
    # Without heat no colour stands for an amount; the bars state their scale themselves.
    if display.heat:
        scope = scope_words(display)
        add(
            _SCALE,
            lambda painter, rect: paint_scale_bar(
                painter, rect, scale, scope, theme, colours=display.colours
            ),
        )
    words = caption([frame], (), display, [scale], None)
    if options.caption:
        add(*_caption_block(words, inner, theme))
    return Page(width, y - _GAP + _MARGIN, tuple(blocks), words, (scale,), None)


def compare_page(frame_a: Frame, frame_b: Frame, options: FigureOptions, display: Display) -> Page:
    """A, B and B − A side by side, their distributions and the numbers between them."""
    theme, width = options.theme, options.width
    inner = _whole(width - 2 * _MARGIN)
    column = _whole((inner - 2 * _COLUMN_GAP) / 3)
    lefts = [_MARGIN + math.floor(index * (inner - column) / 2) for index in range(3)]
    frames = (frame_a, frame_b)
    scales = tuple(scale_for(frame, frames, display) for frame in frames)
    blocks: list[Block] = []
    image_height = column * min(max(_aspect(frame) for frame in frames), _TALLEST)
    top = _MARGIN + HEADING_HEIGHT + 4
    below = top + image_height + _GAP
    asides = common_aside(
        [mechanism_words(frame) for frame in frames],
        [step_choices(frame) for frame in frames],
        column,
        theme,
    )
    for slot, aside, frame, left, scale in zip(
        "AB", asides, frames, lefts[:2], scales, strict=True
    ):
        blocks += _run_column(slot, aside, frame, left, column, image_height, scale, theme, display)
    numbers = compare(frame_a, frame_b)
    chips = comparison_chips(numbers, options.facts, theme)
    difference: float | None = None
    blocks.append(
        Block(
            QRectF(lefts[2], _MARGIN, column, HEADING_HEIGHT),
            lambda painter, rect: paint_heading(
                painter, rect, "B − A", theme, aside="where they disagree"
            ),
        )
    )
    picture = difference_picture(frame_a, frame_b, display)
    if len(picture.values):
        difference = difference_scale(frame_a, frame_b, display)
    blocks.append(
        Block(
            QRectF(lefts[2], top, column, image_height),
            lambda painter, rect: paint_difference(painter, rect, picture, theme),
        )
    )
    chips_at = QRectF(lefts[2], below, column, chips_height(chips, column, theme))
    blocks.append(Block(chips_at, lambda painter, rect: paint_chips(painter, rect, chips, theme)))
    y = max(below + _STRIP, chips_at.bottom()) + _GAP
    names = ("A", "B")
    scope = scope_words(display, names)
    blocks += _scale_blocks(lefts, column, y, scales, difference, scope, theme, display)
    y += _SCALE + _GAP
    words = caption(frames, names, display, scales, difference)
    if options.caption:
        height, paint = _caption_block(words, inner, theme)
        blocks.append(Block(QRectF(_MARGIN, y, inner, height), paint))
        y += height + _GAP
    return Page(width, y - _GAP + _MARGIN, tuple(blocks), words, scales, difference)


def _run_column(
    slot: str,
    aside: str,
    frame: Frame,
    left: float,
    column: float,
    image_height: float,
    scale: float,
    theme: Theme,
    display: Display,
) -> list[Block]:
    picture = regions_picture(frame, display, scale_max=scale)
    bars = distribution_picture(frame, scale)
    top = _MARGIN + HEADING_HEIGHT + 4
    return [
        Block(
            QRectF(left, _MARGIN, column, HEADING_HEIGHT),
            lambda painter, rect: paint_heading(
                painter, rect, mechanism_words(frame), theme, slot=slot, aside=aside
            ),
        ),
        Block(
            QRectF(left, top, column, image_height),
            lambda painter, rect: paint_regions(painter, rect, picture, theme),
        ),
        Block(
            QRectF(left, top + image_height + _GAP, column, _STRIP),
            lambda painter, rect: paint_distribution(painter, rect, bars, theme),
        ),
    ]


def _scale_blocks(
    lefts: Sequence[float],
    column: float,
    y: float,
    scales: Sequence[float],
    difference: float | None,
    scope: str,
    theme: Theme,
    display: Display,
) -> list[Block]:
    def bar(left: float, width: float, top: float, words: str, signed: bool) -> Block:
        return Block(
            QRectF(left, y, width, _SCALE),
            lambda painter, rect: paint_scale_bar(
                painter, rect, top, words, theme, colours=display.colours, signed=signed
            ),
        )

    made: list[Block] = []
    if display.heat and len(set(scales)) == 1:
        made = [bar(lefts[0], lefts[1] + column - lefts[0], scales[0], scope, False)]
    elif display.heat:
        made = [
            bar(left, column, scale, name, False)
            for left, scale, name in zip(lefts, scales, "AB", strict=False)
        ]
    if difference is not None:
        made.append(bar(lefts[2], column, difference, "", True))
    return made


def comparison_chips(
    numbers: Comparison, facts: Sequence[str | tuple[str, str]], theme: Theme
) -> list[list[Words]]:
    """The numbers between two runs, one chip each; what is not defined is left out."""
    chips: list[list[Words]] = []
    if numbers.jensen_shannon is not None:
        chips.append(
            [
                Words("Jensen–Shannon "),
                Words(f"{numbers.jensen_shannon:.2f}", bold=True),
                Words(" bits"),
            ]
        )
    if numbers.mass_on_choice is not None:
        chips.append(
            [
                Words(f"{numbers.looker}'s mass on {numbers.chooser}'s choice "),
                Words(f"{numbers.mass_on_choice:.2f}", bold=True),
            ]
        )
    if numbers.same_argmax is not None:
        chips.append(
            [Words("same argmax "), Words("yes" if numbers.same_argmax else "no", bold=True)]
        )
    for fact in facts:
        words, value = (fact, "") if isinstance(fact, str) else (f"{fact[0]} ", fact[1])
        chips.append([Words(words), Words(value, bold=True)] if value else [Words(words)])
    return chips


def _whole(length: float) -> float:
    """Images lie on whole px; columns that do too line up with them."""
    return max(1.0, math.floor(length))


def _aspect(frame: Frame) -> float:
    layout = frame_layout(frame)
    return 1.0 if layout is None else layout.height / layout.width


def _caption_block(words: str, width: float, theme: Theme) -> tuple[float, Paint]:
    lines = wrap(words, width, theme, theme.size_small)
    step = line_height(theme, theme.size_small) + 1

    def paint(painter: QPainter, rect: QRectF) -> None:
        for index, line in enumerate(lines):
            where = QRectF(rect.left(), rect.top() + index * step, rect.width(), step)
            draw_text(painter, where, line, theme, size=theme.size_small, colour=theme.muted)

    return step * len(lines), paint


def _step_rows(
    frame: Frame, display: Display, scale: float, width: float, theme: Theme
) -> list[tuple[float, Paint]]:
    """Small pictures of every step, as many in a row as stay legible."""
    most = max(1, int((width + _GAP) / (_SMALL + _GAP)))
    # Rows of equal length look better than a last row of one.
    columns = math.ceil(frame.steps / math.ceil(frame.steps / most))
    each = _whole((width - (columns - 1) * _GAP) / columns)
    label = line_height(theme, theme.size_small) + 4
    pitch = each if columns == 1 else math.floor((width - each) / (columns - 1))
    height = label + each * min(_aspect(frame), _TALLEST)
    plain_display = replace(display, path=False)
    pictures = []
    for step in range(frame.steps):
        there = replace(
            frame,
            place=replace(frame.place, step=step),
            probabilities=frame.distributions[step],
        )
        pictures.append(regions_picture(there, plain_display, scale_max=scale))

    def row(first: int) -> Paint:
        def paint(painter: QPainter, rect: QRectF) -> None:
            for index, picture in enumerate(pictures[first : first + columns]):
                step = first + index
                left = rect.left() + index * pitch
                now = step == frame.place.step
                draw_text(
                    painter,
                    QRectF(left, rect.top(), each, label - 3),
                    [Words(f"step {step + 1}" if each > 40 else str(step + 1), bold=now)],
                    theme,
                    size=theme.size_small,
                    colour=theme.text if now else theme.muted,
                )
                where = QRectF(left, rect.top() + label, each, rect.height() - label)
                paint_regions(painter, where, picture, theme)
                if now:
                    painter.setPen(pen(QColor(theme.accent), 1.5))
                    y = rect.top() + label - 1.5
                    painter.drawLine(QLineF(left, y, left + each, y))

        return paint

    return [(height, row(first)) for first in range(0, frame.steps, columns)]
