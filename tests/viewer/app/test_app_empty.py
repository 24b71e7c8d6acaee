"""Where there is nothing to show, the window says what and why, and offers what to do next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QPushButton
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.views.parts import Notice

Make = Callable[[], MainWindow]


def notices(window: MainWindow) -> list[Notice]:
    """Those that are seen in the middle of the window, with words."""
    found = window.views.findChildren(Notice)
    return [one for one in found if one.isVisible() and one.text.strip()]


@pytest.mark.parametrize("view", [view.id for view in MAIN_VIEWS])
def test_without_a_run_every_view_says_so_and_offers_a_way_on(
    view: str, make_window: Make, qtbot: QtBot
) -> None:
    window = make_window()
    window.resize(window.minimumSize())
    window.actions_[f"view_{view}"].trigger()
    QApplication.processEvents()
    seen = notices(window)
    assert any("No run is open" in one.text for one in seen)
    assert all(len(one.text.partition("\n")[2].split()) > 4 for one in seen)
    buttons = [button for one in seen for button in one.buttons]
    assert buttons
    for button in buttons:
        # Nothing of it is cut off, also in a narrow pane.
        assert button.width() >= button.minimumSizeHint().width()
        assert button.visibleRegion().boundingRect() == button.rect()
    opener = next((b for b in buttons if b.text() == "Open…"), None)
    if opener is not None:
        QTest.mouseClick(opener, Qt.MouseButton.LeftButton)
        dialogs = [d for d in window.findChildren(QDialog) if d.isVisible()]
        assert [d.objectName() for d in dialogs] == ["openDialog"]
        dialogs[0].close()
    else:
        assert [b.text() for b in buttons] == ["Sample runs…"]


def test_a_filter_without_hits_is_cleared_by_its_button(window: MainWindow, qtbot: QtBot) -> None:
    window.session.set_filter("entropy > 99")
    notice = window.examples.notice
    qtbot.waitUntil(lambda: "No example matches" in notice.text)
    (clear,) = notice.buttons
    clear.click()
    qtbot.waitUntil(lambda: bool(window.session.state.order))
    assert not window.session.state.filter and window.examples.filter.field.text() == ""
    assert not window.actions_["clearFilter"].isEnabled()


def test_what_a_run_does_not_have_is_said_with_what_to_do(
    make_window: Make, qtbot: QtBot, hard_path: Path
) -> None:
    window = make_window()
    window.session.open([hard_path])
    wait_until_shown(qtbot, window)
    window.actions_["view_compare"].trigger()
    assert "Slot B is empty" in window.compare.b.notice.text
    assert [button.text() for button in window.compare.b.notice.buttons] == ["Open…"]
    window.actions_["view_training"].trigger()
    qtbot.waitUntil(lambda: "No snapshots of training" in window.training.notice.text)
    assert "recorder.snapshot" in window.training.notice.text
    assert [button.text() for button in window.training.notice.buttons] == ["Sample runs…"]
    window.actions_["view_faithfulness"].trigger()
    notice = window.faithfulness.notice
    qtbot.waitUntil(lambda: "has not been checked" in notice.text)
    (check,) = notice.buttons
    check.click()
    dialogs = [d.objectName() for d in window.findChildren(QDialog) if d.isVisible()]
    assert dialogs == ["checkDialog"]
    window.findChild(QDialog, "checkDialog").close()


def test_an_offer_goes_with_what_it_was_for(window: MainWindow, qtbot: QtBot) -> None:
    """A notice that says something else has the buttons of that."""
    notice = Notice("some")
    qtbot.addWidget(notice)
    notice.say("One", "of these", ("Open…", "open"), ("Other…", "samples"))
    assert [button.text() for button in notice.buttons] == ["Open…", "Other…"]
    notice.say("Two", "of these")
    QApplication.sendPostedEvents(None, 52)
    assert notice.buttons == [] and notice.findChildren(QPushButton) == []
