"""Queries × keys as one map that can be zoomed from all of it down to a cell."""

from __future__ import annotations

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.matrix_moves import why_stopped
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.matrix_pane import MatrixPane
from hardattn_viewer.views.matrix_reading import HELP, reading_words
from hardattn_viewer.views.parts import ElidedLabel, column, line, row


class MatrixView(QWidget):
    """The map of the run in focus, or A, B and B − A with one zoom, and the cell pointed at."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("matrixView")
        self._session = session
        self.one = MatrixPane(session, "focus", "matrix")
        self.a = MatrixPane(session, "A", "matrixA")
        self.b = MatrixPane(session, "B", "matrixB")
        self.difference = MatrixPane(session, "difference", "matrixDifference")
        self.panes = (self.one, self.a, self.b, self.difference)
        self._lines = (line(vertical=True), line(vertical=True))
        self.reading = ElidedLabel(name="matrixReading")
        panes = row(
            self.one, self.a, self._lines[0], self.b, self._lines[1], self.difference, spacing=0
        )
        for at in (0, 1, 3, 5):
            panes.setStretch(at, 1)
        for pane in self.panes:
            pane.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
            pane.canvas.resized.connect(self._tell_room)
        layout = column(panes, line(), row(self.reading, margins=(14, 5, 14, 6)))
        layout.setStretch(0, 1)
        self.setLayout(layout)
        session.changed.connect(self._on_changed)
        self._show_panes(session.state)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        for pane in self.panes:
            pane.set_theme(theme)

    @property
    def shown(self) -> tuple[MatrixPane, ...]:
        """The panes that are shown now."""
        return tuple(pane for pane in self.panes if not pane.isHidden())

    def showEvent(self, event: QShowEvent) -> None:
        """Show what has changed while this could not be seen."""
        super().showEvent(event)
        self._show(self._session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if not self.isVisible():
            if new.frames is not old.frames:
                for pane in self.panes:
                    pane.forget()
            return
        before = (old.frames, old.display, old.pinned, old.hovered, old.hovered_query)
        after = (new.frames, new.display, new.pinned, new.hovered, new.hovered_query)
        looks = (old.matrix, old.matrix_area, old.studies, old.focus, old.runs)
        if (
            after != before
            or (new.matrix, new.matrix_area, new.studies, new.focus, new.runs) != looks
        ):
            self._show(new)

    def _tell_room(self) -> None:
        """Say how much room cells have; panes beside each other differ by a pixel at most."""
        canvas = self.shown[0].canvas
        if canvas.isVisible():
            margins = self._session.state.matrix.statistics
            self._session.give_matrix_room(canvas.area(margins=margins))

    def _show_panes(self, state: SessionState) -> None:
        both = state.matrix.both and len(state.frames.present) == 2
        self.one.setVisible(not both)
        for part in (self.a, self.b, self.difference, *self._lines):
            part.setVisible(both)

    def _show(self, state: SessionState) -> None:
        self._show_panes(state)
        for pane in self.panes:
            if pane.isHidden():
                pane.forget()
            else:
                pane.show_state(state)
        pictures = [(pane, pane.canvas.picture) for pane in self.shown]
        known = [picture for _, picture in pictures if picture is not None]
        self._tell_room()
        words = why_stopped(state) or reading_words(state, known)
        # Of what the mouse does, as much as there is room for.
        parts = words.count(" · ") if words.endswith(HELP) else 0
        self.reading.set_whole(words, *(words.rsplit(" · ", n)[0] for n in range(1, parts)))
