"""Python's full collections of garbage, often and short instead of seldom and long."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState

LOOK_MS = 500
# Collections of the middle generation, each after some thousand new objects, that make a full one.
FEW = 2
# Of the youngest generation: never, as far as Python itself decides.
NEVER = 1_000_000
# Seconds without a change of the session after which nobody is taken to be there.
AWAY_SECONDS = 60.0


class Collecting(QObject):
    """Makes full collections before there is much to look through.

    By itself Python makes one whenever a quarter has been added to all that there is, and looks
    through all of it: 60 ms after some steps through a run of a million, in the middle of a turn
    of the event loop. Here what was looked through once is left alone from then on, so that each
    collection is of what the last half second brought. References that are counted down to zero
    free an object all the same; circles that only came apart later are found when nobody has done
    anything for a minute.

    Args:
        session: whose changes tell that somebody is there.
        parent: who owns this.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._before = gc.get_threshold()
        self._is_alone = gc.get_freeze_count() == 0
        self._changed = time.monotonic()
        self._is_whole = False
        gc.set_threshold(self._before[0], self._before[1], NEVER)
        session.changed.connect(self._note)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Collect where there is something to collect."""
        if time.monotonic() - self._changed > AWAY_SECONDS and not self._is_whole:
            gc.unfreeze()
            self._is_whole = True
        elif gc.get_count()[2] < FEW:
            return
        gc.collect()
        gc.freeze()

    def stop(self) -> None:
        """Leave it to Python again; what was left alone before this began stays so."""
        self._session.changed.disconnect(self._note)
        self._timer.stop()
        if self._is_alone:
            gc.unfreeze()
        gc.set_threshold(*self._before)

    def _note(self, new: SessionState, old: SessionState) -> None:
        self._changed = time.monotonic()
        self._is_whole = False
