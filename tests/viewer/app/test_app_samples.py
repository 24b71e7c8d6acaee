"""Sample runs: each with its story, opened from the first screen, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.samples import view_of
from hardattn_viewer.app.samples_dialog import SamplesDialog
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.app.start import Bridge, present_samples, sample_paths
from hardattn_viewer.session.session import Session
from sample_runs import Sample

Make = Callable[[], MainWindow]
BY_NAME = {one.name: one for one in present_samples()}


@pytest.fixture
def make(qtbot: QtBot, settings: Settings) -> Iterator[Make]:
    """Builds the window as the app does, with every sample."""
    made: list[tuple[MainWindow, Bridge]] = []

    def one() -> MainWindow:
        bridge = Bridge()
        session = Session(wake=bridge.woke.emit)
        bridge.woke.connect(session.collect, Qt.ConnectionType.QueuedConnection)
        window = MainWindow(session, settings, present_samples(), QSize(1300, 860))
        window.show()
        made.append((window, bridge))
        return window

    yield one
    for window, bridge in made:
        window.close()
        window.deleteLater()
        bridge.deleteLater()
    qtbot.wait(10)


def dialog_of(window: MainWindow) -> SamplesDialog:
    window.cards.samples.click()
    found = [d for d in window.findChildren(SamplesDialog) if d.isVisible()]
    assert len(found) == 1
    return found[0]


def opened(window: MainWindow, sample: Sample) -> bool:
    state = window.session.state
    runs = [state.run_in("A"), state.run_in("B")]
    paths = [run.path for run in runs if run is not None]
    return paths == list(sample.paths) and state.view == view_of(sample)


def test_the_first_screen_tells_the_story_of_what_it_shows(make: Make, qtbot: QtBot) -> None:
    window = make()
    window.session.open(sample_paths())
    wait_until_shown(qtbot, window)
    assert window.story.isVisible() and window.story.text.text() == BY_NAME["glimpse"].story
    window.story.findChild(QPushButton, "storyClose").click()
    assert not window.story.isVisible()
    window.session.swap()
    assert not window.story.isVisible()


def test_a_story_that_was_closed_is_not_told_again(make: Make, qtbot: QtBot) -> None:
    for told in (True, False):
        window = make()
        window.session.open(sample_paths())
        wait_until_shown(qtbot, window)
        assert window.story.isVisible() == told
        window.story.findChild(QPushButton, "storyClose").click()


@pytest.mark.parametrize("name", list(BY_NAME))
def test_every_sample_opens_from_the_first_screen(name: str, make: Make, qtbot: QtBot) -> None:
    window, sample = make(), BY_NAME[name]
    dialog = dialog_of(window)
    card = next(card for card in dialog.cards if card.sample == sample)
    dialog._scroll.ensureWidgetVisible(card)
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: opened(window, sample), timeout=20_000)
    wait_until_shown(qtbot, window)
    assert window.story.isVisible() and window.story.text.text() == sample.story
    state = window.session.state
    assert all(frame is not None for frame in state.frames.present)
    assert len(state.frames.present) == len(sample.paths)
    assert state.place.example == 0 and state.place.step == 0
    hard = [frame.hard for frame in state.frames.present]
    assert hard == [kind == "hard" for kind in sample.kinds]


def test_arrows_and_enter_go_from_sample_to_sample(make: Make, qtbot: QtBot) -> None:
    window = make()
    window.session.open(sample_paths())
    wait_until_shown(qtbot, window)
    dialog = dialog_of(window)
    qtbot.waitUntil(lambda: dialog.cards[0].hasFocus())
    assert "shown now" in dialog.cards[0].accessibleName()
    QTest.keyClick(dialog.cards[0], Qt.Key.Key_Down)
    assert dialog.cards[2].hasFocus()
    QTest.keyClick(dialog.cards[2], Qt.Key.Key_Left)
    assert dialog.cards[1].hasFocus()
    QTest.keyClick(dialog.cards[1], Qt.Key.Key_Return)
    second = dialog.cards[1].sample
    qtbot.waitUntil(lambda: opened(window, second), timeout=20_000)
    wait_until_shown(qtbot, window)
    # One at a time: those of the first sample are closed.
    assert [run.path for run in window.session.state.runs] == list(second.paths)


def test_a_sample_leaves_runs_of_ones_own_open(
    make: Make, qtbot: QtBot, hard_path: Path, soft_path: Path
) -> None:
    window = make()
    window.session.open([hard_path, soft_path])
    wait_until_shown(qtbot, window)
    assert not window.story.isVisible()
    sample = BY_NAME["minilm"]
    window.shelf.show(sample)

    def is_a() -> bool:
        run = window.session.state.run_in("A")
        return run is not None and run.path == sample.paths[0]

    qtbot.waitUntil(is_a, timeout=20_000)
    paths = [run.path for run in window.session.state.runs]
    assert paths == [hard_path, soft_path, *sample.paths]


def test_every_story_has_two_sentences_and_its_runs() -> None:
    for sample in BY_NAME.values():
        assert sample.story.count(". ") == 1 and sample.story.endswith(".")
        assert sample.title and len(sample.kinds) == len(sample.paths)
    assert sum(path.stat().st_size for one in BY_NAME.values() for path in one.paths) < 60e6
