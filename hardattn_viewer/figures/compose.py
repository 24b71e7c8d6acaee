"""Arranging painters on a page: each view as blocks with their places in logical px."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

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
from hardattn_viewer.drawing.text import Words, draw_text, line_height
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.figures.blocks import (
    GAP,
    MARGIN,
    SCALE,
    STRIP,
    Block,
    Page,
    Paint,
    caption_block,
    warning_block,
    whole,
)
from hardattn_viewer.figures.numbers import Comparison, compare
from hardattn_viewer.figures.options import FigureOptions
from hardattn_viewer.figures.provenance import caption, with_notes
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.draws import draws_of
from hardattn_viewer.session.frames import Frame, frame_at_step

_COLUMN_GAP = 16.0
_SMALL = 48.0
# A portrait image takes at most this many widths of height.
_TALLEST = 1.25


def regions_page(frame: Frame, options: FigureOptions, display: Display) -> Page:
    """One run: the image with attention on it, the distribution, all steps if wanted."""
    theme, width = options.theme, options.width
    inner = whole(width - 2 * MARGIN)
    scale = scale_for(frame, [frame], display)
    blocks: list[Block] = []
    y = MARGIN

    def add(height: float, paint: Paint, gap: float = GAP) -> None:
        nonlocal y
        blocks.append(Block(QRectF(MARGIN, y, inner, height), paint))
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
    for height, paint in warning_block(frame, inner, theme):
        add(height, paint)
    picture = regions_picture(frame, display, scale_max=scale)
    add(
        inner * min(_aspect(frame), _TALLEST),
        lambda painter, rect: paint_regions(painter, rect, picture, theme),
    )
    if options.all_steps:
        for row in _step_rows(frame, display, scale, inner, theme):
            add(*row)
    bars = distribution_picture(frame, scale, display=display, draws=draws_of(frame))
    add(STRIP, lambda painter, rect: paint_distribution(painter, rect, bars, theme))
    # Without heat no colour stands for an amount; the bars state their scale themselves.
    if display.heat:
        scope = scope_words(display, one_query=frame.queries > 1)
        add(
            SCALE,
            lambda painter, rect: paint_scale_bar(
                painter, rect, scale, scope, theme, colours=display.colours
            ),
        )
    words = caption([frame], (), display, [scale], None)
    if options.caption:
        add(*caption_block(words, inner, theme))
    return Page(width, y - GAP + MARGIN, tuple(blocks), words, (scale,), None)


def compare_page(frame_a: Frame, frame_b: Frame, options: FigureOptions, display: Display) -> Page:
    """A, B and B − A side by side, their distributions and the numbers between them."""
    theme, width = options.theme, options.width
    inner = whole(width - 2 * MARGIN)
    column = whole((inner - 2 * _COLUMN_GAP) / 3)
    lefts = [MARGIN + math.floor(index * (inner - column) / 2) for index in range(3)]
    frames = (frame_a, frame_b)
    scales = tuple(scale_for(frame, frames, display) for frame in frames)
    blocks: list[Block] = []
    image_height = column * min(max(_aspect(frame) for frame in frames), _TALLEST)
    top = MARGIN + HEADING_HEIGHT + 4
    below = top + image_height + GAP
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
            QRectF(lefts[2], MARGIN, column, HEADING_HEIGHT),
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
    y = max(below + STRIP, chips_at.bottom()) + GAP
    names = ("A", "B")
    scope = scope_words(display, names, one_query=frame_a.queries > 1)
    blocks += _scale_blocks(lefts, column, y, scales, difference, scope, theme, display)
    y += SCALE + GAP
    words = with_notes(caption(frames, names, display, scales, difference), options.notes)
    if options.caption:
        height, paint = caption_block(words, inner, theme)
        blocks.append(Block(QRectF(MARGIN, y, inner, height), paint))
        y += height + GAP
    return Page(width, y - GAP + MARGIN, tuple(blocks), words, scales, difference)


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
    bars = distribution_picture(frame, scale, display=display, draws=draws_of(frame))
    top = MARGIN + HEADING_HEIGHT + 4
    return [
        Block(
            QRectF(left, MARGIN, column, HEADING_HEIGHT),
            lambda painter, rect: paint_heading(
                painter, rect, mechanism_words(frame), theme, slot=slot, aside=aside
            ),
        ),
        Block(
            QRectF(left, top, column, image_height),
            lambda painter, rect: paint_regions(painter, rect, picture, theme),
        ),
        Block(
            QRectF(left, top + image_height + GAP, column, STRIP),
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
            QRectF(left, y, width, SCALE),
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


def _aspect(frame: Frame) -> float:
    layout = frame_layout(frame)
    return 1.0 if layout is None else layout.height / layout.width


def _step_rows(
    frame: Frame, display: Display, scale: float, width: float, theme: Theme
) -> list[tuple[float, Paint]]:
    """Small pictures of every step, as many in a row as stay legible."""
    most = max(1, int((width + GAP) / (_SMALL + GAP)))
    # Rows of equal length look better than a last row of one.
    columns = math.ceil(len(frame.held) / math.ceil(len(frame.held) / most))
    each = whole((width - (columns - 1) * GAP) / columns)
    label = line_height(theme, theme.size_small) + 4
    pitch = each if columns == 1 else math.floor((width - each) / (columns - 1))
    height = label + each * min(_aspect(frame), _TALLEST)
    plain_display = replace(display, path=False)
    pictures = []
    for step in frame.held:
        there = frame_at_step(frame, step)
        pictures.append(regions_picture(there, plain_display, scale_max=scale))

    def row(first: int) -> Paint:
        def paint(painter: QPainter, rect: QRectF) -> None:
            for index, picture in enumerate(pictures[first : first + columns]):
                step = frame.held.start + first + index
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

    return [(height, row(first)) for first in range(0, len(frame.held), columns)]
