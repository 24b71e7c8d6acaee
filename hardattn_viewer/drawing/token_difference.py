"""Where two runs attend differently to one text: B − A on the tokens that both have."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.colours import marks, signed_rgba
from hardattn_viewer.drawing.regions import paint_message
from hardattn_viewer.drawing.scale import largest
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.drawing.tokens import (
    TokensPicture,
    paint_tokens,
    token_at,
    tokens_height,
    tokens_picture,
)
from hardattn_viewer.session.display import Display, Together
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.shown_tokens import Arcs, coloured, shown_frame


@dataclass(frozen=True, eq=False)
class TokenDifferencePicture:
    """Everything to paint of B − A; made by ``token_difference_picture``.

    Attributes:
        values: float32 [items], B − A; empty where the runs cannot be compared.
        scale_max: magnitude of the strongest colour, the same both ways.
        tokens: the text; None where there is none.
        note: why there is none.
    """

    values: NDArray[np.float32]
    scale_max: float
    tokens: TokensPicture | None
    note: str = ""


def no_token_difference(a: Frame, b: Frame) -> str:
    """Why B − A cannot be drawn on tokens; empty where it can."""
    if a.tokens is None or b.tokens is None:
        return "one of the runs has keys that are no tokens"
    if a.tokens != b.tokens:
        return (
            f"A has {len(a.tokens):,} tokens here and B has {len(b.tokens):,}, or other ones: only "
            "distributions over the same tokens can be subtracted"
        )
    return ""


def token_difference_scale(a: Frame, b: Frame, display: Display) -> float:
    """Magnitude of the strongest colour of B − A, over what is shown in colour.

    Returns:
        The largest |B − A| of this step (``display.scale == "step"``) or of all steps at which
        both have as many keys as now; 1.0 where there is none.
    """
    if isinstance(display, Together) and display.difference:
        return display.difference
    if display.scale != "step" and (a.is_part or b.is_part):
        # Of steps that were not read nothing is known but that no difference is above 1.
        return 1.0
    a, b = shown_frame(a, display), shown_frame(b, display)
    here = b.probabilities.astype(np.float64) - a.probabilities
    found = [np.abs(coloured(a, here.astype(np.float32)))]
    if display.scale != "step":
        steps = min(len(a.distributions), len(b.distributions))
        count = len(here)
        all_steps = b.distributions[:steps, :count] - a.distributions[:steps, :count]
        found.append(np.abs(coloured(a, all_steps)))
    return largest(found)


def token_difference_picture(
    a: Frame,
    b: Frame,
    display: Display,
    theme: Theme = DARK,
    *,
    scale_max: float | None = None,
    hover: int | None = None,
    pinned: int | None = None,
    size: float = 13.0,
) -> TokenDifferencePicture:
    """Work out what ``paint_token_difference`` paints.

    Args:
        a: run A.
        b: run B at the same example and step.
        display: what is shown of the tokens.
        theme: ``hard`` is the colour of A, ``soft`` that of B.
        scale_max: magnitude of the strongest colour; None takes ``token_difference_scale``.
        hover: key under the mouse.
        pinned: key held by a click.
        size: height of the text, px.
    """
    problem = no_token_difference(a, b)
    if problem:
        return TokenDifferencePicture(
            np.zeros(0, np.float32), 1.0, None, f"no difference: {problem}"
        )
    scale = token_difference_scale(a, b, display) if scale_max is None else scale_max
    there = shown_frame(b, display)
    values = (there.probabilities - shown_frame(a, display).probabilities).astype(np.float32)
    text = tokens_picture(b, display, scale_max=1.0, hover=hover, pinned=pinned, size=size)
    rgba = signed_rgba(values, scale, theme.hard, theme.soft)
    rgba[text.groups.dimmed, 3] = 0
    tokens = replace(
        text,
        values=values,
        rgba=rgba,
        marks=marks(np.abs(values), scale),
        chosen=(),
        arcs=Arcs((), 0.0),
    )
    return TokenDifferencePicture(values, scale, tokens)


def paint_token_difference(
    painter: QPainter, rect: QRectF, picture: TokenDifferencePicture, theme: Theme
) -> None:
    """Paint the text, orange where A looks more, blue where B does; only lines in the clip.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: from ``token_difference_picture``.
        theme: colours and type.
    """
    if picture.tokens is None:
        paint_message(painter, rect, picture.note, theme)
    else:
        paint_tokens(painter, rect, picture.tokens, theme)


def token_difference_height(picture: TokenDifferencePicture, width: float, theme: Theme) -> float:
    """Height in logical px that all lines take when they are ``width`` px wide."""
    return 0.0 if picture.tokens is None else tokens_height(picture.tokens, width, theme)


def token_difference_at(
    picture: TokenDifferencePicture, rect: QRectF, point: QPointF, theme: Theme
) -> int | None:
    """The key under a point, or None; see ``token_at``."""
    return None if picture.tokens is None else token_at(picture.tokens, rect, point, theme)
