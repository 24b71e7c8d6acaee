"""A window that is used all day: memory, files and timers stay as they were."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run
from text_runs import write_text_run

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.views.status_line import resident_bytes
from recorders.run import inspector

# What stays in the end, however many runs were opened.
TRACED_BYTES = 500_000
RESIDENT_BYTES = 24_000_000


def open_files() -> list[str]:
    """The files that this process holds open, without pipes and the like."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("/") and not target.startswith(("/dev", "/proc")):
            found.append(target)
    return found


def own_widgets() -> list[QWidget]:
    """All widgets but tool tips, which are Qt's own and go a while after they are hidden."""
    every = QApplication.allWidgets()
    return [one for one in every if one.metaObject().className() != "QTipLabel"]


def settle() -> None:
    for _ in range(3):
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [
        write_run(tmp_path / "a.h5", hard=True, heads=2),
        write_run(tmp_path / "b.h5", hard=False, snapshots=(1, 2)),
        write_text_run(tmp_path / "c.h5"),
    ]


@pytest.mark.parametrize("opened", [8, pytest.param(50, marks=pytest.mark.campaign)])
def test_opening_and_closing_runs_leaves_memory_and_files_as_they_were(
    make_window: Callable[[], MainWindow], qtbot: QtBot, paths: list[Path], opened: int
) -> None:
    window = make_window()
    session = window.session

    def use(path: Path) -> None:
        session.open([path])
        wait_until_shown(qtbot, window)
        for view in window.view:
            session.set_view(view)  # type: ignore[arg-type]
            session.go_to_row(1)
            wait_until_shown(qtbot, window)
        session.next_step(1)
        session.hover(2)
        QApplication.processEvents()
        session.close_run(session.state.runs[-1].key)
        qtbot.waitUntil(lambda: not session.state.runs)
        settle()

    # The first ones fill caches of fonts, styles and decoded tables.
    for number in range(9):
        use(paths[number % len(paths)])
    inspector.shared.start()
    files, widgets = sorted(open_files()), len(own_widgets())
    resident = resident_bytes()
    tracemalloc.start(1)
    try:
        use(paths[0])
        first = tracemalloc.get_traced_memory()[0]
        for number in range(opened):
            use(paths[number % len(paths)])
        use(paths[0])
        more = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert more < TRACED_BYTES, f"{more:,} bytes more after {opened} runs"
    grown = resident_bytes() - resident
    assert grown < RESIDENT_BYTES, f"{grown:,} resident bytes more after {opened} runs"
    assert sorted(open_files()) == files
    assert len(own_widgets()) <= widgets


def test_dialogs_that_come_and_go_leave_no_widget(window: MainWindow, qtbot: QtBot) -> None:
    for id_ in ("palette", "help", "export", "omissions"):
        window.actions_[id_].trigger()
        close_all(window)
    before = len(own_widgets())
    for _ in range(2):
        for id_ in ("palette", "help", "export", "omissions"):
            window.actions_[id_].trigger()
            close_all(window)
    assert len(own_widgets()) == before


def close_all(window: MainWindow) -> None:
    for widget in window.findChildren(QWidget):
        if widget.isWindow() and widget.isVisible():
            widget.close()
    settle()


def test_a_change_of_theme_is_shared_out_over_turns_of_the_event_loop(
    window: MainWindow, qtbot: QtBot
) -> None:
    """A share of what it takes in all, since how long that is depends on the machine."""
    wait_until_shown(qtbot, window)
    shares = []
    for theme in ("light", "dark") * 3:
        turns = [spent(lambda theme=theme: window.session.set_theme(theme))]  # type: ignore[misc]
        until = time.monotonic() + 2
        while window._theming._soon.isActive() and time.monotonic() < until:
            turns.append(spent(QApplication.processEvents))
        turns.append(spent(QApplication.processEvents))
        shares.append(max(turns) / sum(turns))
        assert window.theme.name == theme
        corner = window.grab().toImage().pixelColor(window.width() - 4, 4).lightness()
        assert (corner > 200) == (theme == "light")
    assert sorted(shares)[2] < 0.7, shares


def spent(do: Callable[[], object]) -> float:
    """Processor time: what other processes do at the same time does not count."""
    started = time.thread_time()
    do()
    return time.thread_time() - started


def test_hovering_repaints_what_is_hovered_and_little_else(
    window: MainWindow, qtbot: QtBot
) -> None:
    """Linked hover without flicker: nothing is laid out anew, resized or shown and hidden."""
    window.session.set_view("compare")
    wait_until_shown(qtbot, window)
    shape = {id(w): (w.geometry(), w.isVisible()) for w in window.findChildren(QWidget)}
    for key in (0, 4, 8, None, 3):
        window.session.hover(key)
        QApplication.processEvents()
        for widget in window.views.findChildren(QWidget):
            assert (widget.geometry(), widget.isVisible()) == shape[id(widget)], (
                key,
                widget.objectName(),
            )
