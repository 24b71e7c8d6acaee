"""Texts in the real window: several queries, words, special tokens, arcs, copying, long ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown
from text_runs import BPE, write_cross_run, write_generated_run, write_text_run, write_tokens_run

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.cli.main import main
from hardattn_viewer.drawing.tokens import is_laid_out, token_place
from hardattn_viewer.views.text_body import TextBody

Make = Callable[[], MainWindow]
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def opened(make_window: Make, qtbot: QtBot) -> Callable[..., MainWindow]:
    def open_runs(*paths: Path) -> MainWindow:
        window = make_window()
        window.session.open(list(paths))
        wait_until_shown(qtbot, window)
        # The pointer may lie where a test before left it.
        window.session.hover(None)
        return window

    return open_runs


@pytest.fixture
def bpe(opened: Callable[..., MainWindow], tmp_path: Path) -> MainWindow:
    return opened(write_tokens_run(tmp_path / "bpe.h5", BPE))


def body(window: MainWindow) -> TextBody:
    return window.overlay.pane.text


def where(window: MainWindow, key: int) -> QPoint:
    canvas = body(window).tokens
    assert canvas.picture is not None
    return token_place(canvas.picture, QRectF(canvas.rect()), key, window.theme).center().toPoint()


def click(
    window: MainWindow, key: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.mouseClick(body(window).tokens, Qt.MouseButton.LeftButton, keys, where(window, key))


def press(window: MainWindow, key: Qt.Key, shift: bool = False) -> None:
    QTest.keyClick(window, key, SHIFT if shift else Qt.KeyboardModifier.NoModifier)


def averaged(window: MainWindow) -> set[int]:
    frame = window.session.state.frame
    assert frame is not None
    return set(frame.averaged)


def said(window: MainWindow) -> str:
    return window.overlay.pane.mass.text()


def test_shift_click_looks_from_several_tokens_and_escape_lets_go(bpe: MainWindow) -> None:
    click(bpe, 1)
    click(bpe, 4, SHIFT)
    click(bpe, 9, SHIFT)
    bpe.session.hover(None)
    assert averaged(bpe) == {1, 4, 9}
    frame = bpe.session.state.frame
    assert frame is not None and frame.map is not None
    mean = frame.map.values[[1, 4, 9]].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(frame.probabilities, mean, rtol=1e-6)
    assert said(bpe) == "mean of 3 queries"
    picture = body(bpe).tokens.picture
    assert picture is not None and set(picture.looking) == {1, 4, 9}
    assert "queries\t“light” + “the” + “the”" in bpe.inspector.text()
    click(bpe, 4, SHIFT)
    bpe.session.hover(None)
    assert averaged(bpe) == {1, 9}
    bpe.actions_["undo"].trigger()
    assert averaged(bpe) != {1, 9}
    bpe.actions_["redo"].trigger()
    assert averaged(bpe) == {1, 9}
    press(bpe, Qt.Key.Key_Escape)
    assert averaged(bpe) == {1} and bpe.session.state.place.query == 1
    press(bpe, Qt.Key.Key_Escape)
    assert bpe.session.state.place.query is None


def test_a_drag_over_tokens_looks_from_all_of_them(bpe: MainWindow) -> None:
    canvas = body(bpe).tokens
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=where(bpe, 2))
    for key in (3, 4, 5):
        QTest.mouseMove(canvas, where(bpe, key))
    assert canvas.is_sweeping
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=where(bpe, 5))
    assert not canvas.is_sweeping
    bpe.session.hover(None)
    assert averaged(bpe) == {2, 3, 4, 5}
    assert said(bpe) == "mean of 4 queries"


def test_control_click_and_the_bars_pin_a_key(bpe: MainWindow) -> None:
    click(bpe, 10, CONTROL)
    assert bpe.session.state.pinned == 10 and bpe.session.state.place.query is None
    picture = body(bpe).tokens.picture
    assert picture is not None and picture.pinned == 10
    bpe.session.hover(None)
    assert "pinned token\t“café”" in bpe.inspector.text()


def test_words_and_hidden_tokens_are_the_same_in_every_view(bpe: MainWindow) -> None:
    press(bpe, Qt.Key.Key_W)
    click(bpe, 6)
    bpe.session.hover(None)
    assert averaged(bpe) == {5, 6}
    bars = bpe.overlay.pane.strip.picture
    text = body(bpe).tokens.picture
    assert bars is not None and text is not None
    np.testing.assert_array_equal(bars.values, text.values)
    assert bars.kind == "word" and "darkness" in text.keys
    assert float(bars.values.sum()) == pytest.approx(1, abs=1e-4)
    bpe.behind.catch_up()
    headings = {label.text() for label in bpe.inspector.findChildren(QLabel)}
    assert "MOST LIKELY WORDS" in headings
    press(bpe, Qt.Key.Key_T)
    assert said(bpe).startswith("special tokens dimmed, hold ")
    press(bpe, Qt.Key.Key_T)
    bars, text = bpe.overlay.pane.strip.picture, body(bpe).tokens.picture
    assert bars is not None and text is not None
    assert float(bars.values.sum()) + bars.left_out == pytest.approx(1, abs=1e-4)
    assert bars.left_out > 0 and "<|endoftext|>" not in text.keys
    assert f"hidden: {bars.left_out:.2f} of the mass is not shown" in said(bpe)
    assert "(hidden)" in bpe.inspector.text()
    # The same place in the bars and in the text.
    bpe.overlay.pane.strip.hovered.emit(5)
    assert bpe.session.state.hovered == 5
    hovered = body(bpe).tokens.picture
    assert hovered is not None and hovered.hover == 5 and hovered.keys[5] == "darkness"
    bpe.session.hover(6)
    hovered = body(bpe).tokens.picture
    assert hovered is not None and hovered.hover == 5
    assert "pointed word\t“darkness”" in bpe.inspector.text()
    bpe.session.hover(None)
    press(bpe, Qt.Key.Key_T)
    press(bpe, Qt.Key.Key_W)
    assert said(bpe) == ""


def test_tokens_can_be_shown_as_recorded(bpe: MainWindow) -> None:
    press(bpe, Qt.Key.Key_T, shift=True)
    picture = body(bpe).tokens.picture
    assert picture is not None and picture.keys == BPE
    assert said(bpe) == "tokens as recorded"


def test_arcs_say_how_much_they_hold(bpe: MainWindow) -> None:
    press(bpe, Qt.Key.Key_A)
    picture, frame = body(bpe).tokens.picture, bpe.session.state.frame
    assert picture is not None and frame is not None
    assert len(picture.arcs.items) == 5
    top = np.sort(frame.probabilities)[-5:].sum()
    assert said(bpe) == f"5 arcs = {100 * top:.0f}\N{NO-BREAK SPACE}% of the mass"
    press(bpe, Qt.Key.Key_A, shift=True)
    assert said(bpe).startswith("6 arcs = ")
    bpe.actions_["fewerArcs"].trigger()
    bpe.actions_["fewerArcs"].trigger()
    assert said(bpe).startswith("4 arcs = ")


def test_a_right_click_copies(bpe: MainWindow) -> None:
    canvas, at = body(bpe).tokens, where(bpe, 10)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, canvas.mapToGlobal(at))
    QApplication.sendEvent(canvas, event)
    menu = canvas.findChild(QMenu, "tokenMenu")
    assert isinstance(menu, QMenu)
    frame = bpe.session.state.frame
    assert frame is not None
    copied = []
    for action in menu.actions():
        action.trigger()
        copied.append(QApplication.clipboard().text())
    menu.close()
    assert copied[:2] == ["café", str(frame.probabilities[10])]
    assert len([line for line in copied[2].splitlines() if not line.startswith("#")]) == 28
    assert copied[3].startswith("The light shines")


def test_copying_and_the_mean_of_all_queries_are_in_the_menus(bpe: MainWindow) -> None:
    bpe.session.pin(5)
    for name, start in (("copyToken", "dark"), ("copyText", "The light"), ("copyRow", "# bpe")):
        bpe.actions_[name].trigger()
        assert QApplication.clipboard().text().startswith(start)
    bpe.actions_["copyWeight"].trigger()
    frame = bpe.session.state.frame
    assert frame is not None
    assert QApplication.clipboard().text() == str(frame.probabilities[5])
    bpe.actions_["allQueries"].trigger()
    assert averaged(bpe) == set(range(len(BPE)))
    frame = bpe.session.state.frame
    assert frame is not None and frame.map is not None
    mean = frame.map.values.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(frame.probabilities, mean, rtol=1e-5)


def test_both_texts_of_cross_attention_are_shown(
    opened: Callable[..., MainWindow], tmp_path: Path
) -> None:
    window = opened(write_cross_run(tmp_path / "cross.h5"))
    picture = body(window).tokens.picture
    assert picture is not None and picture.queries[1:3] == ("das", "Licht")
    QTest.mouseMove(body(window).tokens, where(window, -4))
    assert window.session.state.hovered_query == 3
    click(window, -4)
    click(window, -2, SHIFT)
    window.session.hover(None)
    assert averaged(window) == {3, 1}
    click(window, 2)
    assert window.session.state.pinned == 2
    click(window, 3, SHIFT)
    assert window.session.state.pinned == 3 and averaged(window) == {3, 1}


def test_tokens_that_are_no_query_of_a_step_are_pinned(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened(write_generated_run(tmp_path / "generated.h5"))
    window.session.go_to_step(1)
    wait_until_shown(qtbot, window)
    click(window, 2)
    assert window.session.state.pinned == 2


def test_a_difference_of_texts_is_drawn_and_pointed_at(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened(
        write_text_run(tmp_path / "a.h5"),
        write_text_run(tmp_path / "b.h5", seed=3),
        write_tokens_run(tmp_path / "c.h5", BPE),
    )
    window.session.set_view("compare")
    wait_until_shown(qtbot, window)
    difference = window.compare.difference
    picture = difference.tokens.canvas.picture
    a, b = window.session.state.frames.a, window.session.state.frames.b
    assert picture is not None and picture.tokens is not None and a is not None and b is not None
    np.testing.assert_allclose(picture.values, b.probabilities - a.probabilities, rtol=1e-6)
    assert difference.tokens.canvas.isVisible()
    place = token_place(
        picture.tokens, QRectF(difference.tokens.canvas.rect()), 3, window.theme
    ).center()
    QTest.mouseClick(difference.tokens.canvas, Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert window.session.state.pinned == 3


def test_a_text_of_20000_tokens_is_quick(
    opened: Callable[..., MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    words = [f"word-{n}" for n in range(20_000)]
    window = opened(write_tokens_run(tmp_path / "long.h5", words, queries=4))
    text = body(window)

    def laid_out() -> bool:
        return text.tokens.picture is not None and is_laid_out(text.tokens.picture, window.theme)

    qtbot.waitUntil(laid_out, timeout=10_000)
    QApplication.processEvents()
    bar = text.scroller.verticalScrollBar()

    def costs(act: Callable[[int], object]) -> float:
        found = []
        for at in range(24):
            started = time.thread_time()
            act(at)
            QApplication.processEvents()
            found.append(1e3 * (time.thread_time() - started))
        return float(np.median(found))

    # The bounds leave room for slower machines; benchmarks/viewing.py holds the narrow ones.
    assert costs(lambda at: bar.setValue(at * bar.maximum() // 24)) < 16
    assert costs(lambda at: window.session.hover(at * 700)) < 32
    assert costs(lambda at: window.session.go_to_query(at % 4)) < 48


def test_a_figure_says_what_the_window_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = write_tokens_run(tmp_path / "bpe.h5", BPE), tmp_path / "figure.svg"
    place = ["export", str(run), "--view", "tokens", "--queries", "5,2", "-o", str(out)]
    shown = ["--specials", "hidden", "--subwords", "words", "--arcs", "3", "--width-mm", "300"]
    assert main([*place, *shown]) == 0
    text = " ".join(out.read_text().split())
    assert "of the mass is not shown" in text
    assert "subwords merged (sum)" in text and "3 arcs = " in text
    assert "darkness" in text and "endoftext" not in text
    assert "mean of 3 queries" in text
    assert main([*place, "--arcs", "99"]) == 2
    assert "--arcs 99 is not in 1 … 50" in capsys.readouterr().err
    assert main([*place, "--query", "1"]) == 2
    assert main([*place[:-3], "1,999", *place[-2:]]) == 1
    assert "has no query 999" in capsys.readouterr().err
