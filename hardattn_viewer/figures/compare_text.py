"""Pages of A, B and B − A over tokens, and over all queries and keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.difference_bars import bars_picture, paint_bars
from hardattn_viewer.drawing.frame_words import mechanism_words, step_choices
from hardattn_viewer.drawing.headings import (
    HEADING_HEIGHT,
    chips_height,
    common_aside,
    paint_chips,
    paint_heading,
)
from hardattn_viewer.drawing.matrix import (
    MatrixPicture,
    matrix_height,
    matrix_picture,
    paint_matrix,
)
from hardattn_viewer.drawing.matrix_difference import (
    difference_height,
    matrix_difference,
    paint_matrix_difference,
)
from hardattn_viewer.drawing.scale import matrix_scale, paint_scale_bar, scale_for, scope_words
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.drawing.token_difference import (
    no_token_difference,
    paint_token_difference,
    token_difference_height,
    token_difference_picture,
)
from hardattn_viewer.drawing.tokens import (
    TokensPicture,
    lay_out,
    paint_tokens,
    tokens_height,
    tokens_picture,
)
from hardattn_viewer.figures.blocks import (
    GAP,
    MARGIN,
    SCALE,
    Block,
    Page,
    Paint,
    caption_block,
    whole,
)
from hardattn_viewer.figures.compose import comparison_chips
from hardattn_viewer.figures.numbers import compare
from hardattn_viewer.figures.options import FigureOptions
from hardattn_viewer.figures.provenance import compare_text_caption, with_notes
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame

_COLUMN_GAP = 16.0
_BARS = 118.0
_TALLEST = 1.3
Body = tuple[float, Paint]
MakeBodies = Callable[[float], tuple[list[Body], list[float], float | None]]


def compare_tokens_page(
    frame_a: Frame, frame_b: Frame, options: FigureOptions, display: Display
) -> Page:
    """The tokens of A and of B, and the difference on them; of other keys as bars."""
    theme, frames = options.theme, (frame_a, frame_b)

    def bodies(column: float) -> tuple[list[Body], list[float], float | None]:
        scales = [scale_for(frame, frames, display) for frame in frames]
        made: list[Body] = []
        for frame, scale in zip(frames, scales, strict=True):
            picture = tokens_picture(frame, display, scale_max=scale, size=theme.size)
            lay_out(picture, theme)

            def paint(painter: QPainter, rect: QRectF, shown: TokensPicture = picture) -> None:
                paint_tokens(painter, rect, shown, theme)

            made.append((tokens_height(picture, column, theme), paint))
        if no_token_difference(frame_a, frame_b):
            bars = bars_picture(frame_a, frame_b, display)
            made.append((_BARS, lambda painter, rect: paint_bars(painter, rect, bars, theme)))
            return made, scales, None if bars.note else bars.scale_max
        text = token_difference_picture(frame_a, frame_b, display, theme, size=theme.size)
        if text.tokens is not None:
            lay_out(text.tokens, theme)
        made.append(
            (
                token_difference_height(text, column, theme),
                lambda painter, rect: paint_token_difference(painter, rect, text, theme),
            )
        )
        return made, scales, text.scale_max

    return _page(frames, options, display, "tokens", bodies)


def compare_matrix_page(
    frame_a: Frame, frame_b: Frame, options: FigureOptions, display: Display
) -> Page:
    """The maps of A and of B, and their difference."""
    theme, frames = options.theme, (frame_a, frame_b)

    def bodies(column: float) -> tuple[list[Body], list[float], float | None]:
        scales = [matrix_scale(frame, frames, display) for frame in frames]
        made: list[Body] = []
        for frame, scale in zip(frames, scales, strict=True):
            picture = matrix_picture(frame, display, scale_max=scale)

            def paint(painter: QPainter, rect: QRectF, shown: MatrixPicture = picture) -> None:
                paint_matrix(painter, rect, shown, theme)

            made.append((matrix_height(picture, column, _TALLEST * column), paint))
        both = matrix_difference(frame_a, frame_b, display)
        made.append(
            (
                difference_height(both, column, _TALLEST * column),
                lambda painter, rect: paint_matrix_difference(painter, rect, both, theme),
            )
        )
        return made, scales, None if both.note else both.scale_max

    return _page(frames, options, display, "matrix", bodies)


def _page(
    frames: tuple[Frame, Frame],
    options: FigureOptions,
    display: Display,
    view: str,
    make_bodies: MakeBodies,
) -> Page:
    theme, width = options.theme, options.width
    inner = whole(width - 2 * MARGIN)
    column = whole((inner - 2 * _COLUMN_GAP) / 3)
    lefts = [MARGIN + math.floor(index * (inner - column) / 2) for index in range(3)]
    bodies, scales, difference = make_bodies(column)
    blocks = _headings(frames, lefts, column, theme)
    top = MARGIN + HEADING_HEIGHT + 4
    bottom = top
    for left, (height, paint) in zip(lefts, bodies, strict=True):
        blocks.append(Block(QRectF(left, top, column, height), paint))
        bottom = max(bottom, top + height)
    chips = comparison_chips(compare(*frames), options.facts, theme)
    chips_top = bottom + GAP
    if len(set(scales)) == 1:
        both = lefts[1] + column - lefts[0]
        blocks.append(_scale(lefts[0], both, chips_top, scales[0], frames, display, view, theme))
    else:
        blocks += [
            _scale(left, column, chips_top, scale, frames, display, view, theme)
            for left, scale in zip(lefts, scales, strict=False)
        ]
    if difference is not None:
        top_of, on_surface = difference, view == "tokens"
        blocks.append(
            Block(
                QRectF(lefts[2], chips_top, column, SCALE),
                lambda painter, rect: paint_scale_bar(
                    painter, rect, top_of, "", theme, signed=True, on_surface=on_surface
                ),
            )
        )
    y = chips_top + SCALE + GAP
    chips_at = QRectF(MARGIN, y, inner, chips_height(chips, inner, theme))
    blocks.append(Block(chips_at, lambda painter, rect: paint_chips(painter, rect, chips, theme)))
    y = chips_at.bottom() + GAP
    words = compare_text_caption(frames, display, view, max(scales), difference)
    words = with_notes(words, options.notes)
    if options.caption:
        height, paint = caption_block(words, inner, theme)
        blocks.append(Block(QRectF(MARGIN, y, inner, height), paint))
        y += height + GAP
    return Page(width, y - GAP + MARGIN, tuple(blocks), words, tuple(scales), difference)


def _headings(
    frames: Sequence[Frame], lefts: Sequence[float], column: float, theme: Theme
) -> list[Block]:
    titles = [_title(frame, frames) for frame in frames]
    asides = common_aside(titles, [step_choices(frame) for frame in frames], column, theme)
    blocks = []
    for slot, title, aside, left in zip("AB", titles, asides, lefts, strict=False):

        def paint(
            painter: QPainter, rect: QRectF, words: tuple[str, str, str] = (slot, title, aside)
        ) -> None:
            paint_heading(painter, rect, words[1], theme, slot=words[0], aside=words[2])

        blocks.append(Block(QRectF(left, MARGIN, column, HEADING_HEIGHT), paint))
    blocks.append(
        Block(
            QRectF(lefts[2], MARGIN, column, HEADING_HEIGHT),
            lambda painter, rect: paint_heading(painter, rect, "B − A", theme),
        )
    )
    return blocks


def _title(frame: Frame, frames: Sequence[Frame]) -> str:
    """Hard or soft, and the head where A and B show two of them."""
    heads = {one.place.head for one in frames}
    if len(heads) == 1:
        return mechanism_words(frame)
    head = frame.place.head
    return mechanism_words(frame) + (" · mean" if head is None else f" · head {head}")


def _scale(
    left: float,
    column: float,
    top: float,
    scale: float,
    frames: Sequence[Frame],
    display: Display,
    view: str,
    theme: Theme,
) -> Block:
    one_query = frames[0].queries > 1 and view == "tokens"
    scope = scope_words(display, ("A", "B"), one_query=one_query)
    return Block(
        QRectF(left, top, column, SCALE),
        lambda painter, rect: paint_scale_bar(
            painter, rect, scale, scope, theme, colours=display.colours
        ),
    )
