"""Numbers over training: closed forms, progress, filters; the film of an example."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_runs import EXAMPLES, GLIMPSES, STEPS, reward_at, rows_at, write_training

from hardattn_viewer.session import training_course
from hardattn_viewer.session.curves import NAMES, numbers_in, panel_of, panels_of
from hardattn_viewer.session.display import USUAL_CURVES
from hardattn_viewer.session.film import Film, FilmFrames, spread
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.training_course import Course, Side, TrainingCourse
from recorders import read_run

TOLERANCE = 4e-5
"""What storing makes of a largest probability."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_training(tmp_path / "hard.h5", hard=True)


def course_of(path: Path, **study: object) -> Course:
    with read_run(path) as run:
        asked = TrainingCourse((Side("A", 1, 0, "look", True),), **study)  # type: ignore[arg-type]
        *_, last = asked.results({1: run})
    assert last is not None
    return last[0]


def expected(number: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and half width of a 95 % interval, worked out without the app."""
    values = np.empty((EXAMPLES, len(STEPS)))
    for example in range(EXAMPLES):
        for moment in range(len(STEPS)):
            rows = [rows_at(example, moment, g, True) for g in range(GLIMPSES)]
            values[example, moment] = {
                "entropy": np.mean([-(p * np.log2(p)).sum() for p in rows]),
                "hardness": np.mean([p.max() for p in rows]),
                "log_prob": np.mean([np.log(p.max()) for p in rows]),
                "reward": reward_at(example, moment, GLIMPSES - 1),
                "accuracy": float(example <= moment),
                "p_true": moment / 10,
                "temperature": 2.0 - moment / 10,
            }[number]
    error = values.std(axis=0, ddof=1) / np.sqrt(EXAMPLES)
    return values.mean(axis=0), 1.959964 * error


@pytest.mark.parametrize(
    "number", ["entropy", "hardness", "log_prob", "reward", "accuracy", "p_true", "temperature"]
)
def test_every_curve_is_the_mean_over_examples_with_its_interval(number: str, path: Path) -> None:
    means = course_of(path).means[number]
    mean, half_width = expected(number)
    np.testing.assert_allclose(means.mean, mean, atol=TOLERANCE)
    np.testing.assert_allclose(means.half_width, half_width, atol=TOLERANCE)
    assert means.count.tolist() == [EXAMPLES] * len(STEPS)


def test_what_training_told_is_beside_it_entropy_in_bits(path: Path) -> None:
    course = course_of(path)
    np.testing.assert_allclose(course.told["entropy"], [5, 4, 3, 2, 1])
    np.testing.assert_allclose(course.told["loss"], [3, 1.5, 1, 0.75, 0.6])
    assert course.steps.tolist() == list(STEPS) and course.hard
    assert (course.done, course.chosen, course.total) == (EXAMPLES,) * 3


def test_means_come_in_slices_and_say_of_how_many_examples(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_course, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(training_course, "NEWS_SECONDS", 0.0)
    with read_run(path) as run:
        asked = TrainingCourse((Side("A", 1, 0, "look", True),))
        results = [one[0] for one in asked.results({1: run}) if one is not None]
    done = [course.done for course in results]
    assert done == sorted(done) and set(done) == set(range(EXAMPLES + 1))
    assert results[0].means == {} and "loss" in results[0].told
    one = next(course for course in results if course.done == 1 and course.means)
    assert np.isnan(one.means["entropy"].half_width[-1:]).all()
    assert one.means["entropy"].count.max() <= 2


def test_of_many_examples_some_are_drawn(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_course, "MOST_EXAMPLES", 4)
    course = course_of(path)
    assert (course.done, course.chosen, course.total) == (4, 4, EXAMPLES)
    assert set(course.means["accuracy"].count) == {4}


def test_only_filtered_examples_go_in_where_that_is_asked_for(path: Path) -> None:
    session = Session()
    session.open([path])
    session.set_view("training")
    session.set_filter("example < 2")

    def shown() -> Course:
        value = session.state.studies["training"].value
        assert isinstance(value, tuple)
        course: Course = value[0]
        return course

    assert shown().total == EXAMPLES
    session.set_display(replace(session.state.display, filtered_curves=True))
    assert (shown().done, shown().total) == (2, 2)
    np.testing.assert_allclose(shown().means["accuracy"].mean, [0.5, 1, 1, 1, 1])
    before = session.state.studies["training"]
    session.set_sort("entropy", descending=True)
    assert session.state.studies["training"] is before, "another order is the same question"
    session.set_filter("example < 1")
    assert shown().total == 1
    session.close()


def test_nothing_is_asked_where_nobody_looks_or_nothing_was_recorded(
    path: Path, tmp_path: Path
) -> None:
    session = Session()
    session.open([path])
    assert not {"training", "film"} & session.state.studies.keys()
    session.set_view("training")
    assert {"training", "film"} <= session.state.studies.keys()
    session.close()
    session = Session()
    session.open([write_training(tmp_path / "one.h5", hard=True, steps=(5,))])
    session.set_view("training")
    assert not {"training", "film"} & session.state.studies.keys()
    session.close()


def test_a_film_holds_every_snapshot_of_both_runs(path: Path, tmp_path: Path) -> None:
    session = Session()
    session.open([path, write_training(tmp_path / "soft.h5", hard=False, steps=(0, 30, 100))])
    session.set_view("training")
    result = session.state.studies["film"]
    assert isinstance(result.study, Film) and isinstance(result.value, FilmFrames)
    assert result.finished and result.error == ""
    a, b = result.value.of("A"), result.value.of("B")
    assert [frame.training_step for frame in a] == list(STEPS)
    assert [frame.training_step for frame in b] == [0, 30, 100]
    for moment, frame in enumerate(a):
        np.testing.assert_allclose(frame.probabilities, rows_at(0, moment, 0, True), atol=TOLERANCE)
    before = result
    session.go_to_snapshot(2)
    session.go_to_step(1)
    assert session.state.studies["film"] is before, "the film holds every step and snapshot"
    session.next_example(1)
    frames = session.state.studies["film"].value.of("A")  # type: ignore[union-attr]
    assert all(isinstance(f, Frame) and f.example_name == "digit-1" for f in frames)
    session.close()


def test_snapshots_are_walked_and_the_ends_hold(path: Path) -> None:
    session = Session()
    session.open([path])
    seen = []
    for by in (-1, -1, -9, 1, 2, 9):
        session.next_snapshot(by)
        seen.append(session.state.place.snapshot)
    assert seen == [3, 2, 0, 1, 3, 4]
    assert session.state.frame is not None and session.state.frame.training_step == 100
    session.play_snapshots()
    assert session.state.playing and session.state.place.snapshot == 0
    shown = []
    while session.state.playing:
        shown.append(session.state.place.snapshot)
        session.tick()
    assert shown == [0, 1, 2, 3, 4]
    session.close()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 64, 101])
def test_the_first_pictures_are_spread_over_the_training(count: int) -> None:
    order = spread(count)
    assert sorted(order) == list(range(count))
    if count > 8:
        gaps = np.diff(sorted(order[:6]))
        assert gaps.max() <= count / 2


def test_panels_are_those_chosen_in_a_fixed_order_and_hold_every_value(path: Path) -> None:
    courses = (course_of(path),)
    panels = panels_of(courses, USUAL_CURVES, log=False)
    names = [panel.id for panel in panels]
    held = ["loss", "reward", "accuracy", "entropy", "hardness", "temperature"]
    assert names == held == [name for name in NAMES if name in names]
    assert set(numbers_in(courses)) >= {*held, "p_true", "log_prob"}
    for panel in panels:
        for line in panel.lines:
            known = line.y[np.isfinite(line.y)]
            assert panel.low <= known.min() and known.max() <= panel.high
    entropy = next(panel for panel in panels if panel.id == "entropy")
    assert [line.style for line in entropy.lines] == ["dashed", "solid"]
    assert entropy.title == "entropy (bits)"
    loss = panels_of(courses, ("loss",), log=True)[0]
    assert loss.log and 0 < loss.low < 0.6 and loss.high > 3
    accuracy = panel_of("accuracy", panels_of(courses, ("accuracy",), log=False)[0].lines)
    assert (accuracy.low, accuracy.high) == (0.0, 1.0)
