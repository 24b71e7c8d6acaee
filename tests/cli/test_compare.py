"""``hardattn compare``: a table, one JSON object, one sentence where nothing can be compared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hardattn_viewer.measures import jensen_shannon
from recorders import read_run
from recorders.run.writer import SegmentWriter
from sample_runs import paths

HARD, SOFT = (str(path) for path in paths()[:2])


def hardattn(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hardattn_viewer", *words], capture_output=True, text=True
    )


def test_the_sample_runs_as_a_table() -> None:
    done = hardattn("compare", HARD, SOFT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "same argmax                   0.0233   0.0167 – 0.0306" in done.stdout
    assert "300 examples of the same name; 95 % intervals" in done.stdout
    assert "step 6" in done.stdout and "where they disagree most:" in done.stdout
    assert "holds every input once" in done.stdout


def test_one_json_object_with_the_same_numbers() -> None:
    done = hardattn("compare", HARD, SOFT, "--json", "--top", "3")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    with read_run(HARD) as hard, read_run(SOFT) as soft:
        apart = np.array(
            [
                [
                    jensen_shannon(hard.map("glimpse", i, t), soft.map("glimpse", i, t)).item()
                    for t in range(6)
                ]
                for i in range(300)
            ]
        )
    found = facts["numbers"]["jensen_shannon"]
    assert found["mean"] == pytest.approx(apart.mean(), rel=1e-6) and found["count"] == 300
    assert found["low"] < found["mean"] < found["high"]
    assert facts["interval"] == {
        "method": "percentile bootstrap over examples",
        "level": 0.95,
        "resamples": 1000,
    }
    assert [len(facts["steps"]), len(facts["disagreements"])] == [6, 3]
    worst = facts["disagreements"][0]
    assert (worst["example"], worst["step"]) == np.unravel_index(apart.argmax(), apart.shape)
    assert worst["jensen_shannon"] == pytest.approx(apart.max(), rel=1e-6)
    assert worst["name"] == "test-00062" and worst["same_input"] is True
    assert facts["numbers"]["soft_mass"]["count"] == 300
    assert facts["repeats"]["B"] is None and facts["repeats"]["A"]["repeated"] == 0


def test_sites_and_heads_of_one_run() -> None:
    text = str(paths()[0].parent / "minilm-text.h5")
    other = "encoder.layer.3.attention.self"
    done = hardattn("compare", text, text, "--site-b", other, "--json")
    facts = json.loads(done.stdout)
    assert facts["b"]["site"] == other and facts["aligned_by"] == "chosen"
    assert len(facts["heads"]) == 12 and facts["worst_head"] == 2
    assert "chosen by hand" in facts["not_aligned"][0]
    done = hardattn("compare", text, text, "--head", "3", "--json")
    facts = json.loads(done.stdout)
    assert facts["a"]["head"] == facts["b"]["head"] == 3
    assert facts["numbers"]["jensen_shannon"]["mean"] == 0
    assert {item["head_a"] for item in facts["disagreements"]} == {3}


def other_names(folder: Path) -> str:
    writer = SegmentWriter(folder / "other.h5")
    writer.add_snapshot(0)
    site = writer.add_site("glimpse", kind="glimpse", key_axis="regions")
    example = writer.add_example("elsewhere")
    p = np.full((1, 1, 1, 49), 1 / 49)
    writer.add_events(
        site=site,
        examples=np.array([example]),
        step=0,
        snapshot=0,
        probabilities=p,
        log_prob=np.zeros((1, 1, 1)),
        entropy=np.ones((1, 1, 1)),
    )
    writer.close()
    return str(writer.path)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((HARD,), 2, "the following arguments are required: B"),
        ((HARD, SOFT, "--top", "-1"), 2, "--top -1 is negative"),
        ((HARD, "missing.h5"), 1, "missing.h5 does not exist"),
        ((HARD, SOFT, "--site", "other"), 1, "has no site other; it has glimpse"),
        ((HARD, SOFT, "--head", "7"), 1, "glimpse has no head 7; it has 1, from 0"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    words: tuple[str, ...], code: int, sentence: str
) -> None:
    done = hardattn("compare", *words)
    assert done.returncode == code and done.stdout == ""
    assert sentence in done.stderr and done.stderr.count("\n") == 1


def test_runs_without_an_example_in_common_are_not_compared(tmp_path: Path) -> None:
    done = hardattn("compare", HARD, other_names(tmp_path), "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "have no example of the same name" in done.stderr
