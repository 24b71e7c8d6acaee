"""Trained soft, deployed hard: what the output does where a head takes one item."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QWidget

from hardattn_viewer.checks.hardened import HOW, Hardened
from hardattn_viewer.checks.report import Report
from hardattn_viewer.drawing.checks.hardened import (
    HardenedPicture,
    hardened_height,
    paint_hardened,
    place_at,
)
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.parts import column, heading, label, row

UNTRIED = "These checks are of before this was tried: check the run again."
WORDS = {"argmax": "argmax", "sample": "a draw"}
HINT = (
    "Trained soft, deployed hard: the mean change of the output where a place takes one item. The "
    "first column is all of a layer, the others are its heads, which have a scale of their own"
)


class HardenedPanel(QWidget):
    """A grid of layers and heads; what is pointed at is said below it in words.

    Attributes:
        canvas: the grid.
        how: which item a head takes.
        says: the words.
    """

    def __init__(self) -> None:
        super().__init__()
        self._made: Hardened | None = None
        self._reading = "output"
        self.canvas: Canvas[HardenedPicture] = Canvas("checksHardened", paint_hardened, place_at)
        self.canvas.hovered.connect(self._point_at)
        self.canvas.setToolTip(HINT)
        self.how = QComboBox()
        self.how.setObjectName("checksHardenedHow")
        self.how.setAccessibleName("Which item a head takes")
        for name in HOW:
            self.how.addItem(WORDS[name], name)
        self.how.currentIndexChanged.connect(lambda: self._show(None))
        self.says = label(role="muted", name="checksHardenedSays")
        self.says.setWordWrap(True)
        layout = column(row(heading("Run hard"), 1, self.how), self.canvas, self.says, spacing=6)
        self.setLayout(layout)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.canvas.set_theme(theme)

    def show_report(self, report: Report | None) -> None:
        """Show what a check found; words where it has nothing of the kind."""
        made = report.hardened if report is not None else None
        self._reading = str(report.facts.get("reading", "output")) if report is not None else ""
        self._made = made if made is not None and not made.reason else None
        for part in (self.canvas, self.how):
            part.setVisible(self._made is not None)
        if self._made is None:
            self.canvas.show_picture(None, "")
            why = f"Not applicable: {made.reason}." if made is not None else UNTRIED
            self.says.setText(why)
            return
        self.canvas.setFixedHeight(round(hardened_height(self._made)))
        self._show(None)

    def _point_at(self, at: int | None) -> None:
        self._show(at)

    def _show(self, at: int | None) -> None:
        if self._made is None:
            return
        how = max(0, self.how.currentIndex())
        words = self._made.words(at if at is not None else 0, how, self._reading)
        self.says.setText(words)
        self.canvas.show_picture(HardenedPicture(self._made, how, at), words)
