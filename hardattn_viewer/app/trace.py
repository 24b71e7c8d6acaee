"""What the session is at, what each view shows and where each widget is, for tests from outside.

With ``HARDATTN_TRACE=1`` these go to standard error, one line whenever they change:

- ``state example=3 step=2 …``: the session;
- ``shows header.example=3 timeline.step=2 …``: what the views say of themselves;
- ``at tool_export 1560 34``: the centre of a widget in pixels of the screen;
- ``message …``: what the bar over the pictures says;
- ``READY``: the first pictures are on the screen.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.wants import is_settled

if TYPE_CHECKING:
    from hardattn_viewer.app.main_window import MainWindow

# Milliseconds after which a dialog that has just appeared has been laid out.
DIALOG_MS = 150
# Steps of the timeline whose places are told.
MOST_STEPS = 200


def is_wanted() -> bool:
    """Whether ``HARDATTN_TRACE=1`` is set."""
    return os.environ.get("HARDATTN_TRACE") == "1"


class Trace(QObject):
    """Prints the session's state, and what the window makes of it, once that is on the screen.

    Args:
        window: what is traced.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._told: dict[str, str] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.tell_window)
        window.session.changed.connect(self._on_changed)
        window.behind.changed.connect(lambda new, _: is_settled(new) and self._soon.start(0))
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if is_settled(new):
            self._tell("state", state_words(new, self._window.theme.name))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A dialog that appears brings widgets of its own."""
        if event.type() == QEvent.Type.Show and isinstance(watched, QDialog):
            self._soon.start(DIALOG_MS)
        return False

    def tell_ready(self) -> None:
        """Say that the first pictures are on the screen."""
        self.tell_window()
        print("READY", file=sys.stderr, flush=True)

    def tell_window(self) -> None:
        """Say what the views show and where the widgets are, as far as that has changed."""
        shown = " ".join(f"{name}={value}" for name, value in views_of(self._window))
        self._tell("shows", shown)
        for name, point in places(self._window):
            self._tell(f"at {name}", f"{point.x()} {point.y()}")
        if self._window.message.isVisible():
            self._tell("message", self._window.message.text.text())

    def _tell(self, kind: str, words: str) -> None:
        if self._told.get(kind) != words:
            self._told[kind] = words
            print(kind, words, file=sys.stderr, flush=True)


def state_words(state: SessionState, theme: str) -> str:
    """The session as ``name=value`` words."""
    place = state.place
    values = {
        "example": place.example,
        "step": place.step,
        "head": "mean" if place.head is None else place.head,
        "site": "first" if place.site is None else place.site,
        "query": "usual" if place.query is None else place.query,
        "view": state.view,
        "theme": theme,
        "focus": state.focus,
        "pinned": "none" if state.pinned is None else state.pinned,
        "playing": int(state.playing),
        "listed": len(state.order),
        "runs": len(state.runs),
    }
    return " ".join(f"{name}={value}" for name, value in values.items())


def views_of(window: MainWindow) -> Iterator[tuple[str, object]]:
    """What each view says of itself, read from what it shows and not from the session."""
    table = window.examples.table
    current = table.currentIndex()
    if current.isValid():
        yield "table.example", _first_number(str(current.siblingAtColumn(0).data()))
    yield "header.example", _first_number(window.header.example.text())
    yield "timeline.step", _step(window.timeline.step.text())
    yield "inspector.step", _step(window.inspector.text())
    panes = {"overlay": window.overlay.pane, "a": window.compare.a, "b": window.compare.b}
    for name, pane in panes.items():
        # What nobody sees is drawn when it is seen again.
        if pane.isVisible() and pane.shown_step is not None:
            yield f"{name}.step", pane.shown_step
    shown = window.views.currentWidget()
    yield "view", next(id_ for id_, widget in window.view.items() if widget is shown)
    yield "theme", window.theme.name


def places(window: MainWindow) -> Iterator[tuple[str, QPoint]]:
    """Centres of everything that can be clicked and has a name, in pixels of the screen."""
    for top in QApplication.topLevelWidgets():
        for widget in top.findChildren(QWidget):
            if widget.objectName() and widget.isVisible():
                yield widget.objectName(), widget.mapToGlobal(widget.rect().center())
    table, plots = window.examples.table, window.timeline.plots
    for line in range(table.model().rowCount()):
        where = table.visualRect(table.model().index(line, 1))
        if not table.viewport().rect().contains(where):
            break
        yield f"examplesTable.line{line}", table.viewport().mapToGlobal(where.center())
    for step in range(min(window.session.state.frames.steps, MOST_STEPS)):
        point = plots.centre_of(step).toPoint()
        yield f"timeline.step{step}", plots.widget.viewport().mapToGlobal(point)


def _first_number(text: str) -> str:
    found = re.search(r"\d[\d,]*", text)
    return found[0].replace(",", "") if found else "none"


def _step(text: str) -> str:
    # People count steps from 1, the session from 0.
    found = re.search(r"step ([\d,]+)", text, re.IGNORECASE)
    return str(int(found[1].replace(",", "")) - 1) if found else "none"
