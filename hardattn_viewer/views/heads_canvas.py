"""The picture of all heads: pointed at, clicked, and walked through with the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)

from hardattn_viewer.drawing.heads import (
    HeadsPicture,
    HeadsSheet,
    paint_heads,
    paint_marks,
    paint_sheet,
    sheet_layout,
)
from hardattn_viewer.drawing.heads_layout import HeadsLayout
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.atlas import HeadAt
from hardattn_viewer.views.canvas import Canvas

MARGIN = 4.0
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_OWN = (*_ARROWS, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Space)
_OPEN = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class HeadsCanvas(Canvas[HeadsPicture]):
    """All heads as one picture; the sheet is painted once, only its marks move.

    Signals carry a :class:`HeadAt`: ``pointed`` (or None), ``chosen`` by a click or an arrow,
    ``toggled`` by Ctrl-click or Space, ``reached`` by Shift-click, ``opened`` by a double click
    or Return.
    """

    pointed = Signal(object)
    chosen = Signal(object)
    toggled = Signal(object)
    reached = Signal(object)
    opened = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__(name, paint_heads)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self._sheet: HeadsSheet | None = None
        self._pixmap: QPixmap | None = None
        self._layout: HeadsLayout | None = None
        self._pointed: HeadAt | None = None

    def place_of(self, head: HeadAt) -> QRectF | None:
        """Where a head is painted, in px of the widget; None where it is not."""
        layout = self._laid_out()
        return None if layout is None else layout.cells.get(head)

    @property
    def side(self) -> float:
        """Side of a head's square in logical px; 0 without a picture."""
        layout = self._laid_out()
        return layout.cell if layout is not None else 0.0

    def show_picture(self, picture: HeadsPicture | None, words: str) -> None:
        """Show a picture; ``words`` say the same to those who cannot see it."""
        sheet = None if picture is None else picture.sheet
        if sheet is not self._sheet:
            self._sheet = sheet
            self._forget()
        super().show_picture(picture, words)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._forget()
        super().set_theme(theme)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the sheet as it was painted before, and the marks anew."""
        picture, layout = self.picture, self._laid_out()
        if picture is None or layout is None:
            return
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._painted_sheet(picture.sheet, layout))
        paint_marks(painter, picture, layout, self._theme)
        if self.hasFocus():
            painter.setPen(pen(self._theme.accent, 1.0))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
        self.painted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the heads anew."""
        self._forget()
        super().resizeEvent(event)

    def event(self, event: QEvent) -> bool:
        """Keep the keys that move among heads from the shortcuts that they are elsewhere."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if plain == Qt.KeyboardModifier.NoModifier and event.key() in (*_OWN, *_OPEN):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move among the heads, pick one, or open it."""
        picture, layout = self.picture, self._laid_out()
        if picture is None or layout is None or not layout.cells:
            super().keyPressEvent(event)
            return
        key, here = Qt.Key(event.key()), picture.current
        shown = picture.sheet.shown.heads
        if key in _ARROWS:
            found = shown[0] if here not in layout.cells else layout.beside(here, *_ARROWS[key])
            self._choose(found)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._choose(shown[0] if key == Qt.Key.Key_Home else shown[-1])
        elif key == Qt.Key.Key_Space and here is not None:
            self.toggled.emit(here)
        elif key in _OPEN and here is not None:
            self.opened.emit(here)
        else:
            super().keyPressEvent(event)

    def _choose(self, head: HeadAt | None) -> None:
        if head is not None:
            self.chosen.emit(head)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """React to a click."""
        head = self._head_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or head is None:
            return
        keys = event.modifiers()
        if keys & Qt.KeyboardModifier.ControlModifier:
            self.toggled.emit(head)
        elif keys & Qt.KeyboardModifier.ShiftModifier:
            self.reached.emit(head)
        else:
            self.chosen.emit(head)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open a head."""
        head = self._head_at(event.position())
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.button() == Qt.MouseButton.LeftButton and head is not None and plain:
            self.opened.emit(head)

    def leaveEvent(self, event: QEvent) -> None:
        """Let go of what was under the pointer."""
        self._point(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that keys work here."""
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that they do not."""
        self.update()
        super().focusOutEvent(event)

    def _point_at(self, point: QPointF) -> None:
        self._point(self._head_at(point))

    def _point(self, head: HeadAt | None) -> None:
        if head != self._pointed:
            self._pointed = head
            shape = Qt.CursorShape
            self.setCursor(shape.ArrowCursor if head is None else shape.PointingHandCursor)
            self.pointed.emit(head)

    def _head_at(self, point: QPointF) -> HeadAt | None:
        layout = self._laid_out()
        return None if layout is None else layout.at(point)

    def _room(self) -> QRectF:
        return QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)

    def _laid_out(self) -> HeadsLayout | None:
        if self._layout is None and self._sheet is not None:
            self._layout = sheet_layout(self._sheet, self._room(), self._theme)
        return self._layout

    def _painted_sheet(self, sheet: HeadsSheet, layout: HeadsLayout) -> QPixmap:
        ratio = self.devicePixelRatioF()
        if self._pixmap is None or self._pixmap.devicePixelRatio() != ratio:
            self._pixmap = QPixmap(self.size() * ratio)
            self._pixmap.setDevicePixelRatio(ratio)
            self._pixmap.fill(QColor(0, 0, 0, 0))
            painter = QPainter(self._pixmap)
            paint_sheet(painter, self._room(), sheet, layout, self._theme)
            painter.end()
        return self._pixmap

    def _forget(self) -> None:
        self._pixmap = self._layout = None
        self.update()
