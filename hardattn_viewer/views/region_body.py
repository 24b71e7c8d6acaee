"""The body of a pane whose keys are image regions: picture, readout, special keys, scale, bars."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from hardattn_viewer.drawing.regions import (
    RegionsPicture,
    is_ground_same,
    paint_ground,
    paint_region_cursors,
    paint_regions,
    regions_picture,
    with_cursors,
)
from hardattn_viewer.drawing.special_keys import (
    CHIP_HEIGHT,
    SpecialKeys,
    paint_special_keys,
    special_key_at,
    special_keys_picture,
)
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import special_words
from hardattn_viewer.session.regions import image_size, pixel_words, readout, weight_words
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, Slot
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.image_canvas import ImageCanvas
from hardattn_viewer.views.pane_body import PaneBody
from hardattn_viewer.views.picture_line import PictureLine
from hardattn_viewer.views.region_copy import copy_image, picture_image
from hardattn_viewer.views.region_hands import RegionHands

STRIP_HEIGHTS = (84, 210)


class RegionBody(PaneBody):
    """What one slot shows of an image.

    Args:
        session: the shared session.
        name: prefix of the object names.
        scale: the line that states the scale.
        strip: the bars of the row.
    """

    def __init__(self, session: Session, name: str, scale: QWidget, strip: QWidget) -> None:
        self.canvas: ImageCanvas[RegionsPicture] = ImageCanvas(
            f"{name}Canvas", paint_ground, paint_region_cursors, is_ground_same
        )
        self.line = PictureLine(session, name, heat=True)
        self.specials: Canvas[SpecialKeys] = Canvas(
            f"{name}SpecialKeys", paint_special_keys, self._special_at
        )
        self.specials.setFixedHeight(round(CHIP_HEIGHT))
        self.specials.setAccessibleName("Keys that are no regions")
        super().__init__(self.canvas, scale, strip, *STRIP_HEIGHTS, (self.line, self.specials))
        self._session = session
        self._theme = DARK
        self._slot: Slot = "A"
        self._frame: Frame | None = None
        self._pointed: tuple[float, float] | None = None
        # What the picture was made from.
        self._drawn: tuple[Frame, Display, float] | None = None
        self._hands = RegionHands(
            session, self.canvas, lambda: self._slot, lambda: self._frame, self._copy_picture
        )
        self.canvas.pointed.connect(self._point)
        self.specials.hovered.connect(session.hover)
        self.specials.clicked.connect(self._pin_special)
        self.specials.shift_clicked.connect(lambda key: session.pick((key,)))

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.canvas.set_theme(theme)
        self.specials.set_theme(theme)

    def show_frame(
        self, state: SessionState, slot: Slot, frame: Frame, scale: float, words: str
    ) -> None:
        """Show a frame; ``words`` say the same to those who cannot see it."""
        self._slot, self._frame = slot, frame
        self.take_parts()
        before, after = self.canvas.picture, (frame, state.display, scale)
        if before is None or self._drawn != after:
            # Where only cursors moved, numbers and colours are those of before.
            before = regions_picture(frame, state.display, scale_max=scale)
        self._drawn = after
        cursors = (state.hovered, state.pinned, state.picked)
        self.canvas.show_picture(with_cursors(before, *cursors), words)
        hover, pinned, picked = cursors
        chips = special_keys_picture(
            frame, state.display, scale_max=scale, hover=hover, pinned=pinned, picked=picked
        )
        self.specials.show_picture(chips, special_words(frame))
        if self.specials.isHidden() != (chips is None):
            self.specials.setVisible(chips is not None)
            self.share_out()
        size = image_size(frame)
        if size is not None:
            self.share_out(size[1] / size[0])
        self.line.show_state(state)
        self._say()

    def show_nothing(self) -> None:
        """Forget the picture."""
        self._frame = self._drawn = None
        self.canvas.show_picture(None, "nothing to show")
        self.specials.show_picture(None, "nothing to show")

    def _special_at(self, picture: SpecialKeys, rect: QRectF, point: QPointF) -> int | None:
        return special_key_at(picture, rect, point, self._theme)

    def _pin_special(self, key: int) -> None:
        self._session.look_at(self._slot)
        self._session.pin(key)

    def _point(self, at: tuple[float, float] | None) -> None:
        self._pointed = at
        self._say()

    def _say(self) -> None:
        frame, state = self._frame, self._session.state
        if frame is None:
            return
        pixel = "" if self._pointed is None else pixel_words(frame, *self._pointed)
        words = readout(frame, pixel, state.hovered, state.pinned, state.picked)
        self.line.say(words, weight_words(frame, state.hovered))

    def _copy_picture(self) -> None:
        picture = self.canvas.picture
        if picture is not None:
            plain = with_cursors(picture, None, None, self._session.state.picked)
            copy_image(picture_image(plain, plain, paint_regions, self._theme))
