"""The body of a pane whose keys are no image regions: tokens, and the matrix of all queries."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from hardattn_viewer.drawing.matrix import MatrixPicture, matrix_at, paint_matrix
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.drawing.token_layout import SLICE_SECONDS
from hardattn_viewer.drawing.tokens import (
    TokensPicture,
    is_laid_out,
    lay_out,
    paint_tokens,
    token_at,
    token_place,
    tokens_height,
)
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.token_canvas import TokenCanvas

GAP = 8
SCALE_HEIGHT = 16
STRIP_LEAST, STRIP_MOST = 84, 150
# Below this the matrix would say less than the bars that it takes the room of.
MATRIX_LEAST = 230
# What the matrix leaves to a text that is longer than the pane.
TOKENS_LEAST = 64


class TextBody(QWidget):
    """Tokens as high as they need, the matrix in the room that is left, bars below.

    Args:
        name: prefix of the object names.
        scale: the line that states the scale.
        strip: the bars of the row.
    """

    def __init__(self, name: str, scale: QWidget, strip: QWidget) -> None:
        super().__init__()
        self._theme = DARK
        self._scale, self._strip = scale, strip
        self.tokens = TokenCanvas(f"{name}Tokens", paint_tokens, self._token_at)
        self.matrix: Canvas[MatrixPicture] = Canvas(f"{name}Matrix", paint_matrix, matrix_at)
        self.scroller = QScrollArea()
        self.scroller.setObjectName(f"{name}TokensScroll")
        self.scroller.setFrameShape(QFrame.Shape.NoFrame)
        self.scroller.setWidget(self.tokens)
        self.scroller.setWidgetResizable(True)
        self.scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._measuring = QTimer(self)
        self._measuring.setSingleShot(True)
        self._measuring.timeout.connect(self._measure)
        for part in (self.scroller, self.matrix):
            part.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def minimumSizeHint(self) -> QSize:
        """Room for a few lines."""
        return QSize(96, 3 * TOKENS_LEAST)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.tokens.set_theme(theme)
        self.matrix.set_theme(theme)

    def show_pictures(self, tokens: TokensPicture, matrix: MatrixPicture, words: str) -> None:
        """Show a row of attention, and the map that it is a row of."""
        before = self.tokens.picture
        self._take_parts()
        self.tokens.show_picture(tokens, words)
        self.matrix.show_picture(matrix, f"{words}; matrix of {matrix.queries} queries")
        self._share_out()
        moved = before is None or before.query != tokens.query or before.groups is not tokens.groups
        # Whoever points at the text sees it already, and it must not slip away from the pointer.
        if moved and not self.tokens.is_sweeping:
            self._bring_into_view(tokens)
        if not is_laid_out(tokens, self._theme):
            self._measuring.start()

    def show_nothing(self) -> None:
        """Forget the pictures."""
        self.tokens.show_picture(None, "nothing to show")
        self.matrix.show_picture(None, "nothing to show")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the room."""
        self._share_out()

    def _measure(self) -> None:
        """Measure a little more of a long text; what is known of it already is shown."""
        picture = self.tokens.picture
        if picture is None:
            return
        lay_out(picture, self._theme, SLICE_SECONDS)
        if is_laid_out(picture, self._theme):
            self._share_out()
            self._bring_into_view(picture)
            self.tokens.update()
        else:
            self._measuring.start()

    def _take_parts(self) -> None:
        """Hold the scale and the strip, which a pane has only one of for all its bodies."""
        for part in (self._scale, self._strip):
            if part.parent() is not self:
                part.setParent(self)
                part.show()

    def _token_at(self, picture: TokensPicture, rect: QRectF, point: QPointF) -> int | None:
        return token_at(picture, rect, point, self._theme)

    def _bring_into_view(self, picture: TokensPicture) -> None:
        if picture.query is None:
            return
        own = picture.query_groups
        key = int(picture.groups.first[picture.query]) if own is None else 0
        item = key if own is None else -1 - int(own.first[picture.query])
        place = token_place(picture, QRectF(self.tokens.rect()), item, self._theme).toRect()
        self.scroller.ensureVisible(place.center().x(), place.center().y(), 0, place.height())

    def _share_out(self) -> None:
        width, height = self.width(), self.height()
        picture, matrix = self.tokens.picture, self.matrix.picture
        if picture is None or matrix is None or self._scale.parent() is not self:
            return
        room = max(0, height - SCALE_HEIGHT - STRIP_LEAST - 2 * GAP)
        wanted = round(tokens_height(picture, self._tokens_width(width), self._theme))
        self.tokens.setMinimumHeight(wanted)
        tokens = min(wanted, room)
        left = room - tokens - GAP
        shows_matrix = matrix.queries > 1 and left >= MATRIX_LEAST
        self.matrix.setVisible(shows_matrix)
        self.scroller.setGeometry(0, 0, width, tokens)
        top = tokens + GAP
        if shows_matrix:
            self.matrix.setGeometry(0, top, width, room - top)
            top = room + GAP
        self._scale.setGeometry(0, top, width, SCALE_HEIGHT)
        top += SCALE_HEIGHT + GAP
        self._strip.setGeometry(0, top, width, min(max(height - top, 0), STRIP_MOST))

    def _tokens_width(self, width: int) -> int:
        bar = self.scroller.verticalScrollBar()
        return width - (bar.sizeHint().width() if bar.isVisible() else 0)
