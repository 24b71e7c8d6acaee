"""A bar that offers to recover a run whose writer is gone, and says how that goes."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QProgressBar, QPushButton, QSizePolicy

from hardattn_viewer.session.live import left_run
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import OpenRun, Recovery, SessionState
from hardattn_viewer.views.parts import label, row, set_property


class LiveBar(QFrame):
    """One sentence with a button; hidden where there is nothing to recover."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("liveBar")
        self.setProperty("surface", "offer")
        self._session = session
        # Runs that somebody does not want to be asked about again.
        self._dismissed: set[int] = set()
        self.text = label(name="liveText")
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.progress = QProgressBar()
        self.progress.setObjectName("liveProgress")
        self.progress.setAccessibleName("How much is recovered")
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(180)
        self.go = QPushButton()
        self.go.setObjectName("liveRecover")
        self.go.setProperty("kind", "accent")
        self.go.clicked.connect(lambda *_: session.recover())
        self.leave = QPushButton()
        self.leave.setObjectName("liveClose")
        self.leave.clicked.connect(self._leave)
        layout = row(self.text, self.progress, self.go, self.leave, margins=(12, 6, 8, 6))
        layout.setStretch(0, 1)
        self.setLayout(layout)
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        shown = (new.runs, new.slot_a, new.slot_b, new.focus, new.recovery)
        if shown != (old.runs, old.slot_a, old.slot_b, old.focus, old.recovery):
            self._show(new)

    def _show(self, state: SessionState) -> None:
        recovery, run = state.recovery, self._offered(state)
        self.setVisible(recovery is not None or run is not None)
        running = recovery is not None and recovery.state == "running"
        failed = recovery is not None and recovery.state == "failed"
        set_property(self, "surface", "message" if failed else "offer")
        self.progress.setVisible(running)
        self.go.setVisible(run is not None and not running)
        self.leave.setText("Stop" if running else "Close")
        self.leave.setAccessibleName("Stop recovering" if running else "Close this message")
        if recovery is not None:
            self.progress.setValue(round(1000 * recovery.done))
            self._say(_recovery_words(state, recovery))
        elif run is not None:
            self._say(_offer_words(run))
        if run is not None and run.live is not None:
            self.go.setText(f"Recover into {run.live.into.name}")

    def _say(self, sentence: str) -> None:
        self.text.setText(sentence)
        self.setAccessibleName(sentence)

    def _offered(self, state: SessionState) -> OpenRun | None:
        run = left_run(state)
        # Of a run on another host it is not known that its writer is gone; there is a command.
        certain = run is not None and run.live is not None and run.live.doing == "cut off"
        return run if certain and run is not None and run.key not in self._dismissed else None

    def _leave(self) -> None:
        state = self._session.state
        run = self._offered(state)
        if run is not None and (state.recovery is None or state.recovery.state == "failed"):
            self._dismissed.add(run.key)
        if state.recovery is not None:
            self._session.stop_recovery()
        self._show(self._session.state)


def _offer_words(run: OpenRun) -> str:
    return (
        f"The recording of {run.name} was cut off: its writer is gone. What it had written is "
        "here, and can be joined into one file."
    )


def _recovery_words(state: SessionState, recovery: Recovery) -> str:
    run = state.run(recovery.key)
    name = run.name if run is not None else recovery.into.stem
    if recovery.state == "failed":
        return f"{name} could not be recovered: {recovery.error}"
    if recovery.state == "running":
        return f"Recovering {name} into {recovery.into} …"
    lost = f" Not all of it: {recovery.lost[0]}." if recovery.lost else ""
    return f"{name} was recovered into {recovery.into}.{lost} Its parts are still there beside it."
