"""A tour of the window: it points at one part after another, and says what that is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from hardattn_viewer.app.tour_stops import STOPS, Stop
from hardattn_viewer.views.parts import column, label, row

if TYPE_CHECKING:
    from hardattn_viewer.app.main_window import MainWindow

# Widths of the card, px: the first that fits beside what is pointed at.
WIDTHS = (380, 320, 250)
GAP = 12
EDGE = 8
RING = 2.0
RADIUS = 8.0
SHADE = {True: 120, False: 70}
_NEXT = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Right)
_BACK = (Qt.Key.Key_Left, Qt.Key.Key_Backspace)


class TourCard(QFrame):
    """What is said at a stop, and the way on.

    Args:
        tour: whose card it is.
    """

    def __init__(self, tour: Tour) -> None:
        super().__init__(tour)
        self.setObjectName("tourCard")
        self._tour = tour
        self.count = label(role="muted", name="tourCount")
        self.title = label(role="big", name="tourTitle")
        self.words = label(name="tourWords")
        self.words.setWordWrap(True)
        self.skip = self._button("Skip (Esc)", "tourSkip", tour.end)
        self.back = self._button("Back", "tourBack", lambda: tour.go(-1))
        self.next = self._button("", "tourNext", lambda: tour.go(1))
        self.next.setProperty("kind", "accent")
        top = row(self.title, 1, self.count)
        buttons = row(self.skip, 1, self.back, self.next)
        self.setLayout(column(top, self.words, buttons, spacing=10, margins=(16, 12, 14, 12)))

    def show_stop(self, at: int, stop: Stop) -> None:
        """Say what a stop has to say."""
        last = at == len(STOPS) - 1
        self.title.setText(stop.title)
        self.words.setText(stop.words)
        self.count.setText(f"{at + 1} of {len(STOPS)}")
        self.back.setEnabled(at > 0)
        self.next.setText("Done (Enter)" if last else "Next (Enter)")
        self.skip.setVisible(not last)
        self.setAccessibleName(f"Tour, {at + 1} of {len(STOPS)}: {stop.title}")
        self.setAccessibleDescription(stop.words)

    def height_at(self, width: int) -> int:
        """Height that the card needs at a width, px."""
        layout, border = self.layout(), self.contentsMargins()
        assert layout is not None
        inside = layout.heightForWidth(width - border.left() - border.right())
        return max(inside, layout.minimumSize().height()) + border.top() + border.bottom()

    def event(self, event: QEvent) -> bool:
        """Take the keys of the tour before they are commands of the window."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on, Backspace back, Esc ends the tour."""
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self._tour.end()
        elif key in _NEXT:
            self._tour.go(1)
        elif key in _BACK:
            self._tour.go(-1)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Stay among the buttons of the card."""
        buttons = [b for b in (self.skip, self.back, self.next) if b.isVisible() and b.isEnabled()]
        at = next((at for at, button in enumerate(buttons) if button.hasFocus()), 0)
        there = buttons[(at + (1 if forward else -1)) % len(buttons)]
        there.setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def _button(self, text: str, name: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.clicked.connect(lambda *_: act())
        return button


class Tour(QWidget):
    """Lies over the whole window: shade, a ring around what is pointed at, and the card.

    Args:
        window: what is shown.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setObjectName("tour")
        self._window = window
        self._at = 0
        self.card = TourCard(self)
        window.installEventFilter(self)
        # Docks that were hidden take their place first.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._place)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self._stop()

    @property
    def target(self) -> QRect:
        """What is pointed at, px of the window."""
        widget = STOPS[self._at].target(self._window)
        found = QRect(widget.mapTo(self._window, QPoint()), widget.size())
        return found.intersected(self.rect())

    def go(self, by: int) -> None:
        """Go to the next stop or the one before; after the last one the tour is over."""
        if self._at + by >= len(STOPS):
            self.end()
            return
        self._at = max(self._at + by, 0)
        self._stop()

    def end(self) -> None:
        """Leave the window as it was found."""
        self._soon.stop()
        self._window.removeEventFilter(self)
        self.hide()
        self.deleteLater()
        self._window.tour_ended()

    def _stop(self) -> None:
        stop = STOPS[self._at]
        for dock in self._window.docks.values():
            if dock is stop.target(self._window):
                dock.show()
        self.card.show_stop(self._at, stop)
        self.card.next.setFocus(Qt.FocusReason.OtherFocusReason)
        self._place()
        self._soon.start(0)

    def _place(self) -> None:
        target, room = self.target, self.rect().adjusted(EDGE, EDGE, -EDGE, -EDGE)
        sizes = [QSize(width, self.card.height_at(width)) for width in WIDTHS]
        self.card.setGeometry(place_beside(target, room, sizes))
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay over the whole window."""
        if watched is self._window and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._window.rect())
            self._place()
            self._soon.start(0)
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside the card goes nowhere, and the keys stay with the card."""
        self.card.next.setFocus(Qt.FocusReason.OtherFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Shade what is not meant, and ring what is."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = self.target.toRectF().adjusted(RING / 2, RING / 2, -RING / 2, -RING / 2)
        shade = QPainterPath()
        shade.addRect(self.rect().toRectF())
        shade.addRoundedRect(ring, RADIUS, RADIUS)
        painter.fillPath(shade, QColor(0, 0, 0, SHADE[self._window.theme.is_dark]))
        painter.setPen(QPen(QColor(self._window.theme.accent), RING))
        painter.drawRoundedRect(ring, RADIUS, RADIUS)
        painter.end()


def place_beside(target: QRect, room: QRect, sizes: list[QSize]) -> QRect:
    """Where a card lies in a room without covering a target.

    Args:
        target: what must stay free.
        room: where the card may be.
        sizes: of the card, the best first.

    Returns:
        Beside the target if one size fits on any side of it; else the smallest size in the corner
        that covers least of it.
    """
    centre = target.center()
    for size in sizes:
        wide, high = size.width(), size.height()
        x, y = centre.x() - wide // 2, centre.y() - high // 2
        beside = [QPoint(target.right() + GAP, y), QPoint(target.left() - GAP - wide, y)]
        below = [QPoint(x, target.bottom() + GAP), QPoint(x, target.top() - GAP - high)]
        # What stands beside a bar belongs to the bar.
        is_bar = target.height() < high
        for place in below + beside if is_bar else beside + below:
            card = _inside(QRect(place, size), room)
            if room.contains(card) and not card.intersects(target):
                return card
    size = sizes[-1]
    right, bottom = room.right() - size.width() + 1, room.bottom() - size.height() + 1
    corners = [QPoint(x, y) for x in (room.left(), right) for y in (room.top(), bottom)]
    cards = [QRect(corner, size) for corner in corners]
    return min(cards, key=lambda card: _area(card.intersected(target)))


def _inside(card: QRect, room: QRect) -> QRect:
    x = min(max(card.left(), room.left()), room.right() - card.width() + 1)
    y = min(max(card.top(), room.top()), room.bottom() - card.height() + 1)
    return QRect(QPoint(x, y), card.size())


def _area(rect: QRect) -> int:
    return max(rect.width(), 0) * max(rect.height(), 0)
