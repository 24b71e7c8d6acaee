"""The matrix in the real window: keys, wheel, drag, clicks, copying, margins, A and B."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown
from text_runs import WORDS, write_generated_run, write_text_run

from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.colours import amount_table
from hardattn_viewer.drawing.matrix import matrix_layout
from hardattn_viewer.drawing.matrix.geometry import Cells
from hardattn_viewer.session.matrix import READABLE_CELL, Zoom
from hardattn_viewer.views.matrix import MatrixView
from hardattn_viewer.views.matrix_canvas import MatrixCanvas
from recorders import read_run

Make = Callable[[], MainWindow]
LEFT = Qt.MouseButton.LeftButton


def view_of(window: MainWindow) -> MatrixView:
    view = window.view["matrix"]
    assert isinstance(view, MatrixView)
    return view


def canvas_of(window: MainWindow) -> MatrixCanvas:
    return view_of(window).one.canvas


def cells_of(canvas: MatrixCanvas) -> Cells:
    assert canvas.picture is not None
    return matrix_layout(canvas.picture, QRectF(canvas.rect()))


def point_of(canvas: MatrixCanvas, row: int, column: int) -> QPoint:
    return cells_of(canvas).cell(row, column).center().toPoint()


def settle(qtbot: QtBot, window: MainWindow) -> None:
    wait_until_shown(qtbot, window)
    qtbot.waitUntil(
        lambda: all(study.finished for study in window.session.state.studies.values()),
        timeout=10_000,
    )
    QApplication.processEvents()


def turn_wheel(
    canvas: MatrixCanvas,
    at: QPoint,
    notches: int,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    event = QWheelEvent(
        QPointF(at), QPointF(canvas.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)
    QApplication.processEvents()


def drag(canvas: MatrixCanvas, start: QPoint, by: QPoint) -> None:
    QTest.mousePress(canvas, LEFT, pos=start)
    for part in (1, 2, 3):
        QTest.mouseMove(canvas, start + by * part / 3)
        QApplication.processEvents()
    QTest.mouseRelease(canvas, LEFT, pos=start + by)
    QApplication.processEvents()


@pytest.fixture
def opened(make_window: Make, qtbot: QtBot) -> Callable[..., MainWindow]:
    def open_runs(*paths: Path) -> MainWindow:
        window = make_window()
        window.session.open(list(paths))
        wait_until_shown(qtbot, window)
        window.session.go_to_head(0)
        QTest.keyClick(window, Qt.Key.Key_M)
        settle(qtbot, window)
        return window

    return open_runs


@pytest.fixture
def text(opened: Callable[..., MainWindow], tmp_path: Path) -> MainWindow:
    return opened(write_text_run(tmp_path / "text.h5"))


@pytest.fixture
def values(text: MainWindow, tmp_path: Path) -> np.ndarray:
    with read_run(tmp_path / "text.h5") as run:
        return run.map(run.sites[0], 0)[0]


def test_the_key_leads_to_the_matrix_and_back(text: MainWindow) -> None:
    assert text.session.state.view == "matrix" and view_of(text).isVisible()
    QTest.keyClick(text, Qt.Key.Key_M)
    assert text.session.state.view == "overlay" and not view_of(text).isVisible()
    text.session.set_view("compare")
    QTest.keyClick(text, Qt.Key.Key_M)
    QTest.keyClick(text, Qt.Key.Key_M)
    assert text.session.state.view == "compare"


def test_every_cell_has_the_colour_of_its_value(text: MainWindow, values: np.ndarray) -> None:
    canvas = canvas_of(text)
    QTest.mouseMove(canvas, QPoint(2, canvas.height() - 3))
    QApplication.processEvents()
    cells, image = cells_of(canvas), canvas.grab().toImage()
    picture = canvas.picture
    assert picture is not None and picture.query_name(2) == WORDS[2]
    table = amount_table("viridis").astype(int)
    for row in range(len(WORDS)):
        for column in range(len(WORDS)):
            # In a corner, where no number is written.
            place = cells.cell(row, column).topLeft() + QPointF(4, 4)
            colour = image.pixelColor(place.toPoint())
            entry = round(255 * float(values[row, column]) / picture.top)
            expected = table[min(entry, 255)]
            shown = np.array([colour.red(), colour.green(), colour.blue()])
            assert np.abs(shown - expected).max() <= 4, (row, column)


def test_hovering_reads_the_exact_value_and_links_every_view(
    text: MainWindow, values: np.ndarray, qtbot: QtBot
) -> None:
    canvas = canvas_of(text)
    QTest.mouseMove(canvas, point_of(canvas, 3, 5))
    settle(qtbot, text)
    state = text.session.state
    assert (state.hovered_query, state.hovered) == (3, 5)
    assert state.frame is not None and state.frame.query == 3
    words = view_of(text).reading.whole
    assert words == f"query 3 “shines” → key 5 “the” · p {values[3, 5]:.6f}"
    picture = canvas.picture
    assert picture is not None and (picture.hover_query, picture.hover) == (3, 5)
    QTest.mouseMove(canvas, QPoint(1, 1))
    settle(qtbot, text)
    assert text.session.state.hovered is None and "wheel zooms" in view_of(text).reading.whole


def test_a_click_pins_query_and_key_and_again_lets_go_of_the_key(
    text: MainWindow, qtbot: QtBot
) -> None:
    canvas = canvas_of(text)
    for row, column, pinned in ((4, 2, 2), (6, 2, 2), (6, 2, None), (6, 3, 3)):
        QTest.mouseClick(canvas, LEFT, pos=point_of(canvas, row, column))
        settle(qtbot, text)
        state = text.session.state
        assert (state.place.query, state.pinned) == (row, pinned)
    text.session.hover(None)
    assert "(pinned)" in view_of(text).reading.whole


def test_the_wheel_zooms_at_the_pointer_and_a_drag_moves_the_map(
    text: MainWindow, qtbot: QtBot
) -> None:
    canvas = canvas_of(text)
    at = point_of(canvas, 5, 2)
    before = cells_of(canvas).layout
    for _ in range(4):
        turn_wheel(canvas, at, 1)
    cells = cells_of(canvas)
    assert cells.layout.cell_width == pytest.approx(min(160, before.cell_width * 1.25**4))
    local = QPointF(at) - cells.room.topLeft()
    assert cells.layout.at(local.x(), local.y()) == (5, 2)
    left, top = cells.layout.left, cells.layout.top
    place = text.session.state.place
    drag(canvas, at, QPoint(30, 24))
    moved = cells_of(canvas).layout
    assert (moved.left, moved.top) == (min(0, left + 30), min(0, top + 24))
    assert text.session.state.place == place
    turn_wheel(canvas, at, -1, Qt.KeyboardModifier.ShiftModifier)
    assert cells_of(canvas).layout.left < moved.left
    for _ in range(12):
        turn_wheel(canvas, at, -1)
    assert text.session.state.matrix.zoom == Zoom() and cells_of(canvas).layout == before
    text.actions_["undo"].trigger()
    assert text.session.state.matrix.zoom == Zoom()


def test_keys_zoom_and_a_double_click_goes_to_a_cell(text: MainWindow, qtbot: QtBot) -> None:
    canvas = canvas_of(text)
    whole = cells_of(canvas).layout
    QTest.keyClick(text, Qt.Key.Key_Plus)
    assert cells_of(canvas).layout.cell_width == pytest.approx(1.5 * whole.cell_width)
    QTest.keyClick(text, Qt.Key.Key_Plus)
    QTest.keyClick(text, Qt.Key.Key_Minus)
    assert cells_of(canvas).layout.cell_width == pytest.approx(1.5 * whole.cell_width)
    QTest.keyClick(text, Qt.Key.Key_0)
    assert cells_of(canvas).layout == whole
    text.resize(1100, 700)
    QApplication.processEvents()
    text.session.pin(6)
    text.session.go_to_query(1)
    settle(qtbot, text)
    QTest.keyClick(text, Qt.Key.Key_Z)
    layout = cells_of(canvas).layout
    assert layout.cell_width >= READABLE_CELL - 0.01
    assert 1 in layout.seen_queries and 6 in layout.seen_keys
    QTest.keyClick(text, Qt.Key.Key_0)
    QTest.mouseDClick(canvas, LEFT, pos=point_of(canvas, 7, 0))
    layout = cells_of(canvas).layout
    assert not layout.is_whole and layout.cell_width >= READABLE_CELL - 0.01
    assert 7 in layout.seen_queries and 0 in layout.seen_keys
    QTest.mouseDClick(canvas, LEFT, pos=point_of(canvas, 7, 0))
    assert cells_of(canvas).layout.is_whole


def test_the_small_map_leads_to_a_part(text: MainWindow) -> None:
    canvas = canvas_of(text)
    text.session.set_matrix(text.session.state.matrix)
    for _ in range(6):
        turn_wheel(canvas, point_of(canvas, 0, 0), 1)
    first = cells_of(canvas).layout
    assert first.at(1, 1) == (0, 0)
    QTest.mouseClick(canvas, LEFT, pos=QPoint(70, 70))
    now = cells_of(canvas).layout
    assert now.cell_width == first.cell_width and (now.left, now.top) < (first.left, first.top)
    assert text.session.state.place.query is None


def test_the_menu_copies_a_value_a_row_a_column_and_what_is_in_sight(
    text: MainWindow, values: np.ndarray, qtbot: QtBot
) -> None:
    canvas = canvas_of(text)

    def copied(what: str) -> str:
        at = point_of(canvas, 2, 6)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, canvas.mapToGlobal(at))
        QApplication.sendEvent(canvas, event)
        menu = view_of(text).one.findChild(QMenu, "matrixMenu")
        assert isinstance(menu, QMenu)
        next(action for action in menu.actions() if what in action.text()).trigger()
        menu.close()
        QApplication.processEvents()
        return QApplication.clipboard().text()

    assert float(copied("value")) == pytest.approx(values[2, 6], rel=1e-6)
    row = [line.split("\t") for line in copied("row").splitlines()]
    assert row[0] == ["key", "2 light"] and row[7][0] == "6 darkness"
    np.testing.assert_allclose([float(cell) for _, cell in row[1:]], values[2], rtol=1e-6)
    column = [line.split("\t") for line in copied("column").splitlines()]
    assert column[0] == ["query", "6 darkness"]
    np.testing.assert_allclose([float(cell) for _, cell in column[1:]], values[:, 6], rtol=1e-6)
    table = [line.split("\t") for line in copied("sight").splitlines()]
    assert table[0][:3] == ["query \\ key", "0 [CLS]", "1 the"]
    found = np.array([[float(cell) for cell in line[1:]] for line in table[1:]])
    np.testing.assert_allclose(found, values, rtol=1e-6)
    text.session.pin(3)
    text.session.go_to_query(5)
    settle(qtbot, text)
    text.actions_["matrix_copy_value"].trigger()
    assert float(QApplication.clipboard().text()) == pytest.approx(values[5, 3], rel=1e-6)


def test_the_margins_are_those_of_the_map(
    text: MainWindow, values: np.ndarray, qtbot: QtBot
) -> None:
    text.actions_["matrix_statistics"].trigger()
    settle(qtbot, text)
    picture = canvas_of(text).picture
    assert picture is not None and picture.margins is not None
    margins, p = picture.margins, values.astype(np.float64)
    np.testing.assert_allclose(margins.entropy, -(p * np.log2(p)).sum(1), rtol=1e-5)
    np.testing.assert_allclose(margins.largest, p.max(1))
    np.testing.assert_allclose(margins.mass, p.sum(0))
    np.testing.assert_allclose(margins.mean, p.mean(0))
    means = [np.diagonal(p, -d).mean() for d in range(-7, 8)]
    np.testing.assert_allclose(margins.diagonal, means)
    assert margins.nearest == -7 and margins.done == 8
    canvas_of(text).grab()
    text.actions_["matrix_statistics"].trigger()
    settle(qtbot, text)
    assert "matrixMargins" not in text.session.state.studies


def test_colours_and_their_scope_are_stated(
    text: MainWindow, values: np.ndarray, qtbot: QtBot
) -> None:
    bar = view_of(text).one.scale
    assert bar.scale is not None
    assert bar.scale.words[0] == f"this head, all steps · 0 – {values.max():.2f} · linear"
    text.actions_["matrix_log"].trigger()
    assert "logarithm, 4 decades" in bar.scale.words[0]
    text.actions_["matrix_one_row"].trigger()
    assert bar.scale.top == pytest.approx(values[0].max()) and bar.scale.scope == "this row"
    header = text.header.findChild(QWidget, "headerScale")
    assert header is not None
    assert header.accessibleName() == f"scale this row, 0 – {values[0].max():.2f}"
    text.actions_["matrix_one_row"].trigger()
    text.actions_["matrix_linear"].trigger()
    place = bar.bar
    at = QPoint(round(place.left() + place.width() / 4), round(place.center().y()))
    QTest.mousePress(bar, LEFT, pos=at)
    QTest.mouseRelease(bar, LEFT, pos=at)
    picture = canvas_of(text).picture
    assert picture is not None
    assert picture.top == pytest.approx(values.max() / 4, rel=0.05)
    assert "clipped at" in bar.scale.words[0]
    canvas_of(text).grab()
    memory = canvas_of(text)._memory
    assert memory._drawn is not None
    clipped = (values > picture.top).sum()
    assert sum(count for code, count in memory._drawn.counts.items() if code == 260) == clipped
    QTest.mouseDClick(bar, LEFT, pos=at)
    assert text.session.state.matrix.clip == 1


def test_generated_steps_are_one_map_and_later_keys_are_masked(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened(write_generated_run(tmp_path / "generated.h5"))
    canvas = canvas_of(window)
    picture = canvas.picture
    assert picture is not None and (picture.queries, picture.keys) == (7, 7)
    QTest.mouseClick(canvas, LEFT, pos=point_of(canvas, 6, 1))
    settle(qtbot, window)
    place = window.session.state.place
    assert (place.step, place.query, window.session.state.pinned) == (2, 0, 1)
    QTest.mouseMove(canvas, point_of(canvas, 6, 2))
    settle(qtbot, window)
    with read_run(tmp_path / "generated.h5") as run:
        value = run.map("h.0", 0, 2)[0, 0, 2]
    assert view_of(window).reading.whole.endswith(f"p {value:.6f}")
    window.session.hover(None)
    window.actions_["matrix_copy_window"].trigger()
    assert QApplication.clipboard().text().count("masked") == 21


def test_a_and_b_move_together_beside_their_difference(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    paths = [write_text_run(tmp_path / f"{name}.h5", seed=seed) for seed, name in enumerate("ab")]
    window = opened(*paths)
    window.actions_["matrix_both"].trigger()
    settle(qtbot, window)
    view = view_of(window)
    assert view.shown == (view.a, view.b, view.difference)
    with read_run(paths[0]) as a, read_run(paths[1]) as b:
        p, q = (run.map(run.sites[0], 0)[0] for run in (a, b))
    difference = view.difference.canvas.picture
    assert difference is not None and difference.signed
    for row in range(8):
        for column in range(8):
            assert difference.value(row, column)[0] == pytest.approx(
                q[row, column] - p[row, column]
            )
    assert difference.scale_max == pytest.approx(max(p.max(), q.max()))
    turn_wheel(view.b.canvas, point_of(view.b.canvas, 4, 4), 3)
    layouts = [cells_of(pane.canvas).layout for pane in view.shown]
    assert len({layout.cell_width for layout in layouts}) == 1 and not layouts[0].is_whole
    QTest.mouseMove(view.difference.canvas, point_of(view.difference.canvas, 4, 5))
    settle(qtbot, window)
    words = view.reading.whole
    assert f"p in A {p[4, 5]:.6f} · p in B {q[4, 5]:.6f}" in words
    assert f"B − A {'+' if q[4, 5] > p[4, 5] else '−'}{abs(q[4, 5] - p[4, 5]):.6f}" in words
    QTest.mouseClick(view.b.canvas, LEFT, pos=point_of(view.b.canvas, 3, 4))
    assert window.session.state.focus == "B"
    window.session.close_run(window.session.state.runs[1].key)
    settle(qtbot, window)
    assert view.shown == (view.one,)


def test_maps_of_other_sizes_are_not_subtracted(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened(
        write_text_run(tmp_path / "a.h5"), write_text_run(tmp_path / "b.h5", words=WORDS[:5])
    )
    window.actions_["matrix_both"].trigger()
    settle(qtbot, window)
    pane = view_of(window).difference
    assert "The map of A is 8 × 8 and that of B 5 × 5" in pane.notice.text
    assert pane.canvas.picture is None


def test_an_export_from_here_is_one_of_the_matrix(text: MainWindow) -> None:
    text.actions_["export"].trigger()
    dialog = text.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    assert dialog.view.currentData() == "matrix"
    dialog.close()


def test_without_a_run_the_matrix_says_what_to_do(make_window: Make) -> None:
    window = make_window()
    window.actions_["matrix"].trigger()
    pane = view_of(window).one
    assert "Open a run" in pane.notice.text
    assert not window.actions_["matrix_zoom_in"].isEnabled()
