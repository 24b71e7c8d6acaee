"""The body of a pane: a square picture on top, its scale, and what goes below."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

GAP = 8
SCALE_HEIGHT = 16
SMALLEST = 96


class PaneBody(QWidget):
    """Gives the picture all the width or height there is, so that panes beside each other match.

    Args:
        picture: is made square.
        scale: a line below it.
        below: takes the rest.
        least: height that is kept for ``below``.
        most: height that ``below`` takes at most; None takes all that is left.
    """

    def __init__(
        self, picture: QWidget, scale: QWidget, below: QWidget, least: int, most: int | None
    ) -> None:
        super().__init__()
        self._picture = picture
        self._scale = scale
        self._below = below
        self._least = least
        self._most = most
        for part in (picture, scale, below):
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the room."""
        self._share_out()

    def _share_out(self) -> None:
        if any(part.parent() is not self for part in self._held):
            return
        width, height = self.width(), self.height()
        rest = SCALE_HEIGHT + 2 * GAP
        side = max(SMALLEST, min(width, height - rest - self._least))
        self._picture.setGeometry((width - side) // 2, 0, side, side)
        top = side + GAP
        self._scale.setGeometry(0, top, width, SCALE_HEIGHT)
        top += SCALE_HEIGHT + GAP
        left_over = max(height - top, 0)
        most = left_over if self._most is None else min(left_over, self._most)
        self._below.setGeometry(0, top, width, most)
