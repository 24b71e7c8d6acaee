"""Whether a run is being recorded, how old its last step is, and whether that is followed."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton, QWidget

from hardattn_viewer.session.live import followed_slot, left_run
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import OpenRun, SessionState
from hardattn_viewer.views.parts import label, plain_tooltip, row, set_property
from recorders.run.parts import Doing

_WORDS: dict[Doing, str] = {
    "recording": "● recording",
    "joining": "● being sealed",
    "cut off": "recording was cut off",
    "unknown": "● recording, or cut off",
}
_NOTES: dict[Doing, str] = {
    "recording": "What is recorded is shown within a second of its being on disk.",
    "joining": "The recording has ended; its parts are being joined into one file.",
    "cut off": "Its writer is gone. What it had written can be recovered into one file.",
    "unknown": "It is recorded on another host, so whether that goes on cannot be seen from here.",
}


class LiveBadge(QWidget):
    """Says what becomes of a run that is not sealed; hidden where all runs are."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("liveBadge")
        self._session = session
        self.words = label(name="liveWords")
        self.age = label(role="muted", name="liveAge")
        self.follow = QToolButton()
        self.follow.setObjectName("liveFollow")
        self.follow.setProperty("kind", "choice")
        self.follow.setText("Follow")
        self.follow.setCheckable(True)
        self.setLayout(row(self.words, self.age, self.follow, spacing=7))
        # The age grows although nothing happens.
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._show_age)
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def bind(self, action: QAction) -> None:
        """Let the button do what the app's action does."""
        self.follow.clicked.connect(lambda *_: action.trigger())
        self.follow.setToolTip(action.toolTip())
        self.follow.setAccessibleName(action.text().replace("&", ""))
        action.toggled.connect(self.follow.setChecked)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        shown = (new.runs, new.slot_a, new.slot_b, new.focus, new.following)
        if shown != (old.runs, old.slot_a, old.slot_b, old.focus, old.following):
            self._show(new)

    def _show(self, state: SessionState) -> None:
        run = _run_of(state)
        self.setVisible(run is not None)
        if run is None or run.live is None:
            self._clock.stop()
            return
        doing = run.live.doing
        self.words.setText(_WORDS[doing])
        set_property(self.words, "badge", "failed" if doing == "cut off" else "live")
        self.setToolTip(plain_tooltip(_NOTES[doing]))
        self.follow.setVisible(doing != "cut off")
        self.follow.setChecked(state.following)
        self._show_age()
        self._clock.start()

    def _show_age(self) -> None:
        run = _run_of(self._session.state)
        if run is not None and run.live is not None:
            self.age.setText(f"last step {age_words(time.time() - run.live.written)}")
            self.setAccessibleName(f"{run.name}: {self.words.text()}, {self.age.text()}")


def age_words(seconds: float) -> str:
    """How long ago something was, as people say it."""
    if seconds < 1.5:
        return "just now"
    for unit, least, size in (("s", 100, 1), ("min", 100 * 60, 60), ("h", 48 * 3600, 3600)):
        if seconds < least:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds / 86_400:.0f} days ago"


def _run_of(state: SessionState) -> OpenRun | None:
    """The run that the badge is about: one that may grow before one that was cut off."""
    slot = followed_slot(state)
    return state.run_in(slot) if slot is not None else left_run(state)
