"""Filtering and searching through a session: what is read, what is found, where the way leads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from long_runs import long_probabilities, write_long_run
from small_runs import write_run
from text_runs import write_generated_run

from hardattn_viewer.session import listing
from hardattn_viewer.session.finding import hits_of
from hardattn_viewer.session.hits import Hits
from hardattn_viewer.session.rows import NATS_PER_BIT
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.wording import plain_text
from recorders import read_run


@pytest.fixture
def session(hard_path: Path, soft_path: Path):
    made = Session()
    made.open([hard_path, soft_path])
    yield made
    made.close()


def entropies(path: Path) -> np.ndarray:
    """Entropy in bits [examples, steps], read one event at a time."""
    with read_run(path) as run:
        found = [
            [
                float(run.entropy("glimpse", i, step).mean())
                for step in range(run.steps("glimpse", i))
            ]
            for i in range(len(run.examples))
        ]
    return np.array(found) / NATS_PER_BIT


def test_a_filter_over_steps_lists_what_every_step_says(session: Session, hard_path: Path) -> None:
    bits = entropies(hard_path)
    session.set_filter("any(entropy > 2.4)")
    assert session.state.filter_error == ""
    assert session.state.order == tuple(np.flatnonzero((bits > 2.4).any(1)).tolist())
    session.set_filter("max(entropy) - min(entropy) > 0.5 & not wrong")
    wanted = (np.ptp(bits, axis=1) > 0.5) & (np.arange(12) % 3 != 0)
    assert session.state.order == tuple(np.flatnonzero(wanted).tolist())
    session.set_sort("entropy", descending=True)
    listed = bits.mean(1)[list(session.state.order)]
    assert (np.diff(listed) <= 0).all()


def test_what_was_read_once_is_not_read_again(session: Session) -> None:
    session.set_filter("any(entropy > 2)")
    first = session.state.studies["columns"]
    session.set_filter("all(entropy > 1)")
    assert session.state.studies["columns"] is first
    session.set_filter("any(reward > 0 & entropy > 1)")
    second = session.state.studies["columns"]
    assert second is not first
    # The column that was there is the very same one.
    assert second.value.a.fields["entropy"] is first.value.a.fields["entropy"]
    session.set_filter("")
    assert session.state.studies["columns"] is second


def test_nothing_is_read_for_a_filter_over_examples(session: Session) -> None:
    session.set_filter("wrong(A) & entropy > 2")
    assert session.state.studies == {}
    assert set(session.state.order) <= {0, 3, 6, 9}


def test_a_wrong_expression_leaves_the_list_and_marks_the_place(session: Session) -> None:
    session.set_filter("wrong(A)")
    before = session.state.order
    session.set_filter("wrong(A) & entrpy > 2")
    assert session.state.order == before == (0, 3, 6, 9)
    assert session.state.filter_error == "There is no entrpy: did you mean entropy?"
    assert session.state.filter_mark == (11, 17)


def test_long_tables_are_filtered_by_a_study_with_the_same_result(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.set_filter("wrong(A) | entropy > 2")
    session.set_sort("entropy", descending=True)
    at_once = session.state.order
    session.set_filter("")
    monkeypatch.setattr(listing, "QUICK_ROWS", 5)
    session.set_filter("wrong(A) | entropy > 2")
    assert session.state.order == at_once and "listing" in session.state.studies


def test_the_next_hit_goes_on_through_the_listed_examples_and_wraps(
    session: Session, hard_path: Path
) -> None:
    bits = entropies(hard_path)
    session.set_filter("wrong(A)")
    session.set_find("entropy > 2.4 and not correct")
    hits = hits_of(session.state)
    assert isinstance(hits, Hits)
    wanted = [
        (row, step) for row in (0, 3, 6, 9) for step in np.flatnonzero(bits[row] > 2.4).tolist()
    ]
    assert hits.number(session.state.order) == len(wanted) > 3
    session.go_to_row(0)
    session.go_to_step(0)
    if wanted[0] == (0, 0):
        wanted = [*wanted[1:], wanted[0]]
    walked = []
    for _ in wanted:
        session.find_next()
        walked.append((session.state.place.example, session.state.place.step))
    assert walked == wanted
    before = session.state.place
    session.find_next(-1)
    session.find_next(1)
    assert session.state.place.step == before.step
    for _ in range(len(wanted)):
        session.find_next(1)
    assert session.state.place.step == before.step
    said = set()
    for _ in range(len(wanted)):
        session.find_next(1)
        said.add(session.state.find.said)
    assert said == {"", "From the start again"}


def test_a_search_without_hits_says_so_and_stays(session: Session) -> None:
    session.set_find("entropy > 99")
    session.find_next()
    assert session.state.find.said == "No step of the examples listed"
    assert session.state.place.step == 0
    session.set_find("entropy >")
    assert session.state.find.error == "Something must follow at the end."
    session.find_next()
    assert session.state.place.step == 0


def test_a_search_is_checked_again_for_other_runs(session: Session, hard_path: Path) -> None:
    session.set_find("p_selected > 0.5")
    assert session.state.find.error == ""
    session.close_run(session.state.runs[0].key)
    assert session.state.find.error == "The run in B has no p_selected: it was not recorded."


def test_a_million_steps_are_the_same_as_a_few(tmp_path: Path) -> None:
    path = write_long_run(tmp_path / "long.h5", 3_000)
    session = Session()
    session.open([path])
    session.set_find("p_selected > 0.9 | step == 17")
    hits = hits_of(session.state)
    assert hits is not None
    p = long_probabilities(3_000).max(-1)
    assert hits.of_row(0).tolist() == sorted({16, *np.flatnonzero(p > 0.9).tolist()})
    session.find_next()
    session.find_next()
    assert session.state.frames.a is not None
    assert session.state.frames.a.place.step == hits.of_row(0)[1 if hits.of_row(0)[0] else 2]
    session.close()


def test_text_and_generated_tokens_can_be_searched(tmp_path: Path) -> None:
    session = Session()
    session.open([write_generated_run(tmp_path / "generated.h5")])
    session.set_filter('text ~ "P3" & tokens == 5')
    assert session.state.order == (0,) and not session.state.filter_error
    session.set_find('token ~ "new"')
    hits = hits_of(session.state)
    assert hits is not None and hits.of_row(0).tolist() == [1, 2]
    session.close()


def test_playback_repeats_a_range(session: Session) -> None:
    session.set_loop(2, 1)
    assert session.state.loop == (1, 2)
    session.play(True)
    seen = []
    for _ in range(5):
        session.tick()
        seen.append(session.state.place.step)
    assert seen == [1, 2, 1, 2, 1] and session.state.playing
    session.set_speed(-1.0)
    session.tick()
    assert session.state.place.step == 2
    session.set_loop(None)
    session.play(False)
    session.set_loop(0, 3)
    session.next_example(1)
    assert session.state.loop is None
    session.undo()
    assert session.state.loop == (0, 3) and session.state.place.example == 0


def test_names_are_offered_only_where_a_run_has_them(tmp_path: Path, soft_path: Path) -> None:
    session = Session()
    session.open([soft_path])
    there = {field.name for field in listing.vocabulary_of(session.state).fields()}
    assert there >= {"entropy", "step", "name", "wrong", "confidence"}
    assert not there & {"reward", "p_selected", "selected", "temperature", "text", "agree", "token"}
    session.open([write_run(tmp_path / "b.h5", hard=True)])
    there = {field.name for field in listing.vocabulary_of(session.state).fields()}
    assert there >= {"reward", "baseline", "advantage", "p_selected", "temperature", "agree"}
    session.close()


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["[CLS]", "un", "##seen", "light", "[SEP]"], "[CLS] unseen light [SEP]"),
        (["Ġthe", "ĠcafÃ©", "s"], "the cafés"),
        (["▁In", "▁the", "begin", "ning"], "In the beginning".replace("the begin", "thebegin")),
        ([], ""),
    ],
)
def test_tokens_become_the_text_that_is_searched(tokens: list[str], text: str) -> None:
    assert plain_text(tokens) == text
