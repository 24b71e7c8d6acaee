"""How frames are drawn: options of the session as options of ``drawing``, and the colour scale.

The scale is which probability the top of the colour scale stands for, in numbers and in words.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from hardattn_viewer.drawing.display import Display
from hardattn_viewer.drawing.scale import shared_scale
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.state import SessionState

_SCOPES = {"shared": "shared by A and B", "example": "this run's steps", "step": "this step only"}


def display_of(state: SessionState) -> Display:
    """The session's drawing choices as ``drawing`` takes them."""
    return Display(**asdict(state.display))


def scale_of(state: SessionState, frame: Frame) -> float:
    """The probability at the top of the scale on which ``frame`` is drawn."""
    scope = state.display.scale
    if scope == "shared":
        return shared_scale(list(state.frames.present))
    if scope == "example":
        return shared_scale([frame])
    return shared_scale([replace(frame, distributions=frame.probabilities[None])])


def scale_words(state: SessionState) -> str:
    """The scope of the scale and its ends, for example ``"shared by A and B, 0 – 0.42"``."""
    frame = state.frame
    if frame is None:
        return ""
    scope = state.display.scale
    if scope == "shared" and len(state.frames.present) < 2:
        words = "all steps"
    else:
        words = _SCOPES[scope]
    tops = [scale_of(state, one) for one in state.frames.present]
    if state.view == "compare" and not np.allclose(tops, tops[0]):
        return f"{words}, A 0 – {tops[0]:.2f}, B 0 – {tops[1]:.2f}"
    return f"{words}, 0 – {scale_of(state, frame):.2f}"
