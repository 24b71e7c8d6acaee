"""What stands in place of curves where an example has one step: its values, in a row."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from hardattn_viewer.session.numbers import decimal
from hardattn_viewer.session.state import SLOTS, Frames
from hardattn_viewer.session.tracks import title_of, tracks_of, tracks_there, written
from hardattn_viewer.views.parts import SlotMark, label, plain_tooltip

MOST = 9
_ONE = "One step: there is no course to draw."


class StepValues(QWidget):
    """A column a number, a line a run."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stepValues")
        self._named: tuple[str, ...] = ()
        self._grid = QGridLayout()
        self._grid.setContentsMargins(14, 10, 14, 10)
        self._grid.setHorizontalSpacing(26)
        self._grid.setVerticalSpacing(8)
        self._titles = [label(role="muted") for _ in range(MOST)]
        self._marks = {slot: SlotMark(slot) for slot in SLOTS}
        self._values = {slot: [label(role="value") for _ in range(MOST)] for slot in SLOTS}
        self.why = label(_ONE, "faint", "oneStep")
        for at, title in enumerate(self._titles, start=1):
            self._grid.addWidget(title, 0, at, Qt.AlignmentFlag.AlignLeft)
        for line, slot in enumerate(SLOTS, start=1):
            self._grid.addWidget(self._marks[slot], line, 0)
            for at, value in enumerate(self._values[slot], start=1):
                self._grid.addWidget(value, line, at, Qt.AlignmentFlag.AlignLeft)
        self._grid.addWidget(self.why, 3, 1, 1, MOST)
        self._grid.setColumnStretch(MOST + 1, 1)
        self._grid.setRowStretch(4, 1)
        self.setLayout(self._grid)

    def show_frames(self, frames: Frames) -> None:
        """Show the values of the one step that the frames have."""
        if frames.steps != 1 and not self._named:
            return
        names = self._named = tracks_there(frames)[:MOST] if frames.steps == 1 else ()
        said = []
        for slot in SLOTS:
            frame = frames.of(slot)
            if frame is not None and (text := " ".join(written(frame).split())):
                said.append(f"{slot} writes “{text}”")
            self._marks[slot].setVisible(frame is not None)
            if frame is not None:
                self._marks[slot].show_slot(slot, frame.hard)
        self.why.setText(f"{_ONE} {', '.join(said)}." if said else _ONE)
        for at in range(MOST):
            there = at < len(names)
            self._titles[at].setVisible(there)
            curves = {}
            if there:
                self._titles[at].setText(title_of(names[at]))
                tracks = tracks_of(frames, (names[at],))
                curves = {curve.slot: curve for track in tracks for curve in track.curves}
                words = {curve.words for curve in curves.values()}
                if names[at] == "p_selected" and len(words) == 1:
                    # Of soft attention it is the largest, or the mass on the other's choice.
                    self._titles[at].setText(words.pop())
            for slot in SLOTS:
                value, curve = self._values[slot][at], curves.get(slot)
                value.setVisible(there and frames.of(slot) is not None)
                known = curve is not None and curve.values.size > 0
                value.setText(
                    decimal(float(curve.values[0]), 3) if known and curve is not None else "—"
                )
                value.setToolTip(plain_tooltip(curve.words) if curve is not None else "")
