"""A run with a broken part is shown without it, and the window says so; its words are harmless."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.omissions import omissions_text
from hardattn_viewer.session.loading import ThreadLoader
from hardattn_viewer.session.requests import CloseRequest, Opened, OpenRequest
from recorders.run import inspector

EVIL = "\u202egnp.\x1b[2J"
SHOWN = "⟨U+202E⟩gnp.⟨U+001B⟩[2J"


def scribbled(path: Path, dataset: str) -> None:
    with h5py.File(path) as file:
        info = file[dataset].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[info.byte_offset + info.size // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("outcomes/prediction", "it has no predictions"),
        ("images/png", "checksum"),
        ("rows/entropy", "shown as not recorded"),
        ("rows/entropy_crc32", "its entropies cannot be read"),
        ("region_sets/box_count", "it has no boxes"),
    ],
)
def test_a_run_with_a_broken_part_shows_the_rest_and_says_what_is_missing(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path, dataset: str, words: str
) -> None:
    path = write_run(tmp_path / "run.h5", hard=True)
    scribbled(path, dataset)
    window = make_window()
    window.session.open([path])
    wait_until_shown(qtbot, window)
    frame = window.session.state.frames.a
    assert frame is not None and np.isfinite(frame.probabilities).all()
    said = window.inspector.record.damage
    assert said.isVisible() and words in said.text()
    if dataset != "images/png":
        facts = window.session.state.facts("A")
        assert facts is not None and words in omissions_text(facts)
        assert "DAMAGED in part" in window.cards.card(1).line.text()


def test_hidden_characters_of_names_are_shown_in_the_window(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = write_run(tmp_path / f"{EVIL}.h5", hard=True, names=[EVIL])
    window = make_window()
    window.session.open([path])
    wait_until_shown(qtbot, window)
    assert window.header.example.toolTip() == SHOWN
    card = window.cards.card(1)
    assert SHOWN in card.accessibleName() and SHOWN in card.toolTip()
    for label in window.findChildren(QLabel):
        assert not set("\u202e\x1b") & set(label.text()), label.objectName()


def test_a_run_that_is_closed_while_it_is_opened_keeps_nobody_waiting(
    tmp_path: Path, hard_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = inspector.Inspector("stuck_inspection", (str(Path(__file__).parent),))
    monkeypatch.setattr(inspector, "shared", stuck)
    loader = ThreadLoader(lambda: None)
    try:
        loader.submit(OpenRequest(1, hard_path))
        time.sleep(1.0)
        assert not loader.take()
        loader.submit(CloseRequest(1))
        monkeypatch.setattr(inspector, "shared", inspector.Inspector())
        loader.submit(OpenRequest(2, hard_path))
        got: list[object] = []
        until = time.monotonic() + 20
        while len(got) < 2 and time.monotonic() < until:
            got += loader.take()
            QApplication.processEvents()
            time.sleep(0.01)
        first, second = got
        assert isinstance(first, Opened) and "nobody waits" in first.error
        assert isinstance(second, Opened) and second.facts is not None
    finally:
        loader.close()
        inspector.shared.close()
        stuck.close()
