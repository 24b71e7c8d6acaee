"""Qt without a screen for every test of the viewer; none of them may leave anything behind."""

from __future__ import annotations

import gc
import itertools
import os
import threading
from collections.abc import Iterator
from weakref import WeakSet

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QWidget

from hardattn_viewer.app.overrides import guard_overrides

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# The process's own, started once: those that decode chunks, fsspec's loop, and its pool of threads.
STAYS = ("hardattn-decode", "fsspecIO", "asyncio_")


@pytest.fixture(scope="session", autouse=True)
def application(qapp: object) -> object:
    """The one QApplication of the session: fonts need it even where no window is shown."""
    # As the app does: a fault of a widget fails its test instead of ending all of them.
    guard_overrides()
    return qapp


MADE: WeakSet[QTimer] = WeakSet()
"""Every timer that Python made; to look for them among all objects takes a second."""
OFTEN = 20
"""Tests between two collections of everything."""


@pytest.fixture(scope="session", autouse=True)
def timers_are_noted() -> None:
    begin = QTimer.__init__

    def noting(self: QTimer, *arguments: object, **more: object) -> None:
        begin(self, *arguments, **more)
        MADE.add(self)

    QTimer.__init__ = noting  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def tests_begun() -> Iterator[int]:
    """How many tests have begun, one more each time that it is asked."""
    return itertools.count()


@pytest.fixture(autouse=True)
def leaves_nothing_behind(qapp: QApplication, tests_begun: Iterator[int]) -> Iterator[None]:
    """Fail where a test leaks a top-level widget, a running timer or a thread.

    That Qt warned of nothing is checked by pytest-qt: see ``qt_log_level_fail``.
    """
    if next(tests_begun) % OFTEN == 0:
        # Modules such as torch are a million objects, which each collection would look through.
        collect_all()
        gc.freeze()
    # Where the last test left the pointer, the windows of this one would be pointed at.
    QCursor.setPos(-4_000, -4_000)
    threads = set(threading.enumerate())
    widgets = {address(widget) for widget in own_windows(qapp)}
    timers = {id(timer) for timer in running_timers()}

    def left() -> list[str]:
        found = [
            f"the widget {one.objectName() or one.metaObject().className()}"
            for one in own_windows(qapp)
            if address(one) not in widgets
        ]
        return found + [f"a timer of {t.parent()}" for t in running_timers() if id(t) not in timers]

    yield
    qapp.processEvents()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    if left():
        collect_all()
    assert not left(), f"left behind: {left()}"
    running = [t.name for t in threading.enumerate() if t not in threads]
    running = [name for name in running if not name.startswith(STAYS)]
    assert not running, f"left threads running: {running}"


def collect_all() -> None:
    """Free what nothing refers to, also where collections would leave it alone."""
    gc.unfreeze()
    gc.collect()


def own_windows(qapp: QApplication) -> list[QWidget]:
    """Widgets of no other; tool tips are Qt's own, and go a while after they are hidden."""
    return [w for w in qapp.topLevelWidgets() if w.metaObject().className() != "QTipLabel"]


def address(widget: QWidget) -> int:
    """Which widget it is, for as long as it lives: Python's wrapper of it may be made anew."""
    return int(shiboken6.getCppPointer(widget)[0])  # type: ignore[attr-defined]


def running_timers() -> list[QTimer]:
    """Every timer that will still fire."""
    return [timer for timer in MADE if shiboken6.isValid(timer) and timer.isActive()]
