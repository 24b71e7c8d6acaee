"""A report of a problem, to be read, changed, and copied or saved by hand."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QPlainTextEdit, QPushButton, QWidget

from hardattn_viewer.views.parts import column, label, row

HEAD = (
    "Nothing of this is sent anywhere. Read it, take out what others should not see, write what "
    "happened, and copy or save it for where you report."
)


class ReportDialog(QDialog):
    """A text that can be changed, with buttons that copy and save it.

    Args:
        text: the report.
        parent: the window that it appears over.
    """

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("reportDialog")
        self.setWindowTitle("Report a problem")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(min(820, parent.width() - 40), min(600, parent.height() - 40))
        self.text = QPlainTextEdit()
        self.text.setObjectName("reportText")
        self.text.setAccessibleName("The report")
        self.text.setTabChangesFocus(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setPlainText(text)
        head = label(HEAD, name="reportHead")
        head.setWordWrap(True)
        self.said = label(role="muted", name="reportDone")
        self.said.setWordWrap(True)
        copy, save, close = (QPushButton(words) for words in ("Copy", "Save…", "Close"))
        for button, name, act in (
            (copy, "reportCopy", self._copy),
            (save, "reportSave", self._choose),
            (close, "reportClose", self.close),
        ):
            button.setObjectName(name)
            button.clicked.connect(lambda *_, act=act: act())
        buttons = row(self.said, copy, save, close)
        buttons.setStretch(0, 1)
        self.setLayout(column(head, self.text, buttons, spacing=10, margins=(14, 14, 14, 12)))

    def save(self, path: Path) -> None:
        """Write the text as it stands to a file."""
        try:
            path.write_text(self.text.toPlainText(), encoding="utf-8")
        except OSError as error:
            self.said.setText(f"{path} cannot be written: {error.strerror}; choose another place.")
        else:
            self.said.setText(f"Saved as {path}")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.said.setText("Copied")

    def _choose(self) -> None:
        dialog = QFileDialog(self, "Save the report", str(Path.home()))
        dialog.setObjectName("reportSaveDialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("md")
        dialog.selectFile("hardattn-report.md")
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()
