"""All heads of runs that grow, in the real window."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from live_runs import start_writer, true_maps
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.session.head_numbers import HeadNumbers


def test_the_heads_of_a_recording_are_followed_and_what_is_known_is_not_read_again(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    with start_writer(path, pause=0.2, seconds=4) as process:
        folder = path.with_name(path.name + ".parts")
        until = time.monotonic() + 30
        while not list(folder.glob("seg-*")):
            assert time.monotonic() < until, "nothing was recorded"
            time.sleep(0.01)
        window = make_window()
        session = window.session
        session.open([path])
        wait_until_shown(qtbot, window)
        session.set_view("heads")
        qtbot.waitUntil(lambda: session.state.studies["heads"].finished, timeout=10_000)
        first = session.state.studies["heads"]
        generation = session.state.runs[0].generation
        qtbot.waitUntil(lambda: session.state.runs[0].generation > generation + 1, timeout=30_000)
        assert session.state.studies["heads"] is first
        window.actions_["follow"].trigger()
        qtbot.waitUntil(
            lambda: all(run.facts is not None and run.facts.sealed for run in session.state.runs),
            timeout=30_000,
        )
        written = int(process.communicate()[0])
    qtbot.waitUntil(lambda: not session.state.following, timeout=10_000)
    wait_until_shown(qtbot, window)
    qtbot.waitUntil(lambda: session.state.studies["heads"].finished, timeout=10_000)
    QTest.qWait(10)
    numbers = session.state.studies["heads"].value
    assert isinstance(numbers, HeadNumbers)
    assert (numbers.example_name, numbers.step) == (f"e{written - 1}", 2)
    truth = true_maps(written - 1)[2]
    np.testing.assert_allclose(
        numbers.column("hardness"), truth.max(axis=-1).mean(axis=-1), atol=1e-6
    )
