"""Every step of the example as a small picture; a click goes there."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolTip, QWidget

from hardattn_viewer.drawing.regions import RegionsPicture, paint_regions, regions_picture
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.frames import frame_at_step
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import column, heading, line, row
from hardattn_viewer.views.scales import scale_of

WIDTH = 214
COLUMNS = 2
LABEL = 18
GAP = 8


class Filmstrip(QWidget):
    """A heading and the small pictures below it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("filmstrip")
        self.setFixedWidth(WIDTH)
        self.steps = StepPictures(session)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(self.steps)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._title = heading("All steps")
        inside = column(self._title, scroll, spacing=8, margins=(12, 14, 8, 8))
        layout = row(line(vertical=True), spacing=0)
        layout.addLayout(inside, 1)
        self.setLayout(layout)
        self.hide()
        session.changed.connect(self._on_changed)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.steps.set_theme(theme)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        frame = new.frame
        self.setVisible(frame is not None and frame.boxes is not None and frame.steps > 1)
        words = "All steps"
        if frame is not None and frame.is_part:
            words = f"Steps {frame.held.start + 1:,} – {frame.held.stop:,}"
        if self._title.text() != words.upper():
            self._title.setText(words.upper())


class StepPictures(QWidget):
    """The small pictures, painted in one widget however many there are."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("stepPictures")
        self.setAccessibleName("All steps of this example")
        self._session = session
        self._theme = DARK
        self._pictures: dict[int, RegionsPicture] = {}
        # The steps that are in memory.
        self._held = range(0)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        session.changed.connect(self._on_changed)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """The size that suits it."""
        lines = -(-max(len(self._held), 1) // COLUMNS)
        return QSize(WIDTH - 22, lines * (self._side() + LABEL + GAP))

    def minimumSizeHint(self) -> QSize:
        """The smallest size that it can have."""
        return self.sizeHint()

    def place_of(self, step: int) -> QRectF:
        """Where the picture of a step is."""
        side = self._side()
        line, at = divmod(step - self._held.start, COLUMNS)
        return QRectF(at * (side + GAP), line * (side + LABEL + GAP) + LABEL, side, side)

    def _side(self) -> int:
        return (WIDTH - 30 - GAP * (COLUMNS - 1)) // COLUMNS

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        same_frame = (new.frames.targets, new.display, new.focus, new.runs) == (
            old.frames.targets,
            old.display,
            old.focus,
            old.runs,
        )
        if not same_frame:
            self._pictures.clear()
            frame = new.frame
            with_boxes = frame is not None and frame.boxes is not None
            self._held = frame.held if frame is not None and with_boxes else range(0)
            self.updateGeometry()
            self.update()
        elif new.place.step != old.place.step:
            # Of a film of hundreds only two pictures change.
            for step in (old.place.step, new.place.step):
                self.update(self.place_of(step).adjusted(-4, -LABEL, 4, 4).toAlignedRect())

    def _picture(self, step: int) -> RegionsPicture | None:
        state = self._session.state
        frame = state.frame
        if frame is None or frame.boxes is None:
            return None
        if step not in self._pictures:
            scale = scale_of(state, frame)
            # Numbers of the whole path would cover a picture this small.
            display = replace(state.display, path=False)
            self._pictures[step] = regions_picture(
                frame_at_step(frame, step), display, scale_max=scale
            )
        return self._pictures[step]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        painter = QPainter(self)
        here = self._session.state.place.step
        for step in self._held:
            place = self.place_of(step)
            if not place.adjusted(0, -LABEL, 0, 0).intersects(QRectF(event.rect())):
                continue
            picture = self._picture(step)
            if picture is not None:
                paint_regions(painter, place, picture, self._theme)
            painter.setPen(QColor(self._theme.text if step == here else self._theme.muted))
            font = painter.font()
            font.setBold(step == here)
            painter.setFont(font)
            above = QRectF(place.left(), place.top() - LABEL, place.width(), LABEL)
            painter.drawText(above, int(Qt.AlignmentFlag.AlignVCenter), f"step {step + 1}")
            if step == here:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(self._theme.accent), 2))
                painter.drawRoundedRect(place.adjusted(-1, -1, 1, 1), 3, 3)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """React to a click."""
        for step in self._held:
            if self.place_of(step).adjusted(0, -LABEL, 0, 0).contains(event.position()):
                self._session.go_to_step(step)

    def event(self, event: QEvent) -> bool:
        """Say on a tool tip what a click does."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), "Click to go to this step")
            return True
        return super().event(event)
