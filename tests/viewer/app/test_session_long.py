"""Examples of very many steps: read around the step that is shown, drawn without losing a peak."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from long_runs import KEYS, long_probabilities, write_long_run

from hardattn_viewer.drawing.scale import scope_words, shared_scale
from hardattn_viewer.figures.numbers import csv_bytes
from hardattn_viewer.session import frames
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Place, frame_at_step, load_frame
from hardattn_viewer.session.long_examples import (
    BLOCK_STEPS,
    LONG_STEPS,
    levels_of,
    steps_around,
)
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import Frames
from hardattn_viewer.session.tracks import agreement, tracks_of, tracks_there
from recorders import read_run

STEPS = 5_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_run(tmp_path_factory.mktemp("long") / "long.h5", STEPS)


def test_few_steps_are_read_and_they_are_the_recorded_ones(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    plain = frames.read_step

    def counted(run, site, example, step, *rest, **named):
        read.append(step)
        return plain(run, site, example, step, *rest, **named)

    monkeypatch.setattr(frames, "read_step", counted)
    p = long_probabilities(STEPS)
    with read_run(path) as run:
        frame = load_frame(run, Place(step=3_210))
        assert len(read) <= 2 * BLOCK_STEPS and 3_210 in read
        assert frame.steps == STEPS and frame.is_part
        assert frame.held == steps_around(3_210, STEPS)
        for step in (frame.held.start, 3_210, frame.held.stop - 1):
            there = frame_at_step(frame, step)
            assert there.place.step == step
            np.testing.assert_allclose(there.probabilities, p[step], atol=2e-5)
            assert there.selection == (int(p[step].argmax()),)
        # What is not in memory does not become something else.
        assert frame_at_step(frame, 0).place.step == 3_210
        short = load_frame(run, Place(example=1))
        assert not short.is_part and short.held == range(3) and short.curves is None


def test_numbers_of_all_steps_are_known_at_every_place(path: Path) -> None:
    p = long_probabilities(STEPS)
    with read_run(path) as run:
        frame = load_frame(run, Place(step=4_999))
        again = load_frame(run, Place(step=0), frame.curves)
        np.testing.assert_allclose(frame.scalars["entropy"], -(p * np.log(p)).sum(-1), atol=1e-9)
        np.testing.assert_allclose(frame.scalars["p_selected"], p.max(-1), atol=1e-9)
        assert again.scalars["entropy"] is frame.scalars["entropy"]
        everything = run.scalars(0, "glimpse")
    for name in ("reward", "baseline", "advantage", "temperature"):
        np.testing.assert_array_equal(frame.scalars[name], everything[name])


def test_the_colours_of_a_long_example_do_not_change_from_step_to_step(path: Path) -> None:
    with read_run(path) as run:
        one, other = load_frame(run, Place(step=10)), load_frame(run, Place(step=2_500))
    # Nothing is known of steps that were not read but that no probability is above 1.
    assert shared_scale([one]) == shared_scale([other]) == 1.0
    assert "all steps" in scope_words(Display())


def test_exported_numbers_name_the_steps_that_they_are_of(path: Path) -> None:
    with read_run(path) as run:
        frame = load_frame(run, Place(step=2_500))
    lines = csv_bytes([frame], ["A"]).decode().splitlines()
    steps = [int(line.split(",")[7]) for line in lines[1:]]
    assert sorted(set(steps)) == list(frame.held)
    assert len(steps) == len(frame.held) * KEYS


def test_walking_through_a_long_example_reads_what_is_needed(path: Path) -> None:
    session = Session()
    session.open([path])
    p = long_probabilities(STEPS)
    for step in (0, 63, 64, 200, STEPS - 1, 1_000, 999):
        session.go_to_step(step)
        frame = session.state.frames.a
        assert frame is not None and frame.place.step == step == session.state.place.step
        np.testing.assert_allclose(frame.probabilities, p[step], atol=2e-5)
    session.next_example(1)
    assert session.state.frames.steps == 3
    session.close()


def test_tracks_of_a_long_example_are_of_all_its_steps(path: Path) -> None:
    with read_run(path) as run:
        frame = load_frame(run, Place(step=100))
    both = Frames(frame, frame)
    assert {"entropy", "p_selected", "log_prob", "advantage", "temperature", "agreement"} <= set(
        tracks_there(both)
    )
    for track in tracks_of(both, tracks_there(both)):
        assert all(curve.values.size == STEPS for curve in track.curves)
    assert (agreement(frame, frame) == 1).all()


@given(
    st.lists(st.sampled_from([0.0, 1.0, -3.0, 7.5, float("nan")]), min_size=1, max_size=700),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1, 60),
)
@settings(max_examples=400, deadline=None)
def test_no_peak_is_lost_however_few_columns_there_are(
    values: list[float], start: float, share: float, columns: int
) -> None:
    array = np.array(values)
    first = start * (len(values) - 1)
    last = first + max(share * (len(values) - first), 0.5)
    last = min(last, float(len(values)))
    low, high = levels_of(array).binned(first, last, columns)
    edges = np.linspace(first, last, columns + 1)
    for at in range(columns):
        own = array[int(np.floor(edges[at])) : int(np.ceil(edges[at + 1]))]
        own = own[~np.isnan(own)]
        if own.size:
            assert low[at] <= own.min() and high[at] >= own.max()
    known = array[~np.isnan(array)]
    if known.size:
        assert np.fmax.reduce(high) <= known.max() or np.isnan(high).all()
        assert levels_of(array).extent == (known.min(), known.max())


def test_one_step_in_a_million_is_seen() -> None:
    values = np.zeros(1_000_000)
    values[654_321] = 9.0
    low, high = levels_of(values).binned(0, 1e6, 1_200)
    assert np.flatnonzero(high == 9.0).tolist() == [int(654_321 / 1e6 * 1_200)]
    assert not low.any()


def test_every_example_is_read_whole_up_to_the_limit() -> None:
    assert steps_around(5, LONG_STEPS) == range(LONG_STEPS)
    for step in (0, 1_000, LONG_STEPS):
        around = steps_around(step, LONG_STEPS + 1)
        assert step in around and len(around) <= 2 * BLOCK_STEPS


def test_what_is_not_read_yet_leaves_everything_as_it_is(path: Path) -> None:
    """Nothing is painted for a place whose numbers are still on their way."""
    waiting = Session(wake=lambda: None)
    waiting.open([path])
    deadline = time.monotonic() + 20
    while waiting.state.frames.a is None and time.monotonic() < deadline:
        waiting.collect()
        time.sleep(0.005)
    shown = waiting.state.frames.a
    assert shown is not None and 4_000 not in shown.held
    waiting.go_to_step(4_000)
    assert waiting.state.place.step == 4_000
    assert waiting.state.frames.a is shown
    while waiting.state.frames.a is shown and time.monotonic() < deadline:
        waiting.collect()
        time.sleep(0.005)
    there = waiting.state.frames.a
    assert there is not None and there.place.step == 4_000
    waiting.close()


def test_numbers_that_nobody_recorded_are_not_kept(tmp_path: Path) -> None:
    path = write_long_run(tmp_path / "bare.h5", STEPS, scalars=False)
    with read_run(path) as run:
        frame = load_frame(run, Place(step=100))
        assert np.isnan(run.scalars(0, "glimpse").get("reward", np.full(1, np.nan))).all()
    assert not {"reward", "baseline", "temperature"} & set(frame.scalars)
    assert {"entropy", "log_prob", "p_selected"} <= set(frame.scalars)
