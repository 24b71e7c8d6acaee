"""The colour scale on which frames are drawn, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.on_image import frame_layout
from hardattn_viewer.drawing.scale import matrix_scale, paint_scale_bar, scale_for, scope_words
from hardattn_viewer.drawing.text import amount
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import AmountTable, Display
from hardattn_viewer.session.frames import Frame
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
    """

    top: float
    scope: str
    signed: bool = False
    colours: AmountTable = "viridis"
    detail: str = ""


def scale_of(state: SessionState, frame: Frame) -> float:
    """The probability at the top of the scale on which ``frame`` is drawn."""
    return scale_for(frame, state.frames.present, state.display)


def matrix_scale_of(state: SessionState, frame: Frame) -> float:
    """The probability at the top of the scale of the matrix of ``frame``."""
    return matrix_scale(frame, state.frames.present, state.display)


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
    scale_in = matrix_scale_of if state.display.matrix else scale_of
    tops = [amount(scale_in(state, one)) for one in state.frames.present]
    if state.view == "compare" and len(set(tops)) > 1:
        return f"{scope_of(state)}, A 0 – {tops[0]}, B 0 – {tops[1]}"
    return f"{scope_of(state)}, 0 – {amount(scale_in(state, frame))}"


def colour_words(frame: Frame, display: Display) -> str:
    """How amounts become colours, for beside the scale."""
    layout = None if display.matrix else frame_layout(frame)
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
    )


def _is_one_query(state: SessionState) -> bool:
    """Whether the scale is about the row of one query of several."""
    several = any(one.queries > 1 for one in state.frames.present)
    return several and not state.display.matrix


def _names(state: SessionState) -> tuple[str, ...]:
    return tuple(slot for slot in SLOTS if state.frames.of(slot) is not None)
