"""Had it looked elsewhere: a click forces an item, and the rest is replayed in another process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.checks.replay import Replay
from hardattn_viewer.session.counterfactual import counterfactual_frame

SAMPLES = Path(__file__).parents[3] / "sample_runs"


@pytest.fixture
def window(make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path) -> MainWindow:
    for name in ("glimpse-hard.h5", "glimpse-hard.checks.npz"):
        shutil.copy(SAMPLES / name, tmp_path)
    made = make_window()
    made.session.open([tmp_path / "glimpse-hard.h5"])
    wait_until_shown(qtbot, made)
    made.actions_["view_faithfulness"].trigger()
    qtbot.waitUntil(lambda: made.faithfulness.page.picture is not None, timeout=20_000)
    made.session.go_to_row(8)
    made.session.go_to_step(1)
    place = made.faithfulness.forced_place
    qtbot.waitUntil(lambda: "example 8, step 2" in place.whole, timeout=5_000)
    return made


def made_up(item: int = 10, example: int = 8) -> Replay:
    p = np.full((6, 49), 1 / 49)
    chosen = np.array([31, 38, 22, 16, 24, 23])
    replayed = np.array([31, item, 22, 40, 24, 23])
    return Replay(
        example, 1, item, chosen, replayed, np.ones(6, bool), p, 0.58, 0.25, "probability", 6, 5
    )


def click_a_bar(window: MainWindow, qtbot: QtBot, row: int = 4) -> int:
    canvas = window.faithfulness.forced
    picture = canvas.picture
    assert picture is not None
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(120, 18 * row + 9))
    return picture.rows[row]


def test_a_replay_is_marked_and_stands_beside_what_was(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, page = window.faithfulness, window.faithfulness.counterfactual
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(window.replayer, "ask", lambda *told: asked.append(told))
    item = click_a_bar(window, qtbot)
    assert window.session.state.pinned == item
    ((words, *place),) = asked
    assert place == [8, 1, item] and words[1:] == ["--examples", "24"]  # type: ignore[index]
    assert page.isVisible() and page.busy.isVisible() and not page.maps.isVisible()
    view.show_replay(made_up(item))
    assert not page.busy.isVisible() and page.banner.text().startswith("COUNTERFACTUAL")
    assert "class 5 is predicted instead of 6" in page.says.text()
    rows = [page.steps.topLevelItem(at) for at in range(6)]
    assert [row.text(4) for row in rows] == [
        *("the same", "forced", "the same", "another", "the same", "the same")
    ]
    assert rows[1].isSelected() and rows[3].font(0).bold() and not rows[2].font(0).bold()
    after, before = page.after.picture, page.before.picture
    assert after is not None and before is not None
    visited = {visit.step: visit.key for visit in after.visits}
    assert visited[1] == item and visited[3] == 40 and visited[0] == 31
    assert {visit.step: visit.key for visit in before.visits}[3] != 40
    window.actions_["forward"].trigger()
    qtbot.waitUntil(lambda: page.steps.topLevelItem(2).isSelected())
    shown = page.after.picture
    assert shown is not None and shown.step == 2
    rect = page.steps.visualItemRect(page.steps.topLevelItem(4))
    qtbot.mouseClick(page.steps.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert window.session.state.place.step == 4


def test_there_is_a_way_back(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, page = window.faithfulness, window.faithfulness.counterfactual
    monkeypatch.setattr(window.replayer, "ask", lambda *told: None)
    click_a_bar(window, qtbot)
    view.show_replay(made_up())
    qtbot.mouseClick(page.back, Qt.MouseButton.LeftButton)
    assert not page.isVisible() and view.page.isVisible()
    assert window.session.state.pinned is None
    view.show_replay(made_up())
    # What comes too late is not shown over the check.
    assert not page.isVisible()
    click_a_bar(window, qtbot)
    view.show_replay(made_up())
    window.session.go_to_row(3)
    qtbot.waitUntil(lambda: view.page.isVisible())
    assert not page.isVisible()


def test_why_it_could_not_be_replayed_is_said(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window.replayer, "ask", lambda *told: None)
    click_a_bar(window, qtbot)
    window.replayer.failed.emit("the model is gone")
    page = window.faithfulness.counterfactual
    assert page.says.text() == "It could not be replayed: the model is gone"
    assert not page.busy.isVisible() and page.back.isVisible()


def test_a_run_that_shows_other_items_has_no_map_of_a_replay(
    window: MainWindow, qtbot: QtBot
) -> None:
    frame = window.session.state.frames.a
    assert frame is not None
    made = made_up()
    found = counterfactual_frame(frame, made, 3)
    assert found is not None and found.selections[3] == (40,) and found.place.step == 3
    assert found.prediction == 5 and not found.scalars
    fewer = Replay(**{**made.__dict__, "probabilities": made.probabilities[:, :40]})
    assert counterfactual_frame(frame, fewer, 3) is None


@pytest.mark.slow
def test_a_real_process_replays_it_and_the_next_question_finds_it_warm(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = window.faithfulness.counterfactual
    item = click_a_bar(window, qtbot)
    qtbot.waitUntil(lambda: page.made is not None, timeout=120_000)
    made = page.made
    assert made is not None and (made.example, made.step, made.item) == (8, 1, item)
    checks = window.faithfulness._checks
    assert checks is not None and checks.report is not None
    assert made.output == pytest.approx(checks.report.forced[8].whole, abs=1e-3)
    process = window.replayer._process
    assert process is not None and window.replayer.is_warm
    qtbot.mouseClick(page.back, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.faithfulness.forced.isVisible())
    other = click_a_bar(window, qtbot, 2)
    qtbot.waitUntil(lambda: page.made is not None and page.made.item == other, timeout=20_000)
    assert window.replayer._process is process
