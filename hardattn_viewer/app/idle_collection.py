"""Python's full collections of garbage, made while nobody waits for the window."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState

LOOK_MS = 2_000
# Seconds without a change of the session after which a person is taken to look, not to act.
IDLE_SECONDS = 1.0
# One who never rests waits for a collection once in so many seconds.
PATIENCE_SECONDS = 120.0
# Collections of the second generation after which Python would look through everything: never.
NEVER = 1_000_000


class IdleCollection(QObject):
    """Makes the collections that take tens of milliseconds when the session has not changed.

    By itself Python makes them whenever enough was created, which is where most is done: while a
    run is shown for the first time, in one turn of the event loop with all that that takes.

    Args:
        session: whose changes tell that somebody is at work.
        parent: who owns this.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._before = gc.get_threshold()
        self._changed = self._collected = time.monotonic()
        gc.set_threshold(self._before[0], self._before[1], NEVER)
        session.changed.connect(self._note)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> bool:
        """Collect where it is time to; whether it was."""
        now = time.monotonic()
        waited = now - self._collected > PATIENCE_SECONDS
        # Where little was created since, there is little to be found.
        if gc.get_count()[2] == 0 or (now - self._changed < IDLE_SECONDS and not waited):
            return False
        gc.collect()
        self._collected = time.monotonic()
        return True

    def stop(self) -> None:
        """Leave it to Python again."""
        self._session.changed.disconnect(self._note)
        self._timer.stop()
        gc.set_threshold(*self._before)

    def _note(self, new: SessionState, old: SessionState) -> None:
        self._changed = time.monotonic()
