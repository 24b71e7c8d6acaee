"""The timeline: tracks over the steps of an example, and the buttons that play it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.drawing.timeline_frames import strip_of
from hardattn_viewer.session.finding import hits_of
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.marking import bookmarks_here
from hardattn_viewer.session.pairing import is_within, place_words
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, SessionState
from hardattn_viewer.session.tracks import Track, tokens_of_steps, tracks_of
from hardattn_viewer.views.find_bar import FindBar
from hardattn_viewer.views.icons import transport_icon
from hardattn_viewer.views.parts import (
    ElidedLabel,
    ExactLabel,
    SlotMark,
    column,
    label,
    line,
    plain_tooltip,
    row,
    set_property,
)
from hardattn_viewer.views.plots import TrackPlots
from hardattn_viewer.views.snapshot_strip import SnapshotStrip
from hardattn_viewer.views.step_values import StepValues

SIDE_WIDTH = 196


class Timeline(QWidget):
    """Transport buttons and legend on the left, tracks on the right; a click or drag scrubs."""

    menu_wanted = Signal(QPoint)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("timeline")
        self._session = session
        self._theme = DARK
        self.plots = TrackPlots()
        self.plots.widget.setObjectName("timelinePlots")
        self.plots.widget.setAccessibleName("Timeline")
        self.plots.scrubbed.connect(self._scrub)
        self.plots.stepped.connect(session.next_step)
        self.plots.ranged.connect(session.set_loop)
        self.plots.unranged.connect(lambda: session.set_loop(None))
        self.plots.menu_wanted.connect(self.menu_wanted)
        self.find_bar = FindBar(session)
        self.values = StepValues()
        self.snapshots = SnapshotStrip(session)
        self._empty = label("The steps of an example appear here.", "muted", "timelineEmpty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._buttons = {
            name: _transport(name) for name in ("first", "back", "play", "forward", "last")
        }
        self._icons: dict[str, tuple[str, str]] = {}
        self.step = ExactLabel("title", "timelineStep")
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
        right = QWidget()
        inner = column(self.find_bar, self.plots.widget, self.values, self._empty, self.snapshots)
        for at in (1, 2, 3):
            inner.setStretch(at, 1)
        right.setLayout(inner)
        layout = row(side, line(vertical=True), right, spacing=0)
        layout.setStretch(2, 1)
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
        self.find_bar.set_theme(theme)
        self.snapshots.set_theme(theme)
        self._show_buttons(self._session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if _curves_of(new) != _curves_of(old) or new.runs != old.runs or new.tracks != old.tracks:
            self._show_frames(new)
        elif new.frames != old.frames or new.place.step != old.place.step:
            self._show_step(new)
        if (new.playing, new.speed) != (old.playing, old.speed):
            self._show_buttons(new)
            self._show_step(new)
        if _marks_of(new) != _marks_of(old):
            self._show_marks(new)
        if new.frames.targets != old.frames.targets:
            self._show_tokens(new)
        if new.frame is not old.frame:
            self.plots.show_strip(strip_of(new.frame))

    def _show_frames(self, state: SessionState) -> None:
        steps = state.frames.steps
        self.plots.widget.setVisible(steps > 1)
        self.values.setVisible(steps == 1)
        self.values.show_frames(state.frames)
        self._empty.setVisible(steps == 0)
        tracks = tracks_of(state.frames, state.tracks)
        self.plots.show_tracks(tracks, steps)
        self._lines.setText(_lines_in_words(tracks))
        self._lines.setVisible(bool(self._lines.text()) and steps > 1)
        for slot, legend in self._legends.items():
            frame = state.frames.of(slot)
            legend.setVisible(frame is not None)
            if frame is not None:
                where = place_words(state, slot) if is_within(state) else ""
                legend.show_run(" · ".join(filter(None, (frame.run_name, where))), frame.hard)
        self._show_step(state)
        self._show_buttons(state)
        self._show_marks(state)
        self._show_tokens(state)

    def _show_marks(self, state: SessionState) -> None:
        row, hits = state.place.example, hits_of(state)
        found = hits.of_row(row) if hits is not None else np.zeros(0, np.int64)
        marks = tuple((mark.step, mark.note) for mark in bookmarks_here(state))
        self.plots.show_marks(found, marks, state.loop)

    def _show_tokens(self, state: SessionState) -> None:
        frame = state.frame
        self.plots.show_tokens(tokens_of_steps(frame) if frame is not None else {})

    def _show_step(self, state: SessionState) -> None:
        steps = state.frames.steps
        step = min(state.place.step, max(steps - 1, 0))
        self.plots.show_step(step)
        # Two numbers of seven digits do not fit beside each other.
        between = "\nof" if steps >= 100_000 else " /"
        self.step.setText(f"step {step + 1:,}{between} {steps:,}" if steps else "no steps")
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
            if self._icons.get(name) != (shape, colour):
                self._icons[name] = (shape, colour)
                button.setIcon(transport_icon(shape, colour))
            button.setEnabled(enabled)

    def _scrub(self, step: int) -> None:
        if step != self._session.state.place.step:
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


def _curves_of(state: SessionState) -> tuple[object, ...]:
    """What the curves are of: of a long example other steps around do not change them."""
    return tuple(
        None
        if target is None
        else (target.key, replace(target.place, step=0), frame and _numbers_of(frame))
        for target, frame in zip(
            state.frames.targets, (state.frames.a, state.frames.b), strict=True
        )
    )


def _numbers_of(frame: Frame) -> tuple[object, ...]:
    """What the curves of a frame hang on: another query of the same maps has other numbers."""
    return frame.curves, frame.asked_query, frame.asked_also, frame.by_words


def _marks_of(state: SessionState) -> tuple[object, ...]:
    hits = state.studies.get("hits")
    shown = (hits.value, hits.finished) if hits is not None else None
    return (
        shown,
        state.place.example,
        state.loop,
        state.notebooks,
        state.rows,
        state.frames.targets,
    )


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
