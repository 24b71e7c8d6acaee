"""The line above what a check found: its operator, how it was made, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QProgressBar, QPushButton, QWidget

from hardattn_viewer.checks.report import Report
from hardattn_viewer.session.checking import checked_run, is_checking
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import ElidedLabel, label, row


class ChecksHead(QWidget):
    """Chooses the operator, and has the buttons of a check.

    Attributes:
        chosen: an operator was chosen, by name.
        operator: the list of them.
        words: how the check was made, or how far it is.
        progress: the same as a bar, in thousandths.
        buttons: by the command that each stands for.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.operator = QComboBox()
        self.operator.setObjectName("checksOperator")
        self.operator.setAccessibleName("Operator: how items are removed")
        self.operator.currentTextChanged.connect(self.chosen)
        self.words = ElidedLabel(role="muted", name="checksWords")
        self.progress = QProgressBar()
        self.progress.setObjectName("checksProgress")
        self.progress.setRange(0, 1_000)
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(140, 8)
        self.progress.setAccessibleName("How much of the check is done")
        self.buttons = {
            "saveReport": _button("Report…"),
            "runCheck": _button("Check…"),
            "stopCheck": _button("Cancel"),
        }
        self._by = label("removed by", role="muted")
        buttons = self.buttons.values()
        layout = row(self._by, self.operator, self.words, self.progress, *buttons, spacing=8)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        # Until there is something to show they would only make the window wider.
        for part in (self.progress, self.buttons["stopCheck"], self.buttons["saveReport"]):
            part.hide()

    def bind(self, actions: dict[str, QAction]) -> None:
        """Let the buttons do what the app's actions do."""
        for name, button in self.buttons.items():
            button.clicked.connect(actions[name].trigger)
            button.setToolTip(actions[name].toolTip())

    def show_state(self, state: SessionState, report: Report | None, operator: str) -> None:
        """Say how far a check is, and offer the operators of what was found."""
        self._show_progress(state, report)
        names = [one.operator for one in report.measured] if report is not None else []
        for part in (self._by, self.operator):
            part.setVisible(bool(names))
        self.buttons["saveReport"].setVisible(report is not None and bool(report.verdicts))
        self.operator.setEnabled(len(names) > 1)
        known = [self.operator.itemText(at) for at in range(self.operator.count())]
        if report is not None and known != names:
            self.operator.blockSignals(True)
            self.operator.clear()
            self.operator.addItems(names)
            self.operator.setCurrentIndex(max(0, self.operator.findText(operator)))
            self.operator.blockSignals(False)

    def _show_progress(self, state: SessionState, report: Report | None) -> None:
        going = state.checking
        running = is_checking(state)
        self.progress.setVisible(running)
        self.buttons["stopCheck"].setVisible(running)
        self.buttons["runCheck"].setVisible(not running)
        run = checked_run(state)
        self.buttons["runCheck"].setEnabled(run is not None and run.status == "ready")
        if going is not None and running:
            self.progress.setValue(round(1_000 * going.done))
            self.words.set_whole(f"{going.done:.0%} · {going.words}", f"{going.done:.0%}")
        elif going is not None and going.state == "failed":
            self.words.set_whole(going.error, "it failed")
        elif going is not None and going.state == "stopped":
            self.words.set_whole("stopped; what was measured until then is shown", "stopped")
        else:
            self.words.set_whole(*_facts(report))


def _facts(report: Report | None) -> tuple[str, ...]:
    """How a check was made, at length and in short."""
    if report is None:
        return ("",)
    facts = report.facts
    rows, unique = facts.get("rows asked", 0), facts.get("rows evaluated", 0)
    count = f"{len(report.examples)} examples"
    model, seed = facts.get("model", "model"), f"seed {facts.get('seed', '–')}"
    run = f"{rows:,} rows, {unique:,} of them run"
    return (
        f"{model} · {count} · {run} · {seed}",
        f"{model} · {count} · {seed}",
        f"{count} · {seed}",
        count,
    )


def _button(text: str) -> QPushButton:
    made = QPushButton(text)
    made.setProperty("kind", "flat")
    made.setAccessibleName(text.rstrip("…"))
    return made
