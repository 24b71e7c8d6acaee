"""Animations and contact sheets from the real window: previewed, saved, cancelled."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shiboken6
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.series_dialog import SeriesDialog
from hardattn_viewer.figures.embedding import recipe_in

# A process of its own has to start, and may have to wait for others.
PATIENCE = 40_000


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot) -> Iterator[SeriesDialog]:
    """The dialog, opened as a person opens it."""
    window.actions_["export"].trigger()
    export = window.findChild(ExportDialog)
    assert isinstance(export, ExportDialog)
    QTest.mouseClick(export.several, Qt.MouseButton.LeftButton)
    found = window.findChild(SeriesDialog)
    assert isinstance(found, SeriesDialog)
    yield found
    if shiboken6.isValid(found):
        found.close()
    QApplication.processEvents()


def choose(dialog: SeriesDialog, over: str, suffix: str) -> None:
    dialog.over.setCurrentIndex(dialog.over.findData(over))
    dialog.format.setCurrentIndex(dialog.format.findData(suffix))


def saved(dialog: SeriesDialog, qtbot: QtBot, path: Path) -> Path:
    dialog.path.setText(str(path))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert dialog.progress.isVisible() and dialog.cancel.isEnabled()
    qtbot.waitUntil(lambda: not dialog.process.is_running, timeout=PATIENCE)
    assert dialog.saved == path, dialog.message.text()
    assert not dialog.progress.isVisible() and not dialog.cancel.isEnabled()
    return path


def test_the_preview_plays_and_what_is_saved_is_what_the_command_makes(
    dialog: SeriesDialog, window: MainWindow, qtbot: QtBot, tmp_path: Path, hard_path: Path
) -> None:
    steps = window.session.state.frames.steps
    assert dialog.over.currentData() == "steps" and dialog.last.value() == steps
    dialog.fps.setValue(20)
    qtbot.waitUntil(lambda: len(dialog.frames) == steps, timeout=PATIENCE)
    shown = set()
    deadline = time.monotonic() + 10
    while len(shown) < steps and time.monotonic() < deadline:
        qtbot.wait(15)
        assert dialog.preview.image is not None
        shown.add(dialog.preview.image.cacheKey())
    assert len(shown) == steps
    mine = saved(dialog, qtbot, tmp_path / "mine.gif")
    frame = window.session.state.frame
    assert frame is not None
    told = tmp_path / "told.gif"
    words = ["--example", str(frame.place.example), "--view", str(dialog.view.currentData())]
    words += ["--width-mm", "85", "--fps", "20"]
    command = [sys.executable, "-m", "hardattn_viewer", "export", str(hard_path), *words]
    subprocess.run([*command, "-o", str(told)], check=True, capture_output=True)
    assert mine.read_bytes() == told.read_bytes()


def test_a_sheet_of_the_examples_in_the_list_has_those_that_pass_the_filter(
    dialog: SeriesDialog, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog.close()
    window.session.set_filter("example < 3")
    window.session.set_sort("index", descending=True)
    qtbot.waitUntil(lambda: len(window.session.state.order) == 3, timeout=PATIENCE)
    order = window.session.state.order
    window.actions_["export"].trigger()
    export = window.findChildren(ExportDialog)[-1]
    QTest.mouseClick(export.several, Qt.MouseButton.LeftButton)
    again = window.findChildren(SeriesDialog)[-1]
    choose(again, "examples", ".npz")
    assert again.last.value() == 3
    saved(again, qtbot, tmp_path / "s.npz")
    rows = window.session.state.rows
    assert rows is not None
    with np.load(tmp_path / "s.npz") as data:
        assert data["at"].tolist() == [rows.index("A", row) for row in order] == [2, 1, 0]
    again.format.setCurrentIndex(again.format.findData(".png"))
    saved(again, qtbot, tmp_path / "s.png")
    with Image.open(tmp_path / "s.png") as image:
        assert "3 examples" in image.info["Description"]
    again.close()


@pytest.mark.parametrize("view", ["heads", "timeline"])
def test_views_of_many_pictures_move_and_lie_on_no_sheet(
    dialog: SeriesDialog, qtbot: QtBot, tmp_path: Path, view: str
) -> None:
    dialog.view.setCurrentIndex(dialog.view.findData(view))
    assert dialog.view.currentData() == view
    steps = dialog.last.value()
    path = saved(dialog, qtbot, tmp_path / "a.gif")
    with Image.open(path) as film:
        assert film.n_frames == steps > 1
    assert recipe_in(path).options.view == view
    choose(dialog, "examples", ".pdf")
    dialog.path.setText(str(tmp_path / "a.pdf"))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.process.is_running, timeout=PATIENCE)
    assert "save it as .gif or .mp4" in dialog.message.text()
    assert not (tmp_path / "a.pdf").exists()


def test_cancel_ends_the_writing_and_leaves_nothing(
    dialog: SeriesDialog, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog.path.setText(str(tmp_path / "a.gif"))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    qtbot.wait(150)
    QTest.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
    assert dialog.saved is None and not dialog.process.is_running
    assert dialog.message.text() == "Cancelled: nothing was written."
    assert dialog.save.isEnabled() and not dialog.progress.isVisible()
    assert not list(tmp_path.glob("*.gif")) and not list(tmp_path.glob(".*.part"))


def test_what_cannot_be_written_is_said_in_the_dialog(
    dialog: SeriesDialog, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> str:
        dialog.path.setText(str(path))
        QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not dialog.process.is_running, timeout=PATIENCE)
        assert dialog.saved is None and dialog.save.isEnabled()
        return dialog.message.text()

    assert "choose another place" in refused(tmp_path / "nowhere" / "a.gif")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "MP4 needs the program ffmpeg" in refused(tmp_path / "a.mp4")


def test_the_window_is_never_held_up(dialog: SeriesDialog, qtbot: QtBot, tmp_path: Path) -> None:
    """Turns of the event loop while a preview is drawn, shown and a file is written."""
    turns: list[float] = [time.thread_time()]
    ticking = QTimer(dialog, interval=0)
    ticking.timeout.connect(lambda: turns.append(time.thread_time()))
    ticking.start()
    dialog.width_mm.setValue(120)
    qtbot.waitUntil(lambda: len(dialog.frames) > 2, timeout=PATIENCE)
    saved(dialog, qtbot, tmp_path / "a.gif")
    ticking.stop()
    # The processor time of this thread: others share the machine.
    # Starting a process copies the tables of this one's memory, which holds what all tests loaded;
    # there are two: the preview and the file.
    slow = [turn for turn in np.diff(turns) if turn >= 0.05]
    assert len(slow) <= 2 and sum(slow) < 0.4, slow


def test_closing_ends_the_drawing(dialog: SeriesDialog, window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: dialog.process.is_running, timeout=PATIENCE)
    process = dialog.process
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not process.is_running
