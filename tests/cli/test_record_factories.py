"""`hardattn record package.module:factory`: somebody's own model, recorded without a Recorder."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import output_of, sentence_of
from factory_files import TINY, write_models
from PIL import Image

from hardattn_viewer.cli import main
from recorders import read_run

MODULE = "models_of_a_user"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a file of models and lines of text."""
    monkeypatch.chdir(tmp_path)
    write_models(tmp_path, MODULE)
    (tmp_path / "lines.txt").write_text("one three\n\nI am\nthe third line\n", encoding="utf-8")
    (tmp_path / "plain.txt").write_text("one three\n", encoding="utf-8")
    path = list(sys.path)
    yield tmp_path
    assert sys.path == path
    for name in [name for name in sys.modules if name.startswith(MODULE)]:
        del sys.modules[name]


def words_for(factory: str, *more: str) -> list[str]:
    return ["record", f"{MODULE}:{factory}", *more, "-o", "run.h5"]


def save_pictures(folder: Path, *sizes: tuple[int, int]) -> None:
    folder.mkdir()
    for number, (width, height) in enumerate(sizes):
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[: height // 2, : width // 2] = 255
        Image.fromarray(pixels).save(folder / f"{number}.png")


def test_lines_that_prepare_turns_into_arguments_are_recorded_with_their_tokens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    facts = json.loads(output_of(capsys, *words_for("words", "--text", "lines.txt", "--json")))
    assert facts["examples"] == facts["events"] == 3
    assert facts["notes"] == ["lines.txt: 1 empty line skipped"]
    with read_run("run.h5") as run:
        assert [e.name for e in run.examples] == ["lines.txt:1", "lines.txt:3", "lines.txt:4"]
        assert run.tokens(0) == ("one", "three")
        expected = np.exp([3, 5]) / np.exp([3, 5]).sum()
        np.testing.assert_allclose(run.map("words", 0)[0, 0], expected, atol=2e-5)
        assert run.metadata["model"] == {"factory": f"{MODULE}:words", "class": "Words"}
        assert run.metadata["inputs"] == {"text": "lines.txt"}


def test_what_others_print_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words_for("words", "--text", "lines.txt", "--json")) == 0
    captured = capsys.readouterr()
    assert isinstance(json.loads(captured.out), dict)
    assert "this line goes elsewhere: one three" in captured.err


def test_prepare_may_name_the_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert "3 examples" in output_of(capsys, *words_for("by_name", "--text", "lines.txt"))


def test_n_is_how_many_examples(capsys: pytest.CaptureFixture[str]) -> None:
    output_of(capsys, *words_for("words", "--text", "lines.txt", "-n", "2"))
    with read_run("run.h5") as run:
        assert len(run.examples) == 2


def test_lines_come_from_standard_input_too(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "lines.txt").open() as lines:
        monkeypatch.setattr("sys.stdin", lines)
        output_of(capsys, *words_for("words", "--text", "-"))
    with read_run("run.h5") as run:
        assert run.examples[1].name == "stdin:3"


def test_equal_lengths_share_a_pass_and_each_keeps_its_own_map(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "even.txt").write_text("a bbb\nbb a\nc c c\n", encoding="utf-8")
    output_of(capsys, *words_for("words", "--text", "even.txt", "--batch", "3"))
    with read_run("run.h5") as run:
        for example, lengths in enumerate(([1, 3], [2, 1], [1, 1, 1])):
            expected = np.exp(lengths) / np.exp(lengths).sum()
            np.testing.assert_allclose(run.map("words", example)[0, 0], expected, atol=2e-5)


def test_pictures_are_given_as_numbers_from_0_to_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_pictures(folder / "pictures", (8, 6), (8, 6), (4, 4))
    output_of(capsys, *words_for("patches", "--images", "pictures"))
    with read_run("run.h5") as run:
        assert [example.name for example in run.examples] == ["0.png", "1.png", "2.png"]
        image = run.image(0)
        assert image is not None
        assert image.shape == (6, 8, 3)
        expected = np.exp([4, 0, 0, 0]) / np.exp([4, 0, 0, 0]).sum()
        for example in range(3):
            np.testing.assert_allclose(run.map("patches", example)[1, 0], expected, atol=2e-5)


def test_a_size_lets_all_pictures_share_a_pass(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_pictures(folder / "pictures", (8, 6), (40, 20))
    words = words_for("patches", "--images", "pictures", "--size", "16x8", "--dtype", "float64")
    output_of(capsys, *words)
    with read_run("run.h5") as run:
        picture = run.image(1)
        assert picture is not None
        assert picture.shape == (20, 40, 3)
        assert run.map("patches", 1).argmax(-1).tolist() == [[0], [0]]


def test_a_task_of_the_zoo_gives_pictures_with_labels(capsys: pytest.CaptureFixture[str]) -> None:
    output_of(capsys, *words_for("patches", "--task", "mnist-small", "-n", "3"))
    with read_run("run.h5") as run:
        assert len(run.examples) == 3
        assert all(example.label is not None for example in run.examples)
        assert run.metadata["inputs"]["split"] == "test"


def test_a_module_that_is_made_already_is_recorded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_pictures(folder / "pictures", (8, 6))
    assert "1 example" in output_of(capsys, *words_for("ready", "--images", "pictures"))


def test_the_policies_reach_the_recorder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_pictures(folder / "pictures", (8, 6))
    words = words_for("patches", "--images", "pictures", "--heads", "1", "--codec", "float32")
    output_of(capsys, *words, "--sites", "pat*", "--sites", "nothing")
    with read_run("run.h5") as run:
        assert run.codec == "float32"
        assert run.sites[0].head_indices == (1,)


@pytest.mark.parametrize(
    ("factory", "named"),
    [
        ("number", "a int"),
        ("nothing", "None"),
        ("broken", f"{MODULE}.py, line "),
        ("leaves", "no GPU here"),
        ("absent", "has no absent"),
        ("odd_prepare", "a str"),
        ("bare", "tokenizer"),
    ],
)
def test_a_factory_that_will_not_do_is_told_in_one_sentence(
    factory: str, named: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = sentence_of(capsys, 1, *words_for(factory, "--text", "plain.txt"))
    assert named in sentence
    assert not (folder / "run.h5").exists()
    assert not (folder / "run.h5.parts").exists()


def test_the_line_that_failed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    line = TINY.splitlines().index('    return missing["weights"]') + 1
    sentence = sentence_of(capsys, 1, *words_for("broken", "--text", "plain.txt"))
    assert f"{MODULE}.py, line {line}: KeyError: 'weights'" in sentence


def test_a_module_that_cannot_be_imported_names_file_and_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / f"{MODULE}_wrong.py").write_text("x = 1\nx = = 2\n")
    (folder / f"{MODULE}_needy.py").write_text("import a_package_nobody_has\n")
    (folder / f"{MODULE}_bad.py").write_text("\n1 / 0\n")
    for name, named in (
        ("wrong", f"{MODULE}_wrong.py, line 2: SyntaxError"),
        ("needy", f"{MODULE}_needy.py, line 1: ModuleNotFoundError: No module named 'a_package"),
        ("bad", f"{MODULE}_bad.py, line 2: ZeroDivisionError"),
        ("absent", f"there is no module {MODULE}_absent"),
    ):
        words = ["record", f"{MODULE}_{name}:make", "--text", "plain.txt", "-o", "run.h5"]
        assert named in sentence_of(capsys, 1, *words)


def test_a_name_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for spec in ("../up:make", "mine:", ":make", "mine:make()"):
        sentence = sentence_of(capsys, 2, "record", spec, "--text", "plain.txt", "-o", "run.h5")
        assert "package.module:factory" in sentence


def test_traceback_shows_all_of_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words_for("broken", "--text", "plain.txt", "--traceback")) == 1
    captured = capsys.readouterr()
    assert "Traceback (most recent call last)" in captured.err
    assert 'missing["weights"]' in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("factory", ["fails_later", "fussy_model"])
def test_a_failure_halfway_keeps_what_came_before(
    factory: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words_for(factory, "--text", "lines.txt")) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "lines.txt:4" in last
    assert f"{MODULE}.py, line " in last
    assert "run.h5" in last
    with read_run("run.h5") as run:
        assert run.sealed
        assert run.n_events == 2


def test_sites_and_heads_that_do_not_exist_leave_no_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_pictures(folder / "pictures", (8, 6))
    for words in (["--sites", "nowhere.*"], ["--heads", "5"]):
        assert main(words_for("patches", "--images", "pictures", *words)) == 1
        assert words[1] in capsys.readouterr().err
        assert not (folder / "run.h5").exists()
        assert not (folder / "run.h5.parts").exists()


def test_without_inputs_it_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = sentence_of(capsys, 2, *words_for("words"))
    assert "--text FILE, --images FOLDER or --task NAME" in sentence


def test_words_that_mean_nothing_for_a_factory_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (["--mechanism", "argmax"], ["--attn", "eager"], ["--size", "8"]):
        sentence = sentence_of(capsys, 2, *words_for("words", "--text", "plain.txt", *words))
        assert words[0] in sentence


def test_a_run_that_exists_is_never_touched(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "run.h5").write_bytes(b"precious")
    assert "run.h5" in sentence_of(capsys, 1, *words_for("broken", "--text", "plain.txt"))
    assert (folder / "run.h5").read_bytes() == b"precious"
