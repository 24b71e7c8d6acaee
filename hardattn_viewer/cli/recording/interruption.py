"""Ctrl+C while recording: once to end after this batch, twice to end at once, and never halfway
through sealing.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

from hardattn_viewer.cli.recording.notes import Notes


class Interruption:
    """Turns Ctrl+C into a wish to stop, while inside ``with``.

    Args:
        notes: told that the wish was heard.

    Attributes:
        asked: whether the person wants to stop.
        sealing: set by whoever must not be interrupted any more.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.asked = False
        self.sealing = False

    def __enter__(self) -> Interruption:
        # Python hears signals in its main thread alone, and a background job ignores Ctrl+C.
        self._listens = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        )
        if self._listens:
            self._before = signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listens:
            signal.signal(signal.SIGINT, self._before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.sealing:
            return
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._notes.say("stopping after this batch; Ctrl+C again stops at once")
