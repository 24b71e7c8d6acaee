"""The `hardattn` command as users call it: words in, words and exit code out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import output_of, sentence_of
from safetensors.torch import load_file

import sample_runs
from hardattn_viewer.cli import main
from recorders import read_run

HARD, SOFT = sample_runs.paths()


def test_info_json_tells_what_the_run_holds(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(output_of(capsys, "info", str(HARD), "--json"))
    with read_run(HARD) as run:
        assert facts["format_version"] == run.format_version
        assert facts["examples"] == len(run.examples) >= 200
        assert facts["events"] == run.n_events
        assert facts["bytes"] == HARD.stat().st_size
    assert facts["sealed"] is True
    assert facts["mechanism"] == ["sampled"]
    assert facts["steps"] == {"min": 6, "max": 6}
    [site] = facts["sites"]
    assert (site["kind"], site["hard"], site["heads"]) == ("glimpse", True, 1)


def test_info_in_words_names_site_codec_and_producer(capsys: pytest.CaptureFixture[str]) -> None:
    words = output_of(capsys, "info", str(SOFT))
    assert "sealed run" in words
    assert "sqrt16" in words
    assert "soft" in words


@pytest.mark.parametrize("run", [HARD, SOFT])
def test_the_sample_runs_have_no_findings(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(output_of(capsys, "validate", str(run), "--json"))
    assert report["findings"] == []


def test_validate_exits_1_on_a_damaged_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.h5"
    content = bytearray(HARD.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    broken.write_bytes(content)
    assert main(["validate", str(broken), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["errors"] >= 1


@pytest.mark.parametrize("command", ["info", "validate"])
def test_every_command_names_a_missing_file(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere.h5"
    if command == "validate":
        assert main([command, str(missing)]) == 1
        assert "nowhere.h5" in capsys.readouterr().out
    else:
        assert "nowhere.h5" in sentence_of(capsys, 1, command, str(missing))


def test_a_text_file_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.h5"
    notes.write_text("these are notes")
    assert "notes.h5" in sentence_of(capsys, 1, "info", str(notes))


def test_wrong_usage_exits_2_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "export" in sentence_of(capsys, 2, "export", str(HARD))
    assert "invalid choice" in sentence_of(capsys, 2, "dance")
    sentence = sentence_of(capsys, 2, "export", str(HARD), "--view", "compare", "-o", "x.svg")
    assert "--with" in sentence


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
@pytest.mark.parametrize("view", ["regions", "compare"])
def test_export_writes_every_format(
    suffix: str, view: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / f"figure.{suffix}"
    words = ["export", str(HARD), "--view", view, "--example", "8", "-o", str(target)]
    if view == "compare":
        words += ["--with", str(SOFT)]
    output_of(capsys, *words)
    starts = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    assert target.read_bytes().startswith(starts[suffix])
    assert list(tmp_path.iterdir()) == [target]


def test_exported_numbers_are_those_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "numbers.npz"
    output_of(capsys, "export", str(HARD), "--example", "8", "--step", "2", "-o", str(target))
    with read_run(HARD) as run:
        expected = run.map("glimpse", 8, 2)[0, 0]
    with np.load(target) as numbers:
        arrays = [numbers[name] for name in numbers.files]
    assert any(a.shape == expected.shape and np.array_equal(a, expected) for a in arrays)


def test_export_names_what_the_run_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "figure.svg")
    for words in (["--example", "99999"], ["--step", "77"], ["--site", "nowhere"], ["--head", "9"]):
        sentence = sentence_of(capsys, 1, "export", str(HARD), *words, "-o", target)
        assert "glimpse-hard.h5" in sentence
        assert words[1] in sentence


def test_export_to_an_unknown_format_names_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = sentence_of(capsys, 1, "export", str(HARD), "-o", str(tmp_path / "figure.docx"))
    assert "svg" in sentence


def test_systems_lists_the_glimpse_classifier(capsys: pytest.CaptureFixture[str]) -> None:
    system = json.loads(output_of(capsys, "systems", "--json"))["systems"][0]
    assert system["name"] == "glimpse"
    assert {"sampled", "soft", "argmax"} <= set(system["mechanisms"])
    assert "reinforce" in system["gradients"]


def test_a_run_made_by_train_follows_training_and_opens_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_path, checkpoint = tmp_path / "hard.h5", tmp_path / "hard.safetensors"
    words = ["train", "glimpse", "--mechanism", "sampled", "--gradient", "reinforce"]
    words += ["--steps", "6", "--snapshots", "3", "--record-examples", "4"]
    words += ["--record", str(run_path), "-o", str(checkpoint), "--json"]
    facts = json.loads(output_of(capsys, *words))
    assert 0 <= facts["test"]["error"] <= 1
    with read_run(run_path) as run:
        assert [snapshot.step for snapshot in run.snapshots] == [0, 2, 4, 6]
        assert len(run.examples) == 4
        assert run.metadata["plan"]["mechanism"] == "sampled"
        told = run.training_scalars()
        assert {"loss", "reward", "entropy", "temperature", "gradient_variance"} <= set(told)
        assert all(np.isfinite(values).all() and values.size == 4 for values in told.values())
    again = tmp_path / "again.h5"
    output_of(capsys, "record", str(checkpoint), "-n", "4", "-o", str(again))
    with read_run(again) as recorded, read_run(run_path) as followed:
        for example in range(4):
            np.testing.assert_array_equal(
                recorded.map("glimpse", example, 5), followed.map("glimpse", example, 5)
            )


def test_training_is_stopped_and_gone_on_with_and_every_bit_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, half, rest = (str(tmp_path / f"{name}.safetensors") for name in ("w", "h", "r"))
    words = ["train", "glimpse", "--batch", "16", "--set", "hidden=16", "--set", "features=8"]
    words += ["--mechanism", "gumbel_straight_through", "--gradient", "gumbel-rao"]
    output_of(capsys, *words, "--steps", "9", "-o", whole)
    output_of(capsys, *words, "--steps", "9", "--until", "4", "-o", half)
    output_of(capsys, "train", "glimpse", "--resume", half, "-o", rest)
    one, other = (load_file(path) for path in (whole, rest))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    sentence = sentence_of(
        capsys, 2, "train", "glimpse", "--resume", half, "--seed", "3", "-o", rest
    )
    assert "a training with seed 0" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--mechanism", "argmax"], "no gradient passes an argmax"),
        (["--mechanism", "soft", "--gradient", "reinforce"], "there is nothing to estimate"),
        (["--mechanism", "sampled", "--gradient", "backprop"], "its score does"),
        (["--mechanism", "top-k", "--gradient", "muprop"], "only the score of the draw"),
        (["--gradient", "exact", "--batch", "8"], "makes 6 one after another"),
        (["--mechanism", "gumbel-softmax", "--schedule", "adaptive"], "cannot follow its entropy"),
        (["--set", "glimpses=none"], "glimpses must be a whole number"),
    ],
)
def test_a_pair_that_makes_no_sense_is_refused_in_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "m.safetensors")
    assert sentence in sentence_of(capsys, 1, "train", "glimpse", *words, "-o", target)
    assert not list(tmp_path.iterdir())


def test_train_never_overwrites_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken.h5"
    taken.write_bytes(b"precious")
    words = ["train", "glimpse", "--steps", "1", "--record", str(taken), "-o"]
    assert "taken.h5" in sentence_of(capsys, 1, *words, str(tmp_path / "m.safetensors"))
    assert taken.read_bytes() == b"precious"


def test_record_names_an_unknown_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = sentence_of(capsys, 1, "record", "nothing", "-o", str(tmp_path / "run.h5"))
    assert "nothing" in sentence
    assert "glimpse" in sentence


def test_recover_joins_the_parts_of_a_killed_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = (
        "import os, signal, numpy, torch\n"
        "from recorders import Recorder\n"
        "recorder = Recorder('run.h5').__enter__()\n"
        "with recorder.example(name='only'):\n"
        "    recorder.log('site', probabilities=torch.tensor([0.25, 0.75]))\n"
        "recorder.flush()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False, timeout=120)
    parts = tmp_path / "run.h5.parts"
    assert parts.is_dir()
    output_of(capsys, "recover", str(parts))
    with read_run(tmp_path / "run.h5") as run:
        np.testing.assert_allclose(run.map("site", 0)[0, 0], [0.25, 0.75], atol=2e-5)


def test_the_parser_loads_neither_qt_nor_torch_nor_numpy() -> None:
    code = (
        "import sys; from hardattn_viewer.cli.main import build_parser; build_parser();"
        "heavy = {'PySide6', 'torch', 'numpy', 'h5py', 'captum'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_a_display_view_writes_a_gallery(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment.pop("QT_QPA_PLATFORM", None)
    environment["HOME"] = str(tmp_path)
    command = [sys.executable, "-m", "hardattn_viewer", "view", "--theme", "dark"]
    done = subprocess.run(
        [*command, "--gallery", str(tmp_path / "pictures")],
        env=environment, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert "no display" in done.stderr
    pictures = sorted((tmp_path / "pictures").glob("*.png"))
    assert len(pictures) == 3
    assert all(picture.stat().st_size > 50_000 for picture in pictures)
    assert all(p.name in (tmp_path / "pictures" / "index.html").read_text() for p in pictures)


def test_a_screenshot_needs_no_display_that_answers(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    environment |= {"DISPLAY": ":4711", "HOME": str(tmp_path)}
    environment.pop("WAYLAND_DISPLAY", None)
    target = tmp_path / "window.png"
    command = [sys.executable, "-m", "hardattn_viewer", "view", "--screenshot", str(target)]
    subprocess.run(command, env=environment, check=True, timeout=120)
    assert target.stat().st_size > 50_000


def test_a_display_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from hardattn_viewer.cli.display import why_no_display

    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    assert why_no_display() == "the display :4711 does not answer"
    monkeypatch.delenv("DISPLAY")
    assert why_no_display() == "there is no display"
