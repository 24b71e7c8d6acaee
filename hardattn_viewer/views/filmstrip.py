"""Every step of the run in focus as a small picture; a click goes there."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import column, heading, line, row
from hardattn_viewer.views.step_pictures import WIDTH, StepPictures


class Filmstrip(QWidget):
    """A heading and the small pictures below it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("filmstrip")
        self.setFixedWidth(WIDTH)
        self._session = session
        self.title = heading("All steps")
        self.steps = StepPictures(session)
        self.scroller = QScrollArea()
        self.scroller.setObjectName("filmstripScroll")
        self.scroller.setFrameShape(QFrame.Shape.NoFrame)
        self.scroller.setWidget(self.steps)
        self.scroller.setWidgetResizable(True)
        self.scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = column(self.title, self.scroller, spacing=8, margins=(12, 14, 8, 8))
        layout = row(line(vertical=True), spacing=0)
        layout.addLayout(inside, 1)
        self.setLayout(layout)
        self.hide()
        session.changed.connect(self._on_changed)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.steps.set_theme(theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the current step in view."""
        super().resizeEvent(event)
        self._bring_into_view()

    def event(self, event: QEvent) -> bool:
        """Bring the current step into view once everything has its place."""
        handled = super().event(event)
        if event.type() in (QEvent.Type.Show, QEvent.Type.LayoutRequest):
            self._bring_into_view()
        return handled

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.frames is not old.frames or new.focus != old.focus:
            frame = new.frame
            self.setVisible(frame is not None and frame.boxes is not None and frame.steps > 1)
            self.title.setText(self._words(frame))
        if new.place != old.place or new.frames is not old.frames:
            self._bring_into_view()

    def _words(self, frame: Frame | None) -> str:
        """Which steps there are pictures of."""
        each, held = self.steps.each, self.steps.held
        if frame is not None and frame.is_part:
            words = f"STEPS {held.start + 1:,} – {held.stop:,}"
            return words if each == 1 else f"1 IN {each}, {words}"
        return "ALL STEPS" if each == 1 else f"1 IN {each} OF {len(held):,} STEPS"

    def _bring_into_view(self) -> None:
        step = self._session.state.place.step
        if self.isVisible() and step in self.steps.held:
            place = self.steps.place_of(step).toRect()
            self.scroller.ensureVisible(0, place.center().y(), 0, place.height() // 2 + 24)
            bar, each = self.scroller.verticalScrollBar(), self.steps.line_height
            # The first line is a whole one.
            bar.setValue(-(-bar.value() // each) * each)
