"""Writing the note of a bookmark."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QWidget

from hardattn_viewer.session.marking import Marked
from hardattn_viewer.session.session import Session
from hardattn_viewer.views.bookmarks import where_words
from hardattn_viewer.views.parts import ElidedLabel, column, row


class NoteDialog(QDialog):
    """A field for plain text; Ctrl+Enter keeps it, Escape leaves the note as it was.

    Args:
        session: whose bookmark it is.
        marked: the bookmark.
        parent: the window that the dialog appears over.
    """

    def __init__(self, session: Session, marked: Marked, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("noteDialog")
        self.setWindowTitle("Note")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(440, 240)
        self._session = session
        self._marked = marked
        mark = marked.mark
        where = f"{marked.run} · {mark.example} · step {mark.step + 1:,} · {where_words(mark)}"
        self.text = QPlainTextEdit(mark.note)
        self.text.setObjectName("noteText")
        self.text.setAccessibleName("Note")
        self.text.setTabChangesFocus(True)
        self.text.installEventFilter(self)
        keep = QPushButton("Keep note")
        keep.setObjectName("noteKeep")
        keep.setProperty("kind", "accent")
        keep.setDefault(True)
        keep.clicked.connect(self.keep)
        leave = QPushButton("Cancel")
        leave.setObjectName("noteCancel")
        leave.clicked.connect(self.reject)
        self.setLayout(
            column(
                ElidedLabel(where, "muted"),
                self.text,
                row(1, leave, keep),
                spacing=8,
                margins=(12, 12, 12, 12),
            )
        )
        self.text.setFocus()

    def keep(self) -> None:
        """Keep the note and close."""
        self._session.set_note(self._marked.key, self._marked.mark.id, self.text.toPlainText())
        self.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ctrl+Enter keeps the note."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.keep()
                return True
        return super().eventFilter(watched, event)
