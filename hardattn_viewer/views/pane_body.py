"""The body of a pane: a picture on top, its scale, and what goes below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hardattn_viewer.drawing.on_image import FLATTEST, TALLEST

GAP = 8
LINE_GAP = 4
SCALE_HEIGHT = 16
SMALLEST = 96


class PaneBody(QWidget):
    """Gives the picture all the width or height there is, so that panes beside each other match.

    Args:
        picture: gets the shape of its image, within limits, or is made square.
        scale: a line below it.
        below: takes the rest.
        least: height that is kept for ``below``.
        most: height that ``below`` takes at most; None takes all that is left.
        lines: widgets as wide as the body and of their own height, between picture and scale;
            hidden ones take no room.
    """

    def __init__(
        self,
        picture: QWidget,
        scale: QWidget,
        below: QWidget,
        least: int,
        most: int | None,
        lines: Sequence[QWidget] = (),
    ) -> None:
        super().__init__()
        self._picture = picture
        self._scale = scale
        self._below = below
        self._least = least
        self._most = most
        self._lines = tuple(lines)
        self._aspect = 1.0
        for part in (picture, *lines, scale, below):
            part.setParent(self)
        self._held = (scale, below)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def minimumSizeHint(self) -> QSize:
        """Room for the smallest picture that can be read."""
        return QSize(SMALLEST, SMALLEST + SCALE_HEIGHT + self._least + 2 * GAP)

    def take_parts(self) -> None:
        """Hold the scale and what is below it again, where another body held them meanwhile."""
        if any(part.parent() is not self for part in self._held):
            for part in self._held:
                part.setParent(self)
                part.show()
            self._share_out()

    def share_out(self, aspect: float | None = None) -> None:
        """Lay everything out anew, after a line was shown or hidden.

        Args:
            aspect: height of the image divided by its width; None leaves it as it was.
        """
        if aspect is not None:
            aspect = min(max(aspect, FLATTEST), TALLEST)
            if aspect == self._aspect:
                return
            self._aspect = aspect
        self._share_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the room."""
        self._share_out()

    def _share_out(self) -> None:
        if any(part.parent() is not self for part in self._held):
            return
        width, height = self.width(), self.height()
        lines = [line for line in self._lines if not line.isHidden()]
        rest = SCALE_HEIGHT + 2 * GAP + sum(line.height() + LINE_GAP for line in lines)
        room = max(SMALLEST, height - rest - self._least)
        wide, top = fitted(width, room, self._aspect)
        self._picture.setGeometry((width - wide) // 2, 0, wide, top)
        for line in lines:
            line.setGeometry(0, top + LINE_GAP, width, line.height())
            top += LINE_GAP + line.height()
        top += LINE_GAP if lines else GAP
        self._scale.setGeometry(0, top, width, SCALE_HEIGHT)
        top += SCALE_HEIGHT + GAP
        left_over = max(height - top, 0)
        most = left_over if self._most is None else min(left_over, self._most)
        self._below.setGeometry(0, top, width, most)


def fitted(width: int, room: int, aspect: float) -> tuple[int, int]:
    """Width and height of the largest picture of a shape in a room, never too small to be seen."""
    wide = min(width, max(SMALLEST, round(room / aspect)))
    return wide, min(room, round(wide * aspect))
