"""What goes wrong, said in one sentence inside the window, and in full on standard error."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton

from hardattn_viewer.views.parts import label, row

SHOWN_MS = 12_000


class MessageBar(QFrame):
    """A bar above the pictures that says one sentence; it goes away by itself or by a click."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("messageBar")
        self.setProperty("surface", "message")
        self.text = label(name="messageText")
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        close = QToolButton()
        close.setObjectName("messageClose")
        close.setText("Close")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.hide)
        layout = row(self.text, close, margins=(12, 6, 8, 6))
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        self.text.setText(sentence)
        self.setAccessibleName(sentence)
        self.show()
        self._timer.start(SHOWN_MS)


class ExceptionHook:
    """While entered, exceptions that nobody caught are shown in a bar and written out in full.

    Args:
        bar: where they are shown.
    """

    def __init__(self, bar: MessageBar) -> None:
        self._bar: MessageBar | None = bar

    def install(self) -> None:
        """Take over ``sys.excepthook``."""
        sys.excepthook = self._handle

    def remove(self) -> None:
        """Give ``sys.excepthook`` back."""
        sys.excepthook = sys.__excepthook__
        self._bar = None

    def _handle(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        traceback.print_exception(kind, error, trace, file=sys.stderr)
        if self._bar is not None and issubclass(kind, Exception):
            self._bar.say(sentence_of(error))


def sentence_of(error: BaseException) -> str:
    """One sentence about a fault of the program itself."""
    words = " ".join(str(error).split())
    what = f"{type(error).__name__}: {words}" if words else type(error).__name__
    if len(what) > 240:
        what = what[:239] + "…"
    return f"Something went wrong inside hardattn ({what}). The details are on standard error."
