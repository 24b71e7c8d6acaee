"""Folders that `hardattn record` must refuse, and what it says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import sentence_of
from hugging_face_folders import bert_folder, gpt2_folder, vit_folder

from hardattn_viewer.cli import main

TRAP = "import pathlib\npathlib.Path('code-was-run').touch()\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.txt").write_text("the cat sat\n", encoding="utf-8")
    return bert_folder(tmp_path / "model")


def change(folder: Path, **fields: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields), encoding="utf-8")


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *words: str, code: int = 1) -> str:
    capsys.readouterr()
    inputs = words or ("--text", "lines.txt")
    sentence = sentence_of(capsys, code, "record", str(folder), *inputs, "-o", "run.h5")
    assert not Path("run.h5").exists()
    assert not Path("run.h5.parts").exists()
    return sentence


def test_an_empty_folder_names_config_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no config.json" in refused(capsys, tmp_path / "empty")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"{}", b'{"model_type": 7}', b"\xff\xfe", b"x" * 9]
)
def test_a_damaged_configuration_is_named(
    content: bytes, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.json").write_bytes(content)
    assert "config.json" in refused(capsys, folder)


def test_an_unknown_kind_of_model_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder, model_type="fortune-teller")
    assert "fortune-teller" in refused(capsys, folder)


def test_pickled_weights_are_refused_unopened(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"anything": torch.zeros(1)}, folder / "pytorch_model.bin")
    sentence = refused(capsys, folder)
    assert "pytorch_model.bin" in sentence
    assert "pickle" in sentence


def test_missing_weights_name_the_flag_that_draws_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "model.safetensors").unlink()
    assert "--random-weights" in refused(capsys, folder)
    (folder / "tf_model.h5").write_bytes(b"x")
    assert "tf_model.h5" in refused(capsys, folder)


def test_damaged_weights_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    assert "cannot be loaded" in refused(capsys, folder)
    weights.write_bytes(b"\xff" * 64)
    assert "cannot be loaded" in refused(capsys, folder)


def test_weights_of_another_size_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder, hidden_size=32)
    assert "cannot be loaded" in refused(capsys, folder)


def with_code(folder: Path) -> None:
    """Code of the folder in every place that transformers would take it from."""
    for name in ("configuration_trap", "modeling_trap", "tokenization_trap", "processing_trap"):
        (folder / f"{name}.py").write_text(TRAP)
    classes = {
        "AutoConfig": "configuration_trap.Trap",
        "AutoModel": "modeling_trap.Trap",
        "AutoModelForSequenceClassification": "modeling_trap.Trap",
        "AutoTokenizer": ["tokenization_trap.Trap", None],
        "AutoImageProcessor": "processing_trap.Trap",
    }
    change(folder, auto_map=classes)
    for name in ("tokenizer_config.json", "preprocessor_config.json"):
        path = folder / name
        if path.exists():
            path.write_text(json.dumps(json.loads(path.read_text()) | {"auto_map": classes}))


def test_code_in_the_folder_is_never_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_code(folder)
    change(folder, model_type="trap", architectures=["Trap"])
    sentence = refused(capsys, folder)
    assert "never runs code of a model folder" in sentence
    assert "package.module:factory" in sentence
    assert not Path("code-was-run").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: change(folder, architectures=["Trap"]),
        lambda folder: change(folder, architectures=["__import__('os')"]),
        lambda folder: change(folder, architectures=["Trainer"]),
        lambda folder: change(folder, architectures=["pipeline"]),
        lambda folder: change(folder, architectures=[["BertModel"]]),
        lambda folder: change(folder, architectures=["GPT2Model"]),
        lambda folder: change(folder, architectures="BertModel"),
        lambda folder: change(folder, num_attention_heads=3),
        lambda folder: change(folder, hidden_size="large"),
        lambda folder: change(folder, quantization_config={"quant_method": "trap"}),
    ],
)
def test_a_hostile_configuration_runs_nothing_and_ends_in_words(
    damage: Callable[[Path], None], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_code(folder)
    damage(folder)
    capsys.readouterr()
    code = main(["record", str(folder), "--text", "lines.txt", "--threads", "1", "-o", "run.h5"])
    captured = capsys.readouterr()
    assert code in (0, 1)
    assert "Traceback" not in captured.err
    assert not Path("code-was-run").exists()


def test_a_missing_tokenizer_and_a_damaged_one_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tokenizer.json").write_text("{}")
    assert "tokenizer" in refused(capsys, folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    assert "holds no tokenizer" in refused(capsys, folder)


def test_a_missing_image_processor_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = vit_folder(tmp_path / "vit")
    (folder / "preprocessor_config.json").unlink()
    words = ("--task", "mnist-small", "-n", "1")
    assert "holds no image processor" in refused(capsys, folder, *words)


def test_inputs_that_the_model_does_not_take_are_wrong_usage(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = ("--task", "mnist-small", "-n", "1")
    assert "takes no pictures" in refused(capsys, folder, *task, code=2)
    vit = vit_folder(tmp_path / "vit")
    assert "takes no text" in refused(capsys, vit, "--text", "lines.txt", code=2)
    words = ("--text", "lines.txt", "--generate", "3")
    assert "leave --generate out" in refused(capsys, folder, *words, code=2)
    words = ("--text", "lines.txt", "--mechanism", "argmax")
    assert "--mechanism" in refused(capsys, folder, *words, code=2)


def test_a_line_that_leaves_no_room_to_write_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.txt").write_text("the cat sat\n", encoding="utf-8")
    folder = gpt2_folder(tmp_path / "gpt2")
    words = ("--text", "lines.txt", "--generate", "32")
    assert "no room" in refused(capsys, folder, *words)


def test_a_tokenizer_of_another_model_is_found_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = bert_folder(tmp_path / "small", hidden_act="relu")
    path = small / "tokenizer.json"
    described = json.loads(path.read_text())
    described["model"]["vocab"]["cat"] = 40
    path.write_text(json.dumps(described))
    assert "do not belong together" in refused(capsys, small)


def test_without_transformers_the_extra_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "transformers"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert 'pip install "hardattn[transformers]"' in refused(capsys, folder)
