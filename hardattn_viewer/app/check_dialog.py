"""Choosing what a check of faithfulness runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from hardattn_viewer.app.model_choice import ModelChoice
from hardattn_viewer.checks.measured import READINGS
from hardattn_viewer.session.checking import checked_run, path_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.views.parts import column, heading, label, row

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
        self.resize(QSize(860, 420))
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
        further = self._further(most)
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
        questions = QWidget()
        questions.setLayout(column(heading("Further questions"), further, 1, spacing=9))
        usual = QWidget()
        usual.setLayout(column(form, 1))
        forms = QWidget()
        beside_each_other = row(usual, questions, spacing=28)
        beside_each_other.setStretch(0, 1)
        forms.setLayout(beside_each_other)
        self.setLayout(column(forms, self.says, 1, buttons, spacing=12, margins=(16, 16, 16, 16)))
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
        return found + self._further_words()

    def _further(self, most: int) -> QFormLayout:
        """Questions beyond rankings and forced choices; each says what 0 means."""
        self.harden = _spin("checkHarden", 0, max(1, most), min(8, max(1, most)))
        self.harden.setSpecialValueText("not at all")
        self.harden.setToolTip("Examples on which heads, layers and all take a single item")
        self.points = _spin("checkPoints", 0, 100, 5)
        self.points.setSpecialValueText("not at all")
        self.points.setToolTip("Points near each input at which explanations are computed again")
        self.paths = _spin("checkPaths", 0, 10_000, 0)
        self.paths.setSpecialValueText("not at all")
        self.paths.setToolTip("Whole episodes of each example that are drawn from the policy")
        self.most = _spin("checkMost", 0, 10_000, 0)
        self.most.setSpecialValueText("every one")
        self.most.setToolTip("The most probable candidates that are forced")
        self.reading = QComboBox()
        self.reading.setObjectName("checkReading")
        self.reading.setAccessibleName("What is read of the output")
        self.reading.addItem("what suits the model", "")
        for name in READINGS:
            self.reading.addItem(name, name)
        self.workers = _spin("checkWorkers", 1, os.cpu_count() or 1, 1)
        self.contents = _box("checkContents", "what each choice saw is removed")
        self.why = _box("checkWhy", "what moves the log-prob of each choice")
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(9)
        for name, field in (
            ("run hard, on examples", self.harden),
            ("sensitivity, at points", self.points),
            ("episodes drawn of each", self.paths),
            ("candidates forced", self.most),
            ("read of the output", self.reading),
            ("processes", self.workers),
        ):
            form.addRow(name, field)
        form.addRow(self.contents)
        form.addRow(self.why)
        return form

    def _further_words(self) -> list[str]:
        found = ["--harden", str(self.harden.value()), "--points", str(self.points.value())]
        if self.paths.value():
            found += ["--paths", str(self.paths.value())]
        if self.most.value():
            found += ["--most", str(self.most.value())]
        if self.reading.currentData():
            found += ["--reading", str(self.reading.currentData())]
        if self.workers.value() > 1:
            found += ["--workers", str(self.workers.value())]
        found += ["--contents"] if self.contents.isChecked() else []
        found += ["--why"] if self.why.isChecked() else []
        return found

    def _follow_model(self) -> None:
        self.go.setEnabled(self._run is not None and self.model.is_allowed)
        self.says.setText(f"{self._usual} {self.model.explained}".strip())

    def _begin(self) -> None:
        assert self._run is not None
        self._session.set_view("faithfulness")
        self._start(self._run.key, self.words)
        self.close()


def _box(name: str, words: str) -> QCheckBox:
    made = QCheckBox(words)
    made.setObjectName(name)
    return made


def _spin(name: str, low: int, high: int, value: int) -> QSpinBox:
    made = QSpinBox()
    made.setObjectName(name)
    made.setRange(low, high)
    # As far from the edge as the words of the choices.
    made.lineEdit().setTextMargins(8, 0, 0, 0)
    made.setValue(value)
    made.setAccessibleName(name.removeprefix("check"))
    return made
