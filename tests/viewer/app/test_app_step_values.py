"""What stands below the timeline where an example has one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from recorders import Recorder


def write_answers(path: Path, *answers: str) -> Path:
    """Questions about a picture, each with what was answered in one step."""
    image = np.full((8, 16, 3), 200, np.uint8)
    boxes = np.array([[0, 0, 8, 8], [8, 0, 16, 8]], float)
    with Recorder(path) as recorder:
        for number, answer in enumerate(answers):
            with recorder.example(name=f"q-{number}", image=image, regions=boxes):
                recorder.log(
                    "look",
                    probabilities=np.array([[0.25, 0.75]], np.float32),
                    query_axis="target",
                    key_axis="regions",
                )
                if answer:
                    recorder.written([answer])
                recorder.step()
    return path


def test_what_was_written_in_the_one_step_is_said_for_each_run(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = make_window()
    paths = [
        write_answers(tmp_path / "a.h5", "yes", "light\nblue", ""),
        write_answers(tmp_path / "b.h5", "no", "", ""),
    ]
    window.session.open(paths)
    wait_until_shown(qtbot, window)
    why = window.findChild(QLabel, "oneStep")
    assert why is not None
    for row, told in enumerate(["A writes “yes”, B writes “no”.", "A writes “light blue”.", ""]):
        window.session.go_to_row(row)
        wait_until_shown(qtbot, window)
        expected = f"One step: there is no course to draw. {told}".rstrip()
        qtbot.waitUntil(lambda expected=expected: why.text() == expected)
