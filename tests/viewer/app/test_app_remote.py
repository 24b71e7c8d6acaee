"""Runs on a server in the app: the URL dialog, dropping, recent runs, and not waiting for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot
from range_server import RangeServer
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.opening import UrlDialog
from hardattn_viewer.app.settings import Settings


@pytest.fixture
def server(hard_path: Path) -> Iterator[RangeServer]:
    with RangeServer(**{"run.h5": hard_path.read_bytes()}) as server:
        yield server


def typed(window: MainWindow, qtbot: QtBot, text: str) -> UrlDialog:
    window.actions_["openUrl"].trigger()
    dialog = window.findChild(UrlDialog)
    assert isinstance(dialog, UrlDialog)
    field = dialog.findChild(QLineEdit, "urlField")
    assert isinstance(field, QLineEdit)
    field.setText(text)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    return dialog


def test_a_url_is_opened_and_remembered_without_its_secrets(
    make_window: Callable[[], MainWindow], qtbot: QtBot, server: RangeServer, settings: Settings
) -> None:
    server.password = "anna:pass-word"
    window = make_window()
    typed(window, qtbot, server.url("run.h5?token=tell-nobody", "anna:pass-word@"))
    wait_until_shown(qtbot, window)
    (run,) = window.session.state.runs
    assert run.status == "ready" and run.name == "run"
    assert [str(path) for path in settings.recent] == [server.url("run.h5")]
    shown = [window.windowTitle(), *(widget.toolTip() for widget in window.cards.children())]
    shown += [window.message.text.text(), repr(window.session.state.runs)]
    assert not [words for words in shown if "pass-word" in words or "tell-nobody" in words]


def test_a_url_that_cannot_be_read_is_said_in_the_dialog(
    make_window: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = make_window()
    dialog = typed(window, qtbot, "ftp://host/run.h5")
    assert dialog.isVisible()
    assert dialog.words.text().startswith("ftp:// URLs cannot be read; use one of https")
    assert not window.session.state.runs
    dialog.reject()


def test_a_copied_url_is_in_the_dialog_already(
    make_window: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = make_window()
    QGuiApplication.clipboard().setText("https://host/run.h5")
    dialog = UrlDialog(window.session.open, window)
    assert dialog.field.text() == "https://host/run.h5"
    QGuiApplication.clipboard().setText("two\nlines")
    assert UrlDialog(window.session.open, window).field.text() == ""
    dialog.close()


@pytest.mark.parametrize("as_text", [False, True])
def test_a_dropped_link_is_opened(
    make_window: Callable[[], MainWindow], qtbot: QtBot, server: RangeServer, as_text: bool
) -> None:
    window = make_window()
    data = QMimeData()
    if as_text:
        data.setText(server.url("run.h5"))
    else:
        data.setUrls([QUrl(server.url("run.h5"))])
    held, actions = Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction
    nothing = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), actions, data, held, nothing)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(50, 50), actions, data, held, nothing))
    wait_until_shown(qtbot, window)
    assert [str(run.path) for run in window.session.state.runs] == [server.url("run.h5")]


def test_closing_a_run_that_is_waited_for_lets_others_open(
    make_window: Callable[[], MainWindow], qtbot: QtBot, server: RangeServer, hard_path: Path
) -> None:
    window = make_window()
    server.moods = ["silent"]
    typed(window, qtbot, server.url("run.h5"))
    qtbot.waitUntil(lambda: bool(server.asked))
    started = time.monotonic()
    window.session.open([hard_path])
    window.session.close_run(window.session.state.runs[0].key)
    wait_until_shown(qtbot, window)
    assert time.monotonic() - started < 5


def test_the_window_closes_while_a_server_is_silent(
    make_window: Callable[[], MainWindow], qtbot: QtBot, server: RangeServer
) -> None:
    window = make_window()
    server.moods = ["silent"]
    typed(window, qtbot, server.url("run.h5"))
    qtbot.waitUntil(lambda: bool(server.asked))
    started = time.monotonic()
    window.close()
    assert time.monotonic() - started < 2


def test_what_a_server_refuses_is_said_in_the_window(
    make_window: Callable[[], MainWindow], qtbot: QtBot, server: RangeServer, settings: Settings
) -> None:
    window = make_window()
    typed(window, qtbot, server.url("none.h5"))
    qtbot.waitUntil(lambda: window.session.state.runs[0].status == "failed")
    assert "is not there (HTTP 404); check the address" in window.session.state.runs[0].error
    assert settings.recent == []
