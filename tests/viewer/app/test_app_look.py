"""Nothing in the window is cut off or covers something else, at its smallest or a usual size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from media_runs import POINTS, write_memory, write_points, write_sound, write_video
from painted_words import cut_labels, overlaps_when_painted
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown
from text_runs import write_text_run

import sample_runs
from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.palette import matching
from hardattn_viewer.drawing.on_image import image_rect
from hardattn_viewer.session.wants import is_settled
from hardattn_viewer.views.numbers_page import NumbersTable

SIZES = (QSize(1100, 700), QSize(1600, 1000))
MEDIA = {
    "sound": write_sound,
    "video": write_video,
    "points": write_points,
    "memory": write_memory,
}
RUNS = ("glimpses", "text", "training", *MEDIA)
VIEWS = [view.id for view in MAIN_VIEWS]


@pytest.fixture(params=RUNS)
def shown(
    request: pytest.FixtureRequest,
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
) -> MainWindow:
    """The window with one of the kinds of runs that there are."""
    paths = {
        "glimpses": sample_runs.paths(),
        "text": (sample_runs.text_path(),),
        "training": sample_runs.training_paths(),
    }.get(request.param)
    return opened(make_window, qtbot, *(paths or (MEDIA[request.param](tmp_path / "recorded.h5"),)))


def opened(make_window: Callable[[], MainWindow], qtbot: QtBot, *paths: Path) -> MainWindow:
    window = make_window()
    window.session.open(list(paths))
    wait_until_shown(qtbot, window)
    # The first sample run has a bar of full height here.
    window.session.go_to_row(8)
    window.session.go_to_step(3)
    wait_until_shown(qtbot, window)
    return window


def settle(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until everything that is read for the view is there."""

    def there() -> bool:
        state = window.session.state
        studies = state.studies.values()
        return is_settled(state) and all(one.finished or one.error for one in studies)

    qtbot.waitUntil(there, timeout=20_000)
    window.examples.table.ask_now()
    qtbot.wait(30)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_words_are_cut_off_and_none_cover_others(
    shown: MainWindow, qtbot: QtBot, theme: str
) -> None:
    shown.session.set_theme(theme)  # type: ignore[arg-type]
    wrong = {}
    for size in SIZES:
        shown.resize(size)
        for view in VIEWS:
            shown.session.set_view(view)
            settle(qtbot, shown)
            found = [*cut_labels(shown), *overlaps_when_painted(shown)]
            if found:
                wrong[view, size.width()] = found
    assert wrong == {}


def test_words_that_are_cut_or_covered_are_found(qtbot: QtBot, shown_small: MainWindow) -> None:
    shown_small.timeline.step.setFixedWidth(20)
    assert any("timelineStep" in one for one in cut_labels(shown_small))


@pytest.fixture
def shown_small(make_window: Callable[[], MainWindow], qtbot: QtBot) -> MainWindow:
    """The sample runs in the smallest window."""
    window = opened(make_window, qtbot, *sample_runs.paths())
    window.resize(SIZES[0])
    settle(qtbot, window)
    return window


def test_all_numbers_of_a_comparison_are_seen_at_once(
    shown_small: MainWindow, qtbot: QtBot
) -> None:
    shown_small.session.set_view("compare")
    for size in SIZES:
        shown_small.resize(size)
        settle(qtbot, shown_small)
        table = shown_small.findChild(NumbersTable, "comparisonNumbers")
        assert table.rowCount() >= 5
        last = table.visualItemRect(table.item(table.rowCount() - 1, 0))
        assert last.bottom() <= table.viewport().height()
        for row in range(table.rowCount()):
            for column in range(table.columnCount()):
                if not table.isColumnHidden(column):
                    item = table.item(row, column)
                    wide = table.fontMetrics().horizontalAdvance(item.text())
                    assert wide <= table.columnWidth(column), item.text()


def test_the_film_of_a_training_begins_with_a_whole_picture(
    make_window: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = opened(make_window, qtbot, *sample_runs.training_paths())
    window.session.set_view("training")
    for size in SIZES:
        window.resize(size)
        settle(qtbot, window)
        film = window.training.film
        for snapshot in (30, 0, 17, 29):
            window.session.go_to_snapshot(snapshot)
            settle(qtbot, window)
            each = film.pictures.side + 6
            assert film.horizontalScrollBar().value() % each == 0
            place = film.pictures.place_of("A", snapshot).toRect()
            left = place.left() - film.horizontalScrollBar().value()
            assert left >= 0 and left + place.width() <= film.viewport().width()


def test_texts_stand_in_the_table_where_nothing_was_labelled(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = opened(make_window, qtbot, write_text_run(tmp_path / "text.h5"))
    settle(qtbot, window)
    table = window.examples.table
    model = table.model()
    assert model.headerData(1, Qt.Orientation.Horizontal) == "text"
    assert model.index(0, 1).data() == "the light shines in the darkness"
    assert not table.isColumnHidden(2) and table.isColumnHidden(3)
    right = table.columnViewportPosition(2) + table.columnWidth(2)
    assert right <= table.viewport().width()
    window.session.open([write_points(tmp_path / "points.h5")])
    window.session.close_run(window.session.state.runs[0].key)
    wait_until_shown(qtbot, window)
    assert model.headerData(1, Qt.Orientation.Horizontal) == "example"
    assert model.index(0, 1).data() == "hull"


def test_the_current_step_is_outlined_on_all_sides(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = opened(make_window, qtbot, write_video(tmp_path / "clip.h5"))
    window.resize(SIZES[0])
    strip = window.overlay.filmstrip
    for step in range(6):
        window.session.go_to_step(step)
        settle(qtbot, window)
        top_left = strip.steps.mapTo(strip.scroller.viewport(), QPoint(0, 0))
        place = strip.steps.place_of(step).translated(top_left).adjusted(-2, 0, 2, 2)
        assert place.left() >= 0 and place.right() <= strip.scroller.viewport().width()
        assert place.top() >= 0 and place.bottom() <= strip.scroller.viewport().height()


def test_examples_with_labels_keep_their_outcomes(shown_small: MainWindow) -> None:
    table = shown_small.examples.table
    assert table.model().headerData(1, Qt.Orientation.Horizontal) == "true → A · B"
    assert not table.isColumnHidden(3)


def test_every_point_of_a_plane_is_seen_whatever_its_mass(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = opened(make_window, qtbot, write_points(tmp_path / "points.h5"))
    window.session.set_display(
        type(window.session.state.display)(path=False, boxes=False, heat=False)
    )
    settle(qtbot, window)
    for theme in ("dark", "light"):
        window.session.set_theme(theme)  # type: ignore[arg-type]
        qtbot.wait(20)
        canvas = window.overlay.pane.regions.canvas
        picture, grabbed = canvas.picture, canvas.grab().toImage()
        where = image_rect(picture, QRectF(canvas.rect()))
        ground = QColor(window.theme.raised)
        for x, y in picture.layout.centres.tolist():
            at = QPointF(
                where.left() + x / picture.layout.width * where.width(),
                where.top() + y / picture.layout.height * where.height(),
            )
            near = [
                grabbed.pixelColor((at + QPointF(dx, dy)).toPoint())
                for dx in range(-8, 9)
                for dy in range(-8, 9)
                if grabbed.rect().contains((at + QPointF(dx, dy)).toPoint())
            ]
            assert max(abs(one.lightness() - ground.lightness()) for one in near) > 60
    assert len(picture.layout.centres) == len(POINTS)


@pytest.mark.parametrize(
    ("kind", "words", "noun"),
    [
        ("sound", "sampled · 3 steps · 1 example", "frames"),
        ("points", "argmax · 4 steps · 5 points · 1 example", "points"),
        ("memory", "2 steps · 1 example", "slots"),
    ],
)
def test_keys_are_called_what_they_are_everywhere(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
    kind: str,
    words: str,
    noun: str,
) -> None:
    window = opened(make_window, qtbot, MEDIA[kind](tmp_path / "recorded.h5"))
    assert words in [one.text().replace("\n", " ") for one in window.cards.findChildren(QLabel)]
    assert f"effective {noun}" in window.inspector.text()
    assert window.overlay.pane.strip.picture.kind == noun[:-1]


def test_numbers_of_one_step_are_those_of_the_query(
    make_window: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = opened(make_window, qtbot, sample_runs.text_path())
    values = window.timeline.values.findChildren(QLabel)
    for query in (0, 4, 10):
        window.session.go_to_query(query)
        settle(qtbot, window)
        frame = window.session.state.frames.a
        assert frame is not None
        p = np.asarray(frame.probabilities, np.float64)
        assert f"{p.max():.3f}" in [one.text() for one in values if one.isVisible()]


def test_names_that_match_come_before_descriptions_that_do(shown_small: MainWindow) -> None:
    found = [one.text.replace("&", "") for one in matching(shown_small.actions_.commands, "step")]
    named = ["step" in name.lower() for name in found]
    assert named == sorted(named, reverse=True) and True in named and False in named


def test_what_is_folded_away_stays_so(
    make_window: Callable[[], MainWindow], qtbot: QtBot, hard_path: Path
) -> None:
    window = opened(make_window, qtbot, hard_path)
    fold = window.inspector.folds[1]
    QTest.mouseClick(fold, Qt.MouseButton.LeftButton)
    assert not window.inspector.findChild(QWidget, "topKeys").isVisible()
    window.close()
    again = opened(make_window, qtbot, hard_path)
    assert [one.isChecked() for one in again.inspector.folds] == [True, False, True]
    assert not again.inspector.findChild(QWidget, "topKeys").isVisible()
    QTest.mouseClick(again.inspector.folds[1], Qt.MouseButton.LeftButton)
    again.close()
    last = opened(make_window, qtbot, hard_path)
    assert all(one.isChecked() for one in last.inspector.folds)
