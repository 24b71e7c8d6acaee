"""What goes wrong, said in one sentence inside the window, and in full in the log."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from psygnal import EmitLoopError
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton

from hardattn_viewer.views.parts import label, row

SHOWN_MS = 12_000
# So many faults are told apart; one that comes again and again is written out once.
REMEMBERED = 200

Log = Callable[[str], None]


class MessageBar(QFrame):
    """A bar above the pictures that says one sentence; it goes away by itself or by a click.

    A message with details stays until it is closed, and they can be copied.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("messageBar")
        self.setProperty("surface", "message")
        self.details = ""
        self.text = label(name="messageText")
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.copy = QToolButton()
        self.copy.setObjectName("messageCopy")
        self.copy.setText("Copy details")
        self.copy.setAccessibleName("Copy the details of this message")
        self.copy.clicked.connect(self._copy)
        close = QToolButton()
        close.setObjectName("messageClose")
        close.setText("Close")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.hide)
        for button in (self.copy, close):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = row(self.text, self.copy, close, margins=(12, 6, 8, 6))
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def say(self, sentence: str, details: str = "") -> None:
        """Show a sentence; ``details`` can be copied, and keep it from going away by itself."""
        self.text.setText(sentence)
        self.setAccessibleName(sentence)
        self.details = details
        self.copy.setVisible(bool(details))
        self.show()
        if details:
            self._timer.stop()
        else:
            self._timer.start(SHOWN_MS)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.details)


class ExceptionHook(QObject):
    """While installed, exceptions that nobody caught, on any thread, are shown and logged once.

    Args:
        bar: where they are shown.
        log: takes them in full; by default standard error.
    """

    # Queued where it comes from another thread: widgets belong to this one.
    _said = Signal(str, str)

    def __init__(self, bar: MessageBar, log: Log | None = None) -> None:
        super().__init__(bar)
        self._log = log or _to_stderr
        self._known: set[str] = set()
        self._said.connect(bar.say)

    def install(self) -> None:
        """Take over the hooks of Python and of its threads."""
        self._before = sys.excepthook, threading.excepthook, sys.unraisablehook
        sys.excepthook = self._handle
        threading.excepthook = self._on_thread
        sys.unraisablehook = self._unraisable

    def remove(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before

    def _on_thread(self, what: threading.ExceptHookArgs) -> None:
        if what.exc_value is not None:
            self._handle(what.exc_type, what.exc_value, what.exc_traceback)

    def _unraisable(self, what: sys.UnraisableHookArgs) -> None:
        if what.exc_value is not None:
            self._handle(what.exc_type, what.exc_value, what.exc_traceback)

    def _handle(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not issubclass(kind, Exception):
            # Ctrl+C, and threads that end themselves.
            if issubclass(kind, KeyboardInterrupt):
                sys.__excepthook__(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        if details not in self._known and len(self._known) < REMEMBERED:
            self._known.add(details)
            self._log(details)
        self._said.emit(sentence_of(error), details)


def _to_stderr(details: str) -> None:
    sys.stderr.write(details)
    sys.stderr.flush()


def sentence_of(error: BaseException) -> str:
    """One sentence about a fault of the program itself."""
    if isinstance(error, EmitLoopError) and error.__cause__ is not None:
        # It tells by the way of which signal it came, at length.
        error = error.__cause__
    words = " ".join(str(error).split())
    what = f"{type(error).__name__}: {words}" if words else type(error).__name__
    if len(what) > 240:
        what = what[:239] + "…"
    return f"Something went wrong inside hardattn ({what}). What is shown may be incomplete."
