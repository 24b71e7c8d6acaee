"""Cells of a contact sheet: what a view draws of one place, without heading, bars and caption."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.difference import difference_picture, paint_difference
from hardattn_viewer.drawing.matrix import matrix_height, matrix_picture, paint_matrix
from hardattn_viewer.drawing.matrix_difference import (
    difference_height,
    matrix_difference,
    paint_matrix_difference,
)
from hardattn_viewer.drawing.on_image import pane_aspect
from hardattn_viewer.drawing.regions import paint_regions, regions_picture
from hardattn_viewer.drawing.scale import matrix_scale, scale_for
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.drawing.token_difference import (
    paint_token_difference,
    token_difference_height,
    token_difference_picture,
)
from hardattn_viewer.drawing.tokens import lay_out, paint_tokens, tokens_height, tokens_picture
from hardattn_viewer.figures.blocks import Paint, whole
from hardattn_viewer.figures.options import View
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame

_TALLEST = 1.3
_BETWEEN = 4.0
Body = tuple[float, Paint]
# What one picture needs to be read, in mm on paper; of images this is a square's.
_LEAST_MM: dict[View, float] = {"regions": 26.0, "tokens": 70.0, "matrix": 46.0}
# In a comparison pictures may be smaller: each is seen three times.
_LEAST_COMPARED_MM: dict[View, float] = {"regions": 21.0, "tokens": 46.0, "matrix": 40.0}


def least_mm(view: View, frames: Sequence[Frame], display: Display) -> float:
    """How wide the cell of a place must be to be read, mm on paper."""
    kind = _kind(frames, display) if view == "compare" else view
    one = (_LEAST_COMPARED_MM if view == "compare" else _LEAST_MM)[kind]
    if kind == "regions":
        # A low, wide image (a sound) needs to be wider for as much to be seen of it.
        tall = max(pane_aspect(frame, display.image_view) for frame in frames)
        one /= max(0.25, min(tall, 1.0)) ** 0.5
    return 3 * one if view == "compare" else one


def cell_body(
    view: View, frames: Sequence[Frame], width: float, theme: Theme, display: Display
) -> Body:
    """Height in logical px, and painter, of what a view draws of one place.

    Args:
        view: ``"regions"``, ``"tokens"``, ``"matrix"`` or ``"compare"``.
        frames: of one run, or of A and B.
        width: of the cell, logical px.
        theme: colours and type.
        display: how it is drawn, with the scale of the sheet.
    """
    if view != "compare":
        return _single(view, frames[0], width, theme, display)
    a, b = frames
    column = whole((width - 2 * _BETWEEN) / 3)
    kind = _kind(frames, display)
    bodies = [_single(kind, frame, column, theme, display) for frame in frames]
    bodies.append(_difference(kind, a, b, column, theme, display))
    height = max(tall for tall, _ in bodies)

    def paint(painter: QPainter, rect: QRectF) -> None:
        for at, (tall, one) in enumerate(bodies):
            left = rect.left() + at * (column + _BETWEEN)
            painter.save()
            one(painter, QRectF(left, rect.top(), column, tall))
            painter.restore()

    return height, paint


def _kind(frames: Sequence[Frame], display: Display) -> View:
    """What a comparison is drawn on."""
    if display.maps:
        return "matrix"
    if any(frame.boxes is None or not len(frame.boxes) for frame in frames):
        return "tokens"
    return "regions"


def _single(view: View, frame: Frame, width: float, theme: Theme, display: Display) -> Body:
    match view:
        case "regions":
            scale = scale_for(frame, [frame], display)
            regions = regions_picture(frame, display, scale_max=scale)
            return (
                whole(width * pane_aspect(frame, display.image_view)),
                lambda painter, rect: paint_regions(painter, rect, regions, theme),
            )
        case "tokens":
            scale = scale_for(frame, [frame], display)
            tokens = tokens_picture(frame, display, scale_max=scale, size=theme.size)
            lay_out(tokens, theme)
            return (
                tokens_height(tokens, width, theme),
                lambda painter, rect: paint_tokens(painter, rect, tokens, theme),
            )
        case _:
            scale = matrix_scale(frame, [frame], display)
            matrix = matrix_picture(frame, display, scale_max=scale)
            return (
                matrix_height(matrix, width, _TALLEST * width),
                lambda painter, rect: paint_matrix(painter, rect, matrix, theme),
            )


def _difference(
    view: View, a: Frame, b: Frame, width: float, theme: Theme, display: Display
) -> Body:
    match view:
        case "regions":
            regions = difference_picture(a, b, display)
            return (
                whole(width * max(pane_aspect(one, display.image_view) for one in (a, b))),
                lambda painter, rect: paint_difference(painter, rect, regions, theme),
            )
        case "tokens":
            tokens = token_difference_picture(a, b, display, theme, size=theme.size)
            if tokens.tokens is not None:
                lay_out(tokens.tokens, theme)
            return (
                token_difference_height(tokens, width, theme),
                lambda painter, rect: paint_token_difference(painter, rect, tokens, theme),
            )
        case _:
            matrix = matrix_difference(a, b, display)
            return (
                difference_height(matrix, width, _TALLEST * width),
                lambda painter, rect: paint_matrix_difference(painter, rect, matrix, theme),
            )
