"""Sessions in the real window: kept while it runs, restored after a crash, saved and opened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.errors import ExceptionHook
from hardattn_viewer.app.log_dialog import LogDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.session_folder import KEPT, SessionFolder
from hardattn_viewer.session.saved import read_session, saved_of, text_of, write_session

ROOT = Path(__file__).parents[3]


def walk_somewhere(window: MainWindow, qtbot: QtBot) -> None:
    wait_until_shown(qtbot, window)
    window.session.go_to_row(6)
    wait_until_shown(qtbot, window)
    window.session.go_to_step(2)
    window.session.set_view("compare")
    window.session.pin(3)
    wait_until_shown(qtbot, window)


def wait_until_restored(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.sessions._restoring is None, timeout=10_000)
    wait_until_shown(qtbot, window)


def crashed(folder: Path, text: str, log: str = "") -> None:
    """What an app leaves in a folder that was killed: its lock file, which nobody holds."""
    running = folder / "running"
    running.mkdir(parents=True, exist_ok=True)
    (running / "00001-dead.lock").touch()
    write_session(running / "00001-dead.session.json", text)
    (running / "00001-dead.log").write_text(log)


def press_offer(window: MainWindow, words: str) -> None:
    button = next(b for b in window.sessions.offer.findChildren(QPushButton) if b.text() == words)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_what_is_looked_at_is_kept_while_the_app_runs(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = SessionFolder(tmp_path / "sessions")
    window.sessions.begin(folder)
    walk_somewhere(window, qtbot)

    def kept() -> bool:
        return folder.session.exists() and read_session(folder.session).view.get("pinned") == 3

    qtbot.waitUntil(kept, timeout=5_000)
    saved = read_session(folder.session)
    assert saved.example == "digit-6"
    assert saved.view["view"] == "compare" and saved.view["place"]["step"] == 2
    assert [Path(path).name for path in saved.runs] == ["hard.h5", "soft.h5"]
    assert saved.docks
    window.close()
    assert not folder.session.exists()
    assert read_session(folder.last) == saved or read_session(folder.last).runs == saved.runs
    assert list((folder.folder / "running").iterdir()) == []


def test_a_session_is_saved_and_opened_through_the_menu(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, hard_path: Path
) -> None:
    walk_somewhere(window, qtbot)
    window.docks["Runs"].hide()
    before = window.session.state
    window.actions_["saveSession"].trigger()
    dialog = window.findChild(QFileDialog, "saveSessionDialog")
    assert isinstance(dialog, QFileDialog)
    target = tmp_path / "mine.session.json"
    dialog.fileSelected.emit(str(target))
    dialog.close()
    assert read_session(target).example == "digit-6"
    window.actions_["resetLayout"].trigger()
    window.session.swap()
    window.session.go_to_row(1)
    window.session.set_view("overlay")
    window.actions_["openSession"].trigger()
    chooser = window.findChild(QFileDialog, "openSessionDialog")
    assert isinstance(chooser, QFileDialog)
    chooser.fileSelected.emit(str(target))
    chooser.close()
    wait_until_restored(qtbot, window)
    state = window.session.state
    assert (state.place, state.view, state.pinned) == (before.place, "compare", 3)
    run = state.run_in("A")
    assert run is not None and run.path == hard_path
    assert not window.docks["Runs"].isVisible()
    assert window.header.example.text() == "Example 6"


@pytest.mark.parametrize("content", ["{", '{"format": "hardattn session", "version": 9}'])
def test_a_file_that_is_no_session_is_said_and_left_alone(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "bad.session.json"
    path.write_text(content)
    runs = window.session.state.runs
    window.sessions.open(path)
    assert window.message.isVisible() and "bad.session.json" in window.message.text.text()
    assert window.session.state.runs == runs
    assert path.read_text() == content


def test_a_place_that_cannot_be_written_is_said(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    window.sessions.save(tmp_path / "file" / "mine.session.json")
    assert "cannot be saved" in window.message.text.text()


def test_after_a_crash_the_session_is_shown_and_its_log_offered(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path, window: MainWindow
) -> None:
    walk_somewhere(window, qtbot)
    place = tmp_path / "sessions"
    crashed(place, text_of(saved_of(window.session.state)), "Fatal Python error: Aborted")
    folder = SessionFolder(place)
    second = make_window()
    second.sessions.begin(folder)
    assert second.sessions.meet_ended(folder.claim_ended(), restore=True)
    wait_until_restored(qtbot, second)
    assert second.session.state.place == window.session.state.place
    assert "ended without closing" in second.sessions.offer.text.text()
    press_offer(second, "Show its log")
    log = second.findChild(LogDialog)
    assert isinstance(log, LogDialog) and "Fatal Python error" in log.text.toPlainText()
    log.close()
    press_offer(second, "Close")
    assert not second.sessions.offer.isVisible()


def test_a_session_that_crashed_while_it_was_restored_is_only_offered(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path, hard_path: Path
) -> None:
    saved = {"format": "hardattn session", "version": 1, "runs": [str(hard_path)], "a": 0}
    crashed(tmp_path / "sessions", json.dumps({**saved, "restoring": True}))
    folder = SessionFolder(tmp_path / "sessions")
    window = make_window()
    window.sessions.begin(folder)
    assert not window.sessions.meet_ended(folder.claim_ended(), restore=True)
    assert window.session.state.runs == ()
    press_offer(window, "Restore it")
    wait_until_restored(qtbot, window)
    assert [run.path for run in window.session.state.runs] == [hard_path]


def test_a_damaged_session_of_a_crash_is_said_and_kept_aside(
    make_window: Callable[[], MainWindow], tmp_path: Path
) -> None:
    crashed(tmp_path / "sessions", "{")
    folder = SessionFolder(tmp_path / "sessions")
    window = make_window()
    window.sessions.begin(folder)
    assert not window.sessions.meet_ended(folder.claim_ended(), restore=True)
    assert "no session of hardattn" in window.sessions.offer.text.text()
    aside = tmp_path / "sessions" / "ended" / "00001-dead.session.json"
    assert aside.read_text() == "{"
    window.close()
    assert aside.read_text() == "{"


def test_two_windows_keep_a_session_each(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
    hard_path: Path,
    soft_path: Path,
) -> None:
    folders = [SessionFolder(tmp_path / "sessions") for _ in range(2)]
    windows = [make_window() for _ in range(2)]
    for window, folder, path in zip(windows, folders, (hard_path, soft_path), strict=True):
        assert folder.claim_ended() == []
        window.sessions.begin(folder)
        window.session.open([path])
        wait_until_shown(qtbot, window)
    for folder, path in zip(folders, (hard_path, soft_path), strict=True):
        qtbot.waitUntil(lambda f=folder, p=path: read_session(f.session).runs == (str(p),))
    windows[0].close()
    assert read_session(folders[1].session).runs == (str(soft_path),)


def test_what_ended_is_handed_to_one_app_and_the_oldest_is_forgotten(tmp_path: Path) -> None:
    first = SessionFolder(tmp_path)
    for number in range(KEPT + 3):
        (tmp_path / "running" / f"{number:05d}-dead.lock").touch()
        (tmp_path / "running" / f"{number:05d}-dead.session.json").write_text("{}")
    second = SessionFolder(tmp_path)
    assert len(first.claim_ended()) == KEPT + 3
    assert second.claim_ended() == []
    assert len(list((tmp_path / "ended").iterdir())) == KEPT
    first.end("{}")
    second.end("{}")


def test_a_folder_that_cannot_be_written_is_said_once(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = SessionFolder(tmp_path / "sessions")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        window.sessions.begin(folder)
        qtbot.waitUntil(lambda: "No space left" in window.message.text.text(), timeout=5_000)
        window.message.hide()
        window.session.go_to_row(3)
        window.sessions.keep()
        qtbot.wait(100)
        assert not window.message.isVisible()


# --- the app as a process -----------------------------------------------------------------

APP = """
import os, signal, sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
from hardattn_viewer.app import start, main_window
from hardattn_viewer.session.wants import is_settled
act, paths = sys.argv[1], [Path(p) for p in sys.argv[2:]]
made = main_window.MainWindow.showEvent
def show(self, event):
    made(self, event)
    QTimer.singleShot(100, lambda: look(self))
def look(window):
    state = window.session.state
    if not (is_settled(state) and window.sessions._restoring is None):
        QTimer.singleShot(50, lambda: look(window))
    elif act == "crash":
        window.session.go_to_row(2)
        QTimer.singleShot(1500, lambda: os.kill(os.getpid(), signal.SIGABRT))
    elif act == "faults":
        def thrown(): raise ValueError("on a thread")
        for _ in range(2):
            thread = threading.Thread(target=thrown); thread.start(); thread.join()
        QTimer.singleShot(0, fail)
        QTimer.singleShot(600, lambda: end(window))
    else:
        end(window)
def fail(): raise KeyError("in a slot")
def end(window):
    state = window.session.state
    print("runs", [run.path.name for run in state.runs], "example", state.place.example)
    print("offer", window.sessions.offer.text.text())
    print("message", window.message.text.text())
    start.QApplication.closeAllWindows()
main_window.MainWindow.showEvent = show
sys.exit(start.main(paths))
"""


def app(tmp_path: Path, act: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-c", APP, act, *map(str, paths)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )


def test_a_killed_app_comes_back_as_it_was(tmp_path: Path, hard_path: Path) -> None:
    killed = app(tmp_path, "crash", hard_path)
    assert killed.returncode == -signal.SIGABRT, killed.stderr
    again = app(tmp_path, "look")
    assert again.returncode == 0, again.stderr
    assert "runs ['hard.h5'] example 2" in again.stdout
    assert "offer The last session ended without closing. It is shown as it was." in again.stdout
    (log,) = (tmp_path / "data" / "hardattn" / "sessions" / "ended").glob("*.log")
    assert "Fatal Python error: Aborted" in log.read_text()
    third = app(tmp_path, "look")
    assert "offer \n" in third.stdout and "['hard.h5']" not in third.stdout


def test_an_app_that_is_asked_for_a_run_shows_that_after_a_crash(
    tmp_path: Path, hard_path: Path, soft_path: Path
) -> None:
    app(tmp_path, "crash", hard_path)
    again = app(tmp_path, "look", soft_path)
    assert "runs ['soft.h5']" in again.stdout
    assert "offer The last session ended without closing." in again.stdout


def test_faults_are_logged_once_and_the_app_goes_on(tmp_path: Path, hard_path: Path) -> None:
    done = app(tmp_path, "faults", hard_path)
    assert done.returncode == 0, done.stderr
    assert "in a slot" in done.stdout.partition("message")[2]
    log = (tmp_path / "data" / "hardattn" / "sessions" / "last.log").read_text()
    assert log.count("ValueError: on a thread") == 1
    assert log.count("KeyError: 'in a slot'") == 1
    assert done.stderr.count("ValueError: on a thread") == 1


# --- errors in words ----------------------------------------------------------------------


def test_a_fault_of_another_thread_is_shown_and_its_details_are_copied(
    window: MainWindow, qtbot: QtBot
) -> None:
    logged: list[str] = []
    hook = ExceptionHook(window.message, logged.append)
    hook.install()
    try:

        def thrown() -> None:
            raise ValueError("deep down")

        for _ in range(3):
            thread = threading.Thread(target=thrown)
            thread.start()
            thread.join()
        qtbot.waitUntil(window.message.isVisible)
    finally:
        hook.remove()
    assert "ValueError: deep down" in window.message.text.text()
    assert len(logged) == 1
    QTest.mouseClick(window.message.copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == logged[0]
    assert logged[0].startswith("Traceback") and "deep down" in logged[0]
    closing = window.message.findChild(QWidget, "messageClose")
    assert isinstance(closing, QWidget)
    QTest.mouseClick(closing, Qt.MouseButton.LeftButton)
    assert not window.message.isVisible()


def test_a_message_without_details_offers_none(window: MainWindow) -> None:
    window.message.say("Only words.")
    assert not window.message.copy.isVisible()
    assert window.message.findChild(QLabel, "messageText") is not None


def test_the_log_is_in_the_help_menu(window: MainWindow) -> None:
    window.actions_["log"].trigger()
    dialog = window.findChild(LogDialog)
    assert isinstance(dialog, LogDialog)
    assert "Nothing has gone wrong" in dialog.text.toPlainText()
    dialog.close()
