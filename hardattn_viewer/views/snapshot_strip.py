"""The moments of training that a run follows, as a line to click on."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from hardattn_viewer.drawing.text import draw_text, text_width
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.drawing.timeline import GUTTER
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState

HEIGHT = 24


class SnapshotStrip(QWidget):
    """A tick for each snapshot with its training step; hidden where a run has only one."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("snapshots")
        self.setAccessibleName("Moments of training")
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._session = session
        self._theme = DARK
        self._steps: tuple[int, ...] = ()
        self._shown = 0
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.update()

    def centre_of(self, snapshot: int) -> QPointF:
        """Where the tick of a snapshot is."""
        room = self.width() - GUTTER - 24
        share = snapshot / max(len(self._steps) - 1, 1)
        return QPointF(GUTTER + 10 + share * room, 7.0)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        before = (old.runs, old.slot_a, old.slot_b, old.place.snapshot)
        if (new.runs, new.slot_a, new.slot_b, new.place.snapshot) != before:
            self._show(new)

    def _show(self, state: SessionState) -> None:
        facts = state.facts("A") or state.facts("B")
        self._steps = facts.snapshots if facts is not None else ()
        chosen = state.place.snapshot
        last = max(len(self._steps) - 1, 0)
        self._shown = last if chosen is None else min(chosen, last)
        self.setVisible(len(self._steps) > 1)
        if self._steps:
            words = f"training step {self._steps[self._shown]:,}"
            self.setAccessibleDescription(words)
            self.setToolTip(f"{words}, {self._shown + 1:,} of {len(self._steps):,}; click to go")
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the snapshot that is nearest."""
        if event.button() != Qt.MouseButton.LeftButton or len(self._steps) < 2:
            return
        room = self.centre_of(len(self._steps) - 1).x() - self.centre_of(0).x()
        share = (event.position().x() - self.centre_of(0).x()) / max(room, 1.0)
        at = round(share * (len(self._steps) - 1))
        last = len(self._steps) - 1
        at = min(max(at, 0), last)
        self._session.go_to_snapshot(None if at == last else at)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        if len(self._steps) < 2:
            return
        theme = self._theme
        painter = QPainter(self)
        name = QRectF(6, 0, GUTTER - 12, HEIGHT)
        draw_text(painter, name, "training step", theme, size=theme.size_small, colour=theme.muted)
        painter.setPen(QPen(QColor(theme.line), 1.0))
        painter.drawLine(self.centre_of(0), self.centre_of(len(self._steps) - 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        labelled = self._labelled()
        for at in range(len(self._steps)):
            shown = at == self._shown
            place = self.centre_of(at)
            colour = QColor(theme.accent if shown else theme.faint)
            painter.setPen(QPen(colour, 2.0 if shown else 1.0))
            painter.drawLine(place - QPointF(0, 4), place + QPointF(0, 4))
            if at not in labelled:
                continue
            left, right = self._label_extent(at)
            box = QRectF(left, 11, right - left + 2, HEIGHT - 11)
            text = f"{self._steps[at]:,}"
            words = theme.text if shown else theme.faint
            draw_text(painter, box, text, theme, size=theme.size_small, colour=words)
        painter.end()

    def _labelled(self) -> set[int]:
        """The snapshots whose labels have room: what is shown, and every n-th of the others."""
        count = len(self._steps)
        extents = [self._label_extent(at) for at in range(count)]
        wide = max(right - left for left, right in extents)
        pitch = self.centre_of(1).x() - self.centre_of(0).x()
        every = max(1, ceil((wide + 8) / max(pitch, 1e-6)))
        left, right = extents[self._shown]
        return {self._shown} | {
            at
            for at in range(0, count, every)
            if extents[at][1] + 6 < left or extents[at][0] - 6 > right
        }

    def _label_extent(self, at: int) -> tuple[float, float]:
        width = text_width(f"{self._steps[at]:,}", self._theme, self._theme.size_small)
        left = min(max(self.centre_of(at).x() - width / 2, GUTTER), self.width() - width - 4)
        return left, left + width
