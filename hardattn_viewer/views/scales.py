"""The colour scale on which frames are drawn, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.on_image import frame_layout
from hardattn_viewer.drawing.scale import (
    largest,
    matrix_scale,
    paint_scale_bar,
    scale_for,
    scope_words,
)
from hardattn_viewer.drawing.text import amount
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import AmountTable, Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.map_source import row_of
from hardattn_viewer.session.state import SLOTS, SessionState


@dataclass(frozen=True)
class ScalePicture:
    """A colour bar.

    Attributes:
        top: what the strongest colour stands for.
        scope: where that maximum was taken, in words.
        signed: whether it is a difference.
        colours: table of amounts.
        detail: how amounts become colours, said where there is room.
        on_surface: whether differences lie on the surface, and not on a dark image.
    """

    top: float
    scope: str
    signed: bool = False
    colours: AmountTable = "viridis"
    detail: str = ""
    on_surface: bool = False


def scale_of(state: SessionState, frame: Frame) -> float:
    """The probability at the top of the scale on which ``frame`` is drawn."""
    return scale_for(frame, state.frames.present, state.display)


def matrix_scale_of(state: SessionState, frame: Frame) -> float:
    """The probability at the top of the scale of the matrix of ``frame``, in the view of it."""
    if state.view == "matrix" and state.matrix.one_row:
        return largest([row_of(frame)])
    return matrix_scale(frame, state.frames.present, state.display)


def matrix_scope(state: SessionState) -> str:
    """Where the top of the scale of the matrix was taken, in words."""
    if state.matrix.one_row:
        return "this row"
    head = "mean of heads" if state.place.head is None and state.heads > 1 else "this head"
    names = _names(state)
    if state.display.scale == "step":
        return f"{head}, this step"
    if state.display.scale == "shared" and len(names) > 1:
        return f"{head}, all steps, {' and '.join(names)}"
    return f"{head}, all steps"


def scope_of(state: SessionState) -> str:
    """Where the top of the scale was taken, in words."""
    return scope_words(state.display, _names(state), one_query=_is_one_query(state))


def short_scope(state: SessionState) -> str:
    """The scope in a word or two, for below a small picture."""
    query = "this query, " if _is_one_query(state) else ""
    if state.display.scale == "step":
        return f"{query}this step"
    together = state.display.scale == "shared" and len(state.frames.present) > 1
    return f"{query}A and B" if together else f"{query}all steps"


def scale_words(state: SessionState) -> str:
    """The scope of the scale and its ends, for example ``"this example …, 0 – 0.42"``."""
    frame = state.frame
    if frame is None:
        return ""
    if state.view == "matrix":
        top = amount(matrix_scale_of(state, frame))
        return f"{matrix_scope(state)}, 0 – {top}"
    tops = [amount(scale_of(state, one)) for one in state.frames.present]
    if state.view == "compare" and len(set(tops)) > 1:
        return f"{scope_of(state)}, A 0 – {tops[0]}, B 0 – {tops[1]}"
    return f"{scope_of(state)}, 0 – {amount(scale_of(state, frame))}"


def colour_words(frame: Frame, display: Display) -> str:
    """How amounts become colours, for beside the scale."""
    layout = frame_layout(frame)
    if layout is None:
        return display.colours
    smooth = display.interpolation == "smooth" and layout.grid is not None
    return f"{display.colours}, {'smooth' if smooth else 'nearest'}"


def paint_scale(painter: QPainter, rect: QRectF, picture: ScalePicture, theme: Theme) -> None:
    """Paint a colour bar with its words."""
    paint_scale_bar(
        painter,
        rect,
        picture.top,
        picture.scope,
        theme,
        colours=picture.colours,
        signed=picture.signed,
        detail=picture.detail,
        on_surface=picture.on_surface,
    )


def _is_one_query(state: SessionState) -> bool:
    """Whether the scale is about the row of one query of several."""
    return any(one.queries > 1 for one in state.frames.present)


def _names(state: SessionState) -> tuple[str, ...]:
    return tuple(slot for slot in SLOTS if state.frames.of(slot) is not None)
