"""Training, distributions and kept numbers through the real window."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolButton
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown
from training_runs import EXAMPLES, STEPS, write_training

import sample_runs
from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.curves import stop_place
from hardattn_viewer.session.film import FilmFrames


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("training")
    return (
        write_training(folder / "hard.h5", hard=True),
        write_training(folder / "soft.h5", hard=False),
    )


@pytest.fixture
def window(
    make_window: Callable[[], MainWindow], qtbot: QtBot, paths: tuple[Path, Path]
) -> MainWindow:
    made = make_window()
    made.session.open(list(paths))
    wait_until_shown(qtbot, made)
    made.actions_["view_training"].trigger()
    settle(qtbot, made)
    return made


def settle(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until frames, curves and film are read, and painted."""

    def read() -> bool:
        studies = window.session.state.studies
        return all(kind in studies and studies[kind].finished for kind in ("training", "film"))

    wait_until_shown(qtbot, window)
    qtbot.waitUntil(read, timeout=10_000)
    wait_until_shown(qtbot, window)
    QApplication.processEvents()


def assert_shows(window: MainWindow, snapshot: int) -> None:
    """Curves, film, pictures and header are at one snapshot."""
    view, state = window.training, window.session.state
    picture = view.curves.picture
    assert picture is not None and picture.at == snapshot
    assert view.film.pictures.shown == snapshot
    assert view.moment.text() == f"step {STEPS[snapshot]:,} · {snapshot + 1} of {len(STEPS)}"
    assert window.header.findChild(type(window.header._snapshot)).currentIndex() == snapshot
    for slot, now in view.now.items():
        frame, shown = state.frames.of(slot), now.canvas.picture
        assert frame is not None and frame.training_step == STEPS[snapshot]
        assert shown is not None and (shown.values == frame.probabilities).all()


def test_a_click_in_the_curves_and_a_drag_go_to_snapshots(window: MainWindow, qtbot: QtBot) -> None:
    assert_shows(window, len(STEPS) - 1)
    curves = window.training.curves
    picture = curves.picture
    assert picture is not None
    for stop in (0, 3):
        place = stop_place(picture, QRectF(curves.rect()), stop).toPoint()
        QTest.mouseClick(curves, Qt.MouseButton.LeftButton, pos=place)
        settle(qtbot, window)
        assert_shows(window, stop)
    places = [stop_place(picture, QRectF(curves.rect()), stop).toPoint() for stop in (1, 2)]
    QTest.mousePress(curves, Qt.MouseButton.LeftButton, pos=places[0])
    _drag(curves, places[1])
    QTest.mouseRelease(curves, Qt.MouseButton.LeftButton, pos=places[1])
    settle(qtbot, window)
    assert_shows(window, 2)


def test_keys_walk_over_snapshots_and_the_ends_hold(window: MainWindow, qtbot: QtBot) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    for key, snapshot in (
        (Qt.Key.Key_Left, 3),
        (Qt.Key.Key_Left, 2),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Left, 0),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_End, 4),
        (Qt.Key.Key_Right, 4),
    ):
        QTest.keyClick(window, key, control)
        settle(qtbot, window)
        assert_shows(window, snapshot)


def test_playing_shows_every_snapshot_once_and_stops(window: MainWindow, qtbot: QtBot) -> None:
    session, seen = window.session, []
    session.set_speed(8.0)
    session.changed.connect(
        lambda new, old: seen.append(new.place.snapshot) if new.place != old.place else None
    )
    QTest.keyClick(window, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert session.state.playing and session.state.playing_snapshots
    qtbot.waitUntil(lambda: not session.state.playing, timeout=8_000)
    settle(qtbot, window)
    assert list(dict.fromkeys(seen)) == [0, 1, 2, 3, 4]
    assert_shows(window, 4)
    window.findChild(QToolButton, "training_previousSnapshot").click()
    settle(qtbot, window)
    assert_shows(window, 3)


def test_the_film_shows_each_snapshot_and_a_click_goes_there(
    window: MainWindow, qtbot: QtBot
) -> None:
    pictures = window.training.film.pictures
    film = window.session.state.studies["film"].value
    assert isinstance(film, FilmFrames) and len(film.frames) == 2 * len(STEPS)
    image = pictures.grab().toImage()
    cells = [_cell(image, pictures.place_of("A", at)) for at in range(len(STEPS))]
    assert all((one != other).any() for one, other in itertools.pairwise(cells))
    place = pictures.place_of("B", 1).center().toPoint()
    QTest.mouseClick(pictures, Qt.MouseButton.LeftButton, pos=place)
    settle(qtbot, window)
    assert_shows(window, 1)
    QTest.keyClick(window, Qt.Key.Key_Down)
    settle(qtbot, window)
    film = window.session.state.studies["film"].value
    assert isinstance(film, FilmFrames)
    assert {frame.example_name for frame in film.of("A")} == {"digit-1"}


def test_hovering_a_region_is_seen_in_the_other_picture(window: MainWindow, qtbot: QtBot) -> None:
    now = window.training.now["A"].canvas
    QTest.mouseMove(now, QPoint(now.width() // 2, now.height() // 2))
    qtbot.waitUntil(lambda: window.session.state.hovered == 1, timeout=2_000)
    other = window.training.now["B"].canvas.picture
    assert other is not None and other.hover == 1


def test_curves_are_chosen_from_the_menu(window: MainWindow, qtbot: QtBot) -> None:
    menu = window.training.choose.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    texts = {action.text(): action for action in menu.actions()}
    assert texts["loss"].isChecked() and not texts["p(true class)"].isChecked()
    texts["p(true class)"].trigger()
    texts["loss"].trigger()
    settle(qtbot, window)
    picture = window.training.curves.picture
    assert picture is not None
    shown = [panel.id for panel in picture.panels]
    assert "p_true" in shown and "loss" not in shown
    window.actions_["undo"].trigger()
    window.actions_["show_log_curves"].trigger()
    settle(qtbot, window)
    picture = window.training.curves.picture
    assert picture is not None and any(panel.log for panel in picture.panels)


def test_curves_of_the_filtered_examples(window: MainWindow, qtbot: QtBot) -> None:
    said = window.training.examples.whole
    assert said.startswith(f"mean of {EXAMPLES} examples") and "told by training" in said
    window.session.set_filter("example < 2")
    window.actions_["show_filtered_curves"].trigger()
    qtbot.waitUntil(
        lambda: window.training.examples.whole.startswith("mean of 2 filtered examples")
    )
    settle(qtbot, window)
    np.testing.assert_allclose(window.training.courses[0].means["accuracy"].mean, [0.5, 1, 1, 1, 1])


def test_a_run_without_snapshots_teaches_how_to_record_them(
    make_window: Callable[[], MainWindow], qtbot: QtBot, hard_path: Path
) -> None:
    window = make_window()
    window.actions_["view_training"].trigger()
    assert "No run is open" in window.training.notice.text
    window.session.open([hard_path])
    wait_until_shown(qtbot, window)
    text = window.training.notice.text
    assert window.training.notice.isVisible()
    assert "recorder.snapshot(step=" in text and "hardattn train" in text and "--record" in text
    assert not window.actions_["nextSnapshot"].isEnabled()


def test_the_sample_runs_of_a_training_show_how_it_went(
    make_window: Callable[[], MainWindow], qtbot: QtBot
) -> None:
    window = make_window()
    window.session.open(list(sample_runs.training_paths()))
    window.session.set_view("training")
    wait_until_shown(qtbot, window)
    settle(qtbot, window)
    courses = window.training.courses
    assert [course.slot for course in courses] == ["A", "B"]
    assert [course.hard for course in courses] == [True, False]
    for course in courses:
        assert len(course.steps) == 31 and course.done == 24
        assert {"loss", "reward", "entropy", "temperature", "gradient_variance"} <= set(course.told)
        accuracy = course.means["accuracy"].mean
        assert accuracy[0] < 0.3 and accuracy[-1] > 0.8
    assert sum(path.stat().st_size for path in sample_runs.training_paths()) < 1.5e6


def test_numbers_are_kept_compared_copied_and_dropped(window: MainWindow, qtbot: QtBot) -> None:
    inspector = window.inspector
    keep = window.findChild(QToolButton, "keep")
    lines = inspector._lines.lines
    before = {one.name.text(): one.value.whole for one in lines if one.name.text()}
    keep.click()
    assert keep.text() == "DROP" and window.actions_["keepNumbers"].isChecked()
    QTest.keyClick(window, Qt.Key.Key_Right)
    settle(qtbot, window)
    for one in lines:
        if not one.name.isHidden():
            assert one.kept.whole == before.get(one.name.text(), "")
    assert any(one.kept.whole != one.value.whole for one in lines if not one.name.isHidden())
    window.actions_["copy"].trigger()
    copied = QGuiApplication.clipboard().text().split("\n")
    assert copied[0] == "Step 2 · A\tnow\tStep 1 · A"
    assert all(line.count("\t") == 2 for line in copied)
    keep.click()
    assert window.session.state.kept is None and keep.text() == "KEEP"
    assert all(one.kept.isHidden() for one in lines)
    window.actions_["copy"].trigger()
    assert QGuiApplication.clipboard().text().startswith("Step 2 · A\n")


def test_parts_of_the_inspector_fold(window: MainWindow) -> None:
    for fold, part in zip(
        window.inspector.folds,
        (window.inspector._lines, window.inspector._top, window.inspector._record_lines),
        strict=True,
    ):
        assert part.isVisibleTo(window.inspector)
        fold.click()
        assert not part.isVisibleTo(window.inspector) and fold.accessibleName().startswith("Show")
        fold.click()
        assert part.isVisibleTo(window.inspector)


def test_tool_tips_define_every_number(window: MainWindow) -> None:
    shown = [one for one in window.inspector._lines.lines if not one.name.isHidden()]
    tips = {one.name.text(): one.name.toolTip() for one in shown}
    assert "Shannon 1948" in tips["entropy"] and "log₂" in tips["entropy"]
    assert "Hill 1973" in tips["effective regions"]
    assert all(len(tip) > 30 for tip in tips.values())


def test_options_of_the_distribution_are_switched_from_the_menu(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.actions_["view_overlay"].trigger()
    wait_until_shown(qtbot, window)
    strip = window.overlay.pane.strip
    assert strip.picture is not None and strip.picture.order is None and strip.picture.names
    menu = {action.objectName() for action in window.menus["Analyse"].actions()}
    for option in ("sorted_bars", "log_bars", "cumulative", "bar_names"):
        action = window.actions_[f"show_{option}"]
        assert f"show_{option}" in menu
        before = strip.grab().toImage()
        action.trigger()
        QApplication.processEvents()
        assert strip.grab().toImage() != before, option
    picture = strip.picture
    assert picture.order is not None and picture.low > 0 and picture.cumulative
    assert picture.names == ()


def test_a_training_is_exported_as_it_is_seen(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_["export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog) and dialog.view.currentData() == "training"
    qtbot.waitUntil(lambda: dialog.preview.image is not None, timeout=5_000)
    for suffix in (".svg", ".csv"):
        dialog.format.setCurrentIndex(dialog.format.findData(suffix))
        dialog.path.setText(str(tmp_path / f"figure{suffix}"))
        QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
        assert (tmp_path / f"figure{suffix}").stat().st_size > 500
    dialog.view.setCurrentIndex(dialog.view.findData("timeline"))
    dialog.path.setText(str(tmp_path / "timeline.csv"))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert (tmp_path / "timeline.csv").read_text().startswith("slot,run,example,track")
    dialog.close()


def _cell(image: QImage, place: QRectF) -> np.ndarray:
    part = image.copy(place.toRect()).convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(bytes(part.constBits()), np.uint8)
    return raw.reshape(part.height(), part.bytesPerLine())[:, : 3 * part.width()].copy()


def _drag(widget: object, point: QPoint) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(point),
        QPointF(point),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)  # type: ignore[arg-type]
