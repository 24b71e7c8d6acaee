"""Asks a process of its own for a series: its preview, or its file."""

from __future__ import annotations

import base64
import json
import sys
from collections import deque
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QProcess, QTimer, Signal
from PySide6.QtGui import QImage

from hardattn_viewer.session.plain import plain
from hardattn_viewer.session.series import Over
from hardattn_viewer.session.state import SLOTS, SessionState, Slot
from hardattn_viewer.session.wants import targets_wanted

_LONGEST = 600


class SeriesProcess(QObject):
    """One job at a time; a new one ends the one before.

    Args:
        parent: who owns it.
    """

    drawn = Signal(int, int, QImage)
    """A frame of a preview came: which, of how many, and the picture."""
    told = Signal(float)
    """How much is done, in [0, 1]."""
    ended = Signal(str)
    """The job is over; words say why it failed, none that it did not."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._waiting = b""
        self._error = ""
        self._lines: deque[bytes] = deque()
        self._over: tuple[str] | None = None
        # One line, that is one picture, a turn of the event loop.
        self._turns = QTimer(self, interval=0)
        self._turns.timeout.connect(self._next)

    @property
    def is_running(self) -> bool:
        """Whether a job goes on."""
        return self._process is not None or self._turns.isActive()

    def start(self, job: dict[str, Any]) -> None:
        """Begin a job; see ``job_of``."""
        self.stop()
        self._waiting, self._error = b"", ""
        process = self._process = QProcess(self)
        process.setProgram(sys.executable)
        process.setArguments(["-m", "hardattn_viewer.cli.series_job"])
        process.readyReadStandardOutput.connect(self._hear)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        process.start()
        process.write(json.dumps(job).encode() + b"\n")

    def stop(self) -> None:
        """End the job; nothing of it is heard any more."""
        self._turns.stop()
        self._lines.clear()
        self._over = None
        process, self._process = self._process, None
        if process is None:
            return
        process.readyReadStandardOutput.disconnect(self._hear)
        process.finished.disconnect(self._finished)
        process.errorOccurred.disconnect(self._failed)
        # It takes away what it has not finished; the window does not wait for that.
        process.terminate()
        if not process.waitForFinished(30):
            process.kill()
            process.waitForFinished(1_000)
        process.deleteLater()

    def _hear(self) -> None:
        if self._process is None:
            return
        lines = (self._waiting + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        self._waiting = lines.pop()
        self._lines.extend(lines)
        self._turns.start()

    def _next(self) -> None:
        """Take in the next line; after the last one of a job that is over, say so."""
        if self._lines:
            self._take(self._lines.popleft())
        elif self._over is not None:
            words, self._over = self._over[0], None
            self._turns.stop()
            self.ended.emit(self._error or words)
        else:
            self._turns.stop()

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return
        if "png" in event:
            image = QImage.fromData(base64.b64decode(event["png"]))
            self.drawn.emit(int(event["frame"]), int(event["of"]), image)
        elif "error" in event:
            self._error = str(event["error"])[:_LONGEST]
        elif "done" in event:
            self.told.emit(min(float(event["done"]) / max(float(event["total"]), 1.0), 1.0))

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._hear()
        process, self._process = self._process, None
        if process is None:
            return
        words = ""
        if code or status != QProcess.ExitStatus.NormalExit:
            said = bytes(process.readAllStandardError().data()).decode(errors="replace")
            words = (said.strip().splitlines() or [f"drawing ended with {code}"])[-1][:_LONGEST]
        process.deleteLater()
        self._over = (words,)
        self._turns.start()

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process.deleteLater()
            self._process = None
            self.ended.emit("the drawing could not be started: Python was not found")


def counts(state: SessionState) -> dict[Over, int]:
    """What several of can be shown, and how many there are."""
    frame, facts = state.frame, state.facts(state.focus)
    if frame is None or facts is None:
        return {}
    known: dict[Over, int] = {
        "steps": frame.steps,
        "snapshots": len(facts.snapshots),
        "heads": frame.heads,
        "examples": len(state.order),
    }
    return {over: count for over, count in known.items() if count > 1}


def job_of(state: SessionState, view: str, over: Over, chosen: range) -> dict[str, Any] | str:
    """What a process is asked for, without options; or words why there is nothing to ask.

    Args:
        state: what is shown.
        view: what is drawn of each place.
        over: what changes.
        chosen: which ones, from 0; of examples, their lines in the list.
    """
    slots = _slots(state, view)
    runs, places = [], []
    targets = dict(zip(SLOTS, targets_wanted(state), strict=True))
    for slot in slots:
        run, target, frame = state.run_in(slot), targets[slot], state.frames.of(slot)
        if run is None or target is None or frame is None:
            return "A comparison needs a run in A and one in B that both hold this example."
        last = over == "examples" and frame.place.step == frame.steps - 1
        places.append(
            replace(
                target.place,
                step=-1 if last else frame.place.step,
                query=frame.asked_query,
                also=frame.asked_also,
                words=frame.by_words,
            )
        )
        runs.append(str(run.path))
    wanted = list(chosen)
    if over == "examples":
        rows, leader = state.rows, slots[0]
        if rows is None:
            return "There is nothing to export yet: open a run first."
        wanted = [rows.index(leader, state.order[at]) for at in chosen]
        wanted = [at for at in wanted if at >= 0]
    if not wanted:
        return f"None of these {over} is in the run."
    return {
        "runs": runs,
        "places": [plain(place) for place in places],
        "over": over,
        "wanted": wanted,
        "view": view,
        "display": plain(state.display),
        "atlas": plain(state.atlas),
    }


def _slots(state: SessionState, view: str) -> tuple[Slot, ...]:
    """The runs that a view draws."""
    if view == "compare":
        return SLOTS
    if view == "heads":
        other: Slot = "B" if state.shown_slot == "A" else "A"
        both = state.frames.of(other) is not None
        return (state.shown_slot, other) if both else (state.shown_slot,)
    if view == "timeline":
        return tuple(slot for slot in SLOTS if state.frames.of(slot) is not None) or ("A",)
    return (state.focus,)
