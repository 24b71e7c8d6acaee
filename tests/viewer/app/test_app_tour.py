"""The tour: seven stops that point at real parts of the window and cover none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app import start
from hardattn_viewer.app.main_window import MINIMUM, MainWindow
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.app.tour import place_beside
from hardattn_viewer.app.tour_stops import STOPS
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import ThemeChoice

Make = Callable[[ThemeChoice], MainWindow]


@pytest.fixture
def make(qtbot: QtBot, settings: Settings) -> Iterator[Make]:
    """The window with the samples, as small as it gets."""
    made: list[tuple[MainWindow, start.Bridge]] = []

    def one(theme: ThemeChoice) -> MainWindow:
        bridge = start.Bridge()
        session = Session(wake=bridge.woke.emit)
        bridge.woke.connect(session.collect, Qt.ConnectionType.QueuedConnection)
        session.set_theme(theme)
        window = MainWindow(session, settings, start.present_samples(), MINIMUM)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        made.append((window, bridge))
        return window

    yield one
    for window, bridge in made:
        window.close()
        window.deleteLater()
        bridge.deleteLater()
    qtbot.wait(10)


def press(key: Qt.Key) -> None:
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, key)
    QApplication.processEvents()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_enter_leads_through_seven_stops_and_none_is_covered(
    theme: ThemeChoice, make: Make, qtbot: QtBot
) -> None:
    window = make(theme)
    assert len(STOPS) == 7
    window.actions_["tour"].trigger()
    # Where nothing is open it shows the samples.
    wait_until_shown(qtbot, window)
    for at, stop in enumerate(STOPS):
        tour = window.tour
        assert tour is not None
        card, target = tour.card, tour.target
        widget = stop.target(window)
        assert widget.isVisible()
        assert target == QRect(widget.mapTo(window, QPoint()), widget.size())
        assert not card.geometry().intersects(target), stop.title
        assert window.rect().contains(card.geometry())
        assert card.title.text() == stop.title and card.count.text() == f"{at + 1} of 7"
        # All that it says is there to be read.
        needed = card.words.heightForWidth(card.words.width())
        assert card.words.height() >= needed
        assert f"{at + 1} of 7" in card.accessibleName()
        # The ring lies around the target, and outside of it the window is shaded.
        picture = window.grab().toImage()
        ring = picture.pixelColor(target.center().x(), target.top() + 1)
        assert ring.name() == window.theme.accent
        press(Qt.Key.Key_Return)
    assert window.tour is None


def test_escape_ends_it_and_the_window_is_as_before(make: Make, qtbot: QtBot) -> None:
    window = make("dark")
    window.session.open(start.sample_paths())
    wait_until_shown(qtbot, window)
    before = window.session.state
    window.actions_["tour"].trigger()
    window.actions_["tour"].trigger()
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Backspace)
    tour = window.tour
    assert tour is not None and tour.card.count.text() == "1 of 7"
    # The keys of the window wait: Space must not play, Tab stays on the card.
    for _ in range(4):
        press(Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert focused is not None and tour.card.isAncestorOf(focused)
    assert not window.session.state.playing
    press(Qt.Key.Key_Escape)
    assert window.tour is None
    assert window.session.state.place == before.place and window.session.state.runs == before.runs


def test_it_follows_the_window_and_shows_what_was_hidden(make: Make, qtbot: QtBot) -> None:
    window = make("dark")
    window.session.open(start.sample_paths())
    wait_until_shown(qtbot, window)
    window.docks["Timeline"].hide()
    window.show_tour()
    tour = window.tour
    assert tour is not None
    for _ in range(3):
        tour.go(1)
    window.resize(1400, 900)
    qtbot.waitUntil(lambda: tour.geometry() == window.rect())
    qtbot.waitUntil(lambda: not tour.card.geometry().intersects(tour.target))
    assert window.docks["Timeline"].isVisible() and tour.target.width() == 1400
    QTest.mouseClick(tour, Qt.MouseButton.LeftButton, pos=tour.target.center())
    assert window.tour is tour and tour.card.next.hasFocus()


def test_it_is_offered_once_in_place_of_the_story(
    make: Make, qtbot: QtBot, settings: Settings
) -> None:
    window = make("dark")
    window.session.open(start.sample_paths())
    wait_until_shown(qtbot, window)
    assert window.story.isVisible() and not settings.tour_offered
    window.offer_tour()
    assert window.sessions.offer.isVisible() and not window.story.isVisible()
    window.sessions.offer.findChild(QPushButton, "offerTake").click()
    assert window.tour is not None
    window.tour.end()
    assert window.story.isVisible() and settings.tour_offered
    again = make("dark")
    again.session.open(start.sample_paths())
    wait_until_shown(qtbot, again)
    again.offer_tour()
    assert not again.sessions.offer.isVisible() and again.story.isVisible()


def test_who_declines_sees_the_story(make: Make, qtbot: QtBot) -> None:
    window = make("light")
    window.session.open(start.sample_paths())
    wait_until_shown(qtbot, window)
    window.offer_tour()
    window.sessions.offer.findChild(QPushButton, "offerClose").click()
    assert window.story.isVisible() and window.tour is None


def test_nobody_is_offered_a_tour_who_cannot_see_it(tmp_path: Path) -> None:
    # These tests run offscreen, as `--screenshot` may.
    assert not start.may_offer()


def test_a_card_goes_beside_or_below_and_covers_least_where_nothing_is_free() -> None:
    room, size = QRect(0, 0, 1000, 700), QSize(300, 150)
    small = QRect(400, 300, 100, 200)
    assert place_beside(small, room, [size]).left() > small.right()
    bar = QRect(100, 40, 400, 30)
    assert place_beside(bar, room, [size]).top() > bar.bottom()
    narrow = QRect(260, 0, 740, 700)
    assert place_beside(narrow, room, [size, QSize(240, 200)]).width() == 240
    everything = QRect(10, 10, 990, 690)
    assert place_beside(everything, room, [size]).topLeft() == QPoint(0, 0)
