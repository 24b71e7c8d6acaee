"""All heads in the real window: pointed at, clicked, typed about, sorted, picked and exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from heads_runs import CROSS, HARD, SELF, write_heads_run
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.session.atlas import HeadAt
from hardattn_viewer.session.head_numbers import HeadNumbers
from hardattn_viewer.views.heads import HeadsView
from recorders import read_run

Make = Callable[[], MainWindow]
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_heads_run(tmp_path / "heads.h5")


@pytest.fixture
def heads(make_window: Make, qtbot: QtBot, path: Path) -> MainWindow:
    """The window with all heads of a run on the screen."""
    window = make_window()
    window.session.open([path])
    wait_until_shown(qtbot, window)
    button = window.tools.findChild(QToolButton, "tool_view_heads")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    settle(qtbot, window)
    return window


def settle(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until everything that the state asked for is on the screen."""

    def done() -> bool:
        studies = window.session.state.studies
        return all(result.finished for result in studies.values())

    wait_until_shown(qtbot, window)
    qtbot.waitUntil(done, timeout=10_000)
    QApplication.processEvents()


def view_of(window: MainWindow) -> HeadsView:
    view = window.view["heads"]
    assert isinstance(view, HeadsView)
    return view


def point(window: MainWindow, head: HeadAt) -> QPoint:
    place = view_of(window).canvas.place_of(head)
    assert place is not None
    return place.center().toPoint()


def click(
    window: MainWindow,
    head: HeadAt,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    canvas = view_of(window).canvas
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, keys, point(window, head))


def at(window: MainWindow) -> HeadAt | None:
    place = window.session.state.place
    return None if place.site is None or place.head is None else HeadAt(place.site, place.head)


def shown(window: MainWindow) -> tuple[HeadAt, ...]:
    sheet = view_of(window).sheet
    assert sheet is not None
    return sheet.shown.heads


def test_all_heads_are_shown_by_layer(heads: MainWindow) -> None:
    view = view_of(heads)
    assert heads.views.currentWidget() is view
    assert view.count.text() == "17 of 17"
    assert view.about.whole == "layers × heads · step 1"
    assert shown(heads)[0] == HeadAt(SELF.format(0), 0)
    assert heads.menus["Analyse"].actions()


def test_a_click_goes_to_a_head_in_every_view(heads: MainWindow, qtbot: QtBot) -> None:
    head = HeadAt(CROSS.format(1), 2)
    click(heads, head)
    settle(qtbot, heads)
    assert at(heads) == head
    frame = heads.session.state.frame
    assert frame is not None and (frame.place.site, frame.place.head) == (head.site, 2)
    view = view_of(heads)
    assert view.map.title.text() == "layer 1 · head 2 of 4"
    assert heads.header.head.text() == "head 2 of 4 heads ▾"
    assert view.words.text().startswith("layer 1 cross, head 2 · entropy ")
    place = view.canvas.place_of(head)
    assert place is not None
    image = view.canvas.grab().toImage()
    edge = image.pixelColor(round(place.left()) + 12, round(place.top()) - 1)
    assert edge == QColor(heads.theme.accent)
    heads.actions_["undo"].trigger()
    settle(qtbot, heads)
    assert at(heads) is None


def test_the_pointer_shows_the_numbers_of_a_head(heads: MainWindow) -> None:
    head = HeadAt(SELF.format(1), 3)
    view = view_of(heads)
    QTest.mouseMove(view.canvas, point(heads, head))
    assert view.words.text().startswith("layer 1 self, head 3 · entropy ")
    numbers = heads.session.state.studies["heads"].value
    assert isinstance(numbers, HeadNumbers)
    assert f"diagonal {numbers.value('diagonal', head):.2f}" in view.words.text()
    assert at(heads) is None


def test_a_double_click_opens_a_head(heads: MainWindow, qtbot: QtBot) -> None:
    head = HeadAt(SELF.format(1), 1)
    canvas = view_of(heads).canvas
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=point(heads, head))
    settle(qtbot, heads)
    assert heads.session.state.view == "matrix"
    assert at(heads) == head


def test_arrows_move_among_heads_and_steps_stay(heads: MainWindow, qtbot: QtBot) -> None:
    canvas = view_of(heads).canvas
    click(heads, HeadAt(SELF.format(0), 0))
    canvas.setFocus()
    row = heads.session.state.place.example
    for key, expected in (
        (Qt.Key.Key_Right, HeadAt(SELF.format(0), 1)),
        (Qt.Key.Key_Down, HeadAt(CROSS.format(0), 1)),
        (Qt.Key.Key_Down, HeadAt(SELF.format(1), 1)),
        (Qt.Key.Key_Left, HeadAt(SELF.format(1), 0)),
        (Qt.Key.Key_Up, HeadAt(CROSS.format(0), 0)),
        (Qt.Key.Key_End, HeadAt(HARD, 0)),
        (Qt.Key.Key_Down, HeadAt(HARD, 0)),
        (Qt.Key.Key_Home, HeadAt(SELF.format(0), 0)),
    ):
        QTest.keyClick(canvas, key)
        settle(qtbot, heads)
        assert at(heads) == expected
    assert heads.session.state.place.example == row
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    settle(qtbot, heads)
    assert heads.session.state.atlas.picked == (HeadAt(SELF.format(0), 0),)
    assert not heads.session.state.playing
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    settle(qtbot, heads)
    assert heads.session.state.view == "matrix"


def test_keys_go_through_the_order_of_the_sort(heads: MainWindow, qtbot: QtBot) -> None:
    heads.actions_["heads_sort_margin"].trigger()
    settle(qtbot, heads)
    order = shown(heads)
    numbers = heads.session.state.studies["heads"].value
    assert isinstance(numbers, HeadNumbers)
    values = [numbers.value("margin", head) for head in order]
    assert values == sorted(values)
    assert view_of(heads).about.whole == "sorted by margin, smallest first · step 1"
    click(heads, order[4])
    settle(qtbot, heads)
    heads.actions_["heads_next"].trigger()
    settle(qtbot, heads)
    assert at(heads) == order[5]
    heads.actions_["heads_previous"].trigger()
    heads.actions_["heads_previous"].trigger()
    settle(qtbot, heads)
    assert at(heads) == order[3]
    heads.actions_["heads_reverse"].trigger()
    assert shown(heads) == order[::-1]
    heads.actions_["heads_model_order"].trigger()
    assert shown(heads)[0] == HeadAt(SELF.format(0), 0)


def test_a_command_of_the_menu_brings_the_heads_up(heads: MainWindow, qtbot: QtBot) -> None:
    heads.actions_["view_overlay"].trigger()
    settle(qtbot, heads)
    assert not heads.actions_["heads_next"].isEnabled()
    heads.actions_["heads_cells"].trigger()
    settle(qtbot, heads)
    state = heads.session.state
    assert (state.view, state.atlas.mode) == ("heads", "cells")
    assert view_of(heads).bar.cells.isChecked() and not view_of(heads).bar.maps.isChecked()
    assert not view_of(heads).bar.scale.isVisible()


def test_the_bar_changes_mode_measure_order_and_scale(heads: MainWindow, qtbot: QtBot) -> None:
    bar, canvas = view_of(heads).bar, view_of(heads).canvas
    before = canvas.grab().toImage()
    QTest.mouseClick(bar.scale, Qt.MouseButton.LeftButton)
    assert heads.session.state.atlas.scale == "all" and bar.scale.text() == "one scale"
    assert canvas.grab().toImage() != before
    QTest.mouseClick(bar.cells, Qt.MouseButton.LeftButton)
    QTest.mouseClick(bar.cells, Qt.MouseButton.LeftButton)
    assert heads.session.state.atlas.mode == "cells" and bar.cells.isChecked()
    bar.measure.setFocus()
    QTest.keyClick(bar.measure, Qt.Key.Key_Down)
    assert heads.session.state.atlas.measure == "margin"
    for expected in ((True, False), (True, True), (False, False)):
        QTest.mouseClick(bar.order, Qt.MouseButton.LeftButton)
        atlas = heads.session.state.atlas
        assert (atlas.by_measure, atlas.descending) == expected
    settle(qtbot, heads)


def test_a_filter_is_typed_and_what_is_wrong_is_said(heads: MainWindow, qtbot: QtBot) -> None:
    view = view_of(heads)
    QTest.keyClicks(view.bar.field, "layer >= 1 & head < 2")
    QTest.keyClick(view.bar.field, Qt.Key.Key_Return)
    settle(qtbot, heads)
    assert view.count.text() == "4 of 17"
    assert {head.site for head in shown(heads)} == {SELF.format(1), CROSS.format(1)}
    view.bar.field.clear()
    assert view.count.text() == "17 of 17"
    QTest.keyClicks(view.bar.field, "layr >= 1")
    qtbot.waitUntil(lambda: view.bar.error.isVisible())
    assert view.bar.error.text() == "There is no layr: did you mean layer?"
    assert len(shown(heads)) == 17
    heads.actions_["undo"].trigger()
    QApplication.processEvents()
    assert view.bar.field.text() == "" and not view.bar.error.isVisible()
    QTest.keyClicks(view.bar.field, "entropy < 0")
    QTest.keyClick(view.bar.field, Qt.Key.Key_Return)
    assert view.count.text() == "0 of 17"


def test_several_heads_are_picked_and_averaged(heads: MainWindow, qtbot: QtBot, path: Path) -> None:
    view = view_of(heads)
    one, two = HeadAt(SELF.format(0), 1), HeadAt(SELF.format(1), 3)
    click(heads, one, CONTROL)
    click(heads, two, CONTROL)
    settle(qtbot, heads)
    assert view.map.title.text() == "mean of 2 picked heads: 0 self.1, 1 self.3"
    picture = view.map.canvas.picture
    assert picture is not None and picture.pyramid is not None
    with read_run(path) as run:
        expected = (run.map(one.site, 0)[1] + run.map(two.site, 0)[3]) / 2
    np.testing.assert_allclose(picture.pyramid.values, expected, atol=1e-6)
    click(heads, one, CONTROL)
    settle(qtbot, heads)
    assert view.map.title.text() == "1 picked head: 1 self.3"
    # From the last that was clicked to the one that is, in the order shown.
    click(heads, HeadAt(CROSS.format(0), 1), SHIFT)
    settle(qtbot, heads)
    picked = heads.session.state.atlas.picked
    assert picked == (two, HeadAt(SELF.format(0), 1), HeadAt(SELF.format(0), 2),
                      HeadAt(SELF.format(0), 3), HeadAt(CROSS.format(0), 0),
                      HeadAt(CROSS.format(0), 1))  # fmt: skip
    assert view.map.note.text() == (
        "left out, for their queries or keys are others: 0 cross.0, 0 cross.1"
    )
    heads.actions_["heads_clear"].trigger()
    settle(qtbot, heads)
    assert heads.session.state.atlas.picked == ()
    assert not heads.actions_["heads_clear"].isEnabled()


def test_all_that_are_shown_are_picked_at_once(heads: MainWindow, qtbot: QtBot) -> None:
    view = view_of(heads)
    QTest.keyClicks(view.bar.field, "layer == 0")
    QTest.keyClick(view.bar.field, Qt.Key.Key_Return)
    QTest.mouseClick(view.bar.pick_all, Qt.MouseButton.LeftButton)
    settle(qtbot, heads)
    assert heads.session.state.atlas.picked == shown(heads) and len(shown(heads)) == 8
    click(heads, HeadAt(SELF.format(0), 2))
    heads.actions_["heads_pick"].trigger()
    settle(qtbot, heads)
    assert len(heads.session.state.atlas.picked) == 7


def test_another_example_shows_its_own_heads(heads: MainWindow, qtbot: QtBot) -> None:
    first = heads.session.state.studies["heads"].value
    heads.actions_["nextExample"].trigger()
    settle(qtbot, heads)
    sheet = view_of(heads).sheet
    assert sheet is not None and sheet.numbers is not first
    assert sheet.numbers.example_name == "text-1"


def test_both_themes_paint_the_heads(heads: MainWindow, qtbot: QtBot) -> None:
    dark = view_of(heads).canvas.grab().toImage()
    heads.session.set_theme("light")
    settle(qtbot, heads)
    assert view_of(heads).canvas.grab().toImage() != dark


def test_the_heads_are_exported_as_they_are_shown(
    heads: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    heads.actions_["heads_sort_hardness"].trigger()
    settle(qtbot, heads)
    heads.actions_["export"].trigger()
    dialog = heads.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    assert dialog.view.currentText() == "All heads"
    dialog.format.setCurrentIndex(dialog.format.findData(".csv"))
    dialog.path.setText(str(tmp_path / "heads.csv"))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert dialog.saved is not None
    lines = dialog.saved.read_text().splitlines()
    assert len(lines) == 18
    order = [tuple(line.split(",")[4:8:3]) for line in lines[1:]]
    assert order == [(head.site, str(head.head)) for head in shown(heads)]
    dialog.format.setCurrentIndex(dialog.format.findData(".svg"))
    dialog.path.setText(str(tmp_path / "heads.svg"))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert "sorted by hardness" in (tmp_path / "heads.svg").read_text()
    dialog.close()


def test_two_runs_disagree_head_by_head(
    make_window: Make, qtbot: QtBot, path: Path, tmp_path: Path
) -> None:
    window = make_window()
    window.session.open([path, write_heads_run(tmp_path / "other.h5", seed=4)])
    wait_until_shown(qtbot, window)
    window.actions_["heads_sort_disagreement"].trigger()
    settle(qtbot, window)
    numbers = window.session.state.studies["heads"].value
    assert isinstance(numbers, HeadNumbers) and numbers.other_name == "other"
    values = [numbers.value("disagreement", head) for head in shown(window)]
    assert values == sorted(values) and min(values) > 0
    window.actions_["other"].trigger()
    settle(qtbot, window)
    turned = window.session.state.studies["heads"].value
    assert isinstance(turned, HeadNumbers) and turned.run_name == "other"
    np.testing.assert_allclose(turned.column("disagreement"), numbers.column("disagreement"))


def test_without_a_run_the_view_says_what_to_do(make_window: Make, qtbot: QtBot) -> None:
    window = make_window()
    window.session.set_view("heads")
    QApplication.processEvents()
    view = view_of(window)
    assert "Open one with Ctrl+O" in view.notice.text
    assert view.sheet is None
    QTest.keyClick(view.canvas, Qt.Key.Key_Right)
    assert window.session.state.place.head is None


def test_a_narrow_window_keeps_the_room_for_the_heads(heads: MainWindow, qtbot: QtBot) -> None:
    heads.resize(1100, 700)
    settle(qtbot, heads)
    view = view_of(heads)
    assert not view.map.isVisible()
    click(heads, HeadAt(SELF.format(0), 1), CONTROL)
    settle(qtbot, heads)
    assert view.map.isVisible()
    canvas = view.canvas
    for head in shown(heads):
        place = canvas.place_of(head)
        assert place is not None and canvas.rect().contains(place.toAlignedRect())


def test_heads_that_only_one_of_two_runs_has_stay_picked_and_current(
    make_window: Make, qtbot: QtBot, path: Path, tmp_path: Path
) -> None:
    window = make_window()
    fewer = write_heads_run(tmp_path / "fewer.h5", heads=2)
    window.session.open([path, fewer])
    wait_until_shown(qtbot, window)
    window.session.set_view("heads")
    settle(qtbot, window)
    view = view_of(window)
    last = HeadAt(SELF.format(0), 3)
    click(window, last, CONTROL)
    click(window, last)
    settle(qtbot, window)
    assert view.map.title.text() == "1 picked head: 0 self.3"
    window.actions_["other"].trigger()
    settle(qtbot, window)
    assert last not in shown(window) and "picked" not in view.map.title.text()
    # Until its own numbers are read, those of the other run are all there is.
    window.actions_["other"].trigger()
    assert view.map.title.text() == f"1 picked head: {last.site}.3"
    settle(qtbot, window)
    assert view.map.title.text() == "1 picked head: 0 self.3"
    window.actions_["other"].trigger()
    settle(qtbot, window)
    window.session.set_view("overlay")
    window.session.look_at("A")
    window.session.set_view("heads")
    assert view.map.title.text() == f"1 picked head: {last.site}.3"
    settle(qtbot, window)
    assert at(window) == last and last in shown(window)
