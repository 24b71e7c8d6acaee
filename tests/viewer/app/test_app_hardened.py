"""Trained soft, deployed hard: the panel of the faithfulness view."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.checks.choice_tests import ChoiceTests
from hardattn_viewer.checks.file import checks_path, write_checks
from hardattn_viewer.checks.hardened import HOW, Hardened, Place
from hardattn_viewer.checks.report import concluded
from hardattn_viewer.drawing.checks.hardened import HardenedPicture, place_at

SAMPLES = Path(__file__).parents[3] / "sample_runs"
PLACES = (Place(), *(Place(one) for one in range(6)))
PLACES += tuple(Place(layer, head) for layer in range(6) for head in range(12))


def grid() -> Hardened:
    values = np.zeros((len(HOW), len(PLACES), 4))
    # Argmax lets head 7 of layer 3 fall, a draw lets it rise.
    at = PLACES.index(Place(3, 7))
    values[0, at], values[1, at] = -0.25, 0.5
    return Hardened(PLACES, (0, 1, 2, 3), np.zeros(4), values, np.zeros_like(values))


@pytest.fixture
def shown(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> Callable[[Hardened | None], MainWindow]:
    def show(made: Hardened | None) -> MainWindow:
        run = Path(shutil.copy(SAMPLES / "minilm-text.h5", tmp_path))
        facts = {"reading": "logit", "seed": 0}
        write_checks(concluded([], hardened=made, facts=facts), checks_path(run))
        window = make_window()
        window.session.open([run])
        wait_until_shown(qtbot, window)
        window.actions_["view_faithfulness"].trigger()
        qtbot.waitUntil(lambda: window.faithfulness.page.picture is not None, timeout=20_000)
        return window

    return show


def centre_of(window: MainWindow, place: Place) -> QPoint:
    canvas = window.faithfulness.hardened.canvas
    picture = canvas.picture
    assert isinstance(picture, HardenedPicture)
    at, rect = PLACES.index(place), QRectF(canvas.rect())
    found = [
        QPoint(x, y)
        for x in range(0, canvas.width(), 2)
        for y in range(0, canvas.height(), 3)
        if place_at(picture, rect, QPointF(x, y)) == at
    ]
    return found[len(found) // 2]


def test_a_head_is_pointed_at_and_said_in_words(
    shown: Callable[[Hardened | None], MainWindow], qtbot: QtBot
) -> None:
    window = shown(grid())
    panel = window.faithfulness.hardened
    assert panel.canvas.isVisible() and panel.says.text().startswith("all by argmax: logit +0.000")
    point = centre_of(window, Place(3, 7))
    qtbot.mouseMove(panel.canvas, point)
    panel.canvas.hovered.emit(PLACES.index(Place(3, 7)))
    words = "L3H7 by argmax: logit -0.250, size 0.250, in 4 examples; another class in 0"
    assert panel.says.text() == words
    falls = panel.canvas.grab().toImage().pixelColor(point * panel.devicePixelRatio())
    panel.how.setCurrentIndex(1)
    panel.canvas.hovered.emit(PLACES.index(Place(3, 7)))
    assert "by sample: logit +0.500" in panel.says.text()
    rises = panel.canvas.grab().toImage().pixelColor(point * panel.devicePixelRatio())
    assert falls.red() > falls.blue() + 40 and rises.blue() > rises.red() + 40


def test_what_cannot_run_hard_says_why(shown: Callable[[Hardened | None], MainWindow]) -> None:
    window = shown(Hardened(reason="it takes single items already"))
    panel = window.faithfulness.hardened
    assert not panel.canvas.isVisible() and not panel.how.isVisible()
    assert panel.says.text() == "Not applicable: it takes single items already."


def test_further_questions_are_shown_where_they_were_asked(
    shown: Callable[[Hardened | None], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = shown(None)
    view = window.faithfulness
    assert not view.further.isVisible()
    asked = ChoiceTests(paths=np.array([[0.25, 0.75]]), reasons={"why": "there is no gradient"})
    report = concluded([], tests=asked, facts={"reading": "logit", "seed": 0})
    write_checks(report, checks_path(tmp_path / "minilm-text.h5"))
    window.session.tell_check(None, wrote=True)
    qtbot.waitUntil(view.further.isVisible)
    assert "logit over 2 episodes drawn from the policy 0.500" in view.further.text()
    assert "why chosen: not applicable (there is no gradient)" in view.further.text()


def test_checks_of_before_say_that_they_are_to_be_run_again(
    shown: Callable[[Hardened | None], MainWindow],
) -> None:
    window = shown(None)
    assert "check the run again" in window.faithfulness.hardened.says.text()
