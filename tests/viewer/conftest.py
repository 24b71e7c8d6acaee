"""Qt without a screen for every test of the viewer; none of them may leave anything behind."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator

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


@pytest.fixture(autouse=True)
def leaves_nothing_behind(qapp: QApplication) -> Iterator[None]:
    """Fail where a test leaks a top-level widget, a running timer or a thread.

    That Qt warned of nothing is checked by pytest-qt: see ``qt_log_level_fail``.
    """
    # Where the last test left the pointer, the windows of this one would be pointed at.
    QCursor.setPos(-4_000, -4_000)
    threads = set(threading.enumerate())
    widgets = {address(widget) for widget in qapp.topLevelWidgets()}
    timers = {id(timer) for timer in running_timers()}
    yield
    qapp.processEvents()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    left = [w for w in qapp.topLevelWidgets() if address(w) not in widgets]
    assert not left, f"left widgets: {[w.objectName() or type(w).__name__ for w in left]}"
    ticking = [t for t in running_timers() if id(t) not in timers]
    assert not ticking, f"left timers running: {[t.parent() for t in ticking]}"
    running = [t.name for t in threading.enumerate() if t not in threads]
    running = [name for name in running if not name.startswith(STAYS)]
    assert not running, f"left threads running: {running}"


def address(widget: QWidget) -> int:
    """Which widget it is, for as long as it lives: Python's wrapper of it may be made anew."""
    return int(shiboken6.getCppPointer(widget)[0])  # type: ignore[attr-defined]


def running_timers() -> list[QTimer]:
    """Every timer that will still fire."""
    found = [one for one in gc.get_objects() if type(one) is QTimer]
    return [timer for timer in found if shiboken6.isValid(timer) and timer.isActive()]
