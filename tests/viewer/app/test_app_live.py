"""A run that is being recorded, in the real window: it grows, is followed, sealed, or cut off."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from live_runs import start_writer, true_maps
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.live_badge import age_words
from recorders import read_run
from recorders.run.writer import SegmentWriter


class Seen:
    """What the window showed, one entry for every change of it."""

    def __init__(self, window: MainWindow) -> None:
        self.counts: list[int] = []
        self.places: list[tuple[int, int]] = []
        self.lost: list[str] = []
        window.session.changed.connect(self._on_changed)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.rows is not None and new.rows is not old.rows:
            self.counts.append(len(new.rows))
        if new.frames.a is not None and new.frames is not old.frames:
            place = new.frames.a.place
            self.places.append((place.example, place.step))
        if old.frames.a is not None and new.frames.a is None:
            self.lost.append(new.frames.why_a)


def wait_for_parts(path: Path, count: int = 1) -> None:
    until = time.monotonic() + 30
    folder = path.with_name(path.name + ".parts")
    while len(list(folder.glob("seg-*"))) < count:
        assert time.monotonic() < until, "nothing was recorded"
        time.sleep(0.01)


def is_sealed(window: MainWindow) -> bool:
    return all(run.facts is not None and run.facts.sealed for run in window.session.state.runs)


def check_whole(window: MainWindow, qtbot: QtBot, path: Path, written: int) -> None:
    """Everything that was written is in the table, and every picture is right."""
    state = window.session.state
    assert [run.path for run in state.runs] == [path] and state.runs[0].live is None
    assert state.rows is not None and state.rows.names == tuple(f"e{i}" for i in range(written))
    assert not state.following and window.header.live.isHidden()
    assert not window.message.isVisible() and not window.live_bar.isVisible()
    for row in range(0, written, max(written // 5, 1)):
        window.session.go_to_row(row)
        wait_until_shown(qtbot, window)
        frame = window.session.state.frames.a
        assert frame is not None and frame.steps == 3
        for one, truth in zip(frame.maps, true_maps(row), strict=True):
            assert one is not None
            np.testing.assert_allclose(one.values, truth.mean(axis=0), atol=1e-6)


def test_a_recording_is_followed_to_its_end_and_across_its_sealing(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    with start_writer(path, pause=0.2, seconds=4) as process:
        wait_for_parts(path)
        window = make_window()
        seen = Seen(window)
        window.session.open([path])
        wait_until_shown(qtbot, window)
        badge = window.header.live
        assert badge.isVisible() and badge.words.text() == "● recording"
        assert "ago" in badge.age.text() or "now" in badge.age.text()
        assert "recording…" in window.cards.card(1).line.text()
        QTest.keyClick(window, Qt.Key.Key_F)
        assert window.session.state.following and badge.follow.isChecked()
        qtbot.waitUntil(lambda: is_sealed(window), timeout=30_000)
        written = int(process.communicate()[0])
    qtbot.waitUntil(lambda: not window.session.state.following, timeout=10_000)
    wait_until_shown(qtbot, window)
    assert seen.counts == sorted(seen.counts) and seen.lost == []
    assert len(set(seen.counts)) > 3 and seen.counts[-1] == written
    assert seen.places[-1] == (written - 1, 2)
    assert [example for example, _ in seen.places] == sorted(e for e, _ in seen.places)
    assert not window.actions_["follow"].isEnabled()
    check_whole(window, qtbot, path, written)


def growing_run(path: Path) -> tuple[SegmentWriter, Callable[[int], None]]:
    """A run that is being written here, and what adds example n to it."""
    writer = SegmentWriter(path, codec="float32")
    site, snapshot = writer.add_site("look"), writer.add_snapshot(0)

    def grow(number: int) -> None:
        writer.add_events(
            site=site,
            examples=np.array([writer.add_example(str(number))]),
            step=0,
            snapshot=snapshot,
            probabilities=np.full((1, 1, 2, 4), 0.25, np.float32),
            log_prob=np.zeros((1, 1, 2)),
            entropy=np.zeros((1, 1, 2)),
        )
        writer.flush()

    return writer, grow


def test_what_came_last_is_followed_also_where_it_came_with_the_sealing(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    writer, grow = growing_run(tmp_path / "run.h5")
    grow(0)
    window = make_window()
    session = window.session
    session.open([tmp_path / "run.h5"])
    wait_until_shown(qtbot, window)
    session.follow(True)
    grow(1)
    qtbot.waitUntil(lambda: session.state.place.example == 1, timeout=2_000)
    # The app has just looked, and looks again in half a second.
    grow(2)
    writer.close()
    qtbot.waitUntil(lambda: not session.state.following, timeout=5_000)
    wait_until_shown(qtbot, window)
    assert session.state.place.example == 2


def test_new_steps_are_there_within_two_seconds(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    writer, grow = growing_run(path)
    window = make_window()
    window.session.open([path])
    qtbot.waitUntil(lambda: window.session.state.runs[0].status == "waiting", timeout=5_000)
    assert window.cards.card(1).badge.text() == "waiting…"
    for number in range(4):
        grow(number)
        qtbot.waitUntil(
            lambda n=number: len(window.session.state.order) == n + 1,  # type: ignore[misc]
            timeout=2_000,
        )
    writer.close()
    qtbot.waitUntil(lambda: is_sealed(window), timeout=5_000)


def test_what_is_looked_at_stays_while_a_run_grows_and_is_sealed(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path, soft_path: Path
) -> None:
    path = tmp_path / "run.h5"
    other = write_run(tmp_path / "other.h5", hard=False, names=["e1", "only here"])
    with start_writer(path, pause=0.2, seconds=8):
        wait_for_parts(path, 3)
        window = make_window()
        window.session.open([path, other])
        wait_until_shown(qtbot, window)
        session = window.session
        session.set_view("compare")
        rows = session.state.rows
        assert rows is not None
        # It is only in B, so that every example that comes to A moves its row.
        session.go_to_row(rows.names.index("only here"))
        wait_until_shown(qtbot, window)
        session.go_to_head(1)
        session.go_to_row(1)
        session.go_to_step(2)
        session.pin(3)
        session.go_to_query(4)
        wait_until_shown(qtbot, window)
        before = session.state
        picture = before.frames.a
        seen = Seen(window)
        qtbot.waitUntil(lambda: len(set(seen.counts)) > 2, timeout=20_000)
        assert session.state.frames.a is picture
        qtbot.waitUntil(lambda: is_sealed(window), timeout=30_000)
    wait_until_shown(qtbot, window)
    after = session.state
    assert after.place == before.place and after.view == "compare"
    assert (after.pinned, after.slot_a, after.slot_b) == (3, before.slot_a, before.slot_b)
    assert after.frames.a is not None and after.frames.a.example_name == "e1"
    assert seen.lost == []
    assert window.examples.table.currentIndex().row() == 1
    # Undo still leads to the example that was looked at, wherever its row is now.
    while session.state.place.example == 1:
        session.undo()
    rows = session.state.rows
    assert rows is not None and rows.names[session.state.place.example] == "only here"


def test_whoever_goes_elsewhere_is_not_taken_back_to_the_newest_step(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    with start_writer(path, pause=0.1, seconds=60) as process:
        wait_for_parts(path, 3)
        window = make_window()
        window.session.open([path])
        wait_until_shown(qtbot, window)
        session = window.session
        session.follow()
        last = len(session.state.order)
        qtbot.waitUntil(lambda: session.state.place.example > last, timeout=10_000)
        session.go_to_row(1)
        assert not session.state.following and not window.header.live.follow.isChecked()
        seen = Seen(window)
        qtbot.waitUntil(lambda: len(set(seen.counts)) > 2, timeout=10_000)
        assert session.state.place.example == 1
        window.header.live.follow.click()
        assert session.state.following and session.state.place.example > last
        session.undo()
        assert not session.state.following and session.state.place.example == 1
        process.kill()


@pytest.fixture
def cut_off(tmp_path: Path) -> Iterator[Path]:
    """What a killed writer left: the run that it would have become."""
    path = tmp_path / "run.h5"
    with start_writer(path, pause=0.05, seconds=600) as process:
        wait_for_parts(path, 5)
        process.send_signal(signal.SIGKILL)
    yield path


def test_a_recording_whose_writer_is_killed_is_recovered_by_a_click(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    with start_writer(path, pause=0.05, seconds=600) as process:
        wait_for_parts(path, 3)
        window = make_window()
        window.session.open([path])
        wait_until_shown(qtbot, window)
        assert not window.live_bar.isVisible()
        assert not window.actions_["recover"].isEnabled()
        window.session.go_to_row(1)
        window.session.go_to_step(1)
        process.send_signal(signal.SIGKILL)
    bar = window.live_bar
    qtbot.waitUntil(bar.isVisible, timeout=10_000)
    assert "cut off" in bar.text.text() and bar.go.text() == "Recover into run.h5"
    assert window.header.live.words.text() == "recording was cut off"
    assert window.header.live.follow.isHidden()
    wait_until_shown(qtbot, window)
    before = window.session.state
    QTest.mouseClick(bar.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: is_sealed(window), timeout=20_000)
    wait_until_shown(qtbot, window)
    after = window.session.state
    assert after.place == before.place and after.runs[0].path == path
    assert after.recovery is not None and after.recovery.state == "done"
    assert f"was recovered into {path}" in bar.text.text() and bar.go.isHidden()
    assert window.header.live.isHidden() and path in window._settings.recent
    with read_run(path) as run:
        assert run.sealed and len(run.examples) == len(after.order)
    assert list((tmp_path / "run.h5.parts").glob("seg-*"))
    QTest.mouseClick(bar.leave, Qt.MouseButton.LeftButton)
    assert not bar.isVisible()


def test_the_offer_is_a_command_too_and_can_be_declined(
    make_window: Callable[[], MainWindow], qtbot: QtBot, cut_off: Path
) -> None:
    window = make_window()
    window.session.open([cut_off])
    wait_until_shown(qtbot, window)
    assert window.live_bar.isVisible()
    QTest.mouseClick(window.live_bar.leave, Qt.MouseButton.LeftButton)
    assert not window.live_bar.isVisible()
    qtbot.wait(1_200)
    assert not window.live_bar.isVisible()
    window.actions_["recover"].trigger()
    qtbot.waitUntil(lambda: is_sealed(window), timeout=20_000)
    assert window.live_bar.isVisible() and cut_off.is_file()


def test_an_older_run_of_that_name_is_not_overwritten_by_a_recovery(
    make_window: Callable[[], MainWindow], qtbot: QtBot, cut_off: Path, hard_path: Path
) -> None:
    shutil.copy(hard_path, cut_off)
    older = cut_off.read_bytes()
    window = make_window()
    window.session.open([cut_off.with_name("run.h5.parts")])
    wait_until_shown(qtbot, window)
    assert window.live_bar.go.text() == "Recover into run-2.h5"
    window.live_bar.go.click()
    qtbot.waitUntil(lambda: is_sealed(window), timeout=20_000)
    assert window.session.state.runs[0].path == cut_off.with_name("run-2.h5")
    assert cut_off.read_bytes() == older


def test_what_stops_a_recovery_is_said_in_one_sentence_and_can_be_tried_again(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    cut_off: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = make_window()
    window.session.open([cut_off])
    wait_until_shown(qtbot, window)
    cut_off.write_bytes(b"another file, come meanwhile")
    window.live_bar.go.click()
    text = window.live_bar.text
    qtbot.waitUntil(lambda: "could not be recovered" in text.text(), timeout=20_000)
    assert "run.h5 exists already" in text.text() and "\n" not in text.text()
    assert window.live_bar.go.isVisible()
    cut_off.unlink()
    window.live_bar.go.click()
    qtbot.waitUntil(lambda: is_sealed(window), timeout=20_000)


def test_what_is_lost_of_damaged_parts_is_said_after_recovering_the_rest(
    make_window: Callable[[], MainWindow], qtbot: QtBot, cut_off: Path
) -> None:
    window = make_window()
    window.session.open([cut_off])
    wait_until_shown(qtbot, window)
    part = cut_off.with_name("run.h5.parts") / "seg-0000-000002.h5"
    part.write_bytes(part.read_bytes()[:500])
    window.live_bar.go.click()
    qtbot.waitUntil(lambda: is_sealed(window), timeout=20_000)
    text = window.live_bar.text.text()
    assert "Not all of it: part 2 of rank 0 is lost" in text and "\n" not in text
    qtbot.waitUntil(lambda: len(window.session.state.order) == 2, timeout=10_000)


def test_a_recovery_can_be_stopped_and_leaves_nothing_behind(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    cut_off: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hardattn_viewer.session import recovering

    plain = recovering.recover_cut_off

    def slow(parts, into, told, wanted):  # type: ignore[no-untyped-def]
        def tell(done: float) -> None:
            time.sleep(0.05)
            told(done)

        return plain(parts, into, tell, wanted)

    monkeypatch.setattr(recovering, "recover_cut_off", slow)
    window = make_window()
    window.session.open([cut_off])
    wait_until_shown(qtbot, window)
    window.live_bar.go.click()
    qtbot.waitUntil(lambda: window.live_bar.progress.value() > 0, timeout=10_000)
    assert window.live_bar.progress.isVisible() and window.live_bar.leave.text() == "Stop"
    window.actions_["stopRecovery"].trigger()
    qtbot.waitUntil(lambda: window.session.state.recovery is None, timeout=10_000)
    assert window.live_bar.go.isVisible() and not is_sealed(window)
    assert [file.name for file in cut_off.parent.glob("*run.h5*")] == ["run.h5.parts"]


def test_a_folder_that_vanishes_is_said_once_and_what_was_read_stays(
    make_window: Callable[[], MainWindow], qtbot: QtBot, cut_off: Path
) -> None:
    window = make_window()
    window.session.open([cut_off])
    wait_until_shown(qtbot, window)
    shutil.rmtree(cut_off.with_name("run.h5.parts"))
    qtbot.waitUntil(window.message.isVisible, timeout=10_000)
    assert "run.h5.parts" in window.message.text.text()
    assert len(window.session.state.order) > 0 and window.session.state.frames.a is not None
    QApplication.processEvents()
    assert "no longer followed" in window.cards.card(1).line.text()


def test_ages_are_said_as_people_say_them() -> None:
    words = {0.3: "just now", 7: "7 s ago", 150: "2 min ago", 7_300: "2 h ago", 4e5: "5 days ago"}
    assert {seconds: age_words(seconds) for seconds in words} == words


@pytest.mark.parametrize("seconds", [12, pytest.param(60, marks=pytest.mark.campaign)])
def test_a_writer_at_full_speed_is_followed(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path, seconds: int
) -> None:
    path = tmp_path / "run.h5"
    with start_writer(path, pause=0, seconds=seconds, side=64) as process:
        wait_for_parts(path)
        window = make_window()
        seen = Seen(window)
        window.session.open([path])
        wait_until_shown(qtbot, window)
        window.session.follow()
        qtbot.waitUntil(lambda: is_sealed(window), timeout=200_000)
        written = int(process.communicate()[0])
    qtbot.waitUntil(lambda: not window.session.state.following, timeout=20_000)
    wait_until_shown(qtbot, window)
    assert seen.counts == sorted(seen.counts) and seen.lost == []
    state = window.session.state
    assert state.rows is not None and state.rows.names == tuple(f"e{i}" for i in range(written))
    assert state.rows.a is not None and (state.rows.a.steps == 3).all()
    with read_run(path) as run:
        for number in range(0, written, max(written // 50, 1)):
            for one, truth in zip(run.maps("look", number), true_maps(number, 64), strict=True):
                np.testing.assert_allclose(one, truth, atol=1e-6)
