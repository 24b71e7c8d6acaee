"""Forced selection: the output of the example and step that are shown, had it looked elsewhere."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from hardattn_viewer.checks.report import Report
from hardattn_viewer.drawing.checks.forced import ForcedPicture, forced_at, paint_forced
from hardattn_viewer.drawing.text import number
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.naming import key_name
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, Slot
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.parts import ElidedLabel, column, heading

HINT = (
    "What the output would have been, had each item been chosen here; π is its probability. "
    "A click forces an item and replays the rest of the episode"
)


class ForcedPanel(QWidget):
    """A bar a candidate; a click forces it.

    Attributes:
        asked: somebody wants to see an item forced: example, step, item.
        canvas: the bars.
        place: what they are of.
    """

    asked = Signal(int, int, int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._at: tuple[int, int] | None = None
        self.canvas: Canvas[ForcedPicture] = Canvas("checksForced", paint_forced, forced_at)
        self.canvas.setFixedHeight(9 * 18)
        self.canvas.setToolTip(HINT)
        self.canvas.hovered.connect(session.hover)
        self.canvas.clicked.connect(self._force)
        self.place = ElidedLabel(role="muted", name="checksForcedPlace")
        self.setLayout(column(heading("Forced selection"), self.place, self.canvas, spacing=6))

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.canvas.set_theme(theme)

    def show_state(
        self, report: Report | None, state: SessionState, slot: Slot, example: int | None
    ) -> None:
        """Show the example and the step of the window."""
        one = report.forced.get(example) if report is not None and example is not None else None
        self._at = None
        self.canvas.setVisible(one is not None)
        if report is None or not report.forced:
            self._say_nothing("this model makes no choices", "this model makes no choices")
            return
        if one is None or example is None:
            self._say_nothing("this example was not checked", "not checked")
            return
        step = min(max(state.place.step, 0), len(one.chosen) - 1)
        self._at = example, step
        where = f"example {example}, step {step + 1}"
        self.place.set_whole(f"{where}: the output, and π", where)
        chosen = int(one.chosen[step])
        words = f"chosen item {chosen}: {number(float(one.values[step][chosen]))}"
        frame = state.frames.of(slot)
        count = one.values.shape[1]
        names: tuple[str, ...] = ()
        if frame is not None and frame.probabilities.size == count:
            names = tuple(key_name(frame, key) for key in range(count))
        self.canvas.show_picture(ForcedPicture(one, step, names), words)

    def _say_nothing(self, words: str, short: str) -> None:
        self.place.set_whole(words, short)
        self.canvas.show_picture(None, words)

    def _force(self, item: int) -> None:
        self._session.pin(item)
        if self._at is not None:
            self.asked.emit(*self._at, item)
