"""Every number that the inspector names is defined, on its tool tip and in the documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_runs import write_training

import sample_runs
from hardattn_viewer.session.curves import NAMES
from hardattn_viewer.session.definitions import DEFINITIONS, definition_of, explained, markdown
from hardattn_viewer.session.frames import Frame, Place, load_frame
from hardattn_viewer.session.numbers import NOT_RECORDED, numbers_of, record_of, short_of
from hardattn_viewer.session.session import Session
from recorders import read_run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/viewer/numbers.md"


def frames(tmp_path: Path) -> list[Frame]:
    paths = [*sample_runs.paths(), sample_runs.text_path(), *sample_runs.training_paths()]
    paths.append(write_training(tmp_path / "t.h5", hard=True))
    found = []
    for path in paths:
        with read_run(path) as run:
            found += [load_frame(run, Place(step=step)) for step in (0, 1)]
            found.append(load_frame(run, Place(head=0)))
    return found


def test_the_page_is_what_the_code_defines() -> None:
    assert PAGE.read_text() == markdown()
    done = subprocess.run(
        [sys.executable, "-m", "hardattn_viewer.session.definitions"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", markdown())


def test_every_number_that_the_inspector_names_is_on_the_page(tmp_path: Path) -> None:
    page = PAGE.read_text()
    names = set()
    for frame in frames(tmp_path):
        for how in ("selected", "pinned", "pointed", "likeliest"):
            for key in (0, None):
                names |= {number.name for number in numbers_of(frame, key, how)}
    session = Session()
    session.open([sample_runs.training_paths()[0]])
    facts, frame = session.state.facts("A"), session.state.frame
    assert facts is not None and frame is not None
    names |= {number.name for number in record_of(facts, frame)}
    session.close()
    names |= {"mean of 4 queries, the pieces of 2 words", "mean of the query’s 3 pieces"}
    assert len(names) > 20
    for name in names:
        found = definition_of(name)
        assert found is not None, f"{name} has no definition"
        assert found.what and found.source and f"| {found.title} |" in page
        assert found.what in explained("", name)


def test_every_curve_has_an_entry(tmp_path: Path) -> None:
    titles = " ".join(one.title for one in DEFINITIONS)
    for words, _ in NAMES.values():
        assert words.removesuffix(" τ") in titles


def test_no_two_definitions_claim_the_first_words_of_another() -> None:
    for one in DEFINITIONS:
        if re.fullmatch(r"[\w πτ·\\()]+", one.names):
            assert definition_of(one.names.replace("\\", "")) is one


def test_numbers_are_those_of_closed_forms() -> None:
    p = np.array([0.5, 0.25, 0.125, 0.125], np.float32)
    with read_run(sample_runs.paths()[0]) as run:
        whole = load_frame(run, Place())
    frame = replace(
        whole,
        boxes=None,
        probabilities=p,
        scalars={"entropy": np.full(6, 1.75 * np.log(2)), "log_prob": np.full(6, np.log(0.25))},
    )
    shown = {one.name: one.value for one in numbers_of(frame, 1, "selected")}
    assert shown["probability"] == "0.250"
    assert shown["rank · margin"] == "2 · −0.25"
    assert shown["entropy"] == "1.75 of 2.00 bits"
    assert shown["effective regions" if "effective regions" in shown else "effective keys"] == (
        f"{2**1.75:.1f} of 4"
    )
    assert shown["hardness"] == "0.500"
    assert shown["log π"] == "−1.386 nat"


@pytest.mark.parametrize(
    ("value", "short"),
    [
        ("1.75 of 2.00 bits", "1.75 bits"),
        ("3.4 of 49", "3.4"),
        ("(14, 22) · 8×8 px", "(14, 22)"),
        ("−0.868 nat", "−0.868"),
        ("2 · −0.25", "2 · −0.25"),
        ("“of”", "“of”"),
    ],
)
def test_with_little_room_a_value_stays_whole(value: str, short: str) -> None:
    assert short_of(value) == short


def test_what_is_missing_is_a_dash_with_its_reason(tmp_path: Path) -> None:
    for frame in frames(tmp_path):
        for number in numbers_of(frame, 0, "selected"):
            assert "nan" not in number.value.lower()
            if number.value == NOT_RECORDED:
                assert NOT_RECORDED == "–"
                reasons = ("does not hold", "attention is soft", "not at this one", "recorded here")
                assert any(reason in number.note for reason in reasons), number
