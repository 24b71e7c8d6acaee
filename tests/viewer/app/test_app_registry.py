"""One registry of commands, settings with a version, and names for those who cannot see."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app import settings as settings_module
from hardattn_viewer.app.help import HelpDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.palette import Palette, matching
from hardattn_viewer.app.settings import RECENT, VERSION, Settings, Store
from hardattn_viewer.session import saved


def test_every_command_is_in_a_menu_the_palette_and_the_help(
    window: MainWindow, qtbot: QtBot
) -> None:
    in_menus = {action.objectName() for menu in all_menus(window) for action in menu.actions()}
    window.actions_["help"].trigger()
    window.actions_["palette"].trigger()
    shown = {label.text() for label in window.findChild(HelpDialog).findChildren(QLabel)}
    palette = window.findChild(Palette)
    for command in window.actions_.commands:
        name = command.text.replace("&", "")
        assert command.id in in_menus
        assert name in shown
        assert command in matching(window.actions_.commands, name)
    palette.close()
    window.findChild(HelpDialog).close()


def all_menus(window: MainWindow) -> list[QMenu]:
    """The menus of the bar, and their submenus."""
    return [one for menu in window.menus.values() for one in (menu, *menu.findChildren(QMenu))]


def test_the_view_menu_is_short_and_each_of_its_submenus_too(window: MainWindow) -> None:
    view = window.menus["View"]
    entries = [action for action in view.actions() if not action.isSeparator()]
    assert len(entries) <= 16
    inner = [action.menu() for action in entries if action.menu() is not None]
    assert [menu.title().replace("&", "") for menu in inner] == [
        "Site, head and query",
        "Zoom",
        "Attention on images",
        "Attention on tokens",
        "Matrix of queries and keys",
        "Colours and their scale",
        "Theme",
    ]
    for menu in inner:
        inside = [action for action in menu.actions() if not action.isSeparator()]
        assert 2 <= len(inside) <= 12
        assert all(action.objectName() for action in inside)
        assert menu.menuAction().toolTip()
    # Every command of the menu once, there or in one of them.
    places = [action.objectName() for menu in (view, *inner) for action in menu.actions()]
    own = [command.id for command in window.actions_.commands if command.menu == "View"]
    assert sorted(filter(None, places)) == sorted(own)
    for menu in (view, *inner):
        marks = [text[text.index("&") + 1].lower() for text in titles(menu) if "&" in text]
        assert len(marks) == len(set(marks)), (menu.title(), marks)


def titles(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_a_command_in_a_submenu_is_found_by_the_name_of_that(window: MainWindow) -> None:
    found = matching(window.actions_.commands, "view zoom")
    assert {command.id for command in found} >= {"zoomIn", "zoomOut", "matrix_zoom_cell"}
    window.actions_["palette"].trigger()
    palette = window.findChild(Palette)
    QTest.keyClicks(palette.field, "zoom in")
    item = palette.list.currentItem()
    assert item is not None and item.text(0) == "View › Zoom › Zoom in"
    palette.close()


def test_no_key_is_given_twice(window: MainWindow) -> None:
    keys = [key for command in window.actions_.commands for key in command.keys]
    assert len(keys) == len(set(keys))


def test_the_keys_of_the_design_are_there(window: MainWindow) -> None:
    keys = {key for command in window.actions_.commands for key in command.keys}
    assert keys >= {
        *("Space", "Left", "Right", "Shift+Left", "Shift+Right", "Home", "End"),
        *("J", "K", "L", "Up", "Down", "[", "]"),
        *("Ctrl+O", "Ctrl+E", "?", "Ctrl+C", "Escape", "Ctrl+Shift+P"),
    }


def test_the_palette_does_what_is_typed(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["palette"].trigger()
    palette = window.findChild(Palette)
    assert isinstance(palette, Palette)
    QTest.keyClicks(palette.field, "last step")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    wait_until_shown(qtbot, window)
    assert window.session.state.place.step == window.session.state.frames.steps - 1


def test_commands_that_cannot_be_done_are_disabled(
    make_window: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = make_window()
    for name in ("export", "play", "forward", "copy", "swap", "undo"):
        assert not window.actions_[name].isEnabled(), name
    for name in ("open", "help", "palette", "toggleTheme", "resetLayout"):
        assert window.actions_[name].isEnabled(), name


def test_commands_follow_where_the_pointer_is_over_a_key(window: MainWindow) -> None:
    for run in window.session.state.runs:
        assert window.actions_["export"].isEnabled()
        window.session.hover(1)
        window.session.close_run(run.key)
        QApplication.processEvents()
    for name in ("export", "play", "forward", "copy", "swap"):
        assert not window.actions_[name].isEnabled(), name


def test_everything_that_can_be_used_has_a_name(window: MainWindow) -> None:
    nameless = [
        widget.objectName() or type(widget).__name__
        for kind in (QAbstractButton, QLineEdit, QComboBox, QAbstractItemView)
        for widget in window.findChildren(kind)
        if widget.isVisible()
        and not widget.objectName().startswith("qt_")
        and not isinstance(widget.parent(), QLineEdit)
        and not (widget.accessibleName() or getattr(widget, "text", str)())
    ]
    assert nameless == []


def test_tab_reaches_the_parts_of_the_window(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    window.examples.filter.field.setFocus()
    reached: set[str] = set()
    for _ in range(60):
        widget = QApplication.focusWidget()
        if isinstance(widget, QWidget):
            reached.add(widget.objectName())
            QTest.keyClick(widget, Qt.Key.Key_Tab)
    assert reached >= {
        "filterField",
        "examplesTable",
        "runCard",
        "tool_open",
        "tool_export",
        "transport_play",
        "pin",
    }


def test_the_layout_comes_back_and_can_be_reset(
    make_window: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    first = make_window()
    first.docks["Inspector"].hide()
    first.close()
    second = make_window()
    assert not second.docks["Inspector"].isVisible()
    second.actions_["resetLayout"].trigger()
    assert second.docks["Inspector"].isVisible()


def test_settings_remember_runs_newest_first(settings: Settings) -> None:
    for number in range(RECENT + 3):
        settings.remember(Path(f"/runs/{number}.h5"))
    settings.remember(Path("/runs/5.h5"))
    assert settings.recent[0] == Path("/runs/5.h5")
    assert len(settings.recent) == RECENT == len(set(settings.recent))
    settings.forget_recent()
    assert settings.recent == []


def test_settings_of_a_newer_version_keep_their_number(tmp_path: Path) -> None:
    store = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    store.setValue("version", VERSION + 1)
    store.setValue("theme", "light")
    settings = Settings(store)
    assert settings.theme == "light"
    assert int(str(store.value("version"))) == VERSION + 1


def test_settings_are_brought_up_to_date_one_version_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_2(store: Store) -> None:
        store.setValue("theme", store.value("colours"))

    def to_3(store: Store) -> None:
        store.setValue("theme", {"night": "dark"}[str(store.value("theme"))])

    monkeypatch.setattr(settings_module, "VERSION", 3)
    monkeypatch.setattr(settings_module, "MIGRATIONS", {1: to_2, 2: to_3})
    path = str(tmp_path / "s.ini")
    store = QSettings(path, QSettings.Format.IniFormat)
    store.setValue("version", 1)
    store.setValue("colours", "night")
    store.setValue("recent", ["/runs/a.h5"])
    settings = Settings(store)
    assert settings.theme == "dark" and settings.recent == [Path("/runs/a.h5")]
    settings.restore_session = True
    settings.sync()
    again = Settings(QSettings(path, QSettings.Format.IniFormat))
    assert again.theme == "dark" and again.restore_session
    assert int(str(QSettings(path, QSettings.Format.IniFormat).value("version"))) == 3


def test_every_version_of_the_settings_has_its_migration() -> None:
    assert sorted(settings_module.MIGRATIONS) == list(range(1, VERSION))
    assert sorted(saved.MIGRATIONS) == list(range(1, saved.VERSION))


def test_settings_that_make_no_sense_are_taken_as_unset(tmp_path: Path) -> None:
    store = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    for key, value in (("theme", "plaid"), ("recent", 7), ("window/docks", "x"), ("version", "?")):
        store.setValue(key, value)
    settings = Settings(store)
    assert settings.theme == "system"
    assert settings.recent == []
    assert settings.docks == QByteArray()


def test_pyside_keeps_its_references_to_none(window: MainWindow, qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 drops one at every void call, and aborts in the end."""
    wait_until_shown(qtbot, window)

    def walk() -> None:
        for step in range(60):
            window.session.go_to_step(step % 4)
            window.session.hover(step % 9)
            QApplication.processEvents()

    walk()
    gc.collect()
    before = sys.getrefcount(None)
    for _ in range(5):
        walk()
    gc.collect()
    lost = before - sys.getrefcount(None)
    assert lost < 200
