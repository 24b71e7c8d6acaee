"""Runs ``hardattn check`` in a process of its own, and tells the session how far it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, QProcess, QTimer

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import Checking

PATIENCE_MS = 700
"""How long a check that was asked to stop may take, before it is killed."""
_LONGEST = 400


class Checker(QObject):
    """One check at a time; the window never waits for it.

    Args:
        session: told how far the check is.
        parent: the window.
    """

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._process: QProcess | None = None
        self._key = 0
        self._stopped = False
        self._words: dict[int, tuple[str, ...]] = {}
        self._said = b""
        self._waiting = b""
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._kill)

    @property
    def is_running(self) -> bool:
        """Whether a check goes on."""
        return self._process is not None

    def model_of(self, key: int) -> tuple[str, ...]:
        """How the model of an open run was named when it was checked last; empty for its own."""
        words = self._words.get(key, ())
        at = words.index("--model") if "--model" in words else len(words)
        return words[at : at + 2]

    def start(self, key: int, words: Sequence[str]) -> None:
        """Begin a check of an open run.

        Args:
            key: the run.
            words: what follows ``hardattn check``.
        """
        if self._process is not None:
            return
        self._words[key] = tuple(words)
        self._key, self._stopped, self._said, self._waiting = key, False, b"", b""
        process = QProcess(self)
        process.setProgram(sys.executable)
        process.setArguments(["-m", "hardattn_viewer", "check", *words, "--events"])
        process.readyReadStandardOutput.connect(self._hear)
        process.readyReadStandardError.connect(self._complain)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._failed)
        self._process = process
        self._session.tell_check(Checking(key, words="starting"))
        process.start()

    def stop(self) -> None:
        """Ask the check to end, and end it if it does not."""
        process = self._process
        if process is None:
            return
        self._stopped = True
        process.terminate()
        self._patience.start()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the check with the window, and wait for its end."""
        process = self._process
        if process is None:
            return
        self._process = None
        self._patience.stop()
        process.finished.disconnect(self._ended)
        process.errorOccurred.disconnect(self._failed)
        process.kill()
        process.waitForFinished(2_000)

    def _hear(self) -> None:
        if self._process is None:
            return
        lines = (self._waiting + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        self._waiting = lines.pop()
        last, wrote = None, False
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "done" in event:
                last, wrote = event, wrote or bool(event.get("wrote"))
        if last is not None:
            done = min(max(float(last["done"]), 0.0), 1.0)
            words = str(last.get("words", ""))[:_LONGEST]
            self._session.tell_check(Checking(self._key, done, words), wrote=wrote)

    def _complain(self) -> None:
        if self._process is not None:
            self._said += bytes(self._process.readAllStandardError().data())

    def _ended(self, code: int, status: QProcess.ExitStatus) -> None:
        self._hear()
        self._complain()
        self._process = None
        self._patience.stop()
        going = self._session.state.checking or Checking(self._key)
        if self._stopped:
            self._session.tell_check(replace(going, state="stopped"), wrote=True)
        elif code == 0 and status == QProcess.ExitStatus.NormalExit:
            self._session.tell_check(replace(going, done=1.0, state="done"), wrote=True)
        else:
            self._session.tell_check(replace(going, state="failed", error=self._why(code)))

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._process = None
            why = "the check could not be started: Python was not found"
            self._session.tell_check(Checking(self._key, state="failed", error=why))

    def _why(self, code: int) -> str:
        lines = self._said.decode(errors="replace").strip().splitlines()
        said = lines[-1].removeprefix("hardattn check: ")[:_LONGEST] if lines else ""
        return said or f"the check ended with {code} and said nothing"
