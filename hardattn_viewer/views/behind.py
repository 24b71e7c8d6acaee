"""What comes a moment after the pictures, so that they come first."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState

# Qt paints a window up to 5 ms after something in it was changed: by then the pictures are painted.
BEHIND_MS = 8


class Behind(QObject):
    """Tells of a session's changes a moment later, of several in that time as of one.

    A change is shown in two turns of the event loop instead of one: pictures in the first, the
    numbers about them in the second. So no turn is as long as both, and somebody who scrubs sees
    pictures move while the numbers skip what is gone already.

    What changes no picture is told at once, and so is everything of a session that answers at
    once, as in scripts.

    Args:
        session: what is followed.
        parent: who owns this.
    """

    changed = Signal(object, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._new: SessionState | None = None
        self._old: SessionState | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(BEHIND_MS)
        self._timer.timeout.connect(self.catch_up)
        session.changed.connect(self._take)

    @property
    def is_late(self) -> bool:
        """Whether there is a change that was not told yet."""
        return self._new is not None

    def catch_up(self) -> None:
        """Tell now what is still to be told."""
        self._timer.stop()
        new, old, self._new, self._old = self._new, self._old, None, None
        if new is not None:
            self.changed.emit(new, old)

    def stop(self) -> None:
        """Tell nothing any more."""
        self._session.changed.disconnect(self._take)
        self._timer.stop()
        self._new = self._old = None

    def _take(self, new: SessionState, old: SessionState) -> None:
        self._new = new
        self._old = self._old or old
        if self._session.answers_at_once or not _moves_pictures(new, old):
            self.catch_up()
        elif not self._timer.isActive():
            # Not anew: somebody who never rests shall see numbers too.
            self._timer.start()


def _moves_pictures(new: SessionState, old: SessionState) -> bool:
    before = (old.frames, old.display, old.place, old.hovered, old.hovered_query)
    return (new.frames, new.display, new.place, new.hovered, new.hovered_query) != before
