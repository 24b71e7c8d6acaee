"""The line below a picture: what is under the pointer, how opaque the heat is, how far zoomed."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSlider, QToolButton, QWidget

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import ElidedLabel, label, plain_tooltip, row

HEIGHT = 22
HINTS = (
    "wheel zooms · Shift-drag sums · right click copies",
    "wheel zooms · Shift-drag sums",
    "wheel zooms",
)
HINT = HINTS[0]
_SLIDER = 64
# Narrower panes leave the opacity to the menu.
_ROOM = 420
# And say no more than a number.
_NARROW = 240


class PictureLine(QWidget):
    """Words about what is under the pointer, and small controls.

    Args:
        session: the shared session.
        name: prefix of the object names.
        heat: whether the picture has heat, whose opacity can be changed.
    """

    def __init__(self, session: Session, name: str, *, heat: bool) -> None:
        super().__init__()
        self.setObjectName(f"{name}Line")
        self.setFixedHeight(HEIGHT)
        self._session = session
        self._heat = heat
        self.readout = ElidedLabel(role="muted", name=f"{name}Readout")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setObjectName(f"{name}Opacity")
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.setFixedWidth(_SLIDER)
        self.opacity.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.opacity.setAccessibleName("Opacity of the heat")
        self.opacity.setToolTip("Opacity of the strongest heat (Ctrl+, and Ctrl+.)")
        self.percent = label(role="muted", name=f"{name}OpacityPercent")
        self.zoom = QToolButton()
        self.zoom.setObjectName(f"{name}Zoom")
        self.zoom.setProperty("kind", "flat")
        self.zoom.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.zoom.setToolTip("Show all of the image (0, or double-click)")
        self.zoom.clicked.connect(lambda *_: session.show_image_part(None))
        self.opacity.valueChanged.connect(self._set_opacity)
        layout = row(self.readout, self.opacity, self.percent, self.zoom, spacing=6)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def say(self, words: str, short: str = "") -> None:
        """Show what is under the pointer; ``short`` where there is no room for all of it."""
        if not words:
            self.readout.set_whole(*HINTS)
            self.readout.setToolTip(plain_tooltip(HINT))
        elif words != self.readout.whole:
            narrow = self.width() < _NARROW
            self.readout.set_whole(words, short if narrow else "")
            self.readout.setToolTip(plain_tooltip(words))

    def show_state(self, state: SessionState) -> None:
        """Show opacity and zoom."""
        percent = round(100 * state.display.opacity)
        if self.opacity.value() != percent:
            blocked = self.opacity.blockSignals(True)
            self.opacity.setValue(percent)
            self.opacity.blockSignals(blocked)
        self.percent.setText(f"{percent}\N{NO-BREAK SPACE}%")
        view = state.display.image_view
        self.zoom.setVisible(view is not None)
        if view is not None:
            self.zoom.setText(f"⤢ {view.words}")
            self.zoom.setAccessibleName(f"Zoomed to {view.words}: show all of the image")
        self._share_out(state)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what has no room."""
        self._share_out(self._session.state)

    def _share_out(self, state: SessionState) -> None:
        shows = self._heat and state.display.heat and self.width() >= _ROOM
        self.opacity.setVisible(shows)
        self.percent.setVisible(shows)

    def _set_opacity(self, percent: int) -> None:
        display = self._session.state.display
        self._session.set_display(replace(display, opacity=percent / 100))
