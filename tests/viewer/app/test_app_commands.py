"""Every command of the registry, through its menu entry and each of its keys: what changes.

A command that no base window enables, or that changes nothing there, fails: give it a window or a
preparation in ``PREPARE``. What it changes is named in ``CHANGES``; a command that is not named
there has to change something that a person can see.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import pytest
from live_runs import start_writer
from long_runs import write_long_run
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcutEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run
from text_runs import write_generated_run, write_text_run

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.every import commands_of
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.session_folder import SessionFolder
from hardattn_viewer.checks.file import checks_path
from hardattn_viewer.session import recovering
from hardattn_viewer.session.atlas import Atlas, HeadAt
from hardattn_viewer.session.beside import Beside
from hardattn_viewer.session.checking import checked_run
from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.session.finding import hits_of
from hardattn_viewer.session.saved import saved_of, text_of, write_session
from hardattn_viewer.session.session import Session

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "viewer.md"


class _AnyWindow:
    """Stands for the window while the names of commands are collected."""

    def __getattr__(self, name: str) -> _AnyWindow:
        return self

    def __call__(self, *_: object) -> None:
        """Do nothing."""


def _commands() -> list[Command]:
    session = Session()
    try:
        return commands_of(session, cast("Window", _AnyWindow()))
    finally:
        session.close()


COMMANDS = {command.id: command for command in _commands()}

# What a command is there to change; of the place, the part of it.
CHANGES = {
    "open": "dialogs", "openParts": "dialogs", "openUrl": "dialogs", "samples": "message",
    "closeRun": "runs", "recover": "recovery", "stopRecovery": "recovery",
    "saveSession": "dialogs", "openSession": "dialogs", "restoreSession": "runs",
    "restoreAtStart": "restore", "export": "dialogs", "quit": "visible",
    "undo": "view state", "redo": "view state", "copy": "clipboard", "filter": "focus",
    "clearFilter": "filter", "letGo": "pinned", "palette": "dialogs",
    "swap": "slot_a", "other": "focus slot", "chooseSite": "dialogs", "chooseHead": "popup",
    "previousSite": "place.site", "nextSite": "place.site", "previousHead": "place.head",
    "nextHead": "place.head", "previousQuery": "place.query", "nextQuery": "place.query",
    "omissions": "dialogs", "toggleTheme": "theme",
    "play": "playing", "follow": "following", "backwards": "speed", "forwards": "playing",
    "pause": "playing", "forward": "place.step", "back": "place.step", "forward10": "place.step",
    "back10": "place.step", "first": "place.step", "last": "place.step",
    "nextExample": "place.example", "previousExample": "place.example",
    "heads_next": "place.head", "heads_previous": "place.head",
    "matrix": "view", "resetLayout": "docks",
    "timelineIn": "timeline", "timelineOut": "timeline", "timelineFit": "timeline",
    "exportBookmarks": "dialogs", "loopNone": "loop", "compareMaps": "display",
    "moreArcs": "display", "fewerArcs": "display",
    "runCheck": "dialogs", "stopCheck": "checking", "saveReport": "dialogs",
    "help": "dialogs", "log": "dialogs", "about": "dialogs", "tour": "tour", "report": "dialogs",
}  # fmt: skip
PREFIXES = {
    "matrix_copy_": "clipboard", "matrix_": "matrix",
    "view_": "view", "show_": "display", "interpolation_": "display", "scale_": "display",
    "colours_": "display", "theme_": "theme", "speed_": "speed", "heads_": "atlas",
}  # fmt: skip


def named_change(id_: str) -> str | None:
    prefix = next((one for one in PREFIXES if id_.startswith(one)), None)
    return CHANGES.get(id_) or (PREFIXES[prefix] if prefix is not None else None)


def seen(window: MainWindow) -> dict[str, Any]:
    """Everything of the window and the session that a command may change."""
    state = window.session.state
    derived = ("rows", "frames", "comparison", "thumbnails", "studies", "runs", "place", "focus")
    found: dict[str, Any] = {
        one.name: getattr(state, one.name) for one in fields(state) if one.name not in derived
    }
    place = state.place
    found |= {f"place.{one.name}": getattr(place, one.name) for one in fields(place)}
    dialogs = [d for d in window.findChildren(QDialog) if d.isVisible()]
    popup = QApplication.activePopupWidget()
    return found | {
        "focus slot": state.focus,
        "view state": (place, state.view, state.display, state.pinned, state.slot_a),
        "runs": tuple((run.key, run.path) for run in state.runs),
        "dialogs": tuple(type(d).__name__ for d in dialogs),
        "popup": type(popup).__name__ if popup is not None else None,
        "focus": window.focusWidget(),
        "clipboard": QApplication.clipboard().text(),
        "docks": tuple(dock.isVisible() for dock in window.docks.values()),
        "message": window.message.text.text(),
        "tour": window.tour is not None,
        "restore": window.restores_at_start,
        "visible": window.isVisible(),
        "timeline": (window.timeline.plots.picture.first, window.timeline.plots.picture.last),
    }


# --- windows to do it in -------------------------------------------------------------------

Bases = dict[str, Callable[[], MainWindow]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    for name in "ab":
        write_run(folder / f"{name}.h5", hard=name == "a", heads=3, snapshots=(1, 2))
        write_text_run(folder / f"text-{name}.h5", seed=ord(name))
    write_generated_run(folder / "generated.h5")
    write_long_run(folder / "long.h5", 60)
    return folder


@pytest.fixture
def bases(
    make_window: Callable[[], MainWindow], qtbot: QtBot, files: Path, tmp_path: Path
) -> Iterator[Bases]:
    """Windows in the middle of something: over regions, over tokens, generated, recorded."""
    writers = []

    def shown(*names: str) -> MainWindow:
        window = make_window()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        window.session.open([files / name for name in names])
        wait_until_shown(qtbot, window)
        return window

    def at(window: MainWindow, row: int, step: int, query: int | None) -> MainWindow:
        session = window.session
        session.go_to_row(row)
        wait_until_shown(qtbot, window)
        session.go_to_step(step)
        session.go_to_head(1)
        if query is not None:
            session.go_to_query(query)
        session.pin(2)
        wait_until_shown(qtbot, window)
        return window

    def tokens() -> MainWindow:
        window = shown("text-a.h5", "text-b.h5")
        window.session.next_site(1)
        return at(window, 0, 0, 3)

    def recorded(alive: bool) -> MainWindow:
        path = tmp_path / f"live-{len(writers)}.h5"
        writer = start_writer(path, pause=0.1, seconds=60.0)
        writers.append(writer)
        parts = Path(f"{path}.parts")
        qtbot.waitUntil(lambda: len(list(parts.glob("*.h5"))) > 1, timeout=20_000)
        if not alive:
            writer.kill()
            writer.wait()
        window = make_window()
        window.session.open([path])
        wait_until_shown(qtbot, window)
        return window

    yield {
        "regions": lambda: at(shown("a.h5", "b.h5"), 4, 2, None),
        "tokens": tokens,
        "generated": lambda: at(shown("generated.h5"), 0, 0, 2),
        "long": lambda: at(shown("long.h5"), 0, 20, None),
        "cut off": lambda: recorded(alive=False),
        "recorded": lambda: recorded(alive=True),
    }
    for writer in writers:
        writer.kill()
        writer.wait()
        if writer.stdout is not None:
            writer.stdout.close()


def keep_a_session(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "kept")
    write_session(folder.last, text_of(saved_of(window.session.state)))
    window.sessions.begin(folder)
    window.session.go_to_row(0)


def begin_recovery(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.recover()
    qtbot.waitUntil(lambda: window.actions_["stopRecovery"].isEnabled())


def begin_a_check(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    run = window.session.state.run_in("A")
    assert run is not None
    window.checker.start(run.key, [str(run.path), "-o", str(tmp_path / "checks.npz")])


def show_heads(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.set_view("heads")
    qtbot.waitUntil(lambda: window.session.state.studies["heads"].finished)


def pick_a_head(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    site = window.session.state.site
    assert site is not None
    window.session.set_atlas(Atlas(picked=(HeadAt(site.name, 0),)))


def see_the_matrix(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.set_view("matrix")
    QApplication.processEvents()


def see_a_part_of_the_matrix(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    see_the_matrix(window, qtbot, tmp_path)
    window.actions_["zoomIn"].trigger()
    window.actions_["matrix_clip"].trigger()


def compare_runs(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    """At a place of the list of disagreements from which one can go up and down."""
    if window.session.state.slot_b is None:
        return
    window.session.show_comparison("worst")
    qtbot.waitUntil(lambda: bool((found := comparison_of(window.session.state)) and found.finished))
    for _ in range(3):
        window.session.next_disagreement(1)
        wait_until_shown(qtbot, window)


def compare_maps_off(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.set_view("compare")


def look_elsewhere_in_b(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    state = window.session.state
    if state.slot_a is not None:
        window.session.compare_with(state.slot_a, Beside(head=0))
        wait_until_shown(qtbot, window)


def search_steps(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.set_find("entropy > 0")
    qtbot.waitUntil(lambda: hits_of(window.session.state) is not None)


def zoom_the_timeline(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.timeline.plots.zoom(1.6)


def zoom_the_picture(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for _ in range(2):
        window.actions_["zoomIn"].trigger()
    wait_until_shown(qtbot, window)


def show_checks(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    run = checked_run(window.session.state)
    assert run is not None and isinstance(run.path, Path)
    shutil.copy(ROOT / "sample_runs" / "glimpse-hard.checks.npz", checks_path(run.path))
    window.actions_["view_faithfulness"].trigger()
    qtbot.waitUntil(lambda: window.faithfulness.page.picture is not None, timeout=20_000)


def draw_arcs(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.set_display(replace(window.session.state.display, arcs=True, arc_count=5))


def pin_a_corner(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    """The one below on the left, of three rows of three: it has neighbours above and right."""
    window.session.pin(6)


def pick_regions(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.pick((0, 1))


PREPARE: dict[str, Callable[[MainWindow, QtBot, Path], None]] = {
    "redo": lambda window, *_: window.session.undo(),
    "pause": lambda window, *_: window.session.play(True),
    "clearFilter": lambda window, *_: window.session.set_filter("entropy > 99"),
    "resetLayout": lambda window, *_: window.docks["Inspector"].hide(),
    "speed_1": lambda window, *_: window.session.set_speed(8.0),
    "restoreSession": keep_a_session,
    "stopRecovery": begin_recovery,
    "stopCheck": begin_a_check,
    "saveReport": show_checks,
    "compareMaps": compare_maps_off,
    "compareSame": look_elsewhere_in_b,
    **dict.fromkeys(
        ("nextDisagreement", "previousDisagreement", "saveDisagreements"), compare_runs
    ),
    **dict.fromkeys(("findNext", "findPrevious"), search_steps),
    "exportBookmarks": lambda window, *_: window.session.bookmarked(),
    "loopNone": lambda window, *_: window.session.set_loop(0, 1),
    **dict.fromkeys(("timelineOut", "timelineFit"), zoom_the_timeline),
    **dict.fromkeys(("moreArcs", "fewerArcs"), draw_arcs),
    **dict.fromkeys(("zoomOut", "zoomWhole"), zoom_the_picture),
    "heads_next": show_heads,
    "heads_previous": show_heads,
    "heads_pick_all": show_heads,
    "heads_clear": pick_a_head,
    **{id_: see_the_matrix for id_ in COMMANDS if id_.startswith("matrix_")},
    **dict.fromkeys(("pinRight", "pinUp"), pin_a_corner),
    **dict.fromkeys(("clearPicked", "copySum"), pick_regions),
    **dict.fromkeys(("matrix_unclip",), see_a_part_of_the_matrix),
}


def prepared(command: Command, bases: Bases, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """A window where a command can be done and is not yet done."""
    for make in bases.values():
        window = make()
        QApplication.clipboard().setText("something else")
        if command.id in PREPARE and window.session.state.frame is not None:
            begin = PREPARE[command.id]
            if command.id != "stopRecovery" or window.actions_["recover"].isEnabled():
                begin(window, qtbot, tmp_path)
        if command.checked is not None and window.actions_[command.id].isChecked():
            switch_off(window, command)
        QApplication.processEvents()
        if window.actions_[command.id].isEnabled():
            return window
        finish(window)
    pytest.fail(f"no base window enables {command.id}: prepare it in PREPARE")


def switch_off(window: MainWindow, command: Command) -> None:
    """Choose another one of the same group, where only one of them can be on."""
    actions = window.actions_
    for other in actions.commands:
        same = other.group == command.group and other.id != command.id
        if same and other.checked is not None and actions[other.id].isEnabled():
            before = actions[other.id].isChecked()
            actions[other.id].trigger()
            if not actions[command.id].isChecked():
                return
            if actions[other.id].isChecked() != before:
                actions[other.id].trigger()


def entry_of(window: MainWindow, id_: str) -> tuple[QMenu, QAction]:
    """The menu that holds a command, looked for as a person does."""
    waiting = list(window.menus.values())
    while waiting:
        menu = waiting.pop(0)
        for action in menu.actions():
            if action.objectName() == id_:
                return menu, action
            if action.menu() is not None:
                waiting.append(cast("QMenu", action.menu()))
    pytest.fail(f"{id_} is in no menu")


def by_menu(window: MainWindow, id_: str) -> None:
    menu, action = entry_of(window, id_)
    menu.popup(window.mapToGlobal(window.rect().center()))
    place = menu.actionGeometry(action).center()
    if menu.screen().geometry().contains(menu.mapToGlobal(place)):
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)
    else:
        # A long menu has columns that a small screen does not show; the arrow keys get there.
        menu.setActiveAction(action)
        QTest.keyClick(menu, Qt.Key.Key_Return)
    menu.close()


def by_key(window: MainWindow, key: str) -> None:
    combination = QKeySequence(key)[0]
    QTest.keyClick(window, combination.key(), combination.keyboardModifiers())


@pytest.mark.parametrize("id_", list(COMMANDS))
def test_every_command_does_what_it_says(
    bases: Bases, qtbot: QtBot, tmp_path: Path, id_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if id_ == "stopRecovery":
        slow_down_recovery(monkeypatch)
    window = prepared(COMMANDS[id_], bases, qtbot, tmp_path)
    try:
        changes_what_it_should(window, id_)
    finally:
        finish(window)


class Pressed(QObject):
    """Notes which actions the keys of a window ask for, instead of doing them."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.ids: list[str] = []
        for id_ in COMMANDS:
            window.actions_[id_].installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Shortcut:
            return False
        assert not cast("QShortcutEvent", event).isAmbiguous()
        self.ids.append(watched.objectName())
        return True


def test_every_key_asks_for_its_command_alone(bases: Bases) -> None:
    """What the command then does is what it does from the menu."""
    window = bases["regions"]()
    pressed = Pressed(window)
    for id_, command in COMMANDS.items():
        window.actions_[id_].setEnabled(True)
        for key in command.keys:
            by_key(window, key)
            assert pressed.ids == [id_], key
            pressed.ids.clear()
    finish(window)


def changes_what_it_should(window: MainWindow, id_: str) -> None:
    before = seen(window)
    by_menu(window, id_)
    wanted = named_change(id_)

    def changed() -> set[str]:
        after = seen(window)
        return {name for name in before if after[name] != before[name]}

    until = time.monotonic() + 5
    while not (wanted in changed() or (wanted is None and changed())):
        assert time.monotonic() < until, (
            f"{id_} changed {sorted(changed()) or 'nothing'}, not {wanted}"
        )
        QApplication.processEvents()


def slow_down_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = recovering.recover_cut_off

    def slow(parts: Path, into: Path, told: Callable[[float], None], wanted: Any) -> Any:
        def tell(done: float) -> None:
            time.sleep(0.2)
            told(done)

        return plain(parts, into, tell, wanted)

    monkeypatch.setattr(recovering, "recover_cut_off", slow)


def finish(window: MainWindow) -> None:
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()
    for dialog in window.findChildren(QDialog):
        dialog.reject()
    QApplication.processEvents()
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_no_command_changes_something_in_a_window_that_is_left_alone(
    bases: Bases, qtbot: QtBot
) -> None:
    """Else a test above might see a change that its command did not make."""
    window = bases["regions"]()
    before = seen(window)
    qtbot.wait(200)
    assert seen(window) == before


def test_the_page_of_all_actions_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    sys.modules.pop("make_viewer_page", None)
    import make_viewer_page

    made = make_viewer_page.page()
    if os.environ.get("HARDATTN_WRITE_DOCS") == "1":
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "run python docs/make_viewer_page.py"
    for id_ in COMMANDS:
        assert f"`[{id_}]`" in made
