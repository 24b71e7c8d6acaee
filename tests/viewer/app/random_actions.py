"""Random acts of a person at the window, that can be done again and again in any selection."""

from __future__ import annotations

import random
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.trace import views_of
from hardattn_viewer.session.state import SLOTS
from hardattn_viewer.session.wants import is_settled, targets_wanted

FILTERS = (
    "", "wrong(A)", "steps > 1", "entropy > 2 & correct", "index < 3", "nonsense(", "entropy > 99",
)  # fmt: skip
# It would end the test, not the window.
NEVER = ("quit",)
SETTLE_SECONDS = 10.0
# The menu of a button keeps who pressed it waiting until it is closed: it is, after so long.
MENU_MS = 300


@dataclass(frozen=True)
class Act:
    """One thing a person does; ``at`` are fractions that choose what it is done to."""

    kind: str
    at: tuple[float, float, float, float]


# So often each is done, in proportion.
KINDS = {
    "key": 34,
    "command": 12,
    "click": 14,
    "double": 2,
    "menu": 2,
    "drag": 8,
    "hover": 8,
    "wheel": 6,
    "type": 4,
    "filter": 4,
    "resize": 3,
    "open": 6,
    "close": 3,
}


def random_acts(seed: int, count: int) -> list[Act]:
    """The acts of a seed."""
    rng = random.Random(seed)
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=count)
    return [Act(kind, (rng.random(), rng.random(), rng.random(), rng.random())) for kind in kinds]


class BrokenError(AssertionError):
    """Something that holds after every act does not hold."""


class Person:
    """Does acts at a window, and checks after each what has to hold.

    Args:
        window: the window.
        paths: runs that can be opened; some may be damaged or missing.
        warnings: how many warnings Qt has written by now.
    """

    def __init__(
        self, window: MainWindow, paths: Sequence[Path], warnings: Callable[[], list[str]]
    ) -> None:
        self.window = window
        self.paths = paths
        self._warnings = warnings
        self._warned = len(warnings())
        self._faults: list[BaseException] = []

    def do_all(self, acts: Sequence[Act]) -> None:
        """Do acts one after the other.

        Raises:
            BrokenError: an act raised, Qt warned, or the views disagree afterwards.
        """
        with self._hooks():
            for number, act in enumerate(acts):
                try:
                    self._do(act)
                    self._settle()
                    self._check()
                except Exception as error:
                    raise BrokenError(f"act {number}, {act}: {error!r}{_where(error)}") from error

    @contextmanager
    def _hooks(self) -> Iterator[None]:
        before = sys.excepthook, threading.excepthook
        sys.excepthook = lambda kind, error, trace: self._faults.append(error)
        threading.excepthook = lambda what: self._faults.append(what.exc_value or what.exc_type())
        try:
            yield
        finally:
            sys.excepthook, threading.excepthook = before

    def _do(self, act: Act) -> None:
        closer = QTimer()
        closer.timeout.connect(_close_popup)
        closer.start(MENU_MS)
        getattr(self, f"_{act.kind}")(*act.at)
        closer.stop()

    # --- acts -----------------------------------------------------------------------------

    def _key(self, which: float, *_: float) -> None:
        keys = [key for c in self._commands() for key in c.keys]
        combination = QKeySequence(_one(keys, which))[0]
        QTest.keyClick(self._focus(), combination.key(), combination.keyboardModifiers())

    def _command(self, which: float, *_: float) -> None:
        self.window.actions_[_one(self._commands(), which).id].trigger()

    def _click(self, x: float, y: float, which: float, _: float) -> None:
        widget, place = self._under(x, y)
        held = Qt.KeyboardModifier.NoModifier
        if which > 0.8:
            held = Qt.KeyboardModifier.ShiftModifier
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, held, place)

    def _double(self, x: float, y: float, *_: float) -> None:
        widget, place = self._under(x, y)
        QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=place)

    def _menu(self, x: float, y: float, *_: float) -> None:
        widget, place = self._under(x, y)
        QTest.mouseClick(widget, Qt.MouseButton.RightButton, pos=place)

    def _drag(self, x: float, y: float, to_x: float, to_y: float) -> None:
        widget, place = self._under(x, y)
        end = widget.mapFrom(self.window, self._point(to_x, to_y))
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=place)
        for part in (0.3, 0.6, 1.0):
            point = QPointF(place) + part * QPointF(end - place)
            _send_move(widget, point)
            QApplication.processEvents()
        if _alive(widget):
            QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end)

    def _hover(self, x: float, y: float, *_: float) -> None:
        widget, place = self._under(x, y)
        QTest.mouseMove(widget, place)

    def _wheel(self, x: float, y: float, by: float, held: float) -> None:
        widget, place = self._under(x, y)
        control = Qt.KeyboardModifier.ControlModifier
        event = QWheelEvent(
            QPointF(place),
            QPointF(widget.mapToGlobal(place)),
            QPoint(0, 0),
            QPoint(0, 120 * round(6 * by - 3)),
            Qt.MouseButton.NoButton,
            control if held > 0.6 else Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)

    def _type(self, which: float, *_: float) -> None:
        QTest.keyClicks(self._focus(), _one(["abc", "1", "n", ">= 2", "\t", " "], which))

    def _filter(self, which: float, *_: float) -> None:
        field = self.window.examples.filter.field
        field.setText(_one(FILTERS, which))
        QTest.keyClick(field, Qt.Key.Key_Return)

    def _resize(self, width: float, height: float, *_: float) -> None:
        self.window.resize(1100 + round(700 * width), 700 + round(400 * height))

    def _open(self, which: float, *_: float) -> None:
        self.window.session.open([_one(self.paths, which)])

    def _close(self, which: float, *_: float) -> None:
        runs = self.window.session.state.runs
        if runs:
            self.window.session.close_run(_one(runs, which).key)

    # --- what they are done to ------------------------------------------------------------

    def _commands(self) -> list[Any]:
        return [c for c in self.window.actions_.commands if c.id not in NEVER]

    def _focus(self) -> QWidget:
        return self.window.focusWidget() or self.window

    def _point(self, x: float, y: float) -> QPoint:
        return QPoint(int(x * (self.window.width() - 1)), int(y * (self.window.height() - 1)))

    def _under(self, x: float, y: float) -> tuple[QWidget, QPoint]:
        point = self._point(x, y)
        widget = self.window.childAt(point) or self.window
        return widget, widget.mapFrom(self.window, point)

    # --- what has to hold -----------------------------------------------------------------

    def _settle(self) -> None:
        QApplication.processEvents()
        self._close_dialogs()
        if not self.window.isActiveWindow():
            # A window manager does so when a dialog is closed.
            self.window.activateWindow()
            QApplication.processEvents()
        until = time.monotonic() + SETTLE_SECONDS
        while not self._is_settled():
            if time.monotonic() > until:
                raise BrokenError(f"not settled: {_waiting(self.window)}")
            QApplication.processEvents()
            time.sleep(0.001)
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        # While it plays there is always a step that numbers are still to follow.
        self.window.behind.catch_up()

    def _close_dialogs(self) -> None:
        for _ in range(3):
            _close_popup()
            for dialog in self.window.findChildren(QDialog):
                dialog.reject()
            QApplication.processEvents()

    def _is_settled(self) -> bool:
        state = self.window.session.state
        if self.window.behind.is_late or any(run.status == "loading" for run in state.runs):
            return False
        if not any(run.status == "ready" for run in state.runs):
            return True
        if state.slot_a is None and state.slot_b is None:
            return True
        return is_settled(state)

    def _check(self) -> None:
        if self._faults:
            raise self._faults.pop()
        warnings = self._warnings()
        if len(warnings) > self._warned:
            self._warned = len(warnings)
            raise BrokenError(f"Qt warned: {warnings[-1]}")
        wrong = list(disagreements(self.window))
        if wrong:
            raise BrokenError("; ".join(wrong))


def disagreements(window: MainWindow) -> Iterator[str]:
    """What of the window is not as the one selection says, in words."""
    state = window.session.state
    keys = [run.key for run in state.runs]
    for slot in SLOTS:
        if state.slot(slot) is not None and state.slot(slot) not in keys:
            yield f"slot {slot} holds a run that is not open"
    if state.slot_a is not None and state.slot_a == state.slot_b:
        yield "one run is in both slots"
    if state.rows is not None and not all(0 <= row < len(state.rows) for row in state.order):
        yield "the table lists rows that are not there"
    if len(set(state.order)) != len(state.order):
        yield "the table lists a row twice"
    expected: dict[str, object] = {"view": state.view, "theme": window.theme.name}
    if state.frames.present:
        last = state.frames.steps - 1
        if not 0 <= state.place.step <= last:
            yield f"step {state.place.step} of {last + 1}"
        expected |= {"header.example": state.place.example}
        expected |= {"timeline.step": state.place.step}
        if state.place.example in state.order:
            expected |= {"table.example": state.place.example}
        shown = {"overlay": state.frame, "a": state.frames.a, "b": state.frames.b}
        for name, frame in shown.items():
            if frame is not None:
                expected[f"{name}.step"] = min(state.place.step, frame.steps - 1)
    for name, value in views_of(window):
        if name in expected and str(value) != str(expected[name]):
            yield f"{name} shows {value}, not {expected[name]}"
    for command in window.actions_.commands:
        action = window.actions_[command.id]
        if action.isEnabled() != command.enabled(state):
            yield f"{command.id} is {'' if action.isEnabled() else 'not '}enabled"
        if command.checked is not None and action.isChecked() != command.checked(state):
            yield f"{command.id} is {'' if action.isChecked() else 'not '}checked"


def shortest(acts: Sequence[Act], fails: Callable[[Sequence[Act]], bool], tries: int) -> list[Act]:
    """A short list of acts that still fails, found by leaving out ever smaller parts."""
    found = list(acts)
    size = max(len(found) // 2, 1)
    while tries > 0:
        at = 0
        while at < len(found) and tries > 0:
            without = found[:at] + found[at + size :]
            tries -= 1
            if without and fails(without):
                found = without
            else:
                at += size
        if size == 1:
            break
        size //= 2
    return found


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return "".join(f"\n    {Path(f.filename).name}:{f.lineno} {f.line}" for f in frames[-4:])


def _one(choices: Sequence[Any], at: float) -> Any:
    return choices[min(int(at * len(choices)), len(choices) - 1)]


def _waiting(window: MainWindow) -> str:
    state = window.session.state
    runs = [(run.key, run.path.name, run.status) for run in state.runs]
    rows = None if state.rows is None else len(state.rows)
    shown, wanted = state.frames.targets, None if rows is None else targets_wanted(state)
    return f"{runs} A={state.slot_a} B={state.slot_b} rows={rows} {shown} not {wanted}"


def _close_popup() -> None:
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()


def _alive(widget: QWidget) -> bool:
    try:
        return widget.isVisible()
    except RuntimeError:
        return False


def _send_move(widget: QWidget, point: QPointF) -> None:
    if not _alive(widget):
        return
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        point,
        QPointF(widget.mapToGlobal(point)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)
