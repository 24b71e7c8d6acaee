"""The field that filters the example table, with completion and errors in words below it."""

from __future__ import annotations

import re

from PySide6.QtCore import QStringListModel, QTimer
from PySide6.QtWidgets import QCompleter, QLineEdit, QListView, QWidget

from hardattn_viewer.session.filters import COLUMNS, SIDES, completions
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import column, label, plain_tooltip, set_property

_WORD = re.compile(r"[A-Za-z_]+$")


class FilterField(QWidget):
    """Where an expression such as ``wrong(A) & entropy > 2`` is typed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.field = QLineEdit()
        self.field.setObjectName("filterField")
        self.field.setAccessibleName("Filter examples")
        self.field.setPlaceholderText("wrong(A) & entropy > 2")
        self.field.setClearButtonEnabled(True)
        self.field.setToolTip(plain_tooltip(_help()))
        self.error = label(role="muted", name="filterError")
        self.error.setWordWrap(True)
        self.error.hide()
        set_property(self.error, "tone", "bad")
        self.setLayout(column(self.field, self.error, spacing=3))
        self._names = QStringListModel(list(completions(both=True)))
        self._completer = QCompleter(self._names, self)
        self._completer.setWidget(self.field)
        self._completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self._popup = QListView()
        self._popup.setObjectName("completions")
        self._completer.setPopup(self._popup)
        self._completer.activated.connect(self._complete)
        # A half-typed expression is not an error yet.
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(300)
        self._pause.timeout.connect(self._apply)
        self.field.textEdited.connect(self._edited)
        self.field.textChanged.connect(self._cleared)
        self.field.returnPressed.connect(self._entered)
        session.changed.connect(self._on_changed)

    def _edited(self) -> None:
        self._pause.start()
        word = _WORD.search(self.field.text()[: self.field.cursorPosition()])
        if word is None:
            self._popup.hide()
            return
        self._completer.setCompletionPrefix(word.group())
        if (
            self._completer.completionCount()
            and self._completer.currentCompletion() != word.group()
        ):
            self._completer.complete()
        else:
            self._popup.hide()

    def _cleared(self, text: str) -> None:
        if not text:
            self._apply()

    def _complete(self, name: str) -> None:
        cursor = self.field.cursorPosition()
        before = _WORD.sub("", self.field.text()[:cursor]) + name
        self.field.setText(before + self.field.text()[cursor:])
        self.field.setCursorPosition(len(before))
        self._pause.start()

    def _entered(self) -> None:
        self._popup.hide()
        self._apply()

    def _apply(self) -> None:
        self._pause.stop()
        self._session.set_filter(self.field.text())

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.filter != self.field.text() and new.filter != old.filter:
            self.field.setText(new.filter)
        if new.filter_error != old.filter_error:
            self.error.setText(new.filter_error)
            self.error.setVisible(bool(new.filter_error))
            set_property(self.field, "tone", "bad" if new.filter_error else "")
        if (new.slot_b is None) != (old.slot_b is None):
            self._names.setStringList(list(completions(both=new.slot_b is not None)))


def _help() -> str:
    lines = ["Which examples to list. Names:"]
    lines += [f"{name}: {note}" for name, note in COLUMNS.items()]
    lines += [f"{name}(A), {name}(B): {note}" for name, note in SIDES.items()]
    lines += ["Combine with & | ~ and brackets; compare with > >= < <= == !=."]
    return "\n".join(lines)
