"""Two small runs and the real window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import shiboken6
from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.app.start import Bridge
from hardattn_viewer.session.session import Session


@pytest.fixture(scope="session")
def hard_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "hard.h5", hard=True, seed=1)


@pytest.fixture(scope="session")
def soft_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "soft.h5", hard=False, seed=2)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def make_window(qtbot: QtBot, settings: Settings) -> Iterator[Callable[[], MainWindow]]:
    """Builds the app's window on a session with a reader thread, as the app does."""
    made: list[tuple[MainWindow, Bridge]] = []

    def make() -> MainWindow:
        # As when the app starts: each widget of a new window would be dressed as the last one was.
        cast("QApplication", QApplication.instance()).setStyleSheet("")
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
        if shiboken6.isValid(window):
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
