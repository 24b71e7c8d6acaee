"""What went wrong, in full, to be read and copied."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QWidget

from hardattn_viewer.views.parts import column, label, row


class LogDialog(QDialog):
    """A text that cannot be changed, with a button that copies it.

    Args:
        text: the log.
        where: its file; may be empty.
        parent: the window that it appears over.
    """

    def __init__(self, text: str, where: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("logDialog")
        self.setWindowTitle("Log of faults")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(860, 560)
        self.text = QPlainTextEdit()
        self.text.setObjectName("logText")
        self.text.setAccessibleName("Log of faults")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setPlainText(text)
        copy = QPushButton("Copy")
        copy.setObjectName("logCopy")
        copy.clicked.connect(lambda *_: QGuiApplication.clipboard().setText(text))
        close = QPushButton("Close")
        close.setObjectName("logClose")
        close.clicked.connect(self.close)
        shown = label(where, "muted", "logWhere")
        shown.setAccessibleName("File of the log")
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setLayout(
            column(self.text, row(shown, 1, copy, close), spacing=10, margins=(14, 14, 14, 12))
        )
