"""Small pictures of the steps of an example, of which only those that can be seen are made."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from hardattn_viewer.drawing.on_image import frame_layout
from hardattn_viewer.drawing.regions import paint_regions, regions_picture
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame, frame_at_step
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.wants import is_settled
from hardattn_viewer.views.scales import scale_of

WIDTH = 214
COLUMNS = 2
# Room for the outline of the current step at the left edge.
EDGE = 2
# Beside the pictures: the strip's margins, a scroll bar, and the outline of the current step.
MARGINS = 36
LABEL = 18
GAP = 8
# Examples with more steps share one picture among several.
MOST = 48
# Pictures of steps that were seen are kept, up to so many.
KEPT = 96
# Seconds that one turn of the event loop may spend on new pictures; the rest follow.
AT_ONCE = 0.003
# Milliseconds that a place has to be looked at before its pictures are made.
REST_MS = 60
# Samples of smooth heat along a side: more than a small picture has px.
SAMPLES = 128


class StepPictures(QWidget):
    """The small pictures, painted in one widget however many there are."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("stepPictures")
        self.setAccessibleName("All steps of this example")
        self._session = session
        self._theme = DARK
        self._pictures: dict[int, QPixmap] = {}
        self._display = _without_part(session.state.display)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._make_some)
        # The steps that are in memory.
        self.held = range(0)
        # The size that the strip was last told of.
        self._asked = QSize()
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        session.changed.connect(self._on_changed)

    @property
    def each(self) -> int:
        """How many steps share one picture; the current one of them shows, else the first."""
        return max(1, -(-len(self.held) // MOST))

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self._pictures.clear()
        self.update()

    def sizeHint(self) -> QSize:
        """The size that suits it."""
        pictures = -(-max(len(self.held), 1) // self.each)
        lines = -(-pictures // COLUMNS)
        return QSize(WIDTH - MARGINS + 2 * EDGE, round(lines * (self._size()[1] + LABEL + GAP)))

    def minimumSizeHint(self) -> QSize:
        """The smallest size that it can have."""
        return self.sizeHint()

    @property
    def line_height(self) -> int:
        """Px from one line of pictures to the next."""
        return round(self._size()[1] + LABEL + GAP)

    def place_of(self, step: int) -> QRectF:
        """Where the picture of a step is."""
        width, height = self._size()
        line, at = divmod((step - self.held.start) // self.each, COLUMNS)
        return QRectF(
            at * (width + GAP) + EDGE, line * (height + LABEL + GAP) + LABEL, width, height
        )

    def shown_step(self, step: int) -> int:
        """The step whose picture stands for ``step``."""
        here, first = self._session.state.place.step, self._first(step)
        return here if first <= here < first + self.each else first

    def _first(self, step: int) -> int:
        """The first of the steps that share a picture with ``step``."""
        return step - (step - self.held.start) % self.each

    def _firsts(self) -> range:
        return range(self.held.start, self.held.stop, self.each)

    def _size(self) -> tuple[float, float]:
        width = float((WIDTH - MARGINS - GAP * (COLUMNS - 1)) // COLUMNS)
        frame = self._session.state.frame
        layout = frame_layout(frame) if frame is not None else None
        aspect = 1.0 if layout is None else layout.height / layout.width
        return width, float(round(width * min(max(aspect, 0.3), 1.5)))

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        display, frame = _without_part(new.display), new.frame
        held = frame.held if frame is not None and frame.boxes is not None else range(0)
        before = (old.frames.targets, self._display, old.focus, old.runs, old.rows_asked)
        after = (new.frames.targets, display, new.focus, new.runs, new.rows_asked)
        if (after, held) != (before, self.held):
            self._display, self.held = display, held
            self._pictures.clear()
            self._later.stop()
            if self.sizeHint() != self._asked:
                self._asked = self.sizeHint()
                self.updateGeometry()
            self.update()
        elif new.place.step != old.place.step:
            if self._later.isActive():
                self._later.start(REST_MS)
            # Only the mark of the current step moves.
            for step in (old.place.step, new.place.step):
                self.update(self.place_of(step).adjusted(-3, -LABEL, 3, 3).toAlignedRect())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what can be seen."""
        state = self._session.state
        frame = state.frame
        if frame is None or frame.boxes is None or not self.held:
            return
        painter = QPainter(self)
        for step, place in self._places(QRectF(event.rect())):
            known = self._pictures.get(step)
            if known is None:
                # Made when the place is looked at for a while: whoever goes on needs none of them.
                painter.fillRect(place, QColor(self._theme.raised))
                if not self._later.isActive():
                    self._later.start(REST_MS)
            else:
                painter.drawPixmap(place.topLeft(), known)
            self._paint_label(painter, place, step, state.place.step)
        painter.end()

    def _places(self, seen: QRectF) -> list[tuple[int, QRectF]]:
        """The steps that have a picture inside ``seen``, and where it is."""
        found = []
        width, height = self._size()
        each, firsts = height + LABEL + GAP, self._firsts()
        lines = range(max(0, int(seen.top() // each)), int(seen.bottom() // each) + 1)
        numbers = range(lines.start * COLUMNS, min(lines.stop * COLUMNS, len(firsts)))
        for number in numbers:
            line, at = divmod(number, COLUMNS)
            place = QRectF(at * (width + GAP), line * each + LABEL, width, height)
            if place.adjusted(-3, -LABEL, 3, 3).intersects(seen):
                found.append((self.shown_step(firsts[number]), place))
        return found

    def make_now(self) -> None:
        """Make all pictures that can be seen, for a picture of the window."""
        self._make(math.inf)

    def _make_some(self) -> None:
        self._make(AT_ONCE)

    def _make(self, seconds: float) -> None:
        """Make pictures that can be seen, those of the nearest steps first, for some time."""
        state, frame = self._session.state, self._session.state.frame
        if frame is None or frame.boxes is None or not self.isVisible():
            return
        if not is_settled(state):
            # The frame is still that of a place which is left already.
            self._later.start(REST_MS)
            return
        until, here = time.perf_counter() + seconds, state.place.step
        there = self._places(QRectF(self.visibleRegion().boundingRect()))
        missing = [(step, place) for step, place in there if step not in self._pictures]
        scale = scale_of(state, frame)
        for step, place in sorted(missing, key=lambda one: abs(one[0] - here)):
            self._keep(step, self._made(frame, step, place, scale))
            self.update(place.toAlignedRect())
            if time.perf_counter() > until:
                self._later.start(0)
                break

    def _made(self, frame: Frame, step: int, place: QRectF, scale: float) -> QPixmap:
        # Numbers of the whole path would cover a picture this small.
        display = replace(self._display, path=False)
        picture = regions_picture(
            frame_at_step(frame, step), display, scale_max=scale, samples=SAMPLES
        )
        ratio = self.devicePixelRatioF()
        made = QPixmap(place.size().toSize() * ratio)
        made.setDevicePixelRatio(ratio)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        paint_regions(painter, QRectF(0, 0, place.width(), place.height()), picture, self._theme)
        painter.end()
        return made

    def _keep(self, step: int, picture: QPixmap) -> None:
        while len(self._pictures) >= KEPT:
            del self._pictures[next(iter(self._pictures))]
        self._pictures[step] = picture

    def _paint_label(self, painter: QPainter, place: QRectF, step: int, here: int) -> None:
        painter.setPen(QColor(self._theme.text if step == here else self._theme.muted))
        font = painter.font()
        font.setBold(step == here)
        painter.setFont(font)
        above = QRectF(place.left(), place.top() - LABEL, place.width(), LABEL)
        painter.drawText(above, int(Qt.AlignmentFlag.AlignVCenter), f"step {step + 1:,}")
        if step == here:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.accent), 2))
            painter.drawRoundedRect(place.adjusted(-1, -1, 1, 1), 3, 3)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """React to a click."""
        for step in self._firsts():
            if self.place_of(step).adjusted(0, -LABEL, 0, 0).contains(event.position()):
                self._session.go_to_step(self.shown_step(step))

    def event(self, event: QEvent) -> bool:
        """Say on a tool tip what a click does."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), "Click to go to this step")
            return True
        return super().event(event)


def _without_part(display: Display) -> Display:
    """``display`` with all of the image: a small picture shows no part of it."""
    return replace(display, image_view=None)
