"""One run large: its image with attention on it, and every step small beside it."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy, QWidget

from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.session import Session
from hardattn_viewer.views.filmstrip import Filmstrip
from hardattn_viewer.views.panes import RunPane
from hardattn_viewer.views.parts import row


class OverlayView(QWidget):
    """The run in focus, as large as the window allows."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("overlayView")
        self.pane = RunPane(session, None, "overlay")
        self.filmstrip = Filmstrip(session)
        self.pane.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        layout = row(self.pane, self.filmstrip, spacing=0)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.pane.set_theme(theme)
        self.filmstrip.set_theme(theme)
