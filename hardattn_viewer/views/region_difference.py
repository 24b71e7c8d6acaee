"""B − A on an image: what is drawn of it, what is said below it, and what hands do on it."""

from __future__ import annotations

from hardattn_viewer.drawing.difference import (
    difference_picture,
    paint_difference,
    with_difference_cursors,
)
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.regions import difference_words, image_size, pixel_words
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.difference_body import DifferenceBody
from hardattn_viewer.views.region_copy import copy_image, picture_image
from hardattn_viewer.views.region_hands import RegionHands


class RegionDifference:
    """Shows the difference of two frames on the canvas of a body.

    Args:
        session: the shared session.
        body: has the canvas and the line below it.
    """

    def __init__(self, session: Session, body: DifferenceBody) -> None:
        self._session = session
        self._body = body
        self._theme = DARK
        self._pointed: tuple[float, float] | None = None
        # What the picture was made from.
        self._drawn: tuple[Frame, Frame, Display] | None = None
        self._hands = RegionHands(
            session, body.canvas, lambda: None, lambda: session.state.frames.a, self._copy_picture
        )
        body.canvas.pointed.connect(self._point)

    def set_theme(self, theme: Theme) -> None:
        """Copy pictures in ``theme`` from now on."""
        self._theme = theme

    def show_frames(self, state: SessionState, a: Frame, b: Frame, words: str) -> None:
        """Show B − A; ``words`` say the same to those who cannot see it."""
        canvas = self._body.canvas
        before, after = canvas.picture, (a, b, state.display)
        if before is None or self._drawn != after:
            # Where only cursors moved, numbers and colours are those of before.
            before = difference_picture(a, b, state.display)
        self._drawn = after
        picture = with_difference_cursors(before, state.hovered, state.pinned, state.picked)
        canvas.show_picture(picture, words)
        self._body.line.show_state(state)
        self._say(state)

    def _point(self, at: tuple[float, float] | None) -> None:
        self._pointed = at
        self._say(self._session.state)

    def _say(self, state: SessionState) -> None:
        a, b = state.frames.a, state.frames.b
        if a is None or b is None:
            return
        pixel = "" if self._pointed is None else pixel_words(a, *self._pointed)
        key = state.hovered if state.hovered is not None else state.pinned
        alone = key is not None and (state.hovered is not None or not state.picked)
        keys = (key,) if key is not None and alone else state.picked
        words = (pixel, difference_words(a, b, keys))
        self._body.line.say(" · ".join(filter(None, words)))

    def _copy_picture(self) -> None:
        picture = self._body.canvas.picture
        if picture is not None:
            plain = with_difference_cursors(picture, None, None, self._session.state.picked)
            copy_image(picture_image(plain, plain, paint_difference, self._theme))


def aspect_of(frame: Frame) -> float:
    """Height of a frame's image divided by its width; 1 where it has none."""
    size = image_size(frame)
    return 1.0 if size is None else size[1] / size[0]
