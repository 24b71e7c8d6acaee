"""Pages of attention over tokens: the row of one query, and the matrix of all of them."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.distribution import distribution_picture, paint_distribution
from hardattn_viewer.drawing.frame_words import mechanism_words, step_choices
from hardattn_viewer.drawing.headings import HEADING_HEIGHT, paint_heading
from hardattn_viewer.drawing.matrix import matrix_height, matrix_picture, paint_matrix
from hardattn_viewer.drawing.scale import matrix_scale, paint_scale_bar, scale_for, scope_words
from hardattn_viewer.drawing.text import Words
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.drawing.tokens import lay_out, paint_tokens, tokens_height, tokens_picture
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
from hardattn_viewer.figures.options import FigureOptions
from hardattn_viewer.figures.provenance import text_caption
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.draws import draws_of
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import query_name
from hardattn_viewer.session.shown_tokens import mass_words, shown_frame

# A matrix of many queries takes at most this many widths of height.
_TALLEST = 1.3


def tokens_page(frame: Frame, options: FigureOptions, display: Display) -> Page:
    """One run: its tokens on the colour of their weights, and the distribution."""
    theme = options.theme
    inner = whole(options.width - 2 * MARGIN)
    scale = scale_for(frame, [frame], display)
    scope = scope_words(display, one_query=frame.queries > 1)
    picture = tokens_picture(frame, display, scale_max=scale, size=theme.size)
    lay_out(picture, theme)
    there = shown_frame(frame, display)
    draws = draws_of(frame) if there.groups is None else None
    bars = distribution_picture(there, scale, display=display, draws=draws)
    said = " · ".join(mass_words(frame, display))
    notes = [caption_block(said, inner, theme)] if said else []
    parts: list[tuple[float, Paint]] = [
        _heading(frame, theme, from_query=True),
        *notes,
        (
            tokens_height(picture, inner, theme),
            lambda painter, rect: paint_tokens(painter, rect, picture, theme),
        ),
        (STRIP, lambda painter, rect: paint_distribution(painter, rect, bars, theme)),
        _scale_bar(scale, scope, theme, display),
    ]
    words = text_caption(frame, "tokens", display, scale)
    return _page(frame, parts, words, scale, options, inner)


def matrix_page(frame: Frame, options: FigureOptions, display: Display) -> Page:
    """One run: all queries × keys of the step."""
    theme = options.theme
    inner = whole(options.width - 2 * MARGIN)
    scale = matrix_scale(frame, [frame], display)
    picture = matrix_picture(frame, display, scale_max=scale)
    parts: list[tuple[float, Paint]] = [
        _heading(frame, theme, from_query=False),
        (
            matrix_height(picture, inner, _TALLEST * inner),
            lambda painter, rect: paint_matrix(painter, rect, picture, theme),
        ),
        _scale_bar(scale, scope_words(display), theme, display),
    ]
    words = text_caption(frame, "matrix", display, scale)
    return _page(frame, parts, words, scale, options, inner)


def _heading(frame: Frame, theme: Theme, *, from_query: bool) -> tuple[float, Paint]:
    colour = theme.hard_text if frame.hard else theme.soft_text
    title = [
        Words(frame.run_name, bold=True),
        Words(f"  {mechanism_words(frame)}", colour=colour),
    ]
    asides = list(step_choices(frame))
    if from_query and frame.queries > 1:
        asides = [f"from {query_name(frame)}, {asides[0]}", f"from {query_name(frame)}", *asides]

    def paint(painter: QPainter, rect: QRectF) -> None:
        paint_heading(painter, rect, title, theme, aside=asides)

    return HEADING_HEIGHT, paint


def _scale_bar(scale: float, scope: str, theme: Theme, display: Display) -> tuple[float, Paint]:
    def paint(painter: QPainter, rect: QRectF) -> None:
        paint_scale_bar(painter, rect, scale, scope, theme, colours=display.colours)

    return SCALE, paint


def _page(
    frame: Frame,
    parts: list[tuple[float, Paint]],
    words: str,
    scale: float,
    options: FigureOptions,
    inner: float,
) -> Page:
    parts[1:1] = warning_block(frame, inner, options.theme)
    if options.caption:
        parts.append(caption_block(words, inner, options.theme))
    blocks: list[Block] = []
    y = MARGIN
    for height, paint in parts:
        blocks.append(Block(QRectF(MARGIN, y, inner, height), paint))
        y += height + GAP
    return Page(options.width, y - GAP + MARGIN, tuple(blocks), words, (scale,), None)
