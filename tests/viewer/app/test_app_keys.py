"""Every key of the design does the same wherever the focus is, and no two commands share one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown
from test_app_access import name_of, that_take_focus
from text_runs import write_text_run

from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.app.main_window import MainWindow

# The keys that hold everywhere, by look.md.
DESIGN = (
    *("Space", "Left", "Right", "Shift+Left", "Shift+Right", "Home", "End", "J", "K", "L"),
    *("Up", "Down", "[", "]", "{", "}", "/", "Ctrl+Shift+P", "?"),
)
# Who writes text keeps the keys that text is made of; the others work there as well.
WRITES = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
EVERYWHERE = ("Ctrl+Shift+P",)


@pytest.fixture
def tokens(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> Iterator[MainWindow]:
    """Two runs with several sites, heads and examples."""
    window = make_window()
    paths = [write_text_run(tmp_path / f"{name}.h5", seed=ord(name)) for name in "ab"]
    window.session.open(paths)
    wait_until_shown(qtbot, window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    yield window


def send(widget: QWidget, key: str) -> None:
    combination = QKeySequence(key)[0]
    QTest.keyClick(widget, combination.key(), combination.keyboardModifiers())


def owner_of(window: MainWindow, key: str) -> str:
    wanted = QKeySequence(key)
    (owner,) = [
        command.id
        for command in window.actions_.commands
        if wanted in map(QKeySequence, command.keys)
    ]
    return owner


def test_no_two_commands_share_a_key(window: MainWindow) -> None:
    owners: dict[str, str] = {}
    for command in window.actions_.commands:
        for key in command.keys:
            same = QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)
            assert same, f"{command.id}: {key} is no key"
            assert same not in owners, f"{command.id} and {owners.get(same)} share {key}"
            owners[same] = command.id


def test_every_key_of_the_design_belongs_to_a_command(window: MainWindow) -> None:
    for key in DESIGN:
        owner_of(window, key)


@pytest.mark.parametrize("view", [view.id for view in MAIN_VIEWS])
def test_no_part_of_the_window_swallows_a_key(tokens: MainWindow, qtbot: QtBot, view: str) -> None:
    window = tokens
    window.session.set_view(view)  # type: ignore[arg-type]
    wait_until_shown(qtbot, window)
    heard: list[str] = []
    for command in window.actions_.commands:
        action = window.actions_[command.id]
        # What they do is tested elsewhere; here it is enough that they are asked to.
        action.triggered.disconnect()
        action.triggered.connect(lambda *_, id_=command.id: heard.append(id_))
        action.setEnabled(True)
    swallowed = []
    for widget in that_take_focus(window):
        for key in DESIGN:
            if not belongs_to(widget, key):
                widget.setFocus(Qt.FocusReason.TabFocusReason)
                heard.clear()
                send(widget, key)
                if heard != [owner_of(window, key)]:
                    swallowed.append((name_of(widget), key, list(heard)))
                for dialog in window.findChildren(QDialog):
                    dialog.close()
    assert swallowed == []


def belongs_to(widget: QWidget, key: str) -> bool:
    """Whether a key is the widget's own by the ways of the desktop."""
    if isinstance(widget, WRITES):
        return key not in EVERYWHERE
    if isinstance(widget, QAbstractButton):
        return key == "Space"
    if isinstance(widget, QComboBox):
        return key in ("Space", "Up", "Down")
    return False


def test_a_list_of_completions_takes_the_arrows(window: MainWindow, qtbot: QtBot) -> None:
    """They choose a completion, and the example stays."""
    window.activateWindow()
    field = window.examples.filter.field
    field.setFocus()
    QTest.keyClicks(field, "en")
    completions = window.examples.filter.expression.list
    qtbot.waitUntil(completions.isVisible, timeout=3_000)
    row, chosen = window.session.state.place.example, completions.currentRow()
    QTest.keyClick(field, Qt.Key.Key_Down)
    assert window.session.state.place.example == row
    assert completions.currentRow() != chosen
    QTest.keyClick(field, Qt.Key.Key_Escape)
