"""The widget that a matrix is painted on: wheel, drag, clicks and the pointer over cells."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from hardattn_viewer.drawing.matrix import MatrixPicture, matrix_at, matrix_layout, paint_matrix
from hardattn_viewer.drawing.matrix.cells import CellMemory
from hardattn_viewer.drawing.matrix.geometry import Cells, matrix_room
from hardattn_viewer.drawing.matrix.minimap import minimap_at
from hardattn_viewer.drawing.matrix.picture import WINDOW_CELL
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.matrix import MatrixArea, Zoom, centred, dragged, zoomed

# How much larger cells become for each notch of a wheel.
WHEEL = 1.25
_NOTCH = 120.0

Cell = tuple[int, int]


class MatrixCanvas(QWidget):
    """Paints one matrix over its whole area.

    Args:
        name: object name.
    """

    hovered = Signal(object)
    clicked = Signal(int, int)
    double_clicked = Signal(int, int)
    zoom_wanted = Signal(object)
    menu_wanted = Signal(QPoint, int, int)
    resized = Signal()
    painted = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.picture: MatrixPicture | None = None
        self._theme = DARK
        self._memory = CellMemory()
        self._cell: Cell | None = None
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._drags = False

    def minimumSizeHint(self) -> QSize:
        """Room for some cells and their names."""
        return QSize(180, 180)

    def show_picture(self, picture: MatrixPicture | None, words: str) -> None:
        """Show a picture; ``words`` say the same to those who cannot see it."""
        self.picture = picture
        self.setAccessibleDescription(words)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.update()

    def area(self, *, margins: bool) -> MatrixArea:
        """The room that cells have."""
        room = matrix_room(QRectF(self.rect()), in_window=True, margins=margins)
        return MatrixArea(room.width(), room.height(), self.devicePixelRatioF(), WINDOW_CELL)

    @property
    def cells(self) -> Cells | None:
        """Where the cells are; None without a picture."""
        return None if self.picture is None else matrix_layout(self.picture, QRectF(self.rect()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        painter = QPainter(self)
        try:
            if self.picture is not None:
                rect = QRectF(self.rect())
                paint_matrix(painter, rect, self.picture, self._theme, self._memory)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QColor(self._theme.accent))
                painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        finally:
            painter.end()
        self.painted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell how much room there is."""
        self.resized.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer; with Shift go sideways."""
        event.accept()
        cells, turned = self.cells, event.angleDelta()
        notches = (turned.y() or turned.x()) / _NOTCH
        if cells is None or not notches:
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.zoom_wanted.emit(dragged(cells.layout, 60 * notches, 0))
            return
        at = event.position() - cells.room.topLeft()
        self.zoom_wanted.emit(zoomed(cells.layout, WHEEL**notches, at.x(), at.y()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() != Qt.MouseButton.LeftButton or self.picture is None:
            return
        self._pressed = self._last = event.position()
        self._drags = False
        self._go_in_minimap(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer, or drag the map with it."""
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            self._point_at(event.position())
            return
        if self._go_in_minimap(event.position()):
            return
        far = (event.position() - self._pressed).manhattanLength()
        if not self._drags and far >= QApplication.startDragDistance():
            self._drags = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        cells = self.cells
        if self._drags and cells is not None:
            moved = event.position() - self._last
            self._last = event.position()
            self.zoom_wanted.emit(dragged(cells.layout, moved.x(), moved.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; without one it was a click."""
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        pressed, self._pressed = self._pressed, None
        if self._drags:
            self._drags = False
            self._cell = None
            self._point_at(event.position())
            return
        cell = self._find(pressed)
        if cell is not None:
            self.clicked.emit(*cell)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go to a cell."""
        cell = self._find(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._pressed = None
            self.double_clicked.emit(*cell)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask what to copy."""
        cell = self._find(QPointF(event.pos()))
        if cell is not None:
            self.menu_wanted.emit(event.globalPos(), *cell)

    def leaveEvent(self, event: QEvent) -> None:
        """Let go of what was under the pointer."""
        if self._cell is not None:
            self._cell = None
            self.hovered.emit(None)

    def _go_in_minimap(self, point: QPointF) -> bool:
        """Show what a point of the small map is; whether there is one under it."""
        cells = self.cells
        if self.picture is None or cells is None or self._drags:
            return False
        place = minimap_at(self.picture, QRectF(self.rect()), cells, point)
        if place is not None:
            zoom: Zoom = centred(cells.layout, *place)
            self.zoom_wanted.emit(zoom)
        return place is not None

    def _point_at(self, point: QPointF) -> None:
        cell = self._find(point)
        if cell != self._cell:
            self._cell = cell
            self.hovered.emit(cell)
        shape = Qt.CursorShape.ArrowCursor if cell is None else Qt.CursorShape.CrossCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    def _find(self, point: QPointF) -> Cell | None:
        if self.picture is None:
            return None
        found = matrix_at(self.picture, QRectF(self.rect()), point)
        return None if found is None else divmod(found, self.picture.keys)
