"""The session on its own: no widget, every request answered at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_runs import EXAMPLES, STEPS, write_run

from hardattn_viewer.measures import agreement
from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.wants import is_settled
from recorders import read_run


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.close()


@pytest.fixture
def opened(session: Session, hard_path: Path, soft_path: Path) -> Session:
    session.open([hard_path, soft_path])
    return session


def test_the_first_two_runs_become_a_and_b(opened: Session) -> None:
    state = opened.state
    assert [run.status for run in state.runs] == ["ready", "ready"]
    assert (state.slot_a, state.slot_b) == (1, 2)
    assert is_settled(state)
    assert state.frames.a is not None and state.frames.a.hard
    assert state.frames.b is not None and not state.frames.b.hard


def test_a_frame_holds_what_the_run_holds(opened: Session, hard_path: Path) -> None:
    opened.go_to_row(5)
    opened.go_to_step(2)
    frame = opened.state.frames.a
    assert frame is not None
    with read_run(hard_path) as run:
        np.testing.assert_array_equal(frame.probabilities, run.map("glimpse", 5, 2)[0, 0])
        chosen = run.selection("glimpse", 5, 2)
        assert chosen is not None
        assert frame.selection == (int(chosen[0, 0, 0]),)
        assert frame.scalars["entropy"][2] == run.entropy("glimpse", 5, 2)[0, 0]
        assert frame.scalars["log_prob"][2] == run.log_prob("glimpse", 5, 2)[0, 0]
    assert frame.scalars["p_selected"][2] == pytest.approx(float(frame.probabilities.max()))
    assert frame.place.step == 2


def test_stepping_reads_nothing_and_clamps(opened: Session) -> None:
    before = opened.state.frames.a
    assert before is not None
    opened.go_to_step(99)
    after = opened.state.frames.a
    assert after is not None
    assert opened.state.place.step == STEPS - 1 == after.place.step
    assert after.distributions is before.distributions
    opened.next_step(-99)
    assert opened.state.place.step == 0


def test_every_change_is_told_once_with_old_and_new(opened: Session) -> None:
    told: list[tuple[SessionState, SessionState]] = []

    def tell(new: SessionState, old: SessionState) -> None:
        told.append((new, old))

    opened.changed.connect(tell)
    opened.go_to_step(1)
    opened.go_to_step(1)
    assert [(new.place.step, old.place.step) for new, old in told] == [(1, 0)]


def test_undo_takes_a_row_of_steps_back_together(opened: Session) -> None:
    opened.go_to_row(3)
    for _ in range(3):
        opened.next_step(1)
    opened.undo()
    assert (opened.state.place.example, opened.state.place.step) == (3, 0)
    opened.undo()
    assert opened.state.place.example == 0
    opened.redo()
    opened.redo()
    assert (opened.state.place.example, opened.state.place.step) == (3, 3)
    assert is_settled(opened.state)


def test_examples_are_aligned_by_name(session: Session, tmp_path: Path) -> None:
    a = write_run(tmp_path / "a.h5", hard=True, names=["x", "y", "z"])
    b = write_run(tmp_path / "b.h5", hard=False, names=["z", "w", "x"])
    session.open([a, b])
    rows = session.state.rows
    assert rows is not None and rows.a is not None and rows.b is not None
    assert rows.names == ("x", "y", "z", "w")
    assert rows.a.index.tolist() == [0, 1, 2, -1]
    assert rows.b.index.tolist() == [2, -1, 0, 1]
    session.go_to_row(1)
    assert session.state.frames.b is None
    assert "b does not hold example y" in session.state.frames.why_b
    session.go_to_row(3)
    assert session.state.frames.a is None
    assert session.state.frame is session.state.frames.b
    session.set_view("compare")
    found = comparison_of(session.state)
    assert found is not None and found.total == 2
    assert found.words[0] == "Examples without a partner of the same name: 1 of A and 1 of B."


def test_swapping_keeps_the_example(opened: Session) -> None:
    opened.go_to_row(4)
    opened.swap()
    state = opened.state
    assert (state.slot_a, state.slot_b) == (2, 1)
    assert state.frames.a is not None and not state.frames.a.hard
    assert state.frames.a.example_name == "digit-4"


def test_a_wrong_filter_leaves_the_list_and_says_why(opened: Session) -> None:
    opened.set_filter("wrong(A)")
    kept = opened.state.order
    assert kept == tuple(range(0, EXAMPLES, 3))
    opened.set_filter("wrnog(A)")
    assert opened.state.order == kept
    assert opened.state.filter_error == "There is no wrnog: did you mean wrong?"


def test_down_and_up_follow_the_table_as_it_is_sorted(opened: Session) -> None:
    opened.set_sort("entropy", descending=True)
    order = opened.state.order
    opened.go_to_row(order[0])
    opened.next_example(1)
    assert opened.state.place.example == order[1]
    opened.next_example(-5)
    assert opened.state.place.example == order[0]


def test_the_whole_run_comparison_is_that_of_the_measures(
    opened: Session, hard_path: Path, soft_path: Path
) -> None:
    opened.set_view("compare")
    found = comparison_of(opened.state)
    assert found is not None and found.finished
    with read_run(hard_path) as hard, read_run(soft_path) as soft:
        a = [np.stack([m[0, 0] for m in hard.maps("glimpse", i)]) for i in range(EXAMPLES)]
        b = [np.stack([m[0, 0] for m in soft.maps("glimpse", i)]) for i in range(EXAMPLES)]
    expected = agreement(a, b)
    assert found.same_argmax.mean == pytest.approx(expected.same_argmax.mean)
    assert found.jensen_shannon.mean == pytest.approx(expected.jensen_shannon.mean)
    assert found.soft_mass is not None
    # These runs choose the most probable key, which is what the measure takes without choices.
    assert found.soft_mass.mean == pytest.approx(expected.mass_on_choice.mean)


def test_a_run_that_cannot_be_opened_says_why_and_can_be_tried_again(
    session: Session, tmp_path: Path, hard_path: Path
) -> None:
    missing = tmp_path / "later.h5"
    session.open([missing])
    (run,) = session.state.runs
    assert run.status == "failed"
    assert "later.h5" in run.error and "\n" not in run.error
    missing.write_bytes(hard_path.read_bytes())
    session.open([missing])
    (run,) = session.state.runs
    assert run.status == "ready"


def test_opening_a_run_twice_opens_it_once(opened: Session, hard_path: Path) -> None:
    opened.open([hard_path])
    assert len(opened.state.runs) == 2


def test_closing_every_run_leaves_an_empty_session(opened: Session) -> None:
    opened.close_run(1)
    assert opened.state.slot_a is None and opened.state.frames.b is not None
    opened.close_run(2)
    assert opened.state.rows is None and opened.state.frame is None and opened.state.order == ()


def test_heads_go_round_through_their_mean(session: Session, tmp_path: Path) -> None:
    path = write_run(tmp_path / "heads.h5", hard=True, heads=2)
    session.open([path])
    seen = []
    for _ in range(4):
        frame = session.state.frames.a
        assert frame is not None
        seen.append(frame.place.head)
        session.next_head(1)
    assert seen == [None, 0, 1, None]
    with read_run(path) as run:
        both = run.map("glimpse", 0, 0)
    session.go_to_row(0)
    session.next_head(-1)
    frame = session.state.frames.a
    assert frame is not None and frame.place.head is None
    np.testing.assert_allclose(frame.probabilities, both[:, 0].mean(axis=0), rtol=1e-6)


def test_a_snapshot_shows_the_run_as_it_was(session: Session, tmp_path: Path) -> None:
    path = write_run(tmp_path / "training.h5", hard=True, snapshots=(10, 20, 30))
    session.open([path])
    session.go_to_snapshot(1)
    frame = session.state.frames.a
    assert frame is not None and frame.place.snapshot == 1
    with read_run(path) as run:
        expected = run.map("glimpse", 0, 0, snapshot=1)[0, 0]
    np.testing.assert_array_equal(frame.probabilities, expected)


def test_playback_stops_at_the_end_and_starts_over(opened: Session) -> None:
    opened.play()
    for _ in range(STEPS + 2):
        opened.tick()
    assert opened.state.place.step == STEPS - 1 and not opened.state.playing
    opened.play()
    assert opened.state.place.step == 0 and opened.state.playing


def test_the_same_key_again_lets_go(opened: Session) -> None:
    opened.pin(4)
    assert opened.state.marked == 4
    opened.hover(2)
    assert opened.state.marked == 2
    opened.hover(None)
    opened.pin(4)
    assert opened.state.marked is None
