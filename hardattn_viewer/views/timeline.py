"""The timeline: tracks over the steps of an example, and the buttons that play it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QAction, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.pairing import is_within, place_words
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, SessionState
from hardattn_viewer.session.tracks import Track, tracks_of
from hardattn_viewer.views.icons import transport_icon
from hardattn_viewer.views.parts import (
    ElidedLabel,
    SlotMark,
    column,
    label,
    line,
    plain_tooltip,
    row,
    set_property,
)
from hardattn_viewer.views.plots import TrackPlots

SIDE_WIDTH = 196


class Timeline(QWidget):
    """Transport buttons and legend on the left, tracks on the right; a click or drag scrubs."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("timeline")
        self._session = session
        self._theme = DARK
        self.plots = TrackPlots()
        self.plots.widget.setObjectName("timelinePlots")
        self.plots.widget.setAccessibleName("Timeline")
        self.plots.widget.viewport().installEventFilter(self)
        self._empty = label("The steps of an example appear here.", "muted", "timelineEmpty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._buttons = {
            name: _transport(name) for name in ("first", "back", "play", "forward", "last")
        }
        self.step = label(role="title", name="timelineStep")
        self._speed = label(role="muted", name="timelineSpeed")
        self._legends = {slot: _Legend(slot) for slot in SLOTS}
        self._lines = label(role="faint", name="timelineLines")
        self._lines.setWordWrap(True)
        side = QWidget()
        side.setFixedWidth(SIDE_WIDTH)
        side.setLayout(
            column(
                row(*self._buttons.values(), 1, spacing=5),
                row(self.step, self._speed, 1, spacing=7),
                *self._legends.values(),
                self._lines,
                1,
                spacing=7,
                margins=(14, 8, 10, 6),
            )
        )
        layout = row(side, line(vertical=True), self.plots.widget, self._empty, spacing=0)
        layout.setStretch(2, 1)
        layout.setStretch(3, 1)
        self.setLayout(layout)
        self.setMinimumHeight(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        session.changed.connect(self._on_changed)
        self._show_frames(session.state)

    def bind(self, actions: dict[str, QAction]) -> None:
        """Let the buttons do what the app's actions do, with their tool tips."""
        for name, button in self._buttons.items():
            action = actions[name]
            button.clicked.connect(action.trigger)
            button.setToolTip(action.toolTip())
            button.setAccessibleName(action.text())

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.plots.set_theme(theme)
        self._show_buttons(self._session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.frames.targets != old.frames.targets or new.runs != old.runs:
            self._show_frames(new)
        elif new.frames != old.frames or new.place.step != old.place.step:
            self._show_step(new)
        if (new.playing, new.speed) != (old.playing, old.speed):
            self._show_buttons(new)
            self._show_step(new)

    def _show_frames(self, state: SessionState) -> None:
        steps = state.frames.steps
        self.plots.widget.setVisible(steps > 0)
        self._empty.setVisible(steps == 0)
        tracks = tracks_of(state.frames)
        self.plots.show_tracks(tracks, steps)
        self._lines.setText(_lines_in_words(tracks))
        self._lines.setVisible(bool(self._lines.text()))
        for slot, legend in self._legends.items():
            frame = state.frames.of(slot)
            legend.setVisible(frame is not None)
            if frame is not None:
                where = place_words(state, slot) if is_within(state) else ""
                legend.show_run(" · ".join(filter(None, (frame.run_name, where))), frame.hard)
        self._show_step(state)
        self._show_buttons(state)

    def _show_step(self, state: SessionState) -> None:
        steps = state.frames.steps
        step = min(state.place.step, max(steps - 1, 0))
        self.plots.show_step(step)
        self.step.setText(f"step {step + 1} / {steps}" if steps else "no steps")
        self._speed.setText(f"{_number(state.speed)}×{' playing' if state.playing else ''}")
        self.plots.widget.setAccessibleDescription(self.step.text())

    def _show_buttons(self, state: SessionState) -> None:
        for name, button in self._buttons.items():
            shape = "pause" if name == "play" and state.playing else name
            accent = name == "play"
            set_property(button, "on", "true" if accent else "false")
            enabled = state.frames.steps > 1
            usual = self._theme.text if enabled else self._theme.faint
            colour = self._theme.accent_text if accent and enabled else usual
            button.setIcon(transport_icon(shape, colour))
            button.setEnabled(enabled)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pointer on the plots: scrub; the plots themselves never pan or zoom."""
        kinds = QEvent.Type
        if isinstance(event, QMouseEvent) and event.type() in (
            kinds.MouseButtonPress,
            kinds.MouseMove,
            kinds.MouseButtonDblClick,
        ):
            if event.buttons() & Qt.MouseButton.LeftButton:
                self._scrub(event.position())
            return True
        if event.type() in (kinds.MouseButtonRelease, kinds.ContextMenu):
            return True
        if isinstance(event, QWheelEvent):
            notches = event.angleDelta().y()
            if notches:
                self._session.next_step(-1 if notches > 0 else 1)
            return True
        return super().eventFilter(watched, event)

    def _scrub(self, point: QPointF) -> None:
        step = self.plots.step_at(point)
        if step is not None and step != self._session.state.place.step:
            self._session.go_to_step(step)


class _Legend(QWidget):
    """Slot letter and run name, in the colour of the curves."""

    def __init__(self, slot: str) -> None:
        super().__init__()
        self._slot = slot
        self._mark = SlotMark(slot)
        self._name = ElidedLabel(role="muted")
        layout = row(self._mark, self._name, spacing=8)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def show_run(self, name: str, hard: bool) -> None:
        self._mark.show_slot(self._slot, hard)
        self._name.set_whole(name)
        self._name.setToolTip(plain_tooltip(name))


def _lines_in_words(tracks: tuple[Track, ...]) -> str:
    """What dashes and dots stand for, where there are any."""
    words = {
        f"{curve.line}: {curve.words}": None
        for track in tracks
        for curve in track.curves
        if curve.line != "solid"
    }
    return "\n".join(words)


def _transport(name: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(f"transport_{name}")
    button.setProperty("kind", "transport")
    button.setFixedSize(30, 28)
    return button


def _number(speed: float) -> str:
    return f"{speed:g}".replace("-", "−")
