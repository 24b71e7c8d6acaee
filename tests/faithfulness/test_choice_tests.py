"""Paths, contents and reasons of choices, asked for in a check: in report, file and words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hardattn_viewer.checks.choice_tests import ChoiceTests
from hardattn_viewer.checks.file import read_checks, write_checks
from hardattn_viewer.checks.report import Report
from hardattn_viewer.checks.summary import as_json
from hardattn_viewer.checks.words import in_words
from hardattn_viewer.cli import main
from hardattn_viewer.faithfulness import check
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.forcing import contents, paths
from hardattn_viewer.faithfulness.from_run import recorded
from hardattn_viewer.faithfulness.subject import Subject
from hardattn_viewer.faithfulness.subjects.zoo import ZooPictures
from recorders import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"
ALL = {"paths": 5, "contents": True, "why": True}


def of_sample(name: str) -> Subject:
    with read_run(SAMPLES / f"{name}.h5") as run:
        return recorded(run, examples=3).subject


@pytest.fixture(scope="module")
def glimpses() -> Report:
    subject = of_sample("glimpse-hard")
    return check(subject, explainers=["random"], controls=2, most=2, harden=0, **ALL)  # type: ignore[arg-type]


def test_what_is_asked_is_what_the_functions_answer(glimpses: Report) -> None:
    asked, engine = glimpses.tests, Engine(of_sample("glimpse-hard"))
    assert asked is not None and asked.operator == "grey"
    drawn, seen = paths(engine, range(3), 5), contents(engine, "grey", range(3))
    for example in range(3):
        np.testing.assert_allclose(asked.paths[example], drawn[example].values, atol=1e-6)
        np.testing.assert_allclose(asked.seen[example], seen[example].chosen, atol=1e-6)
        assert asked.unseen[example] == pytest.approx(seen[example].unseen, abs=1e-6)


def test_a_glimpse_is_chosen_for_what_was_seen_and_for_nothing_else(glimpses: Report) -> None:
    asked = glimpses.tests
    assert asked is not None
    # The policy is given nothing but the glimpses before, and nothing before the first.
    assert np.isnan(asked.before[:, 0]).all()
    np.testing.assert_allclose(asked.before[:, 1:], 1, atol=1e-9)
    assert "made before any look" in asked.reasons["why"]
    subject = of_sample("glimpse-hard")
    assert isinstance(subject, ZooPictures)
    for example, table in asked.why.items():
        seen = np.zeros(49, bool)
        for step, item in enumerate(subject.choices(example).chosen):
            if step:
                assert (table[step][~seen] == 0).all() and np.abs(table[step][seen]).max() > 0
            seen |= subject.seen(example, int(item))


def test_a_listener_hears_what_it_has_not_stopped_at() -> None:
    report = check(
        of_sample("speech-hard"), explainers=["random"], controls=2, most=2, harden=0, why=True
    )
    asked = report.tests
    assert asked is not None and (asked.before[:, 0] == 0).all()
    assert ((asked.before[:, 1:] > 0) & (asked.before[:, 1:] < 1)).all() and not asked.reasons
    assert not asked.paths.size and not asked.operator


def test_it_is_kept_and_said(glimpses: Report, tmp_path: Path) -> None:
    write_checks(glimpses, tmp_path / "x.npz")
    again, before = read_checks(tmp_path / "x.npz").tests, glimpses.tests
    assert again is not None and before is not None
    for name in ("paths", "seen", "unseen", "before"):
        np.testing.assert_array_equal(getattr(again, name), getattr(before, name))
    assert again.reasons == before.reasons and list(again.why) == list(before.why)
    np.testing.assert_array_equal(again.why[1], before.why[1])
    told = in_words(glimpses)
    mean = before.paths.mean()
    assert f"probability over 5 episodes drawn from the policy {mean:.3f} [" in told
    assert f"falls by {before.seen[:, 0].mean():.3f} (choice 1), " in told
    assert "1.000 (choice 2)" in told and "(choice 1)" not in told.split("why chosen:")[1]
    plain = json.loads(json.dumps(as_json(glimpses)))["further"]
    assert plain["why"]["share on items seen before"][0][0] is None
    assert len(plain["paths"]) == 3


def test_what_has_no_answer_says_why() -> None:
    report = check(of_sample("memory-hard"), controls=2, harden=0, explainers=[], **ALL)  # type: ignore[arg-type]
    asked = report.tests
    assert asked is not None and asked.paths.shape == (3, 5)
    assert asked.reasons == {
        "contents": "nothing can be removed from an example",
        "why": "the choices have no gradient by the input",
    }
    items = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    report = check(lambda rows: rows.sum(1), items, controls=2, explainers=["random"], **ALL)  # type: ignore[arg-type]
    asked = report.tests
    assert asked is not None and set(asked.reasons) == {"paths", "contents", "why"}
    assert all("makes no choices" in reason for reason in asked.reasons.values())
    assert in_words(report).count("not applicable (the model makes no choices") == 3


def test_nothing_is_asked_unless_somebody_does() -> None:
    items = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    assert check(lambda rows: rows.sum(1), items, controls=2, explainers=["random"]).tests is None
    with pytest.raises(ValueError, match="-1 episodes cannot be drawn"):
        check(lambda rows: rows.sum(1), items, paths=-1)
    assert ChoiceTests().words() == []


def test_the_command_asks_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--examples", "2", "--controls", "2", "--most", "2", "--explainers", "random"]
    words = ["--paths", "3", "--contents", "--why", "--harden", "0", "-o", str(tmp_path / "x.npz")]
    assert main(["check", str(SAMPLES / "video-hard.h5"), *few, *words]) == 0
    told = capsys.readouterr().out
    assert "paths: probability over 3 episodes" in told and "removed by mean" in told
    assert "why chosen: not applicable (the choices have no gradient" in told
    assert "run hard: not applicable (no example was to be run" in told


def test_a_gallery_is_checked_frame_by_frame_with_a_choice_a_clip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--examples", "2", "--controls", "2", "--most", "2", "--explainers", "random"]
    told = ["-o", str(tmp_path / "x.npz")]
    assert main(["check", str(SAMPLES / "retrieval-hard.h5"), *few, *told]) == 0
    said = capsys.readouterr().out
    assert "mean (painted in the mean of the gallery)" in said
    assert "(16 choices in 2 examples)" in said
    assert "pass: The model is the one that was recorded" in said
    assert "pass: Side path: what no choice saw moved the output by 0.0e+00 at most" in said
