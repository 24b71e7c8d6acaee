"""What the strongest colour stands for, said in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.colours import amount_table, signed_rgba
from hardattn_viewer.drawing.kept import Kept
from hardattn_viewer.drawing.pixels import paint_pixels, to_qimage
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.text import Words, amount, draw_text, first_that_fits, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import AmountTable, Display, Together
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.shown_tokens import coloured, shown_frame

_BAR_WIDTH = 96.0
_BAR_HEIGHT = 8.0
_SHORTEST = 12.0


def largest(values: Sequence[NDArray[np.floating]]) -> float:
    """The largest number in several arrays; 1.0 where there is none above zero."""
    found = _most(values)
    return found if found > 0 else 1.0


def _most(values: Sequence[NDArray[np.floating]]) -> float:
    """The largest finite number in several arrays; 0 where there is none above it."""
    found = 0.0
    for array in values:
        finite = np.asarray(array)[np.isfinite(array)]
        if finite.size:
            found = max(found, float(finite.max()))
    return found


def shared_scale(frames: Sequence[Frame]) -> float:
    """The largest probability of all frames and all their steps: one scale for all of them.

    Returns:
        A positive number; 1.0 where nothing finite above zero was recorded.
    """
    found = max((top for frame in frames for top in _tops(frame)), default=0.0)
    return found if found > 0 else 1.0


_TOPS: Kept[float] = Kept(32)


def _tops(frame: Frame) -> tuple[float, float]:
    """The largest number of all steps of a frame, found once for all of them, and of this one."""
    shape = (frame.first_region, 0 if frame.boxes is None else len(frame.boxes))
    steps = _TOPS.get(frame.distributions, shape, lambda: _most([_drawn(frame)]))
    return steps, _most([_drawn_now(frame)])


def scale_for(frame: Frame, frames: Sequence[Frame], display: Display) -> float:
    """What the strongest colour of ``frame`` stands for under ``display.scale``.

    Args:
        frame: the one to draw.
        frames: all that are drawn together.
        display: names the scope.

    Returns:
        A positive probability.
    """
    if isinstance(display, Together):
        return display.top
    frame, frames = shown_frame(frame, display), [shown_frame(one, display) for one in frames]
    if display.scale == "shared":
        return shared_scale(frames)
    if display.scale == "example":
        return shared_scale([frame])
    return largest([_drawn_now(frame)])


def matrix_scale(frame: Frame, frames: Sequence[Frame], display: Display) -> float:
    """What the strongest colour of the matrix of ``frame`` stands for under ``display.scale``.

    Unlike ``scale_for``, which is about the row of one query, this is about all queries.
    """
    if isinstance(display, Together):
        return display.top
    if display.scale == "step":
        maps = [frame.map]
    else:
        shown = frames if display.scale == "shared" else [frame]
        maps = [one for each in shown for one in each.maps]
        if any(each.is_part for each in shown):
            return 1.0
    top = max((one.largest for one in maps if one is not None), default=0.0)
    return top if top > 0 else scale_for(frame, frames, display)


def _drawn(frame: Frame) -> NDArray[np.float32]:
    """What a picture has colours for: on an image not the special tokens, which often get most."""
    if frame.is_part:
        # Of steps that were not read nothing is known but that no probability is above 1.
        return np.ones(1, np.float32)
    if frame.boxes is None or not frame.first_region:
        return coloured(frame, frame.distributions)
    return frame.distributions[:, frame.first_region : frame.first_region + len(frame.boxes)]


def _drawn_now(frame: Frame) -> NDArray[np.float32]:
    if frame.boxes is None or not frame.first_region:
        return coloured(frame, frame.probabilities)
    return frame.probabilities[frame.first_region : frame.first_region + len(frame.boxes)]


def scope_words(display: Display, names: Sequence[str] = (), *, one_query: bool = False) -> str:
    """The scope of the scale in words.

    Args:
        display: names the scope.
        names: of the runs shown together, for example ``("A", "B")``; nothing for one run.
        one_query: whether there are other queries, whose rows the scale does not cover.

    Returns:
        For example ``"this example, all steps, A and B"``.
    """
    if isinstance(display, Together):
        return display.over
    what = "this query" if one_query else "this example"
    if display.scale == "step":
        return "this query, this step only" if one_query else "this step only"
    if display.scale == "example" and len(names) > 1:
        return f"{what}, all steps, each run its own"
    together = f", {' and '.join(names)}" if len(names) > 1 else ""
    return f"{what}, all steps{together}"


def paint_scale_bar(
    painter: QPainter,
    rect: QRectF,
    scale_max: float,
    scope: str,
    theme: Theme,
    *,
    colours: AmountTable = "viridis",
    signed: bool = False,
    detail: str = "",
    on_surface: bool = False,
) -> None:
    """Paint the colours from nothing to the most, and what they mean, in one line.

    Args:
        painter: paints.
        rect: the line; the bar is at its left.
        scale_max: what the strongest colour stands for.
        scope: where that maximum was taken, for example from ``scope_words``.
        theme: colours and type.
        colours: table of amounts.
        signed: show differences from −scale_max (more in A) to scale_max (more in B); the ends
            are then named beside the bar.
        detail: how amounts become colours, said where there is room.
        on_surface: whether differences lie on the surface, as on tokens, and not on a dark image.
    """
    small = theme.size_small
    if signed:
        # Signed colours are laid over a dimmed image, or a surface; here over the same.
        ground = theme.panel if on_surface else "#101216"
        _paint_signed_bar(painter, rect, scale_max, scope, theme, ground)
        return
    bar = _bar(rect, rect.left(), min(_BAR_WIDTH, rect.width() / 3))
    _paint_strip(painter, bar, np.ascontiguousarray(amount_table(colours)[None]), theme)
    text = QRectF(rect)
    text.setLeft(bar.right() + 7)
    top = f"0 – {amount(scale_max)}"
    # Numbers come first where the scope must be shortened.
    choices = [f"{scope}: {top}"]
    if detail:
        choices.insert(0, f"{scope}: {top} · {detail}")
    words = first_that_fits(choices, text.width(), theme, small) or f"{top}, {scope}"
    draw_text(painter, text, words, theme, size=small, colour=theme.muted)


def _bar(rect: QRectF, left: float, width: float) -> QRectF:
    return QRectF(left, rect.center().y() - _BAR_HEIGHT / 2, width, _BAR_HEIGHT)


def _paint_strip(painter: QPainter, bar: QRectF, colours: NDArray[np.uint8], theme: Theme) -> None:
    paint_pixels(painter, bar, to_qimage(colours))
    painter.setPen(pen(theme.line, 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))


def _paint_signed_bar(
    painter: QPainter, rect: QRectF, scale_max: float, scope: str, theme: Theme, ground: str
) -> None:
    small, gap = theme.size_small, 6.0
    start, end = f"A +{amount(scale_max)}", f"B +{amount(scale_max)}"
    labels = text_width(start, theme, small) + text_width(end, theme, small)
    room = rect.width() - labels - 2 * gap - 1
    if room < _SHORTEST:
        # A column too narrow for words: the caption has the number.
        start, room, gap = "", rect.width(), 0.0
    used = draw_text(painter, rect, start, theme, size=small, colour=theme.hard_text)
    bar = _bar(rect, rect.left() + used + gap, min(_BAR_WIDTH, room))
    painter.fillRect(bar, QColor(ground))
    steps = np.linspace(-1.0, 1.0, 255)[None]
    _paint_strip(painter, bar, signed_rgba(steps, 1.0, theme.hard, theme.soft), theme)
    text = QRectF(rect)
    text.setLeft(min(bar.right() + gap, rect.right()))
    words = [Words(end, colour=theme.soft_text)] + ([Words(f"   {scope}")] if scope else [])
    draw_text(painter, text, words, theme, size=small, colour=theme.muted)
