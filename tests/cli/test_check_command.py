"""`hardattn check`, from a shipped run to a file and back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reports_alike import assert_alike

from hardattn_viewer.checks.file import ChecksError, checks_path, read_checks, write_checks
from hardattn_viewer.checks.report import CHOICE
from hardattn_viewer.checks.scoring import KINDS
from hardattn_viewer.checks.summary import COLUMNS
from hardattn_viewer.checks.verdict import LEVELS, UNDEFINED
from hardattn_viewer.cli import main

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_runs"
FEW = ["--examples", "4", "--controls", "5", "--most", "4", "--explainers"]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:  # type: ignore[type-arg]
    folder = tmp_path_factory.mktemp("checks")
    run = folder / "glimpse-hard.h5"
    shutil.copy(SAMPLES / run.name, run)
    more = ["--csv", f"{folder}/t.csv", "--report", f"{folder}/r.html"]
    assert main(["check", str(run), *FEW, "selection,saliency", *more]) == 0
    return run, {}


def test_checks_lie_beside_the_run_and_say_the_same_when_they_are_read(
    checked: tuple[Path, dict],  # type: ignore[type-arg]
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    run, _ = checked
    path = checks_path(run)
    assert path.name == "glimpse-hard.checks.npz" and path.is_file()
    report = read_checks(path)
    assert report.examples == (0, 1, 2, 3) and report.explainers == ("selection", "saliency")
    assert set(report.verdicts) == {"selection", "saliency", CHOICE}
    assert all(one.level in (*LEVELS, UNDEFINED) for one in report.verdicts.values())
    again = tmp_path / "again.npz"
    code = main(["check", str(run), *FEW, "selection,saliency", "--json", "-o", str(again)])
    told = json.loads(capsys.readouterr().out)
    assert code == 0 and told["checks"] == str(again)
    other = read_checks(again)
    for one, two in zip(report.measured, other.measured, strict=True):
        np.testing.assert_array_equal(one.control_deletion, two.control_deletion)
        for name in one.explainers:
            np.testing.assert_array_equal(one.deletion[name], two.deletion[name])
    assert {name: one["level"] for name, one in told["verdicts"].items()} == {
        name: one.level for name, one in report.verdicts.items()
    }
    assert told["facts"]["model"] == "glimpse-hard.safetensors"
    assert "same model" not in told and told["sanity"]
    table = (run.parent / "t.csv").read_text().splitlines()
    # Three measures and five scores by each operator, and two of moving the input.
    assert table[0].split(",") == list(COLUMNS) and len(table) == 1 + 2 * 2 * 8 + 2 * 2
    assert {one["score"] for one in told["scores"]} == set(KINDS)
    (moved,) = [
        one
        for one in told["scores"]
        if (one["explainer"], one["score"]) == ("saliency", "sensitivity-max, relative")
    ]
    assert 0 < moved["mean"]["mean"] < 2 and moved["examples"] == 4


def test_the_report_is_the_one_that_is_made_of_the_file_later(
    checked: tuple[Path, dict],  # type: ignore[type-arg]
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, _ = checked
    later = run.with_name("later.html")
    assert main(["export", str(run), "--view", "report", "-o", str(later)]) == 0
    assert capsys.readouterr().out == f"{later}\n"
    assert later.read_bytes() == run.with_name("r.html").read_bytes()
    words = later.read_text(encoding="utf-8")
    for name, one in read_checks(checks_path(run)).verdicts.items():
        assert f"<b>{name}: <span" in words and f">{one.level}</span>" in words


@pytest.mark.parametrize(
    ("name", "sentence", "code"),
    [
        ("r.docx", "a report is saved as .html or .pdf", 2),
        ("r", "has no suffix", 2),
        ("no/r.pdf", "does not exist; make it first", 1),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_run(
    name: str, sentence: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, target = SAMPLES / "glimpse-hard.h5", tmp_path / "x.npz"
    assert main(["check", str(run), "--report", str(tmp_path / name), "-o", str(target)]) == code
    said = capsys.readouterr().err
    assert sentence in said and len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_the_model_that_is_checked_is_the_one_that_was_recorded(
    checked: tuple[Path, dict],  # type: ignore[type-arg]
) -> None:
    run, _ = checked
    controls = {one.name: one.outcome for one in read_checks(checks_path(run)).sanity}
    (same,) = [name for name in controls if name.startswith("The model is the one")]
    assert controls[same] == "pass"


def test_another_model_than_the_recorded_one_is_found_out(tmp_path: Path) -> None:
    run = SAMPLES / "glimpse-hard.h5"
    other = SAMPLES / "glimpse-random.safetensors"
    target = tmp_path / "x.npz"
    code = main(["check", str(run), *FEW, "selection", "--model", str(other), "-o", str(target)])
    assert code == 0
    failed = [one for one in read_checks(target).sanity if one.outcome == "fail"]
    assert any("not what was recorded" in one.note for one in failed)


def test_systems_without_items_to_remove_have_their_choices_forced(tmp_path: Path) -> None:
    target = tmp_path / "m.npz"
    run = SAMPLES / "memory-hard.h5"
    assert main(["check", str(run), *FEW, "", "-o", str(target)]) == 0
    report = read_checks(target)
    assert not report.measured and set(report.verdicts) == {CHOICE}
    assert len(report.forced) == 4


@pytest.mark.parametrize(
    ("words", "sentence", "code"),
    [
        (["minilm-text.h5"], "from the Hugging Face folder all-MiniLM-L6-v2", 1),
        (["training-hard.h5"], "names no checkpoint of the zoo: name its model with --model", 1),
        (["nothing.h5"], "nothing.h5", 1),
        (["glimpse-hard.h5", "--explainers", "magic"], "no explainer 'magic'", 2),
        (["glimpse-hard.h5", "--operators", "burn"], "no operator 'burn' here: choose grey", 2),
        (["glimpse-hard.h5", "--task", "scenes"], "name the task that was recorded", 1),
        (["glimpse-hard.h5", "--reading", "mood"], "no reading 'mood'", 2),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(
    words: list[str],
    sentence: str,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, *more = words
    target = tmp_path / "x.npz"
    assert main(["check", str(SAMPLES / name), "--examples", "2", *more, "-o", str(target)]) == code
    said = capsys.readouterr().err
    assert sentence in said and len(said.splitlines()) == 1 and "Traceback" not in said
    assert not target.exists()


def test_explainers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "any", "--explainers", "list"]) == 0
    told = capsys.readouterr().out
    assert "integrated-gradients" in told and "arXiv" in told


def test_damaged_checks_are_refused_in_a_sentence(
    checked: tuple[Path, dict],  # type: ignore[type-arg]
    tmp_path: Path,
) -> None:
    whole = checks_path(checked[0]).read_bytes()
    path = tmp_path / "bad.npz"
    generator = np.random.default_rng(0)
    for cut in (0, 10, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:cut])
        with pytest.raises(ChecksError, match=r"bad\.npz"):
            read_checks(path)
    refused = 0
    for _ in range(40):
        broken = bytearray(whole)
        for at in generator.integers(0, len(whole), 5):
            broken[at] ^= 255
        path.write_bytes(broken)
        try:
            read_checks(path)
        except ChecksError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 30
    with pytest.raises(ChecksError, match="hardattn check"):
        read_checks(tmp_path / "none.npz")
    with pytest.raises(ChecksError, match="cannot be written"):
        write_checks(read_checks(checks_path(checked[0])), tmp_path / "no" / "where.npz")


DIVIDED = ["--examples", "12", "--controls", "4", "--most", "3", "--explainers", "selection"]


def command(run: Path, target: Path, *more: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "hardattn_viewer", "check", str(run), *more]
    return subprocess.Popen(
        [*words, "-o", str(target)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(status[1]) == parent and status[0] != "Z" and b"spawn_main" in words:
                found.append(int(entry.name))
    return found


def until(there: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_divided_check_that_was_killed_goes_on_and_says_the_same(tmp_path: Path) -> None:
    run, target, plain = SAMPLES / "glimpse-hard.h5", tmp_path / "x.npz", tmp_path / "plain.npz"
    parts = tmp_path / "x.npz.parts"
    process = command(run, target, *DIVIDED, "--workers", "2")
    until(lambda: list(parts.glob("unit-*.npz")) or process.poll() is not None)
    workers = workers_of(process.pid)
    process.kill()
    process.communicate()
    assert workers and not target.exists()
    # Nobody is left to want their answers.
    until(lambda: not any(map(alive, workers)), 5)
    before = {one.name: one.stat().st_mtime_ns for one in parts.glob("unit-*.npz")}
    assert before
    code = main(["check", str(run), *DIVIDED, "--workers", "2", "--seed", "1", "-o", str(target)])
    assert code == 1 and not target.exists()
    assert {one.name: one.stat().st_mtime_ns for one in parts.glob("unit-*.npz")} == before
    assert main(["check", str(run), *DIVIDED, "--workers", "2", "-o", str(target)]) == 0
    assert not parts.exists()
    assert main(["check", str(run), *DIVIDED, "-o", str(plain)]) == 0
    assert_alike(read_checks(target), read_checks(plain))


@pytest.mark.slow
def test_ctrl_c_ends_a_divided_check_within_two_seconds_and_keeps_what_is_finished(
    tmp_path: Path,
) -> None:
    target = tmp_path / "x.npz"
    parts = tmp_path / "x.npz.parts"
    process = command(SAMPLES / "glimpse-hard.h5", target, *DIVIDED, "--workers", "2")
    until(lambda: list(parts.glob("unit-*.npz")) or process.poll() is not None)
    workers = workers_of(process.pid)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - began < 2
    assert process.returncode == 130 and "Traceback" not in said
    assert f"what is finished lies in {parts}, and the same command goes on from there" in said
    assert not any(map(alive, workers)) and workers
    assert not target.exists() and list(parts.glob("unit-*.npz"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--workers", "2", "--scheduler", "tcp://a:1"], "not allowed with argument --workers"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_numbers_of_workers_that_make_no_sense_are_refused(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", str(SAMPLES / "glimpse-hard.h5"), *words])
    assert caught.value.code == 2 and sentence in capsys.readouterr().err


def test_a_scheduler_without_dask_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    run = str(SAMPLES / "glimpse-hard.h5")
    words = ["--examples", "1", "--scheduler", "tcp://a:1", "-o", str(tmp_path / "x.npz")]
    assert main(["check", run, *words]) == 1
    assert 'pip install "hardattn[cluster]"' in capsys.readouterr().err
