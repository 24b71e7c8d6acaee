"""Choosing what a check of faithfulness runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from hardattn_viewer.app.model_choice import ModelChoice
from hardattn_viewer.session.checking import checked_run, path_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.views.parts import column, label, row

Start = Callable[[int, Sequence[str]], None]

USUAL = "the usual ones"
EVERY = (
    "selection,selection probability,expected attention,saliency,input-x-gradient,"
    "integrated-gradients,deep-lift,gradient-shap,guided-backprop,grad-cam,leave-one-out,"
    "occlusion,shapley,kernel-shap,random"
)
BY_ATTENTION = (
    "attention mean,attention max,attention rollout,attention flow,norm-weighted mean,"
    "gradient × attention,leave-one-out,shapley,random"
)


class CheckDialog(QDialog):
    """A form; its button begins the check and shows where the results will come.

    Args:
        session: whose run in focus is checked.
        start: begins a check of an open run with words of the command line.
        parent: the window that it appears over.
    """

    def __init__(self, session: Session, start: Start, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("checkDialog")
        self.setWindowTitle("Check faithfulness")
        self.resize(QSize(600, 420))
        self._session, self._start = session, start
        run = checked_run(session.state)
        self._run = run
        beside = Path(str(run.path)).parent if run is not None else None
        self.model = ModelChoice(beside)
        self.model.changed.connect(self._follow_model)
        facts = run.facts if run is not None else None
        most = facts.examples if facts is not None else 1
        self.examples = _spin("checkExamples", 1, max(1, most), min(50, max(1, most)))
        self.controls = _spin("checkControls", 2, 1_000, 50)
        self.seed = _spin("checkSeed", 0, 2**31 - 1, 0)
        self.explainers = QComboBox()
        self.explainers.setObjectName("checkExplainers")
        self.explainers.setEditable(True)
        self.explainers.addItem(USUAL, "")
        self.explainers.addItem("all that there are", EVERY)
        self.explainers.addItem("by attention, of texts", BY_ATTENTION)
        self.explainers.setAccessibleName("Explanations, by name and comma")
        self.operators = QLineEdit()
        self.operators.setObjectName("checkOperators")
        self.operators.setPlaceholderText("the first two that the model has")
        self.operators.setAccessibleName("Ways to remove items, by name and comma")
        self.rest = QComboBox()
        self.rest.setObjectName("checkRest")
        self.rest.addItem("made anew by the policy", "replayed")
        self.rest.addItem("left as they were", "pinned")
        self.rest.setAccessibleName("Choices after a forced one")
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(9)
        form.addRow("run", label(run.name if run is not None else "–", "value"))
        form.addRow("model", self.model)
        for name, field in (
            ("examples", self.examples),
            ("explanations", self.explainers),
            ("operators", self.operators),
            ("random controls", self.controls),
            ("choices after a forced one", self.rest),
            ("seed", self.seed),
        ):
            form.addRow(name, field)
        target = path_of(run.path) if run is not None else None
        self.says = label(role="muted", name="checkSays")
        self.says.setWordWrap(True)
        self._usual = (
            "The model is run on this machine, in a process of its own; nothing of the run is "
            f"changed. Results are kept in {target.name if target is not None else 'a file'}, "
            "beside the run."
        )
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        self.go = QPushButton("Check")
        self.go.setObjectName("checkGo")
        self.go.setProperty("kind", "accent")
        self.go.setDefault(True)
        self.go.setEnabled(run is not None)
        self.go.clicked.connect(self._begin)
        buttons = row(1, close, self.go)
        self.setLayout(column(form, self.says, 1, buttons, spacing=12, margins=(16, 16, 16, 16)))
        self._follow_model()
        self.examples.setFocus()

    @property
    def words(self) -> list[str]:
        """What follows ``hardattn check``."""
        assert self._run is not None
        found = [
            str(self._run.path),
            *("--examples", str(self.examples.value())),
            *("--controls", str(self.controls.value())),
            *("--seed", str(self.seed.value())),
            *("--rest", str(self.rest.currentData())),
        ]
        found += self.model.words
        if self.explainers.currentText() != USUAL:
            typed = self.explainers.currentText()
            at = self.explainers.findText(typed)
            found += ["--explainers", str(self.explainers.itemData(at)) if at >= 0 else typed]
        if self.operators.text().strip():
            found += ["--operators", self.operators.text().strip()]
        return found

    def _follow_model(self) -> None:
        self.go.setEnabled(self._run is not None and self.model.is_allowed)
        self.says.setText(f"{self._usual} {self.model.explained}".strip())

    def _begin(self) -> None:
        assert self._run is not None
        self._session.set_view("faithfulness")
        self._start(self._run.key, self.words)
        self.close()


def _spin(name: str, low: int, high: int, value: int) -> QSpinBox:
    made = QSpinBox()
    made.setObjectName(name)
    made.setRange(low, high)
    made.setValue(value)
    made.setAccessibleName(name.removeprefix("check"))
    return made
