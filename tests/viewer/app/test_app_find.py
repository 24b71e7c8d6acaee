"""Finding things in the real window: fields, hits, tracks, ranges, bookmarks, notes."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from long_runs import long_probabilities, write_long_run
from PySide6.QtCore import QEvent, QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot
from small_runs import STEPS, wait_until_shown, write_run
from text_runs import write_generated_run, write_text_run

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.note_dialog import NoteDialog
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.session.bookmarks import from_json
from hardattn_viewer.session.finding import hits_of

SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def path(tmp_path: Path, hard_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return Path(shutil.copy(hard_path, folder / "run.h5"))


@pytest.fixture
def window(
    make_window: Callable[[], MainWindow], qtbot: QtBot, path: Path, soft_path: Path
) -> MainWindow:
    made = make_window()
    made.session.open([path, soft_path])
    wait_until_shown(qtbot, made)
    return made


def shown(qtbot: QtBot, window: MainWindow, path: Path) -> MainWindow:
    window.session.open([path])
    wait_until_shown(qtbot, window)
    return window


def drag(window: MainWindow, start: QPoint, end: QPoint, modifier=NONE) -> None:
    viewport = window.timeline.plots.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, modifier, start)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(end),
        QPointF(viewport.mapToGlobal(end)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        modifier,
    )
    QApplication.sendEvent(viewport, event)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, modifier, end)


def wheel(window: MainWindow, at: QPointF, notches: int, modifier=NONE) -> None:
    viewport = window.timeline.plots.viewport()
    event = QWheelEvent(
        at,
        QPointF(viewport.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def pixels(widget: QWidget) -> np.ndarray:
    """Red, green and blue of every pixel, int [height, width, 3]."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def is_colour(picture: np.ndarray, colour: str) -> np.ndarray:
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return (np.abs(picture - wanted) < 12).all(-1)


def test_names_are_completed_with_a_line_of_help(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window, Qt.Key.Key_Slash)
    expression = window.examples.filter.expression
    QTest.keyClicks(expression.field, "not ent")
    assert expression.list.isVisible()
    lines = [expression.list.item(at).text() for at in range(expression.list.count())]
    assert lines[0].startswith("entropy   entropy in bits") and "its mean" in lines[0]
    assert [line.split()[0] for line in lines] == ["entropy", "entropy(A)", "entropy(B)"]
    before = window.session.state.place.example
    QTest.keyClick(expression.field, Qt.Key.Key_Down)
    QTest.keyClick(expression.field, Qt.Key.Key_Down)
    QTest.keyClick(expression.field, Qt.Key.Key_Return)
    assert expression.field.text() == "not entropy(A)"
    assert not expression.list.isVisible()
    assert window.session.state.place.example == before
    QTest.keyClicks(expression.field, " & cou")
    QTest.keyClick(expression.field, Qt.Key.Key_Down)
    QTest.keyClick(expression.field, Qt.Key.Key_Tab)
    assert expression.field.text() == "not entropy(A) & count()"
    assert expression.field.cursorPosition() == len("not entropy(A) & count(")
    QTest.keyClicks(expression.field, "step >")
    QTest.keyClicks(expression.field, "rewa")
    assert expression.list.isVisible()
    QTest.keyClick(expression.field, Qt.Key.Key_Escape)
    assert not expression.list.isVisible() and expression.field.hasFocus()


def test_what_is_wrong_is_marked_under_the_field(window: MainWindow, qtbot: QtBot) -> None:
    filter_ = window.examples.filter
    QTest.keyClicks(filter_.field, "wrong & entrpy > 2")
    QTest.keyClick(filter_.field, Qt.Key.Key_Return)
    assert filter_.error.text() == "There is no entrpy: did you mean entropy?"
    mark = filter_.expression.mark
    assert mark.isVisible()
    extent = mark.extent()
    assert extent is not None
    advance = filter_.field.fontMetrics().horizontalAdvance
    assert abs((extent[1] - extent[0]) - advance("entrpy")) < 2
    left = filter_.field.cursorRect().center().x() - advance("wrong & entrpy > 2")
    assert abs(extent[0] - (left + advance("wrong & "))) < 2
    red = is_colour(pixels(mark), window.theme.bad).any(axis=0)
    columns = np.flatnonzero(red)
    assert abs(columns.min() - extent[0]) < 8 and abs(columns.max() - extent[1]) < 8
    filter_.field.clear()
    assert not mark.isVisible() and not filter_.error.isVisible()


def test_past_expressions_are_offered_in_the_next_window(
    make_window: Callable[[], MainWindow], qtbot: QtBot, hard_path: Path
) -> None:
    first = shown(qtbot, make_window(), hard_path)
    for text in ("wrong", "entropy > 1"):
        first.examples.filter.field.setText(text)
        QTest.keyClick(first.examples.filter.field, Qt.Key.Key_Return)
    first.examples.filter.field.setText("nonsense >")
    QTest.keyClick(first.examples.filter.field, Qt.Key.Key_Return)
    first.close()
    second = shown(qtbot, make_window(), hard_path)
    expression = second.examples.filter.expression
    expression.field.setFocus()
    QTest.keyClick(expression.field, Qt.Key.Key_Down)
    offered = [expression.list.item(at).text().split("   ")[0] for at in range(2)]
    assert offered == ["entropy > 1", "wrong"] and expression.list.count() == 2
    QTest.keyClick(expression.field, Qt.Key.Key_Down)
    QTest.keyClick(expression.field, Qt.Key.Key_Return)
    assert expression.field.text() == "entropy > 1"


def test_f3_goes_from_hit_to_hit_and_ticks_mark_them(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    QTest.keyClick(window, Qt.Key.Key_F, CTRL | SHIFT)
    field = window.timeline.find_bar.field
    QTest.keyClicks(field, "entropy > 2.3 and not correct")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hits_of(session.state) is not None, timeout=10_000)
    wait_until_shown(qtbot, window)
    hits = hits_of(session.state)
    assert hits is not None
    rows = session.state.rows
    assert rows is not None and rows.a is not None
    walked = [(session.state.place.example, session.state.place.step)]
    for _ in range(int(hits.step.size) - 1):
        QTest.keyClick(window, Qt.Key.Key_F3)
        wait_until_shown(qtbot, window)
        walked.append((session.state.place.example, session.state.place.step))
    assert len(set(walked)) == len(walked) == hits.step.size
    for row, step in walked:
        session.go_to_row(row)
        session.go_to_step(step)
        wait_until_shown(qtbot, window)
        frame = session.state.frames.a
        assert frame is not None
        assert frame.scalars["entropy"][step] / np.log(2) > 2.3
        assert frame.label != frame.prediction
    QTest.keyClick(window, Qt.Key.Key_F3)
    wait_until_shown(qtbot, window)
    here = session.state.place
    QTest.keyClick(window, Qt.Key.Key_F3, SHIFT)
    wait_until_shown(qtbot, window)
    assert session.state.place != here
    words = window.timeline.find_bar.words.whole
    own = hits.of_row(session.state.place.example)
    assert words.startswith(f"{hits.step.size} hits, {own.size} in this example")
    plots = window.timeline.plots
    assert plots.picture.hits.tolist() == own.tolist()
    tick = pixels(plots.viewport())[-14]
    white = is_colour(tick[None], window.theme.text)[0]
    for step in range(STEPS):
        x = round(plots.centre_of(step).x())
        assert white[x - 2 : x + 3].any() == (step in own), step


def test_a_search_that_is_wrong_says_so_beside_the_field(window: MainWindow, qtbot: QtBot) -> None:
    bar = window.timeline.find_bar
    bar.field.setFocus()
    QTest.keyClicks(bar.field, "entropy > nam")
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    QTest.keyClick(bar.field, Qt.Key.Key_Return)
    assert bar.words.whole.startswith("There is no nam: did you mean name?")
    assert bar.expression.mark.isVisible()
    assert not window.actions_["findNext"].isEnabled()


def test_a_range_is_drawn_with_shift_or_in_the_ruler_and_repeated(
    window: MainWindow, qtbot: QtBot
) -> None:
    session, plots = window.session, window.timeline.plots
    drag(window, plots.centre_of(1).toPoint(), plots.centre_of(2).toPoint(), SHIFT)
    assert session.state.loop == (1, 2) and session.state.place.step == 0
    button = window.timeline.find_bar.loop
    assert button.isVisible() and button.text().startswith("↻ 2 – 3")
    lit = pixels(plots.viewport())[40, :, 2]
    assert lit[round(plots.centre_of(1).x()) + 12] > lit[round(plots.centre_of(3).x()) + 12]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert session.state.loop is None and not button.isVisible()
    ruler = QPoint(0, 8 - int(plots.centre_of(0).y()))
    start, end = plots.centre_of(0).toPoint() + ruler, plots.centre_of(3).toPoint() + ruler
    drag(window, end, start)
    assert session.state.loop == (0, 3)
    QTest.mouseClick(plots.viewport(), Qt.MouseButton.LeftButton, NONE, end)
    wait_until_shown(qtbot, window)
    assert session.state.place.step == 3 and session.state.loop == (0, 3)
    QTest.keyClick(window, Qt.Key.Key_O, SHIFT)
    assert session.state.loop is None
    QTest.keyClick(window, Qt.Key.Key_Left)
    QTest.keyClick(window, Qt.Key.Key_I)
    assert session.state.loop == (2, 3)
    QTest.keyClick(window, Qt.Key.Key_Home)
    QTest.keyClick(window, Qt.Key.Key_O)
    assert session.state.loop is None
    session.set_loop(0, 1)
    session.set_speed(8.0)
    seen = set()
    session.changed.connect(lambda new, _: seen.add(new.place.step))
    QTest.keyClick(window, Qt.Key.Key_Space)
    qtbot.wait(500)
    assert session.state.playing and seen == {0, 1}
    QTest.keyClick(window, Qt.Key.Key_K)


def test_tracks_are_picked_in_a_menu_and_remembered(
    window: MainWindow, qtbot: QtBot, settings: Settings
) -> None:
    plots = window.timeline.plots
    names = [track.name for track in plots.picture.tracks]
    assert names == ["entropy (bits)", "p(selected)", "reward, baseline"]
    QTest.mouseClick(window.timeline.find_bar.tracks, Qt.MouseButton.LeftButton)
    menu = window.findChild(QMenu, "trackMenu")
    assert isinstance(menu, QMenu) and menu.isVisible()
    offered = {action.objectName() for action in menu.actions()}
    assert offered >= {f"track_{n}" for n in ("agreement", "advantage", "log_prob", "temperature")}
    for name in ("track_agreement", "track_reward"):
        next(action for action in menu.actions() if action.objectName() == name).trigger()
    menu.close()
    names = [track.name for track in plots.picture.tracks]
    assert names == ["entropy (bits)", "p(selected)", "baseline", "A and B agree"]
    a, b = window.session.state.frames.a, window.session.state.frames.b
    assert a is not None and b is not None
    choice = [float(x.argmax() == y.argmax()) for x, y in zip(a.distributions, b.distributions)]  # noqa: B905
    assert plots.picture.tracks[-1].curves[0].values.tolist() == choice
    assert set(settings.tracks or ()) == {"entropy", "p_selected", "baseline", "agreement"}
    window.session.undo()
    assert "track_reward" not in (settings.tracks or ()) and "reward" in (settings.tracks or ())


def test_the_wheel_zooms_pans_and_steps(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = write_run(tmp_path / "many.h5", hard=True, steps=40, names=["one", "two"])
    window.session.open([path])
    qtbot.waitUntil(lambda: window.session.state.runs[-1].status == "ready", timeout=10_000)
    window.session.assign(window.session.state.runs[-1].key, "A")
    wait_until_shown(qtbot, window)
    window.session.go_to_row(0)
    wait_until_shown(qtbot, window)
    plots = window.timeline.plots
    assert (plots.picture.first, plots.picture.last) == (0.0, 40.0)
    middle = plots.centre_of(20)
    wheel(window, middle, 4, CTRL)
    span = plots.picture.last - plots.picture.first
    assert span == pytest.approx(40 / 1.25**4)
    assert plots.step_at(middle) == 20
    qtbot.waitUntil(plots.horizontalScrollBar().isVisible)
    first = plots.picture.first
    wheel(window, middle, -1, SHIFT)
    assert plots.picture.first == pytest.approx(first + span / 10)
    plots.horizontalScrollBar().setValue(0)
    assert plots.picture.first == 0.0
    wheel(window, middle, -1)
    wait_until_shown(qtbot, window)
    assert window.session.state.place.step == 1
    # A step that is out of sight is brought into it.
    QTest.keyClick(window, Qt.Key.Key_End)
    wait_until_shown(qtbot, window)
    assert plots.picture.first <= 39 < plots.picture.last
    window.actions_["timelineFit"].trigger()
    assert (plots.picture.first, plots.picture.last) == (0.0, 40.0)
    qtbot.waitUntil(lambda: not plots.horizontalScrollBar().isVisible())
    window.actions_["timelineIn"].trigger()
    assert plots.picture.last - plots.picture.first == pytest.approx(25.0)
    window.actions_["timelineOut"].trigger()
    assert plots.picture.last - plots.picture.first == pytest.approx(40.0)


def test_an_example_of_one_step_shows_its_values(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = shown(qtbot, make_window(), write_text_run(tmp_path / "text.h5"))
    timeline = window.timeline
    assert timeline.values.isVisible() and not timeline.plots.isVisible()
    words = [w.text() for w in timeline.values.findChildren(QWidget) if hasattr(w, "text")]
    frame = window.session.state.frame
    assert frame is not None
    assert f"{frame.scalars['entropy'][0] / np.log(2):.3f}" in words
    assert f"{frame.probabilities.max():.3f}" in words
    assert "entropy (bits)" in words and "largest p" in words


def test_generated_tokens_stand_on_the_axis(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = shown(qtbot, make_window(), write_generated_run(tmp_path / "generated.h5"))
    assert window.timeline.plots.picture.tokens == {0: "p4", 1: "new1", 2: "new2"}


def test_the_moments_of_training_are_a_line_to_click_on(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = write_run(tmp_path / "film.h5", hard=True, snapshots=(100, 200, 300))
    window = shown(qtbot, make_window(), path)
    strip = window.timeline.snapshots
    assert strip.isVisible() and strip.accessibleDescription() == "training step 300"
    place = strip.centre_of(1).toPoint()
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, NONE, place)
    wait_until_shown(qtbot, window)
    assert window.session.state.place.snapshot == 1
    frame = window.session.state.frame
    assert frame is not None and frame.training_step == 200
    assert strip.accessibleDescription() == "training step 200"


def test_b_sets_a_bookmark_that_the_timeline_and_the_list_show(
    window: MainWindow, qtbot: QtBot, path: Path
) -> None:
    session = window.session
    session.go_to_row(3)
    session.go_to_step(2)
    wait_until_shown(qtbot, window)
    assert not window.docks["Bookmarks"].isVisible()
    QTest.keyClick(window, Qt.Key.Key_B)
    assert window.timeline.plots.picture.bookmarks == ((2, ""),)
    plots = window.timeline.plots
    picture = pixels(plots.viewport())
    x, y = round(plots.centre_of(2).x()), picture.shape[0] - 8
    assert is_colour(picture[y : y + 1, x - 3 : x + 4], window.theme.bad).any()
    QTest.keyClick(window, Qt.Key.Key_B, CTRL | SHIFT)
    table = window.desk.bookmarks.table
    assert window.docks["Bookmarks"].isVisible() and table.lines.rowCount() == 1
    cells = [table.lines.index(0, at).data() for at in range(5)]
    assert cells == ["A", "digit-3", "3", "glimpse · mean", ""]
    QTest.keyClick(window, Qt.Key.Key_B, CTRL)
    dialog = window.findChild(NoteDialog)
    assert isinstance(dialog, NoteDialog)
    QTest.keyClicks(dialog.text, "leaves the <b>stroke</b>")
    QTest.keyClick(dialog.text, Qt.Key.Key_Return, CTRL)
    assert table.lines.index(0, 4).data() == "leaves the <b>stroke</b>"
    notes = window.desk.notes
    assert notes.isVisible() and notes.text.text() == "step 3: leaves the <b>stroke</b>"
    sidecar = path.with_name("run.h5.notes.json")
    qtbot.waitUntil(
        lambda: (
            sidecar.exists()
            and [one.note for one in from_json(sidecar.read_bytes()).values()]
            == ["leaves the <b>stroke</b>"]
        ),
        timeout=5_000,
    )
    session.go_to_row(0)
    wait_until_shown(qtbot, window)
    assert window.timeline.plots.picture.bookmarks == () and not notes.isVisible()
    place = table.visualRect(table.lines.index(0, 1)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    wait_until_shown(qtbot, window)
    assert (session.state.place.example, session.state.place.step) == (3, 2)
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert table.lines.rowCount() == 0 and window.desk.bookmarks.notice.isVisible()
    window.actions_["undo"].trigger()
    assert table.lines.rowCount() == 1 and table.lines.index(0, 4).data()


def test_the_list_sorts_and_notes_are_written_in_it(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    for row, step in ((10, 0), (9, 3), (2, 1)):
        session.go_to_row(row)
        session.go_to_step(step)
        wait_until_shown(qtbot, window)
        QTest.keyClick(window, Qt.Key.Key_B)
    window.actions_["bookmarks"].trigger()
    table = window.desk.bookmarks.table
    column = [table.lines.index(at, 1).data() for at in range(3)]
    assert column == ["digit-2", "digit-9", "digit-10"]
    header = table.horizontalHeader()
    x = header.sectionViewportPosition(2) + 5
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, NONE, QPoint(x, 8))
    steps = [table.lines.index(at, 2).data() for at in range(3)]
    assert steps == sorted(steps)
    index = table.lines.index(1, 4)
    table.setCurrentIndex(index)
    table.edit(index)
    editor = table.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    QTest.keyClicks(editor, "seen")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: table.lines.index(1, 4).data() == "seen")


def test_bookmarks_are_saved_as_a_table(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    assert not window.actions_["exportBookmarks"].isEnabled()
    QTest.keyClick(window, Qt.Key.Key_B)
    assert window.actions_["exportBookmarks"].isEnabled()
    window.desk.save_bookmarks(tmp_path / "marks.csv")
    lines = list(csv.reader((tmp_path / "marks.csv").read_text().splitlines()))
    assert [line[1] for line in lines] == ["example", "digit-0"]
    window.desk.save_bookmarks(tmp_path / "nowhere" / "marks.csv")
    assert "nowhere" in window.message.text.text()


def test_damaged_notes_are_said_once_in_the_window(
    make_window: Callable[[], MainWindow], qtbot: QtBot, path: Path
) -> None:
    path.with_name("run.h5.notes.json").write_text("{")
    window = shown(qtbot, make_window(), path)
    qtbot.waitUntil(lambda: window.message.isVisible(), timeout=5_000)
    assert "run.h5.notes.json is damaged" in window.message.text.text()
    window.actions_["bookmarks"].trigger()
    assert "is damaged" in window.desk.bookmarks.problem.text()


def test_a_long_example_is_searched_and_walked_through(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    steps = 20_000
    window = shown(qtbot, make_window(), write_long_run(tmp_path / "long.h5", steps))
    p = long_probabilities(steps)
    session, plots = window.session, window.timeline.plots
    session.set_find("p_selected > 0.985")
    qtbot.waitUntil(lambda: hits_of(session.state) is not None, timeout=20_000)
    QTest.keyClick(window, Qt.Key.Key_F3)
    wait_until_shown(qtbot, window)
    wanted = np.flatnonzero(p.max(-1) > 0.985)
    assert plots.picture.hits.tolist() == wanted.tolist()
    assert session.state.place.step == wanted[0 if wanted[0] else 1]
    # The one certain step is a peak of one pixel in a window of a thousand.
    low, _ = plots.picture.tracks[0].curves[0].levels.binned(0, steps, 900)
    assert int(low.argmin()) == int(steps // 2 / steps * 900)
    drag(window, plots.centre_of(100).toPoint(), plots.centre_of(steps // 2).toPoint())
    wait_until_shown(qtbot, window)
    frame = session.state.frame
    assert frame is not None and frame.place.step == session.state.place.step > steps // 3
    np.testing.assert_allclose(frame.probabilities, p[frame.place.step], atol=2e-5)
    assert window.timeline.step.text().startswith(f"step {frame.place.step + 1:,}")


def test_settings_without_tracks_or_expressions_are_empty(tmp_path: Path) -> None:
    store = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    store.setValue("expressions/filter", 7)
    settings = Settings(store)
    assert settings.tracks is None and settings.past("filter") == []
    for number in range(40):
        settings.keep_past("find", f"step == {number}")
    settings.keep_past("find", "step == 30")
    assert settings.past("find")[0] == "step == 30" and len(settings.past("find")) == 30
