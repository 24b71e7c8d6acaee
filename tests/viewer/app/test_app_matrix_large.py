"""A large map in the view of matrices: windows read as finely as they are shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.matrix import MatrixPicture, matrix_layout
from hardattn_viewer.session.map_window import MapWindows
from hardattn_viewer.session.masking import MASKED
from hardattn_viewer.session.matrix import Zoom
from hardattn_viewer.views.matrix import MatrixView
from recorders import read_run
from recorders.run.decoding import MapReader
from recorders.run.writer import SegmentWriter

TOKENS = 4_096
SPIKE = (3_000, 1_234)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one causal map, uneven, and one query that sees one key."""
    rng = np.random.default_rng(3)
    seen = np.tril(rng.random((TOKENS, TOKENS), np.float32) ** 6)
    seen += np.eye(TOKENS, dtype=np.float32) * 1e-2
    seen[SPIKE[0]] = 0
    seen[SPIKE] = 1
    seen /= seen.sum(axis=-1, keepdims=True)
    writer = SegmentWriter(tmp_path_factory.mktemp("large") / "large.h5")
    writer.add_snapshot(0)
    site = writer.add_site("attention", kind="self", query_axis="tokens", key_axis="tokens")
    example = writer.add_example("text", tokens=[f"word{at}" for at in range(TOKENS)])
    writer.add_events(
        site=site,
        examples=np.array([example]),
        step=0,
        snapshot=0,
        probabilities=seen[None, None],
        log_prob=np.full((1, 1, TOKENS), np.nan),
        entropy=np.ones((1, 1, TOKENS)),
    )
    writer.close()
    return writer.path


@pytest.fixture(scope="module")
def whole(large: Path) -> np.ndarray:
    with read_run(large) as run:
        return run.map("attention", 0)[0]


@pytest.fixture
def window(make_window: Callable[[], MainWindow], qtbot: QtBot, large: Path) -> MainWindow:
    made = make_window()
    made.session.open([large])
    wait_until_shown(qtbot, made)
    made.session.set_view("matrix")
    settle(qtbot, made)
    return made


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The threads that decode maps."""
    found: set[str] = set()
    read = MapReader.read

    def noted(self: MapReader, *parts: Any) -> np.ndarray:
        found.add(threading.current_thread().name)
        return read(self, *parts)

    monkeypatch.setattr(MapReader, "read", noted)
    return found


def view_of(window: MainWindow) -> MatrixView:
    view = window.view["matrix"]
    assert isinstance(view, MatrixView)
    return view


def picture_of(window: MainWindow) -> MatrixPicture:
    picture = view_of(window).one.canvas.picture
    assert picture is not None
    return picture


def settle(qtbot: QtBot, window: MainWindow) -> None:
    wait_until_shown(qtbot, window)
    qtbot.waitUntil(
        lambda: all(study.finished for study in window.session.state.studies.values()),
        timeout=30_000,
    )
    QApplication.processEvents()


def go(window: MainWindow, zoom: Zoom) -> None:
    window.session.set_matrix(replace(window.session.state.matrix, zoom=zoom))


def pooled(whole: np.ndarray, query: int, key: int, down: int, across: int) -> float:
    return float(whole[query : query + down, key : key + across].max())


@pytest.mark.parametrize("cell", [0.3, 0.6, 1.0, 20.0])
def test_a_window_is_read_as_finely_as_it_is_shown(
    window: MainWindow, qtbot: QtBot, whole: np.ndarray, threads: set[str], cell: float
) -> None:
    go(window, Zoom(cell, 2_900, 1_300))
    settle(qtbot, window)
    picture = picture_of(window)
    layout = matrix_layout(picture, QRectF(view_of(window).one.canvas.rect())).layout
    down, across = layout.blocks(view_of(window).devicePixelRatioF())
    finest = picture.layers(down, across)[-1]
    assert (finest.down, finest.across) == (down, across)
    rows, columns = layout.seen_queries, layout.seen_keys
    assert finest.holds(rows.start, columns.start) and finest.holds(rows[-1], columns[-1])
    rng = np.random.default_rng(0)
    for query, key in zip(
        rng.integers(rows.start, rows.stop, 60), rng.integers(columns.start, columns.stop, 60),
        strict=True,
    ):  # fmt: skip
        row, column = int(query) // down * down, int(key) // across * across
        expected = pooled(whole, row, column, down, across)
        found = finest.at(int(query), int(key))
        # Stored levels are rounded once more.
        assert found == pytest.approx(expected, abs=4e-5) or (found == MASKED and expected == 0)
    assert threads <= {"hardattn-reader"}
    assert not picture.reading


def test_the_mask_is_known_far_from_the_diagonal_and_across_it(
    window: MainWindow, qtbot: QtBot
) -> None:
    assert picture_of(window).value(10, 4_000)[0] == MASKED
    go(window, Zoom(20, 2_000.5, 2_000.5))
    settle(qtbot, window)
    picture = picture_of(window)
    assert picture.value(2_000, 2_001)[0] == MASKED
    assert picture.value(2_000, 2_000)[0] > 0
    # All but one key of this query are zero; those before it could have been looked at.
    go(window, Zoom(20, SPIKE[0] + 0.5, SPIKE[1] + 0.5))
    settle(qtbot, window)
    picture = picture_of(window)
    assert picture.value(*SPIKE) == (pytest.approx(1), 1, 1)
    assert picture.value(SPIKE[0], SPIKE[1] + 1)[0] == 0


def test_a_cell_pointed_at_tells_its_own_value_once_it_is_read(
    window: MainWindow, qtbot: QtBot, whole: np.ndarray
) -> None:
    canvas = view_of(window).one.canvas
    cells = matrix_layout(picture_of(window), QRectF(canvas.rect()))
    at = cells.cell(2_500, 700).center().toPoint()
    QTest.mouseMove(canvas, at)
    assert "its own is being read" in view_of(window).reading.whole
    settle(qtbot, window)
    state = window.session.state
    assert state.hovered_query is not None and state.hovered is not None
    value = whole[state.hovered_query, state.hovered]
    words = view_of(window).reading.whole.rpartition(" ")[2]
    assert float(words) == pytest.approx(value, abs=1e-6)


def test_a_drag_asks_again_only_when_it_leaves_what_was_read(
    window: MainWindow, qtbot: QtBot
) -> None:
    go(window, Zoom(20, 2_000, 1_000))
    settle(qtbot, window)
    canvas = view_of(window).one.canvas
    study = window.session.state.studies["matrix"].study
    start = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(canvas, start + QPoint(60, 40))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(60, 40))
    assert window.session.state.matrix.zoom != Zoom(20, 2_000, 1_000)
    assert window.session.state.studies["matrix"].study is study
    go(window, Zoom(20, 2_300, 1_000))
    later = window.session.state.studies["matrix"]
    assert later.study is not study and not later.finished
    # Until it is there, the coarse map stands in, and says so.
    picture = picture_of(window)
    assert picture.reading and picture.value(2_300, 1_000)[1] > 1
    canvas.grab()
    settle(qtbot, window)
    assert picture_of(window).value(2_300, 1_000)[1:] == (1, 1)


def test_only_the_last_of_many_places_is_read(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    results = MapWindows.results

    def counted(self: MapWindows, runs: Mapping[int, Any]) -> Iterator[Any]:
        yield from results(self, runs)
        ended.append(self.parts[0][1].query)

    monkeypatch.setattr(MapWindows, "results", counted)
    canvas = view_of(window).one.canvas
    at = QPointF(canvas.width() / 2, canvas.height() / 2)
    for step in range(30):
        event = QWheelEvent(
            at, QPointF(canvas.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, 120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(canvas, event)
        if step % 5 == 0:
            QApplication.processEvents()
    settle(qtbot, window)
    assert len(ended) < 12
    picture = picture_of(window)
    layout = matrix_layout(picture, QRectF(canvas.rect())).layout
    assert picture.value(layout.seen_queries[0], layout.seen_keys[0])[1:] == (1, 1)


def test_margins_are_added_up_over_the_whole_map(
    window: MainWindow, qtbot: QtBot, whole: np.ndarray
) -> None:
    window.actions_["matrix_statistics"].trigger()
    settle(qtbot, window)
    margins = picture_of(window).margins
    assert margins is not None and margins.done == TOKENS
    p = whole.astype(np.float64)
    logs = np.log2(np.where(p > 0, p, 1))
    np.testing.assert_allclose(margins.entropy, -(p * logs).sum(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(margins.mass, p.sum(0), rtol=1e-6)
    np.testing.assert_allclose(margins.mean, p.sum(0) / np.arange(TOKENS, 0, -1), rtol=1e-6)
    at = 100 - margins.nearest
    assert margins.diagonal[at] == pytest.approx(np.diagonal(p, -100).mean())
    assert np.isnan(margins.diagonal[-1 - margins.nearest])
