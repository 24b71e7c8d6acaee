"""Replays episodes with one choice made otherwise, in a process that stays while it is asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from hardattn_viewer.checks.replay import Replay, from_plain

IDLE_MS = 300_000
"""How long a process that nobody asks is kept: it holds a model in memory."""
_LONGEST = 400


class Replayer(QObject):
    """One process at a time, with the model of one run; a later question takes an earlier's place.

    Attributes:
        answered: a replay has come.
        failed: none will come, with the reason.
    """

    answered = Signal(Replay)
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._words: tuple[str, ...] = ()
        self._asked = ""
        self._ready = False
        self._waiting = b""
        self._said = b""
        self._idle = QTimer(self, singleShot=True, interval=IDLE_MS)
        self._idle.timeout.connect(self.close)

    @property
    def is_warm(self) -> bool:
        """Whether a process has its model in memory."""
        return self._process is not None and self._ready

    def ask(self, words: Sequence[str], example: int, step: int, item: int) -> None:
        """Ask what would have come of an item.

        Args:
            words: what follows ``hardattn check``: the run, its model, how many examples.
            example: which.
            step: the choice, from 0.
            item: what is chosen there.
        """
        self._asked = f"{example}:{step}:{item}"
        self._idle.start()
        if self._process is None or tuple(words) != self._words:
            self._begin(words)
        elif self._ready:
            self._write()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        self._idle.stop()
        if process is None:
            return
        process.finished.disconnect(self._ended)
        process.errorOccurred.disconnect(self._broken)
        process.kill()
        process.waitForFinished(2_000)
        process.deleteLater()

    def _begin(self, words: Sequence[str]) -> None:
        self.close()
        self._idle.start()
        self._words, self._ready = tuple(words), False
        self._waiting = self._said = b""
        process = QProcess(self)
        process.setProgram(sys.executable)
        process.setArguments(["-m", "hardattn_viewer", "check", *words, "--replay", "-"])
        process.readyReadStandardOutput.connect(self._hear)
        process.readyReadStandardError.connect(self._complain)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._broken)
        self._process = process
        process.start()

    def _write(self) -> None:
        assert self._process is not None
        self._process.write(f"{self._asked}\n".encode())

    def _hear(self) -> None:
        if self._process is None:
            return
        lines = (self._waiting + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        self._waiting = lines.pop()
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict):
                self._take(told)

    def _take(self, told: dict[str, object]) -> None:
        if "ready" in told:
            self._ready = True
            self._write()
        elif "error" in told:
            self.failed.emit(str(told["error"])[:_LONGEST])
        elif isinstance(told.get("replay"), dict):
            made = from_plain(told["replay"])  # type: ignore[arg-type]
            # What was asked for since then is on its way.
            if f"{made.example}:{made.step}:{made.item}" == self._asked:
                self.answered.emit(made)

    def _complain(self) -> None:
        if self._process is not None:
            self._said += bytes(self._process.readAllStandardError().data())

    def _ended(self, code: int) -> None:
        self._hear()
        self._complain()
        if self._process is None:
            return
        self._process = None
        lines = self._said.decode(errors="replace").strip().splitlines()
        said = lines[-1].removeprefix("hardattn check: ")[:_LONGEST] if lines else ""
        self.failed.emit(said or f"the replay ended with {code} and said nothing")

    def _broken(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._process = None
            self.failed.emit("the replay could not be started: Python was not found")
