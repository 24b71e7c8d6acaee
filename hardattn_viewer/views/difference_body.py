"""The body of the difference pane: its picture in each mode, the scale, and numbers below it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hardattn_viewer.drawing.difference import DifferencePicture, paint_difference
from hardattn_viewer.drawing.difference_bars import BarsPicture, bar_under, paint_bars
from hardattn_viewer.drawing.matrix_difference import (
    MatrixDifference,
    difference_cell_at,
    paint_matrix_difference,
)
from hardattn_viewer.drawing.regions import region_at
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.pane_body import GAP, SCALE_HEIGHT, SMALLEST
from hardattn_viewer.views.panes import STRIP_HEIGHTS
from hardattn_viewer.views.scales import ScalePicture, paint_scale
from hardattn_viewer.views.token_difference import TokenDifference

Mode = Literal["regions", "tokens", "matrix"]
TOKENS_HEIGHT = 128
# Below this the map would say less than the numbers that it takes the room of.
MATRIX_LEAST = 190
PANEL_LEAST, PANEL_MOST = 96, 270


class DifferenceBody(QWidget):
    """One picture at a time, as high as those of the other panes, and the panel below it.

    Args:
        panel: what goes below.
    """

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        self.setObjectName("differenceBody")
        self._panel = panel
        self.mode: Mode = "regions"
        self._has_text = False
        self.canvas: Canvas[DifferencePicture] = Canvas(
            "differenceCanvas", paint_difference, region_at
        )
        self.canvas.setAccessibleName("Picture of B minus A")
        self.tokens: Canvas[BarsPicture] = Canvas("differenceTokens", paint_bars, bar_under)
        self.tokens.setAccessibleName("B minus A of every key")
        self.text = TokenDifference()
        self.matrix: Canvas[MatrixDifference] = Canvas(
            "differenceMatrix", paint_matrix_difference, difference_cell_at
        )
        self.matrix.setAccessibleName("B minus A of every query and key")
        self.scale: Canvas[ScalePicture] = Canvas("differenceScale", paint_scale)
        for part in (self.canvas, self.tokens, self.text, self.matrix, self.scale, panel):
            part.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        for part in (self.canvas, self.tokens, self.text, self.matrix, self.scale):
            part.set_theme(theme)

    def minimumSizeHint(self) -> QSize:
        """Room for the smallest picture that can be read."""
        return QSize(SMALLEST, SMALLEST + SCALE_HEIGHT + STRIP_HEIGHTS[0] + 2 * GAP)

    def show_mode(self, mode: Mode, has_text: bool) -> None:
        """Make room for the pictures of a mode; keys that are no tokens are shown as bars."""
        if (mode, has_text) != (self.mode, self._has_text):
            self.mode, self._has_text = mode, has_text
            self._share_out()

    @property
    def shows_matrix(self) -> bool:
        """Whether there is room for the map."""
        return self.mode == "matrix" or (self.mode == "tokens" and self._left() >= MATRIX_LEAST)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the room."""
        self._share_out()

    def _panel_height(self) -> int:
        return min(max(int(0.42 * self.height()), PANEL_LEAST), PANEL_MOST)

    def _left(self) -> int:
        """The height that is left for the map below the tokens."""
        return self.height() - TOKENS_HEIGHT - SCALE_HEIGHT - self._panel_height() - 3 * GAP

    def _share_out(self) -> None:
        width, height = self.width(), self.height()
        self.canvas.setVisible(self.mode == "regions")
        self.tokens.setVisible(self.mode == "tokens" and not self._has_text)
        self.text.setVisible(self.mode == "tokens" and self._has_text)
        self.matrix.setVisible(self.shows_matrix)
        if self.mode == "regions":
            # The same as in the panes beside it, so that the pictures line up.
            rest = SCALE_HEIGHT + 2 * GAP
            side = max(SMALLEST, min(width, height - rest - STRIP_HEIGHTS[0]))
            self.canvas.setGeometry((width - side) // 2, 0, side, side)
            top = side + GAP
        elif self.mode == "tokens":
            tokens = min(TOKENS_HEIGHT, max(height - SCALE_HEIGHT - PANEL_LEAST - 2 * GAP, 0))
            for part in (self.tokens, self.text):
                part.setGeometry(0, 0, width, tokens)
            top = tokens + GAP
            if self.shows_matrix:
                self.matrix.setGeometry(0, top, width, self._left())
                top += self._left() + GAP
        else:
            room = max(height - SCALE_HEIGHT - self._panel_height() - 2 * GAP, 0)
            self.matrix.setGeometry(0, 0, width, room)
            top = room + GAP
        self.scale.setGeometry(0, top, width, SCALE_HEIGHT)
        top += SCALE_HEIGHT + GAP
        self._panel.setGeometry(0, top, width, max(height - top, 0))
