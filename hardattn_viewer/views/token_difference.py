"""B − A on the tokens that two runs share, scrolled where the text is long."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea

from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.drawing.token_difference import (
    TokenDifferencePicture,
    paint_token_difference,
    token_difference_at,
    token_difference_height,
)
from hardattn_viewer.drawing.token_layout import SLICE_SECONDS
from hardattn_viewer.drawing.tokens import is_laid_out, lay_out
from hardattn_viewer.views.canvas import Canvas


class TokenDifference(QScrollArea):
    """The text on the colours of B − A."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("differenceTokensScroll")
        self.theme = DARK
        self.canvas: Canvas[TokenDifferencePicture] = Canvas(
            "differenceTokens", paint_token_difference, self._key_at
        )
        self.canvas.setAccessibleName("B minus A on the tokens")
        self._measuring = QTimer(self)
        self._measuring.setSingleShot(True)
        self._measuring.timeout.connect(self._measure)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidget(self.canvas)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        """Room for a line."""
        return QSize(96, 48)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.theme = theme
        self.canvas.set_theme(theme)

    def show_picture(self, picture: TokenDifferencePicture | None, words: str) -> None:
        """Show a difference, or nothing."""
        self.canvas.show_picture(picture, words)
        self._fit()
        self._measuring.start()

    def _measure(self) -> None:
        """Measure a little more of a long text; what is known of it already is shown."""
        picture = self.canvas.picture
        if picture is None or picture.tokens is None:
            return
        if is_laid_out(picture.tokens, self.theme):
            self._fit()
            self.canvas.update()
        else:
            lay_out(picture.tokens, self.theme, SLICE_SECONDS)
            self._measuring.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the text anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        picture = self.canvas.picture
        if picture is not None:
            height = token_difference_height(picture, self.viewport().width(), self.theme)
            self.canvas.setMinimumHeight(round(height))

    def _key_at(self, picture: TokenDifferencePicture, rect: QRectF, point: QPointF) -> int | None:
        found = token_difference_at(picture, rect, point, self.theme)
        return found if found is not None and found >= 0 else None
