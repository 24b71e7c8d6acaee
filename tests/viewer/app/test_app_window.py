"""The real window, clicked and typed into: after every act all views show the same place."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from drawing_samples import make_frame
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot
from small_runs import STEPS, wait_until_shown

from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.theme import DARK
from hardattn_viewer.session.numbers import decimal, numbers_of, plain
from hardattn_viewer.views.example_lines import ExampleLines, _words
from hardattn_viewer.views.examples_model import ExamplesModel
from hardattn_viewer.views.parts import ExactLabel


def assert_views_agree(window: MainWindow) -> None:
    """Every view shows the example, step, view and theme that the session is at."""
    state = window.session.state
    row, step = state.place.example, state.place.step
    assert window.header.example.text() == f"Example {row}"
    table = window.examples.table
    if row in state.order:
        assert table.currentIndex().row() == state.order.index(row)
    panes = (
        (window.compare.a, state.frames.a),
        (window.compare.b, state.frames.b),
        (window.overlay.pane, state.frame),
    )
    # What nobody sees is drawn when it is seen again.
    for pane, frame in ((pane, frame) for pane, frame in panes if pane.isVisible()):
        picture, bars = pane.canvas.picture, pane.strip.picture
        assert frame is not None and picture is not None and bars is not None
        assert picture.step == step
        assert (picture.values == frame.probabilities).all()
        assert (bars.values == frame.probabilities).all()
        assert (picture.hover, picture.pinned) == (state.hovered, state.pinned)
        assert (bars.hover, bars.pinned) == (state.hovered, state.pinned)
    assert window.timeline.step.text() == f"step {step + 1} / {STEPS}"
    assert f"Step {step + 1} · {state.shown_slot}" in window.inspector.text()
    shown = window.view[state.view]
    assert window.views.currentWidget() is shown
    assert window.actions_[f"view_{state.view}"].isChecked()


def act(qtbot: QtBot, window: MainWindow) -> None:
    """Let what was just done take effect, and check that all views followed."""
    wait_until_shown(qtbot, window)
    assert_views_agree(window)


def click_line(window: MainWindow, line: int) -> None:
    table = window.examples.table
    index = table.model().index(line, 1)
    table.scrollTo(index)
    point = table.visualRect(index).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=point)


def press(window: MainWindow, key: Qt.Key, shift: bool = False) -> None:
    held = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    QTest.keyClick(window, key, held)


def test_a_walk_through_the_window_keeps_every_view_together(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    session = window.session
    act(qtbot, window)
    click_line(window, 4)
    act(qtbot, window)
    assert session.state.place.example == 4
    for key, shift, step in (
        (Qt.Key.Key_Right, False, 1),
        (Qt.Key.Key_Right, False, 2),
        (Qt.Key.Key_Left, False, 1),
        (Qt.Key.Key_End, False, 3),
        (Qt.Key.Key_Home, False, 0),
        (Qt.Key.Key_Right, True, 3),
        (Qt.Key.Key_Left, True, 0),
    ):
        press(window, key, shift)
        act(qtbot, window)
        assert session.state.place.step == step
    press(window, Qt.Key.Key_Down)
    act(qtbot, window)
    assert session.state.place.example == 5
    press(window, Qt.Key.Key_Up)
    act(qtbot, window)
    assert session.state.place.example == 4
    session.set_speed(8.0)
    press(window, Qt.Key.Key_Space)
    assert session.state.playing
    qtbot.waitUntil(lambda: not session.state.playing, timeout=5000)
    act(qtbot, window)
    assert session.state.place.step == STEPS - 1
    compare = 1 + [view.id for view in MAIN_VIEWS].index("compare")
    QTest.keyClick(window, Qt.Key(Qt.Key.Key_0 + compare), Qt.KeyboardModifier.ControlModifier)
    act(qtbot, window)
    assert session.state.view == "compare"
    window.findChild(QWidget, "tool_toggleTheme").click()  # type: ignore[attr-defined]
    act(qtbot, window)
    assert window.theme.name == "light"


def test_dragging_in_the_timeline_scrubs(window: MainWindow, qtbot: QtBot) -> None:
    plots = window.timeline.plots
    viewport = plots.widget.viewport()
    for step in (0, 2, 3, 1):
        point = plots.centre_of(step).toPoint()
        if step == 0:
            QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=point)
        else:
            _drag_to(viewport, point)
        act(qtbot, window)
        assert window.session.state.place.step == step
    _drag_to(viewport, QPoint(viewport.width() + 500, 10))
    act(qtbot, window)
    assert window.session.state.place.step == STEPS - 1
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))


def _drag_to(viewport: QWidget, point: QPoint) -> None:
    place = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        QPointF(viewport.mapToGlobal(point)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(viewport, event)


def test_hover_previews_everywhere_and_a_click_pins(window: MainWindow, qtbot: QtBot) -> None:
    window.session.set_view("compare")
    act(qtbot, window)
    canvas = window.compare.b.canvas
    centre = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mouseMove(canvas, centre)
    act(qtbot, window)
    assert window.session.state.hovered == 4
    assert "pointed region\t(6, 6) · 4×4 px" in window.inspector.text()
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=centre)
    act(qtbot, window)
    state = window.session.state
    assert state.pinned == 4 and state.focus == "B"
    QTest.mouseMove(window.header, QPoint(2, 2))
    window.session.hover(None)
    act(qtbot, window)
    assert "pinned region\t(6, 6)" in window.inspector.text()
    press(window, Qt.Key.Key_Escape)
    act(qtbot, window)
    assert window.session.state.pinned is None


def test_ctrl_c_copies_the_inspector(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    text = QApplication.clipboard().text()
    assert text == window.inspector.text()
    frame = window.session.state.frame
    assert frame is not None
    assert f"probability\t{frame.probabilities.max():.3f}" in text
    assert "bits" in text and "nat" in text


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png", ".csv", ".npz"])
def test_the_export_dialog_writes_what_it_previews(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, suffix: str
) -> None:
    QTest.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    image = dialog.preview.image
    assert image is not None and image.width() > 100
    target = tmp_path / f"figure{suffix}"
    dialog.path.setText(str(target))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert dialog.saved == target
    assert target.stat().st_size > 100
    dialog.close()
    wait_until_shown(qtbot, window)


def test_a_place_that_cannot_be_written_is_said_in_the_dialog(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_["export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    dialog.path.setText(str(tmp_path / "nowhere" / "figure.svg"))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert dialog.saved is None
    assert "nowhere" in dialog.message.text()
    dialog.close()


def test_typing_a_filter_shortens_the_table_and_plays_nothing(
    window: MainWindow, qtbot: QtBot
) -> None:
    press(window, Qt.Key.Key_Slash)
    field = window.examples.filter.field
    assert QApplication.focusWidget() is field
    QTest.keyClicks(field, "wrong(A) & step")
    QTest.keyClicks(field, "s > 3")
    QTest.keyClick(field, Qt.Key.Key_Return)
    act(qtbot, window)
    assert window.examples.table.model().rowCount() == 4
    assert not window.session.state.playing
    QTest.keyClicks(field, " &")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert window.examples.filter.error.text() == "Something must follow at the end."
    assert window.examples.filter.error.isVisible()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    # The window's own word: without a window manager the hidden popup stays the active window.
    assert window.focusWidget() is window.examples.table


def test_space_on_a_focused_button_presses_it_and_does_not_play(
    window: MainWindow, qtbot: QtBot
) -> None:
    button = window.findChild(QWidget, "tool_view_compare")
    assert button is not None
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    act(qtbot, window)
    assert window.session.state.view == "compare"
    assert not window.session.state.playing


def test_a_click_on_a_column_title_sorts(window: MainWindow, qtbot: QtBot) -> None:
    header = window.examples.table.horizontalHeader()
    x = header.sectionPosition(2) + 10
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 5))
    act(qtbot, window)
    sort = window.session.state.sort
    assert (sort.column, sort.descending) == ("entropy", True)
    rows = window.session.state.rows
    assert rows is not None and rows.a is not None
    listed = rows.a.entropy[list(window.session.state.order)]
    assert (listed[:-1] >= listed[1:]).all()


def test_wrong_predictions_carry_a_mark_and_not_only_a_colour(window: MainWindow) -> None:
    model = window.examples.table.model()
    assert model.index(0, 1).data() == "0 → 1 ✗ · 1 ✗"
    assert model.index(1, 1).data() == "1 → 1 ✓ · 1 ✓"


def test_the_first_frame_is_drawn_within_50_ms(window: MainWindow, qtbot: QtBot) -> None:
    window.session.set_view("compare")
    wait_until_shown(qtbot, window)
    took = []
    for step in (1, 2, 3, 0, 1):
        started = time.process_time()
        window.session.go_to_step(step)
        QApplication.processEvents()
        took.append(time.process_time() - started)
    assert sorted(took)[2] < 0.05


def test_other_numbers_of_the_same_width_lay_nothing_out(window: MainWindow, qtbot: QtBot) -> None:
    """A label that changes would have all docks laid out: a third of the time of a step."""
    asked: list[QEvent.Type] = []

    class Seen(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.LayoutRequest:
                asked.append(event.type())
            return False

    for step in (1, 2, 1, 2):
        window.session.go_to_step(step)
        wait_until_shown(qtbot, window)
    seen = Seen()
    window.installEventFilter(seen)
    before = window.timeline.step.text()
    window.session.go_to_step(1)
    wait_until_shown(qtbot, window)
    assert window.timeline.step.text() != before and not asked
    window.removeEventFilter(seen)


def test_a_label_is_as_large_as_its_text(qtbot: QtBot) -> None:
    label, plain = ExactLabel("value", "exact"), QLabel()
    for one in (label, plain):
        qtbot.addWidget(one)
    for text in ("No example to show", "Example 0", "step 1,000\nof 5,000", ""):
        label.setText(text)
        plain.setText(text)
        if text:
            assert label.size() == plain.sizeHint()


def test_lines_of_the_table_are_painted_whole(window: MainWindow, qtbot: QtBot) -> None:
    """Selection, outcomes in colour, numbers at the right edge of their column."""
    wait_until_shown(qtbot, window)
    table, theme = window.examples.table, DARK
    image = table.viewport().grab().toImage()
    line = table.currentIndex().row()

    def colours(column: int, at: int) -> set[str]:
        place = table.visualRect(table.model().index(at, column))
        return {
            image.pixelColor(x, y).name()
            for x in range(place.left(), min(place.right(), image.width() - 1))
            for y in range(place.top(), place.bottom())
        }

    assert theme.selection in colours(1, line)
    assert theme.selection not in colours(1, line + 1)
    rows = window.session.state.rows
    assert rows is not None and rows.a is not None
    for at in range(4):
        row = window.session.state.order[at]
        right = int(rows.a.prediction[row]) == int(rows.label[row])
        sides = [side for side in (rows.a, rows.b) if side is not None]
        wrong = any(int(side.prediction[row]) != int(rows.label[row]) for side in sides)
        assert (theme.bad in colours(1, at)) == wrong
        assert not right or theme.good in colours(1, at)


@pytest.mark.parametrize(
    ("value", "shown", "tone"),
    [
        (0.2, "+0.20", "good"),
        (-0.2, "−0.20", "bad"),
        (-0.001, "0.00", "plain"),
        (0.0, "0.00", "plain"),
    ],
)
def test_an_advantage_that_is_shown_as_zero_takes_no_side(
    value: float, shown: str, tone: str
) -> None:
    frame = make_frame()
    frame = replace(frame, scalars={**frame.scalars, "advantage": np.full(frame.steps, value)})
    found = next(one for one in numbers_of(frame, None, "") if one.name == "advantage")
    assert (found.value, found.tone) == (shown, tone)


def test_outcomes_of_two_digits_are_written_whole(qtbot: QtBot) -> None:
    """Closer together where there is little room, and never cut in silence."""
    said: list[str] = []

    class Painter(QPainter):
        def drawText(self, *parts: object) -> None:
            said.append(str(parts[-1]))

    class Model:
        text_of = None

        def outcome_of(self, row: int) -> tuple[int, tuple[int, int]]:
            return 12, (12, 7)

    lines = ExampleLines(cast("ExamplesModel", Model()))
    image = QImage(200, 30, QImage.Format.Format_RGB32)
    painter = Painter(image)
    lines._fonts(painter.font())
    whole = lines._width(list(_words(12, (12, 7), DARK)))
    for width, words in (
        (whole, "12 → 12✓ · 7✗"),
        (whole - 1, "12→12✓·7✗"),
    ):
        said.clear()
        lines._paint_outcome(painter, QRect(0, 0, width, 27), 0, DARK)
        assert "".join(said) == words
    said.clear()
    lines._paint_outcome(painter, QRect(0, 0, whole // 2, 27), 0, DARK)
    assert "".join(said).endswith("…")
    painter.end()


def test_a_number_that_is_shown_as_zero_has_no_sign() -> None:
    assert [decimal(value) for value in (-0.004, -0.006, 0.0, -0.0)] == [
        "0.00", "−0.01", "0.00", "0.00"
    ]  # fmt: skip
    assert [plain(value) for value in (-0.004, -1.0, -0.0, 0.5)] == ["0.00", "−1", "0", "0.50"]
