"""A check that is divided among processes gives the numbers of one that is not."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reports_alike import assert_alike
from scaling_subjects import arrays, glimpses

from hardattn_viewer.checks.measured import joined
from hardattn_viewer.checks.report import CHOICE, Report
from hardattn_viewer.faithfulness import CancelledError, FaithfulnessError, check
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.explainers.registry import EXPLAINERS
from hardattn_viewer.faithfulness.measuring import measure
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.scaling import Source, check_apart
from hardattn_viewer.faithfulness.scaling.parts import Parts, discard, parts_path
from hardattn_viewer.faithfulness.scaling.pool import Pool
from hardattn_viewer.faithfulness.scaling.units import Job, Unit, run_unit, units_of

FEW: dict[str, Any] = {"explainers": ["shapley", "random"], "controls": 6}


def source(**arguments: Any) -> Source:
    return Source.of("scaling_subjects:arrays", **arguments)


def one_process(**arguments: Any) -> Report:
    found = arrays(**arguments)
    return check(found.subject, explanations=found.explanations, **FEW)


@pytest.fixture(scope="module")
def alone() -> Report:
    return one_process()


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    yield
    assert not multiprocessing.active_children()


def job_of(name: Source, **options: Any) -> tuple[Job, list[Unit]]:
    loaded = name.load()
    plan = Plan(("mine", "random"), ("zero", "mean"), **{"controls": 4, **options})
    job = Job(name, loaded.identity(), plan, "probability")
    return job, units_of(plan, len(loaded.subject), chooses=False)


def test_units_hold_every_example_once_under_every_operator() -> None:
    plan = Plan((), ("zero", "mean"))
    units = units_of(plan, 20, chooses=True)
    assert [one.number for one in units] == list(range(9))
    for kind in ("zero", "mean", None):
        held = [example for one in units if one.operator == kind for example in one.examples]
        assert held == list(range(20))
    assert units[2].words == "examples 0 to 7: forcing choices"


@pytest.mark.parametrize("kind", ["arrays", "glimpses"])
def test_every_explainer_gives_the_same_when_examples_are_measured_apart(kind: str) -> None:
    subject = arrays(6).subject if kind == "arrays" else glimpses(3)
    count, operators = len(subject), tuple(subject.operators)[:1]
    # These set hooks on layers that the parts of a glimpse model have no gradient in.
    hooked = ("deep-lift", "guided-backprop")
    left_out = () if kind == "arrays" else (*hooked, "kernel-shap", "occlusion")
    names = tuple(name for name in EXPLAINERS if name not in left_out)
    plan = Plan(names, operators, controls=3, seed=5)

    def measured(shards: list[list[int]]) -> Any:
        pieces = [
            measure(Engine(subject), plan, operators[0], shard, EXPLAINERS) for shard in shards
        ]
        (found,) = joined(pieces)
        return found

    whole = measured([list(range(count))])
    apart = measured([[3, 1], [0], list(range(4, count)), [2]] if count > 4 else [[2, 0], [1]])
    assert whole.examples == apart.examples and whole.targets == apart.targets
    explained = 0
    for name in plan.explainers:
        assert whole.reasons[name] == apart.reasons[name], name
        for one, other in zip(whole.scores[name], apart.scores[name], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6, err_msg=name)
            explained += len(one) > 0
        np.testing.assert_allclose(whole.deletion[name], apart.deletion[name], atol=1e-6)
        np.testing.assert_allclose(whole.insertion[name], apart.insertion[name], atol=1e-6)
    assert explained >= 7 * count


@pytest.mark.slow
def test_two_workers_one_worker_and_none_give_the_same_report(alone: Report) -> None:
    told: list[float] = []
    seen: list[int] = []
    for workers in (1, 2):
        report = check_apart(
            source(),
            workers=workers,
            on_progress=lambda done, words: told.append(done),
            on_report=lambda one: seen.append(len(one.examples)),
            **FEW,
        )
        assert_alike(report, alone)
        assert told[-1] == 1 and all(a <= b for a, b in pairwise(told))
        assert seen and set(seen) <= {4, 8, 12, 16}
        told.clear()
        seen.clear()


@pytest.mark.slow
def test_hard_choices_are_forced_in_workers_as_they_are_here() -> None:
    options: dict[str, Any] = {"explainers": ["selection"], "controls": 4, "most": 3}
    name = Source.of("scaling_subjects:glimpses", count=9)
    report = check_apart(name, workers=2, **options)
    here = check(glimpses(9), **options)
    assert_alike(report, here)
    assert list(report.forced) == list(range(9)) and CHOICE in report.verdicts


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost(
    alone: Report, tmp_path: Path
) -> None:
    mark = tmp_path / "killed"
    report = check_apart(source(fault="kill", example=9, mark=str(mark)), workers=2, **FEW)
    assert mark.exists()
    assert_alike(report, alone)


@pytest.mark.slow
def test_a_unit_that_kills_every_worker_is_named() -> None:
    with pytest.raises(FaithfulnessError) as caught:
        check_apart(source(count=9, fault="kill", example=8), workers=1, **FEW)
    said = str(caught.value)
    assert said.startswith("examples 8 to 8: removing by zero: the worker died 4 times (killed by")
    assert "SIGKILL" in said and "fewer workers" in said


def test_what_is_raised_in_a_worker_is_raised_here_with_its_place() -> None:
    with pytest.raises(RuntimeError, match="the disk with the model was pulled out") as caught:
        check_apart(source(count=4, fault="raise"), workers=1, **FEW)
    assert "scaling_subjects.py" in "".join(caught.value.__notes__)


def test_a_check_is_stopped_within_two_seconds_whatever_its_workers_do(tmp_path: Path) -> None:
    mark = tmp_path / "hangs"
    asked: list[float] = []

    def should_stop() -> bool:
        if mark.exists():
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(CancelledError):
        check_apart(
            source(fault="hang", example=0, mark=str(mark)),
            workers=2,
            should_stop=should_stop,
            **FEW,
        )
    assert asked and time.monotonic() - asked[0] < 2


MAIN = """
from hardattn_viewer.faithfulness.scaling import Source, check_apart
check_apart(Source.of("scaling_subjects:arrays", fault="hang", mark={mark!r}))
"""


def test_a_worker_ends_with_whoever_started_it_even_in_the_middle_of_a_batch(
    tmp_path: Path,
) -> None:
    mark = tmp_path / "hangs"
    told = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", MAIN.format(mark=str(mark))], env=told)
    end = time.monotonic() + 60
    while not mark.exists() or not mark.read_text():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    worker = Path("/proc", mark.read_text(), "stat")
    process.kill()
    process.wait()
    end = time.monotonic() + 2
    while worker.exists() and worker.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < end, "it hangs for eight seconds, wanted by nobody"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_check_goes_on_from_its_parts(alone: Report, tmp_path: Path) -> None:
    folder = parts_path(tmp_path / "x.checks.npz")
    done: list[float] = []
    with pytest.raises(CancelledError):
        check_apart(
            source(),
            parts=folder,
            on_progress=lambda share, words: done.append(share),
            should_stop=lambda: len(done) == 3,
            **FEW,
        )
    first = sorted(one.name for one in folder.glob("unit-*.npz"))
    assert len(first) == 3
    kept = {name: (folder / name).stat().st_mtime_ns for name in first}
    with pytest.raises(FaithfulnessError, match="holds parts of another check"):
        check_apart(source(), parts=folder, **{**FEW, "controls": 7})
    report = check_apart(source(), parts=folder, workers=2, **FEW)
    assert_alike(report, alone)
    assert {name: (folder / name).stat().st_mtime_ns for name in first} == kept
    assert len(list(folder.glob("unit-*.npz"))) == 6
    # All is there: no process is needed any more.
    slow: list[Report] = []

    def slowly(one: Report) -> None:
        slow.append(one)
        time.sleep(1.1)

    again = check_apart(source(), parts=folder, workers=2, on_report=slowly, **FEW)
    assert_alike(again, alone)
    # Whoever is slow with a report on the way gets no other, so that a wish to stop is heard.
    assert [len(one.examples) for one in slow] == [8]
    assert again.facts["rows evaluated"] == report.facts["rows evaluated"]
    (folder / "notes.txt").write_text("mine")
    discard(folder)
    assert [one.name for one in folder.iterdir()] == ["notes.txt"]


def test_damaged_and_foreign_parts_are_refused_in_a_sentence(tmp_path: Path) -> None:
    job, units = job_of(source(count=9))
    folder = tmp_path / "x.parts"
    with Parts(folder, job, units) as parts:
        for unit in units[:2]:
            parts.keep(run_unit(job, unit))
        with (
            pytest.raises(FaithfulnessError, match="another check is writing"),
            Parts(folder, job, units),
        ):
            pass
        assert [one.number for one in parts.found()] == [0, 1]
    one, two = (folder / f"unit-00000{number}.npz" for number in (0, 1))
    whole = one.read_bytes()

    def refused(words: str) -> None:
        with Parts(folder, job, units) as parts, pytest.raises(FaithfulnessError) as caught:
            parts.found()
        assert words in str(caught.value) and "\n" not in str(caught.value)

    for cut in (0, 10, len(whole) // 2, len(whole) - 3):
        one.write_bytes(whole[:cut])
        refused("unit-000000.npz")
    one.write_bytes(two.read_bytes())
    refused("its number and its name do not go together")
    one.write_bytes(whole)
    other, more = job_of(source(count=9), seed=1)
    elsewhere = tmp_path / "y.parts"
    with Parts(elsewhere, other, more) as parts:
        parts.keep(run_unit(other, more[0]))
    one.write_bytes((elsewhere / one.name).read_bytes())
    refused("remove it, and it is measured again")
    one.write_bytes(whole)
    with (
        pytest.raises(FaithfulnessError, match="parts of another check"),
        Parts(folder, other, more),
    ):
        pass
    (folder / "plan.npz").unlink()
    with (
        pytest.raises(FaithfulnessError, match="holds no parts of a check"),
        Parts(folder, job, units),
    ):
        pass
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(FaithfulnessError, match="cannot be written"),
        Parts(tmp_path / "file", job, units),
    ):
        pass


def test_parts_of_a_plan_with_other_numbers_are_refused_even_if_they_say_otherwise(
    tmp_path: Path,
) -> None:
    job, units = job_of(source(count=9))
    fewer, _ = job_of(source(count=9), controls=3)
    folder = tmp_path / "x.parts"
    with Parts(folder, job, units) as parts:
        parts.keep(run_unit(fewer, units[0]))
        with pytest.raises(FaithfulnessError, match="random rankings do not go together"):
            parts.found()


def test_a_worker_that_finds_something_else_refuses() -> None:
    with pytest.raises(FaithfulnessError, match="another model or other examples"):
        check_apart(Source("scaling_subjects:other_each_time"), **FEW)


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("nothing", "names no function: write it as package.module:function"),
        ("no_such_module:made", "there is no module no_such_module here"),
        ("scaling_subjects:made", "there is no made in the module scaling_subjects"),
        ("scaling_subjects:not_a_subject", "returned a int"),
    ],
)
def test_sources_that_give_nothing_are_said(factory: str, words: str) -> None:
    with pytest.raises(FaithfulnessError) as caught:
        check_apart(Source(factory))
    assert words in str(caught.value)


def test_arguments_are_refused_before_any_process_starts() -> None:
    with pytest.raises(ValueError, match="0 workers are none"):
        check_apart(source(), workers=0)
    with pytest.raises(ValueError, match="no explainer 'magic'"):
        check_apart(source(), explainers=["magic"])


def test_workers_end_when_nobody_wants_their_pieces_any_more() -> None:
    job, units = job_of(source())
    with closing(Pool(2)(job, units, lambda: False)) as coming:
        next(coming)
        there = [one.pid for one in multiprocessing.active_children()]
    assert len(there) == 2
    for pid in there:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
