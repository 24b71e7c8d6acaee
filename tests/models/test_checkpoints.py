"""A system in a file: back bit for bit, or one sentence that says why not."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hardattn_models import (
    CheckpointError,
    build_system,
    checkpoint_facts,
    load_system,
    read_metadata,
    save_system,
)
from hardattn_models.zoo.glimpse import GlimpseClassifier

FACTS = {"training": {"seed": 3, "test_error": 0.0175}, "words": "größer ≥ ½"}


def small_model() -> GlimpseClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return build_system("glimpse", mechanism="sampled", hidden=16, features=8, glimpses=3)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_system(small_model(), path, FACTS)
    return path


def header_of(path: Path) -> dict[str, str]:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return header


def test_a_system_comes_back_bit_for_bit(saved: Path) -> None:
    model, back = small_model(), load_system(saved)
    assert back.config == model.config
    assert not back.training
    before, after = model.state_dict(), back.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(back.regions, model.regions)
    images = torch.rand(4, 28, 28, generator=torch.Generator().manual_seed(0))
    episodes = [m(images, torch.Generator().manual_seed(1)) for m in (model, back)]
    assert torch.equal(episodes[0].logits, episodes[1].logits)
    assert torch.equal(episodes[0].index, episodes[1].index)


def test_its_facts_can_be_read_without_its_weights(saved: Path) -> None:
    facts = checkpoint_facts(saved)
    assert facts.system == "glimpse"
    assert facts.config["hidden"] == 16
    assert facts.metadata == read_metadata(saved) == FACTS


def test_saving_over_a_file_replaces_it_and_leaves_nothing_beside(saved: Path) -> None:
    model = load_system(saved)
    with torch.no_grad():
        model.where.add_(1)
    save_system(model, saved)
    assert torch.equal(load_system(saved).where, model.where)
    assert read_metadata(saved) == {}
    assert list(saved.parent.iterdir()) == [saved]


def test_loading_leaves_the_random_state_alone(saved: Path) -> None:
    before = torch.get_rng_state()
    load_system(saved)
    assert torch.equal(before, torch.get_rng_state())


def test_it_can_be_loaded_to_choose_otherwise_than_it_was_trained(saved: Path) -> None:
    assert load_system(saved, mechanism="argmax").mechanism == "argmax"
    with pytest.raises(ValueError, match="no mechanism"):
        load_system(saved, mechanism="hypnosis")


def test_a_file_cut_anywhere_is_refused_in_one_sentence(saved: Path) -> None:
    content = saved.read_bytes()
    for length in (0, 1, 7, 8, 60, 400, len(content) // 2, len(content) - 1):
        saved.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"small\.safetensors is not a whole") as told:
            load_system(saved)
        assert "\n" not in str(told.value)


def test_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        load_system(path)
    assert not (tmp_path / "sprung").exists()


def test_a_missing_file_and_a_folder_are_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(CheckpointError, match="is not a file"):
            load_system(path)


def test_a_safetensors_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="not written by hardattn"):
        load_system(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format_version": "9"}, "version 9"),
        ({"system": "oracle"}, "no system 'oracle'"),
        ({"config": "{"}, "config is not JSON"),
        ({"config": "[1]"}, "not a JSON object"),
        ({"config": '{"hidden": -4}'}, "describes no system"),
        ({"config": '{"magic": 1}'}, "describes no system"),
        ({"config": '{"mechanism": ["sampled"]}'}, "describes no system"),
        ({"config": "{}"}, "its configuration calls for"),
        ({"metadata": "nonsense"}, "metadata is not JSON"),
    ],
)
def test_a_header_that_was_tampered_with_is_refused(
    saved: Path, change: dict[str, str], sentence: str
) -> None:
    save_file(load_file(saved), saved, header_of(saved) | change)
    with pytest.raises(CheckpointError, match=sentence):
        load_system(saved)


def test_weights_that_do_not_fit_are_named(saved: Path) -> None:
    header, weights = header_of(saved), load_file(saved)
    for changed, sentence in (
        ({k: v for k, v in weights.items() if k != "where"}, "lacks weight 'where'"),
        (weights | {"extra": torch.zeros(1)}, "unknown weight 'extra'"),
        (weights | {"where": weights["where"].double()}, "'where' is torch.float64"),
        (weights | {"where": weights["where"] * torch.nan}, "'where' holds NaN"),
    ):
        save_file(changed, saved, header)
        with pytest.raises(CheckpointError, match=sentence):
            load_system(saved)


def test_what_cannot_be_saved_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match="JSON"):
        save_system(small_model(), path, {"tensor": torch.zeros(1)})
    with pytest.raises(ValueError, match="JSON"):
        save_system(small_model(), path, {"error": float("nan")})
    with pytest.raises(CheckpointError, match="no system of the zoo"):
        save_system(torch.nn.Linear(1, 1), path)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_system(small_model(), tmp_path / "nowhere" / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_the_package_loads_torch_only_when_asked_for_a_model() -> None:
    script = (
        "import sys, hardattn_models\n"
        "assert 'load_system' in dir(hardattn_models)\n"
        "assert 'torch' not in sys.modules\n"
        "from hardattn_models import ModelError, TaskError\n"
        "assert 'torch' not in sys.modules\n"
        "from hardattn_models import systems\n"
        "assert systems()[0].name == 'glimpse'\n"
        "assert not any(name.startswith(('PySide6', 'h5py')) for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
