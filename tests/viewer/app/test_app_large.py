"""A map of thousands of queries in the real window: an overview and the row looked from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.matrix import MatrixPicture, matrix_layout, matrix_note
from hardattn_viewer.session.maps import POOLED
from recorders import read_run
from recorders.run.decoding import MapReader
from recorders.run.writer import SegmentWriter

TOKENS = 8_192
SPIKE = (5_000, 1_234)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one causal map of 8,192², even but for one query that sees one key."""
    seen = np.tril(np.ones((TOKENS, TOKENS), np.float32))
    seen /= seen.sum(axis=-1, keepdims=True)
    seen[SPIKE[0]] = 0
    seen[SPIKE] = 1
    writer = SegmentWriter(tmp_path_factory.mktemp("large") / "large.h5")
    writer.add_snapshot(0)
    site = writer.add_site("attention", kind="self", query_axis="tokens", key_axis="tokens")
    example = writer.add_example("text", tokens=[f"word{at} " for at in range(TOKENS)])
    writer.add_events(
        site=site,
        examples=np.array([example]),
        step=0,
        snapshot=0,
        probabilities=seen[None, None],
        log_prob=np.full((1, 1, TOKENS), np.nan),
        entropy=np.log(np.arange(1, TOKENS + 1))[None, None],
    )
    writer.close()
    return writer.path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The thread and the size of every part of a map that is decoded."""
    found: list[tuple[str, int]] = []
    read = MapReader.read

    def noted(self: MapReader, event: int, *part: range) -> np.ndarray:
        values = read(self, event, *part)
        found.append((threading.current_thread().name, values.size))
        return values

    monkeypatch.setattr(MapReader, "read", noted)
    return found


def picture_of(window: MainWindow) -> MatrixPicture:
    picture = window.overlay.pane.text.matrix.picture
    assert picture is not None
    return picture


def test_a_map_of_8192_opens_and_shows_without_being_decoded(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    large: Path,
    reads: list[tuple[str, int]],
) -> None:
    window = make_window()
    window.session.open([large])
    wait_until_shown(qtbot, window)
    picture = picture_of(window)
    assert (picture.queries, picture.keys) == (TOKENS, TOKENS)
    assert picture.pyramid is not None
    overview = picture.pyramid.patch(1, 1)
    assert overview.values.shape == (POOLED, POOLED)
    cells = matrix_layout(picture, QRectF(0, 0, 900, 800))
    note = matrix_note(picture, cells.layout, (16, 16))[0]
    assert "max-pooled: each pixel is the largest of 16 × 16 cells" in note
    # A mean would have hidden it.
    assert overview.at(*SPIKE) == pytest.approx(1)
    assert {thread for thread, _ in reads} == {"hardattn-reader"}
    assert max(size for _, size in reads) == TOKENS

    window.session.go_to_query(SPIKE[0])
    wait_until_shown(qtbot, window)
    frame = window.session.state.frame
    assert frame is not None and frame.query == SPIKE[0]
    assert frame.probabilities.argmax() == SPIKE[1]
    assert picture_of(window).query == SPIKE[0]
    with read_run(large) as run:
        row = run.window("attention", 0, queries=slice(SPIKE[0], SPIKE[0] + 1))
    np.testing.assert_array_equal(frame.probabilities, row[0, 0])
    assert max(size for _, size in reads) == TOKENS


def test_the_row_that_is_read_stays_until_the_next_one_is(
    make_window: Callable[[], MainWindow], qtbot: QtBot, large: Path
) -> None:
    window = make_window()
    window.session.open([large])
    wait_until_shown(qtbot, window)
    before = window.session.state.frame
    window.session.hover(None, 4_000)
    now = window.session.state.frame
    assert before is not None and now is not None
    assert now.query == before.query == TOKENS - 1
    np.testing.assert_array_equal(now.probabilities, before.probabilities)
    wait_until_shown(qtbot, window)
    after = window.session.state.frame
    assert after is not None and after.query == 4_000
    assert np.count_nonzero(after.probabilities) == 4_001
