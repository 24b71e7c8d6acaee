"""Runs over tokens in the real window: sites, heads, queries, warnings and omissions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown
from text_runs import (
    CHANGED,
    LEFT_OUT,
    MISMATCH,
    write_generated_run,
    write_patches_run,
    write_text_run,
)

from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.omissions import OmissionsDialog
from hardattn_viewer.app.site_picker import SitePicker, matching_sites
from hardattn_viewer.drawing.matrix import matrix_layout
from hardattn_viewer.drawing.tokens import token_place
from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.views.text_body import TextBody
from recorders import read_run
from sample_runs import text_path

Make = Callable[[], MainWindow]


@pytest.fixture
def opened(make_window: Make, qtbot: QtBot) -> Callable[..., MainWindow]:
    """Opens runs in a window of their own, and waits for the pictures."""

    def open_runs(*paths: Path) -> MainWindow:
        window = make_window()
        window.session.open(list(paths))
        wait_until_shown(qtbot, window)
        return window

    return open_runs


@pytest.fixture
def text(opened: Callable[..., MainWindow], tmp_path: Path) -> MainWindow:
    metadata = {"left_out": list(LEFT_OUT), "changed": list(CHANGED)}
    return opened(write_text_run(tmp_path / "text.h5", mismatch_at=1, metadata=metadata))


def body(window: MainWindow) -> TextBody:
    return window.overlay.pane.text


def act(qtbot: QtBot, window: MainWindow) -> None:
    wait_until_shown(qtbot, window)
    QApplication.processEvents()


def click_token(
    window: MainWindow, item: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    canvas = body(window).tokens
    assert canvas.picture is not None
    place = token_place(canvas.picture, QRectF(canvas.rect()), item, window.theme)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, keys, place.center().toPoint())


def cell_point(window: MainWindow, row: int, column: int) -> QPoint:
    canvas = body(window).matrix
    assert canvas.picture is not None
    cells = matrix_layout(canvas.picture, QRectF(canvas.rect()))
    return cells.cell(row, column).center().toPoint()


def test_a_site_is_found_by_typing_a_part_of_what_it_is(text: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(text, Qt.Key.Key_S)
    picker = text.findChild(SitePicker)
    assert isinstance(picker, SitePicker)
    assert picker.list.topLevelItemCount() == 3
    line = picker.list.visualItemRect(picker.list.topLevelItem(0))
    assert line.height() > 1.4 * picker.list.fontMetrics().height()
    QTest.keyClicks(picker.field, "layer 2 self")
    assert picker.list.topLevelItemCount() == 1
    assert picker.count.text() == "1 of 3 sites of text"
    QTest.keyClick(picker.field, Qt.Key.Key_Return)
    act(qtbot, text)
    assert text.session.state.place.site == "encoder.layer.2.attention"
    assert text.header.site.text() == "✓ layer 2 · encoder.layer.2.attention ▾"
    frame = text.session.state.frame
    assert frame is not None and frame.place.site == "encoder.layer.2.attention"
    text.actions_["undo"].trigger()
    act(qtbot, text)
    assert text.session.state.place.site is None


def test_the_sample_run_of_a_text_model_is_verified() -> None:
    with read_run(text_path()) as truth:
        tokens = truth.tokens(0)
        assert tokens is not None and tokens[:2] == ("[CLS]", "the")
        assert all(truth.verification(site).failed == 0 for site in truth.sites)
        assert sum(truth.verification(site).checked for site in truth.sites) == truth.n_events


def test_a_search_that_finds_no_site_says_so(text: MainWindow) -> None:
    text.actions_["chooseSite"].trigger()
    picker = text.findChild(SitePicker)
    assert isinstance(picker, SitePicker)
    QTest.keyClicks(picker.field, "decoder")
    QTest.keyClick(picker.field, Qt.Key.Key_Return)
    assert picker.count.text() == "No site of text matches"
    assert text.session.state.place.site is None
    picker.close()


def test_words_of_a_site_search_are_parts_and_layers_are_whole_numbers(text: MainWindow) -> None:
    facts = text.session.state.facts("A")
    assert facts is not None

    def found(words: str) -> list[int]:
        return [site.layer for site in matching_sites(facts.sites, words)]

    assert found("") == [0, 1, 2]
    assert found("ENCODER layer 1") == [1]
    assert found("mismatch") == [1]
    assert found("soft verified") == [0, 2]
    assert found("layer 12") == []


def test_braces_walk_through_the_sites_and_brackets_through_the_heads(
    text: MainWindow, qtbot: QtBot
) -> None:
    QTest.keyClick(text, Qt.Key.Key_BraceRight)
    act(qtbot, text)
    assert text.session.state.place.site == "encoder.layer.1.attention"
    assert text.header.head.text() == "mean of 4 heads ▾"
    QTest.keyClick(text, Qt.Key.Key_BracketRight)
    act(qtbot, text)
    assert text.header.head.text() == "head 0 of 4 heads ▾"
    frame, run = text.session.state.frame, text.session.state.run_in("A")
    assert frame is not None and run is not None
    with read_run(run.path) as stored:
        expected = stored.map("encoder.layer.1.attention", 0)[0, frame.query]
    np.testing.assert_array_equal(frame.probabilities, expected)


def test_the_head_menu_lists_the_mean_and_every_head(text: MainWindow, qtbot: QtBot) -> None:
    menu = text.header.head.heads
    text.actions_["chooseHead"].trigger()
    assert menu.isVisible()
    names = [action.text() for action in menu.actions() if action.text()]
    assert names == ["mean of 4", *(f"head {n} of 4" for n in range(4))]
    menu.close()
    menu.actions()[-1].trigger()
    act(qtbot, text)
    assert text.session.state.place.head == 3


def test_a_click_on_a_token_looks_from_it_and_control_pins_it(
    text: MainWindow, qtbot: QtBot
) -> None:
    click_token(text, 6)
    act(qtbot, text)
    state = text.session.state
    assert state.place.query == 6 and state.pinned is None
    assert state.frame is not None
    np.testing.assert_array_equal(state.frame.probabilities, state.frame.map.values[6])  # type: ignore[union-attr]
    assert "query\t“darkness”" in text.inspector.text()
    click_token(text, 2, Qt.KeyboardModifier.ControlModifier)
    act(qtbot, text)
    assert text.session.state.pinned == 2
    assert text.session.state.place.query == 6
    assert "pinned token\t“light”" in text.inspector.text()
    QTest.keyClick(text, Qt.Key.Key_Comma)
    act(qtbot, text)
    assert text.session.state.place.query == 5


def test_the_matrix_previews_a_row_under_the_pointer_and_a_click_keeps_it(
    text: MainWindow, qtbot: QtBot
) -> None:
    assert body(text).matrix.isVisible() and body(text).tokens.isVisible()
    QTest.mouseMove(body(text).matrix, cell_point(text, 3, 5))
    act(qtbot, text)
    state = text.session.state
    assert (state.hovered_query, state.hovered, state.place.query) == (3, 5, None)
    assert state.frame is not None and state.frame.query == 3
    QTest.mouseClick(body(text).matrix, Qt.MouseButton.LeftButton, pos=cell_point(text, 3, 5))
    text.session.hover(None)
    act(qtbot, text)
    assert text.session.state.place.query == 3
    assert text.session.state.frame is not None and text.session.state.frame.query == 3


def test_a_mismatch_is_warned_of_at_the_picture_in_the_bad_colour(
    text: MainWindow, qtbot: QtBot
) -> None:
    pane = text.overlay.pane
    assert not pane.warning.isVisible()
    text.session.go_to_site("encoder.layer.1.attention")
    act(qtbot, text)
    assert pane.warning.isVisible() and MISMATCH in pane.warning.text()
    assert pane.warning.geometry().bottom() < body(text).mapTo(pane, QPoint(0, 0)).y()
    bad = QColor(text.theme.bad)
    shown = pane.warning.grab().toImage()
    edge = shown.pixelColor(shown.width() // 2, 0)
    assert (edge.red(), edge.green(), edge.blue()) == (bad.red(), bad.green(), bad.blue())
    assert text.inspector.record.verified.text() == MISMATCH
    assert "✗" in text.header.site.text()


def test_what_was_left_out_is_stated_in_short_and_in_full(text: MainWindow) -> None:
    words = text.inspector.record
    assert words.left_out.text().startswith("Not recorded: site encoder.layer.6: not asked for")
    assert words.left_out.text().endswith("and 2 more.")
    assert words.changed.text() == f"Recording changed: {CHANGED[0]}."
    words.all.click()
    dialog = text.findChild(OmissionsDialog)
    assert isinstance(dialog, OmissionsDialog)
    told = dialog.text.toPlainText()
    assert all(sentence in told for sentence in (*LEFT_OUT, *CHANGED, MISMATCH))
    assert "Not recorded (5)" in told and "Not what the model used (1)" in told
    dialog.close()


def test_a_run_that_lacks_the_site_says_so_in_words(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened(
        write_text_run(tmp_path / "a.h5"),
        write_text_run(tmp_path / "b.h5", layers=1, seed=3),
        write_text_run(tmp_path / "c.h5", prefix="decoder."),
    )
    window.session.set_view("compare")
    window.session.go_to_site("encoder.layer.2.attention")
    act(qtbot, window)
    state = window.session.state
    assert state.frames.a is not None and state.frames.b is None
    assert "b has no site encoder.layer.2.attention" in window.compare.b.notice.text
    assert comparison_of(state) is None
    window.session.go_to_site("encoder.layer.0.attention")
    act(qtbot, window)
    assert window.session.state.frames.b is not None
    # Neither of the runs has the site any more, until the first one comes back.
    third = window.session.state.runs[2].key
    window.session.go_to_site("encoder.layer.2.attention")
    window.session.close_run(window.session.state.runs[1].key)
    window.session.assign(third, "A")
    act(qtbot, window)
    assert window.session.state.place.site is None
    window.session.go_to_site("decoder.1.attention")
    window.session.assign(window.session.state.runs[0].key, "A")
    act(qtbot, window)
    assert window.session.state.place.site == "encoder.layer.2.attention"


def test_generated_steps_are_one_matrix_and_a_row_leads_to_its_step(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened(write_generated_run(tmp_path / "generated.h5"))
    picture = body(window).matrix.picture
    assert picture is not None
    assert (picture.queries, picture.keys) == (7, 7)
    names = [picture.key_name(key) for key in range(7)]
    assert names == ["p0", "p1", "p2", "p3", "p4", "new1", "new2"]
    assert not window.overlay.filmstrip.isVisible()
    # The pointer may lie where a test before left it.
    window.session.hover(None)
    frame = window.session.state.frame
    assert frame is not None and frame.query == 4
    QTest.mouseClick(body(window).matrix, Qt.MouseButton.LeftButton, pos=cell_point(window, 6, 1))
    window.session.hover(None)
    act(qtbot, window)
    frame = window.session.state.frame
    assert frame is not None
    assert (frame.place.step, frame.queries, frame.tokens) == (
        2,
        1,
        ("p0", "p1", "p2", "p3", "p4", "new1", "new2"),
    )
    QTest.mouseClick(body(window).matrix, Qt.MouseButton.LeftButton, pos=cell_point(window, 2, 0))
    act(qtbot, window)
    frame = window.session.state.frame
    assert frame is not None and (frame.place.step, frame.query) == (0, 2)


def test_special_tokens_are_not_drawn_and_never_hidden(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened(write_patches_run(tmp_path / "patches.h5"))
    frame = window.session.state.frame
    assert frame is not None and frame.special_mass > 0.4
    share = f"{100 * frame.special_mass:.0f}\N{NO-BREAK SPACE}% on [CLS]"
    canvas = window.overlay.pane.canvas
    assert canvas.picture is not None and canvas.picture.note == share
    assert f"on [CLS]\t{share.split(' ')[0]}" in window.inspector.text()
    centre = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mouseMove(canvas, centre)
    act(qtbot, window)
    # The middle patch is region 4, which is key 5 behind the class token.
    assert window.session.state.hovered == 5
    assert "pointed region\t(6, 6) · 4×4 px" in window.inspector.text()
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=centre)
    act(qtbot, window)
    assert window.session.state.pinned == 5
    control = Qt.KeyboardModifier.ControlModifier
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, control, centre)
    act(qtbot, window)
    assert window.session.state.place.query == 5


@pytest.mark.parametrize("view", ["tokens", "matrix"])
def test_the_export_dialog_offers_what_the_window_shows(
    text: MainWindow, tmp_path: Path, view: str
) -> None:
    text.actions_["export"].trigger()
    dialog = text.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    offered = [dialog.view.itemData(at) for at in range(dialog.view.count())]
    assert offered == ["tokens", "matrix", "compare"]
    dialog.view.setCurrentIndex(offered.index(view))
    dialog.path.setText(str(tmp_path / "figure.png"))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert dialog.saved is not None, dialog.message.text()
    dialog.close()


def test_runs_of_one_site_and_one_head_show_no_choice_of_them(window: MainWindow) -> None:
    assert not window.header.site.isVisible()
    assert not window.header.head.isVisible()
    assert not window.actions_["chooseSite"].isEnabled()


def test_a_long_text_scrolls_to_its_query(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    words = [f"word-{n}" for n in range(600)]
    window = opened(write_text_run(tmp_path / "long.h5", layers=1, heads=1, words=words))
    scroller = body(window).scroller
    assert scroller.verticalScrollBar().maximum() > 0
    window.session.go_to_query(599)
    act(qtbot, window)
    place = token_place(
        body(window).tokens.picture,  # type: ignore[arg-type]
        QRectF(body(window).tokens.rect()),
        599,
        window.theme,
    )
    top = scroller.verticalScrollBar().value()
    assert top <= place.center().y() <= top + scroller.viewport().height()
