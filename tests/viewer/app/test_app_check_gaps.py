"""The event loop of the window while a real check runs and its results are taken in and painted.

A timer of 5 ms ticks in the window's thread; between two ticks nothing else of the window can
happen. Wall time tells what else the machine does as well, so that the processor time of the thread
is measured beside it, and that is what is held to a limit.
"""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.check_dialog import CheckDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.checks.file import checks_path, read_checks

SAMPLES = Path(__file__).parents[3] / "sample_runs"
LIMIT = 0.050
"""Processor seconds of the window's thread between two ticks."""


class Ticks:
    """Gaps between ticks, s, of the wall and of the processor time of this thread."""

    def __init__(self, parent: QObject) -> None:
        self._timer = QTimer(parent, interval=5, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self._last = (0.0, 0.0)

    def __enter__(self) -> Ticks:
        self._last = time.perf_counter(), time.thread_time()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter(), time.thread_time()
        self.wall.append(now[0] - self._last[0])
        self.cpu.append(now[1] - self._last[1])
        self._last = now

    @property
    def words(self) -> str:
        return (
            f"{len(self.cpu)} ticks, largest gap {1e3 * max(self.wall):.0f} ms of wall and "
            f"{1e3 * max(self.cpu):.0f} ms of processor time"
        )


@pytest.fixture
def without_other_garbage() -> Iterator[None]:
    """Other tests left torch here, which the app has not, and which a collection looks through."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.slow
@pytest.mark.usefixtures("without_other_garbage")
def test_the_window_never_stops_for_a_check(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    run = Path(shutil.copy(SAMPLES / "glimpse-hard.h5", tmp_path))
    window = make_window()
    window.session.open([run])
    wait_until_shown(qtbot, window)
    window.actions_["view_faithfulness"].trigger()
    view = window.faithfulness
    qtbot.wait(500)
    with Ticks(window) as idle:
        qtbot.wait(2_000)
    window.actions_["runCheck"].trigger()
    dialog = window.findChild(CheckDialog)
    assert isinstance(dialog, CheckDialog)
    dialog.examples.setValue(16)
    dialog.controls.setValue(20)
    names = dialog.findChild(QComboBox, "checkExplainers")
    names.setEditText("selection,expected attention,saliency,leave-one-out,random")
    with Ticks(window) as busy:
        dialog.go.click()
        qtbot.waitUntil(lambda: not window.checker.is_running, timeout=300_000)
    going = window.session.state.checking
    assert going is not None and going.state == "done", going
    with Ticks(window) as taking:
        qtbot.waitUntil(
            lambda: view.page.picture is not None and len(view.page.picture.report.examples) == 16,
            timeout=30_000,
        )
        for row in (3, 8, 3):
            window.session.go_to_row(row)
            qtbot.wait(200)
        view.operator.setCurrentIndex(1)
        qtbot.wait(500)
    report = read_checks(checks_path(run))
    assert len(report.examples) == 16
    print(f"idle: {idle.words}\nwhile it runs: {busy.words}\nresults: {taking.words}")
    for found in (idle, busy, taking):
        assert len(found.cpu) > 20 and max(found.cpu) < LIMIT, found.words
