"""The tracks of the timeline, which pan, zoom and scrub."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame

from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.drawing.timeline import (
    RULER,
    TimelinePicture,
    paint_marks,
    paint_ruler,
    paint_tracks,
    plot_area,
    step_at,
    x_of,
)
from hardattn_viewer.drawing.timeline_frames import (
    HEIGHT,
    ROOM,
    FrameStrip,
    paint_strip,
    places,
    small_frame,
)
from hardattn_viewer.session.tracks import Track

# Fewest steps that fill the width, and how much one notch of the wheel zooms.
CLOSEST = 4.0
_NOTCH = 1.25
# Seconds that one paint may spend on small frames; the rest follow. So many are kept.
AT_ONCE = 0.003
KEPT = 512
# Pixels that a press may move and still be a click.
_STILL = 4


class TrackPlots(QAbstractScrollArea):
    """Draws tracks; where they are zoomed in, a scroll bar below says what part is seen.

    Curves are painted anew only when they or the visible part change; the playhead, hits and
    bookmarks are painted over them.
    """

    scrubbed = Signal(int)
    ranged = Signal(int, int)
    unranged = Signal()
    stepped = Signal(int)
    menu_wanted = Signal(QPoint)

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.horizontalScrollBar().setAccessibleName("Visible part of the timeline")
        self.horizontalScrollBar().valueChanged.connect(self._scrolled)
        self._theme = DARK
        self.picture = TimelinePicture((), 0, 0.0, 1.0)
        self._curves: QPixmap | None = None
        self._ruler_of: tuple[tuple[object, ...], QPixmap] | None = None
        self._press: QPoint | None = None
        self._pan: tuple[float, float] | None = None
        self._ranging: int | None = None
        self._scrolling = False
        self._strip: FrameStrip | None = None
        # Small frames by number.
        self._small: dict[int, QImage] = {}
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.viewport().update)

    @property
    def widget(self) -> QAbstractScrollArea:
        """What is put into a layout."""
        return self

    def set_theme(self, theme: Theme) -> None:
        """Draw in ``theme`` from now on."""
        self._theme = theme
        self._repaint_all()

    def show_tracks(self, tracks: tuple[Track, ...], steps: int) -> None:
        """Draw other tracks; the visible part stays where there are as many steps as before."""
        first, last = self.picture.first, self.picture.last
        if steps != self.picture.steps:
            first, last = 0.0, float(max(steps, 1))
        self.picture = replace(self.picture, tracks=tracks, steps=steps, first=first, last=last)
        self._show_range(first, last)

    def show_strip(self, strip: FrameStrip | None) -> None:
        """Show the frames of a video above the tracks, or none."""
        if strip is None and self._strip is None:
            return
        if strip is not None and strip.is_same(self._strip):
            return
        if strip is None or self._strip is None or strip.images is not self._strip.images:
            self._small.clear()
        self._strip = strip
        self.picture = replace(self.picture, above=ROOM if strip is not None else 0.0)
        self._repaint_all()

    def show_tokens(self, tokens: dict[int, str]) -> None:
        """Write the tokens that came to steps beside their numbers."""
        if tokens != self.picture.tokens:
            self.picture = replace(self.picture, tokens=tokens)
            self._repaint_all()

    def show_step(self, step: int) -> None:
        """Mark the column of a step, and let it be seen."""
        self.picture = replace(self.picture, step=step)
        first, last = self.picture.first, self.picture.last
        if not first <= step < last and self._press is None:
            middle = (last - first) / 2
            self._show_range(step + 0.5 - middle, step + 0.5 + middle)
        self.viewport().update()

    def show_marks(
        self,
        hits: NDArray[np.int64],
        bookmarks: tuple[tuple[int, str], ...],
        loop: tuple[int, int] | None,
    ) -> None:
        """Show other hits, bookmarks or another loop; see ``TimelinePicture``."""
        same = np.array_equal(hits, self.picture.hits)
        self.picture = replace(self.picture, hits=hits, bookmarks=bookmarks, loop=loop)
        if same:
            self.viewport().update()
        else:
            self._repaint_all()

    def step_at(self, point: QPointF) -> int | None:
        """The step whose column is at a point; clamped to the steps there are."""
        if not self.picture.steps:
            return None
        return step_at(self.picture, self._rect(), point.x())

    def centre_of(self, step: int) -> QPointF:
        """Where the middle of a step's column is."""
        area = plot_area(self._rect())
        x = x_of(self.picture, self._rect(), step + 0.5)
        return QPointF(x, (area.top() + RULER + area.bottom()) / 2)

    def zoom(self, factor: float, around: float | None = None) -> None:
        """See fewer steps (a factor above 1) or more, around a place on their axis."""
        first, last = self.picture.first, self.picture.last
        around = self.picture.step + 0.5 if around is None else around
        if not first <= around <= last:
            around = (first + last) / 2
        self._show_range(around - (around - first) / factor, around + (last - around) / factor)

    def pan(self, by: float) -> None:
        """See earlier or later steps; 1 is as many as are seen."""
        by *= self.picture.last - self.picture.first
        self._show_range(self.picture.first + by, self.picture.last + by)

    def fit(self) -> None:
        """See all steps."""
        self._show_range(0.0, float(max(self.picture.steps, 1)))

    # --- Qt -------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        if not self.picture.steps:
            return
        ratio = self.viewport().devicePixelRatioF()
        if self._curves is None:
            self._curves = self._ruler(ratio).copy()
            inner = QPainter(self._curves)
            paint_tracks(inner, self._rect(), self.picture, self._theme)
            inner.end()
        painter = QPainter(self.viewport())
        painter.drawPixmap(0, 0, self._curves)
        if self._strip is not None:
            self._make_some(self._strip)
            paint_strip(painter, self._rect(), self.picture, self._strip, self._small, self._theme)
        paint_marks(painter, self._rect(), self.picture, self._theme)
        painter.end()

    def _make_some(self, strip: FrameStrip) -> None:
        """Make small pictures of the frames that are seen, for as long as one paint may take."""
        started = time.perf_counter()
        size = (QSizeF(strip.width, HEIGHT) * self.viewport().devicePixelRatioF()).toSize()
        _, seen = places(self.picture, self._rect(), strip)
        for number in dict.fromkeys(int(strip.numbers[step]) for step, _ in seen):
            if number in self._small:
                continue
            if time.perf_counter() - started > AT_ONCE:
                self._later.start()
                return
            while len(self._small) >= KEPT:
                del self._small[next(iter(self._small))]
            self._small[number] = small_frame(strip.images[number], size)

    def _ruler(self, ratio: float) -> QPixmap:
        """The axis, drawn anew only where other steps are seen: curves change more often."""
        size, at = self.viewport().size() * ratio, self.picture
        key = (size, ratio, at.first, at.last, at.steps, at.tokens, self._theme)
        if self._ruler_of is None or self._ruler_of[0] != key:
            made = QPixmap(size)
            made.setDevicePixelRatio(ratio)
            made.fill(self._theme.panel)
            painter = QPainter(made)
            paint_ruler(painter, self._rect(), at, self._theme)
            painter.end()
            self._ruler_of = (key, made)
        return self._ruler_of[1]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw in another size."""
        self._repaint_all()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to scrub, to mark a range, or to move what is seen."""
        point = event.position()
        step = self.step_at(point)
        if step is None:
            return
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan = (point.x(), self.picture.first)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._press = point.toPoint()
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            if shift or point.y() < RULER:
                self._ranging = step
            else:
                self.scrubbed.emit(step)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with it."""
        point = event.position()
        step = self.step_at(point)
        if step is None:
            return
        if self._pan is not None and event.buttons() & Qt.MouseButton.MiddleButton:
            start, first = self._pan
            span = self.picture.last - self.picture.first
            moved = (point.x() - start) / max(plot_area(self._rect()).width(), 1.0) * span
            self._show_range(first - moved, first - moved + span)
        elif event.buttons() & Qt.MouseButton.LeftButton:
            if self._ranging is None:
                self.scrubbed.emit(step)
            elif self._press is None or abs(point.x() - self._press.x()) > _STILL:
                self.ranged.emit(min(self._ranging, step), max(self._ranging, step))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End it; a press in the ruler that did not move goes to the step."""
        still = self._press is not None and (abs(event.position().x() - self._press.x()) <= _STILL)
        if self._ranging is not None and still:
            self.scrubbed.emit(self._ranging)
        self._press, self._ranging, self._pan = None, None, None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click in the ruler lets playback run through again."""
        if event.position().y() < RULER:
            self.unranged.emit()
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step; with Ctrl zoom around the pointer, with Shift or sideways pan."""
        across, down = event.angleDelta().x(), event.angleDelta().y()
        event.accept()
        if not self.picture.steps:
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and down:
            area = plot_area(self._rect())
            share = (event.position().x() - area.left()) / max(area.width(), 1.0)
            span = self.picture.last - self.picture.first
            self.zoom(_NOTCH ** (down / 120), self.picture.first + min(max(share, 0), 1) * span)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier or (across and not down):
            self.pan(-(across or down) / 120 / 10)
        elif down:
            self.stepped.emit(-1 if down > 0 else 1)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu."""
        self.menu_wanted.emit(event.globalPos())

    # --- what is seen ---------------------------------------------------------------------

    def _rect(self) -> QRectF:
        return QRectF(self.viewport().rect())

    def _show_range(self, first: float, last: float) -> None:
        steps = float(max(self.picture.steps, 1))
        span = min(max(last - first, min(CLOSEST, steps)), steps)
        middle = (first + last) / 2
        first = min(max(middle - span / 2, 0.0), steps - span)
        self.picture = replace(self.picture, first=first, last=first + span)
        bar = self.horizontalScrollBar()
        self._scrolling = True
        # Thousandths of a step, as far as a scroll bar can count.
        unit = self._unit()
        bar.setPageStep(max(int(span * unit), 1))
        bar.setSingleStep(max(int(span * unit / 20), 1))
        bar.setRange(0, int((steps - span) * unit))
        bar.setValue(int(first * unit))
        self._scrolling = False
        self._repaint_all()

    def _unit(self) -> float:
        return min(1e3, 1e9 / max(self.picture.steps, 1))

    def _scrolled(self, value: int) -> None:
        if self._scrolling:
            return
        span = self.picture.last - self.picture.first
        first = value / self._unit()
        self.picture = replace(self.picture, first=first, last=first + span)
        self._repaint_all()

    def _repaint_all(self) -> None:
        self._curves = None
        self.viewport().update()
