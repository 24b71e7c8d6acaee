"""Whatever takes the focus has a name, is reached by Tab and shows where the focus is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QTabBar, QWidget
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run
from text_runs import write_text_run

from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.app.main_window import MainWindow

VIEWS = [view.id for view in MAIN_VIEWS]
# Pixels around a widget in which its focus may be shown.
AROUND = 3


def name_of(widget: QWidget) -> str:
    """What a person who mends it looks for."""
    own = widget.objectName() or type(widget).__name__
    parent = widget.parentWidget()
    while parent is not None and not parent.objectName():
        parent = parent.parentWidget()
    return f"{parent.objectName() if parent is not None else ''}/{own}"


def takes_focus(widget: QWidget) -> bool:
    return (
        widget.isVisible()
        and widget.isEnabled()
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and widget.focusProxy() is None
        # Reached through the widget that they are a part of.
        and not widget.objectName().startswith("qt_")
        and widget.width() > 0
    )


def that_take_focus(window: QWidget) -> list[QWidget]:
    return [w for w in window.findChildren(QWidget) if takes_focus(w) and w.window() is window]


@pytest.fixture(params=["regions", "text"])
def shown(
    request: pytest.FixtureRequest,
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
) -> MainWindow:
    """The window with two runs over regions, or two over tokens with several sites and heads."""
    window = make_window()
    if request.param == "regions":
        paths = [
            write_run(tmp_path / f"{name}.h5", hard=name == "a", heads=3, snapshots=(1, 2))
            for name in "ab"
        ]
    else:
        paths = [write_text_run(tmp_path / f"{name}.h5", seed=ord(name)) for name in "ab"]
    window.session.open(paths)
    wait_until_shown(qtbot, window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def tab_round(window: QWidget) -> set[QWidget]:
    """Every widget that Tab comes to before it is back where it began."""
    start = window.focusWidget() or window
    reached: set[QWidget] = set()
    QTest.keyClick(start, Qt.Key.Key_Tab)
    for _ in range(500):
        widget = window.focusWidget()
        if widget is None or widget in reached:
            break
        reached.add(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
    return reached


@pytest.mark.parametrize("view", VIEWS)
def test_every_part_that_takes_focus_has_a_name(shown: MainWindow, qtbot: QtBot, view: str) -> None:
    shown.session.set_view(view)  # type: ignore[arg-type]
    wait_until_shown(qtbot, shown)
    nameless = [
        name_of(w) for w in that_take_focus(shown) if not (w.accessibleName() or _text(w)).strip()
    ]
    assert nameless == []


@pytest.mark.parametrize("view", VIEWS)
def test_tab_comes_to_every_part_that_takes_focus(
    shown: MainWindow, qtbot: QtBot, view: str
) -> None:
    shown.session.set_view(view)  # type: ignore[arg-type]
    wait_until_shown(qtbot, shown)
    shown.examples.table.setFocus()
    reached = tab_round(shown)
    missed = [name_of(w) for w in that_take_focus(shown) if w not in reached]
    assert missed == []
    for part in (shown.view[view], *(dock.widget() for dock in shown.docks.values())):
        if any(part.isAncestorOf(w) or w is part for w in that_take_focus(shown)):
            assert any(part.isAncestorOf(w) or w is part for w in reached), name_of(part)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_focus_can_be_seen_wherever_it_is(
    shown: MainWindow, qtbot: QtBot, view: str, theme: str
) -> None:
    shown.session.set_theme(theme)  # type: ignore[arg-type]
    shown.session.set_view(view)  # type: ignore[arg-type]
    wait_until_shown(qtbot, shown)
    qtbot.wait(30)
    unseen = []
    for widget in that_take_focus(shown):
        other = next(w for w in that_take_focus(shown) if w is not widget)
        other.setFocus(Qt.FocusReason.TabFocusReason)
        without = _picture(shown, widget)
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if _picture(shown, widget) == without:
            unseen.append(name_of(widget))
    assert unseen == []


def test_dialogs_name_what_takes_focus(shown: MainWindow, qtbot: QtBot) -> None:
    for command in shown.actions_.commands:
        if not command.text.endswith("…") or command.id.startswith("open"):
            continue
        if not shown.actions_[command.id].isEnabled():
            continue
        shown.actions_[command.id].trigger()
        QApplication.processEvents()
        for dialog in shown.findChildren(QDialog):
            # Those of the system name their own parts.
            if type(dialog).__module__.startswith("hardattn_viewer"):
                nameless = [
                    name_of(w)
                    for w in that_take_focus(dialog)
                    if not (w.accessibleName() or _text(w)).strip()
                ]
                assert nameless == [], command.id
            dialog.close()
        popup = QApplication.activePopupWidget()
        if popup is not None:
            popup.close()
        QApplication.processEvents()


def _text(widget: QWidget) -> str:
    text = getattr(widget, "text", None)
    if isinstance(widget, QTabBar):
        return widget.tabText(widget.currentIndex())
    return str(text()) if callable(text) else ""


def _picture(window: QWidget, widget: QWidget) -> QImage:
    QApplication.processEvents()
    corner = widget.mapTo(window, QPoint(0, 0))
    area = QRect(corner, widget.size()).adjusted(-AROUND, -AROUND, AROUND, AROUND)
    return window.grab(area).toImage()
