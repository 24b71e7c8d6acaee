"""What is said where something cannot be opened, and that the window goes on working."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run

from hardattn_viewer.app.errors import ExceptionHook, sentence_of
from hardattn_viewer.app.main_window import MainWindow


def wait_until_read(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(
        lambda: all(run.status != "loading" for run in window.session.state.runs), timeout=10_000
    )
    QApplication.processEvents()


@pytest.mark.parametrize("kind", ["missing", "not a run", "truncated", "a folder", "empty"])
def test_what_cannot_be_opened_is_said_in_one_sentence(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
    hard_path: Path,
    kind: str,
) -> None:
    path = tmp_path / "broken.h5"
    if kind == "not a run":
        path.write_text("once upon a time")
    elif kind == "truncated":
        whole = hard_path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "a folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    window = make_window()
    window.session.open([path])
    wait_until_read(qtbot, window)
    (run,) = window.session.state.runs
    assert run.status == "failed"
    assert "broken.h5" in run.error
    assert "\n" not in run.error and "Traceback" not in run.error
    card = window.cards.card(run.key)
    assert card.badge.text() == "FAILED" and card.line.text() == run.error
    assert window.message.isVisible() and window.message.text.text() == run.error
    window.session.open([hard_path])
    wait_until_shown(qtbot, window)
    assert window.header.example.text() == "Example 0"


def test_names_from_files_are_never_rich_text(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    name = "<img src=x><b>bold</b>"
    path = write_run(tmp_path / "run<b>.h5", hard=True, names=[name])
    window = make_window()
    window.session.open([path])
    wait_until_shown(qtbot, window)
    for label in window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText, label.objectName()
    assert "&lt;img" in window.header.example.toolTip()


def test_dropped_files_are_opened(
    make_window: Callable[[], MainWindow], qtbot: QtBot, hard_path: Path
) -> None:
    window = make_window()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(hard_path))])
    held, actions = Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction
    nothing = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), actions, data, held, nothing)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(50, 50), actions, data, held, nothing)
    QApplication.sendEvent(window, drop)
    wait_until_shown(qtbot, window)
    assert [run.path for run in window.session.state.runs] == [hard_path]


def test_a_fault_of_the_program_is_shown_and_written_out(
    make_window: Callable[[], MainWindow], capsys: pytest.CaptureFixture[str]
) -> None:
    window = make_window()
    before = sys.excepthook
    hook = ExceptionHook(window.message)
    hook.install()
    try:
        raise KeyError("a name")
    except KeyError as error:
        sys.excepthook(KeyError, error, error.__traceback__)
    finally:
        hook.remove()
        sys.excepthook = before
    assert "KeyError" in window.message.text.text()
    assert "Traceback" in capsys.readouterr().err


def test_a_long_fault_is_cut_to_one_sentence() -> None:
    sentence = sentence_of(ValueError("x" * 5000 + "\nmore"))
    assert len(sentence) < 400 and "\n" not in sentence


def test_an_example_that_one_run_lacks_is_said_in_its_pane(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    a = write_run(tmp_path / "a.h5", hard=True, names=["x", "y"])
    b = write_run(tmp_path / "b.h5", hard=False, names=["x"])
    window = make_window()
    window.session.open([a, b])
    wait_until_shown(qtbot, window)
    window.session.set_view("compare")
    window.session.go_to_row(1)
    wait_until_shown(qtbot, window)
    assert "b does not hold example y" in window.compare.b.notice.text
    assert window.compare.b.canvas.picture is None
    assert "needs a run in A and one in B" in window.compare.difference.notice.text
    assert window.compare.a.canvas.picture is not None
