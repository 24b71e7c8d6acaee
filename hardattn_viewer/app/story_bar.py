"""A bar that tells what is to be seen in the sample that is shown."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy

from hardattn_viewer.app.samples import SampleShelf
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import label, row


class StoryBar(QFrame):
    """The story of a sample; once closed, that sample needs no telling any more.

    Args:
        session: what is shown.
        shelf: the samples.
        settings: which stories were told.
    """

    def __init__(self, session: Session, shelf: SampleShelf, settings: Settings) -> None:
        super().__init__()
        self.setObjectName("storyBar")
        self.setProperty("surface", "offer")
        self._session, self._shelf, self._settings = session, shelf, settings
        self._waits = False
        self.text = label(name="storyText")
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.others = QPushButton("All samples…")
        self.others.setObjectName("storyOthers")
        self.leave = QPushButton("Close")
        self.leave.setObjectName("storyClose")
        self.leave.setAccessibleName("Close this story")
        self.leave.clicked.connect(self._leave)
        layout = row(self.text, self.others, self.leave, margins=(12, 6, 8, 6))
        layout.setStretch(0, 1)
        self.setLayout(layout)
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def bind(self, action: QAction) -> None:
        """Let the button do what the app's action does."""
        self.others.clicked.connect(lambda *_: action.trigger())
        self.others.setToolTip(action.toolTip())

    def wait(self, wait: bool) -> None:
        """Tell nothing while something else is said in its place."""
        self._waits = wait
        self._show(self._session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if (new.runs, new.slot_a, new.slot_b) != (old.runs, old.slot_a, old.slot_b):
            self._show(new)

    def _show(self, state: SessionState) -> None:
        sample = self._shelf.shown(state)
        told = sample is None or sample.name in self._settings.told
        self.setVisible(not told and not self._waits)
        if sample is not None and not told:
            self.text.setText(sample.story)
            self.setAccessibleName(f"{sample.title}. {sample.story}")

    def _leave(self) -> None:
        sample = self._shelf.shown(self._session.state)
        if sample is not None:
            self._settings.told = self._settings.told | {sample.name}
        self._show(self._session.state)
