"""Which model a check runs: a checkpoint, a Hugging Face folder, or a factory that is trusted."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QLineEdit, QPushButton, QWidget

from hardattn_viewer.views.parts import column, row

USUAL = "as the run names it"


class ModelChoice(QWidget):
    """A line to write the model in, and two buttons that find one.

    A factory is code of somebody's own, which runs with all that its user may do. It is never named
    by a run alone, and not called before its user has said so here. Files and folders hold no code
    that is run.

    Attributes:
        changed: something was written or confirmed.
    """

    changed = Signal()

    def __init__(self, beside: Path | None) -> None:
        super().__init__()
        self._beside = beside
        self.field = QLineEdit()
        self.field.setObjectName("checkModel")
        self.field.setPlaceholderText(USUAL)
        self.field.setAccessibleName("Model: a checkpoint, a folder, or package.module:factory")
        self.field.textChanged.connect(self._follow)
        file = QPushButton("File…")
        file.setObjectName("checkModelFile")
        file.setAccessibleName("Choose a checkpoint of the zoo")
        file.clicked.connect(self._choose_file)
        folder = QPushButton("Folder…")
        folder.setObjectName("checkModelFolder")
        folder.setAccessibleName("Choose the folder of a Hugging Face model")
        folder.clicked.connect(self._choose_folder)
        self.trust = QCheckBox()
        self.trust.setObjectName("checkTrust")
        self.trust.toggled.connect(self.changed)
        line = row(self.field, file, folder, spacing=8)
        line.setStretch(0, 1)
        self.setLayout(column(line, self.trust, spacing=6))
        self._follow()

    @property
    def text(self) -> str:
        """What is written, without blanks around it."""
        return self.field.text().strip()

    @property
    def is_factory(self) -> bool:
        """Whether what is written is a factory, and no path."""
        return ":" in self.text and not Path(self.text).exists()

    @property
    def is_allowed(self) -> bool:
        """Whether it may be run: always, but for a factory that is not trusted yet."""
        return not self.is_factory or self.trust.isChecked()

    @property
    def words(self) -> list[str]:
        """What it is on the command line; empty for the usual one."""
        return ["--model", self.text] if self.text else []

    @property
    def explained(self) -> str:
        """What will be run, in a sentence."""
        if self.is_factory:
            return (
                f"The code of {self.text} is run, found in the folder that the app was started in "
                "or among what is installed."
            )
        if self.text and Path(self.text).is_dir():
            return "No code that lies in the folder is run; its weights must be safetensors."
        return ""

    def _follow(self) -> None:
        # What was trusted is not what is written now.
        self.trust.setChecked(False)
        self.trust.setText(f"run the code of {self.text}, which I trust")
        self.trust.setVisible(self.is_factory)
        self.changed.emit()

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "The model's checkpoint", self._start, "Checkpoints (*.safetensors)"
        )
        if name:
            self.field.setText(name)

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "A Hugging Face model", self._start)
        if name:
            self.field.setText(name)

    @property
    def _start(self) -> str:
        return str(self._beside or "")
