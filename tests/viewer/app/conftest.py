"""Two small runs, the real window, and checks that a test leaves nothing behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.app.start import Bridge
from hardattn_viewer.session.session import Session

# The process's own, started once: those that decode chunks, fsspec's loop, and its pool of threads.
STAYS = ("hardattn-decode", "fsspecIO", "asyncio_")
# The offscreen platform says this of every window and popup; it is no fault of ours.
HARMLESS = ("This plugin does not support", "This plugin supports grabbing the mouse only")


@pytest.fixture(scope="session")
def hard_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "hard.h5", hard=True, seed=1)


@pytest.fixture(scope="session")
def soft_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "soft.h5", hard=False, seed=2)


@pytest.fixture(autouse=True)
def leaves_nothing_behind(qapp: QApplication, qtlog: Any) -> Iterator[None]:
    """Fail where a test leaks a top-level widget or thread, or Qt warned of something."""
    threads = set(threading.enumerate())
    widgets = set(qapp.topLevelWidgets())
    yield
    qapp.sendPostedEvents(None, 0)
    qapp.processEvents()
    gc.collect()
    left = [w for w in qapp.topLevelWidgets() if w not in widgets and w.isVisible()]
    assert not left, f"left windows open: {[w.objectName() or type(w).__name__ for w in left]}"
    running = [t.name for t in threading.enumerate() if t not in threads]
    running = [name for name in running if not name.startswith(STAYS)]
    assert not running, f"left threads running: {running}"
    warnings = [
        record.message
        for record in qtlog.records
        if record.log_type_name in ("QtWarningMsg", "QtCriticalMsg")
        and not any(words in record.message for words in HARMLESS)
    ]
    assert not warnings, f"Qt warned: {warnings}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def make_window(qtbot: QtBot, settings: Settings) -> Iterator[Callable[[], MainWindow]]:
    """Builds the app's window on a session with a reader thread, as the app does."""
    made: list[tuple[MainWindow, Bridge]] = []

    def make() -> MainWindow:
        bridge = Bridge()
        session = Session(wake=bridge.woke.emit)
        bridge.woke.connect(session.collect, Qt.ConnectionType.QueuedConnection)
        session.set_theme("dark")
        window = MainWindow(session, settings, [], QSize(1300, 860))
        window.show()
        made.append((window, bridge))
        return window

    yield make
    for window, bridge in made:
        window.close()
        window.deleteLater()
        bridge.deleteLater()
    qtbot.wait(10)


@pytest.fixture
def window(
    make_window: Callable[[], MainWindow], qtbot: QtBot, hard_path: Path, soft_path: Path
) -> MainWindow:
    """The window with a hard run in A and a soft one in B, everything read."""
    made = make_window()
    made.session.open([hard_path, soft_path])
    wait_until_shown(qtbot, made)
    return made
