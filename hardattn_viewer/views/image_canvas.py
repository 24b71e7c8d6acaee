"""A canvas on which an image is zoomed and moved, and its regions are clicked and picked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication

from hardattn_viewer.drawing.minimap import minimap_rect, paint_minimap
from hardattn_viewer.drawing.on_image import (
    WithImage,
    image_point,
    image_rect,
    region_at,
    regions_in,
    shown_rect,
)
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.image_view import ZOOM_STEP, centred
from hardattn_viewer.views.canvas import Canvas, Paint

P = TypeVar("P", bound=WithImage)
_NO_MODIFIER = Qt.KeyboardModifier.NoModifier


class ImageCanvas(Canvas[P]):
    """Paints an image with regions, and tells what a person does to it.

    The wheel zooms at the pointer, dragging moves, Shift-dragging picks regions; a click pins, a
    Shift-click picks, a Ctrl-click asks to look from a region, a double click asks for all of the
    image.

    Args:
        name: object name.
        ground: paints everything that does not follow the pointer; it is painted once and kept.
        cursors: paints over it what is hovered, pinned and picked.
        same: whether two pictures have the same ground.
    """

    ctrl_clicked = Signal(int)
    regions_dragged = Signal(object)
    zoomed = Signal(float, object)
    panned = Signal(float, float)
    part_asked = Signal(object)
    double_clicked = Signal(object)
    menu_asked = Signal(object, QPoint)
    pointed = Signal(object)

    def __init__(
        self, name: str, ground: Paint[P], cursors: Paint[P], same: Callable[[P, P], bool]
    ) -> None:
        super().__init__(name, ground, region_at)
        self._cursors = cursors
        self._same = same
        self._kept: QPixmap | None = None
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._moved = False
        self._picks = False
        self._on_map = False
        self._ignores_release = False

    def show_picture(self, picture: P | None, words: str) -> None:
        """Show a picture; ``words`` say the same to those who cannot see it."""
        before = self._picture
        if before is None or picture is None or not self._same(before, picture):
            self._kept = None
        super().show_picture(picture, words)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._kept = None
        super().set_theme(theme)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground anew only where it has changed, and what follows the pointer over it."""
        picture = self._picture
        if picture is None:
            return
        ground = self._ground(picture)
        painter = QPainter(self)
        try:
            painter.drawPixmap(0, 0, ground)
            self._cursors(painter, QRectF(self.rect()), picture, self._theme)
            self._paint_rubber(painter)
        finally:
            painter.end()
        self.painted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer; a sideways wheel moves."""
        angle = event.angleDelta()
        scale = self._scale()
        if self._picture is None or not scale:
            event.ignore()
            return
        event.accept()
        if abs(angle.x()) > abs(angle.y()):
            self.panned.emit(-angle.x() / 120 * 0.1 * self.width() / scale, 0.0)
        elif angle.y():
            at = image_point(self._picture, QRectF(self.rect()), event.position())
            self.zoomed.emit(ZOOM_STEP ** (angle.y() / 120), at)

    def leaveEvent(self, event: QEvent) -> None:
        """Let go of what was under the pointer."""
        super().leaveEvent(event)
        self.pointed.emit(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        self._pressed = self._last = event.position()
        self._moved = False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._picks = shift and event.button() == Qt.MouseButton.LeftButton
        self._on_map = self._move_map(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer, or the drag that it makes."""
        at = event.position()
        if self._pressed is None or not event.buttons():
            self._pressed = None
            self._point_at(at)
            self.pointed.emit(self._image_point(at))
            return
        if self._on_map:
            self._move_map(at, inside=False)
            return
        far = (at - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        if not self._moved and not far:
            return
        self._moved = True
        if self._picks:
            self._last = at
            self.update()
            return
        scale = self._scale()
        if scale:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            step = at - self._last
            self.panned.emit(-step.x() / scale, -step.y() / scale)
        self._last = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or react to a click."""
        pressed, self._pressed = self._pressed, None
        if pressed is None or self._on_map or self._picture is None:
            return
        if self._ignores_release:
            self._ignores_release = False
            return
        if self._moved:
            if self._picks:
                self._pick_dragged(QRectF(pressed, event.position()).normalized())
            self._key = None
            self._point_at(event.position())
            return
        key = self._find(event.position())
        if event.button() != Qt.MouseButton.LeftButton or key is None:
            return
        held = event.modifiers()
        if held & Qt.KeyboardModifier.ShiftModifier:
            self.shift_clicked.emit(key)
        elif held & Qt.KeyboardModifier.ControlModifier:
            self.ctrl_clicked.emit(key)
        else:
            self.clicked.emit(key)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask for all of the image."""
        if event.button() == Qt.MouseButton.LeftButton and event.modifiers() == _NO_MODIFIER:
            self._ignores_release = True
            self._pressed = event.position()
            self._moved = self._picks = self._on_map = False
            self.double_clicked.emit(self._find(event.position()))
        else:
            self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the region under the pointer."""
        if self._picture is not None:
            self.menu_asked.emit(self._find(QPointF(event.pos())), event.globalPos())

    def _ground(self, picture: P) -> QPixmap:
        ratio = self.devicePixelRatioF()
        size = self.size() * ratio
        if self._kept is None or self._kept.size() != size:
            made = QPixmap(size)
            made.setDevicePixelRatio(ratio)
            made.fill(Qt.GlobalColor.transparent)
            painter = QPainter(made)
            rect = QRectF(self.rect())
            try:
                self._paint(painter, rect, picture, self._theme)
                seen = self._seen(picture)
                paint_minimap(painter, seen, picture.image, picture.view, self._theme)
            finally:
                painter.end()
            self._kept = made
        return self._kept

    def _paint_rubber(self, painter: QPainter) -> None:
        if self._pressed is not None and self._picks and self._moved:
            dragged = QRectF(self._pressed, self._last).normalized()
            painter.fillRect(dragged, tint(self._theme.accent, 0.18))
            painter.setPen(pen(self._theme.accent, 1.0))
            painter.drawRect(dragged)

    def _pick_dragged(self, dragged: QRectF) -> None:
        self.update()
        if self._picture is not None:
            self.regions_dragged.emit(regions_in(self._picture, QRectF(self.rect()), dragged))

    def _seen(self, picture: P) -> QRectF:
        rect = QRectF(self.rect())
        return shown_rect(image_rect(picture, rect), rect)

    def _image_point(self, point: QPointF) -> tuple[float, float] | None:
        if self._picture is None:
            return None
        return image_point(self._picture, QRectF(self.rect()), point)

    def _scale(self) -> float:
        """Logical px of the screen for one px of the image; 0 where nothing is shown."""
        picture = self._picture
        if picture is None or picture.layout is None:
            return 0.0
        return image_rect(picture, QRectF(self.rect())).width() / picture.layout.width

    def _move_map(self, point: QPointF, inside: bool = True) -> bool:
        """Look at what was clicked in the small image of the corner; whether that was clicked."""
        picture = self._picture
        place = None if picture is None else minimap_rect(self._seen(picture), picture.view)
        if picture is None or picture.view is None or place is None:
            return False
        if inside and not place.contains(point):
            return False
        x = (point.x() - place.left()) / place.width() * picture.view.size[0]
        y = (point.y() - place.top()) / place.height() * picture.view.size[1]
        self.part_asked.emit(centred(picture.view, x, y))
        return True
