"""Every system of the zoo is trained, followed and recorded by the same words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import output_of, sentence_of

from hardattn_models import load_task, systems
from recorders import read_run

SMALL = {
    "glimpse": ("--set", "hidden=16", "--set", "features=8", "--task", "mnist-small"),
    "pointer": ("--set", "width=16", "--set", "layers=1", "--task", "hull-5"),
    "memory": ("--set", "width=8", "--task", "recall-8"),
    "tools": ("--set", "width=8", "--task", "offer-8"),
    "alignment": ("--set", "width=8", "--task", "new-testament"),
    "rationale": ("--set", "width=8", "--task", "books"),
    "copier": ("--set", "width=8", "--task", "names"),
    "answers": ("--set", "width=8", "--task", "answers"),
    "summary": ("--set", "width=8", "--task", "quotes"),
    "captioner": ("--set", "features=8", "--set", "hidden=16"),
    "localiser": ("--set", "channels=4", "--set", "features=8", "--task", "clutter-64"),
    "video": ("--set", "features=8"),
    "retrieval": ("--set", "features=8"),
    "speech": ("--set", "features=8", "--set", "hidden=16", "--task", "spoken-2"),
    "vqa": ("--set", "features=8"),
    "latent": ("--set", "codes=8", "--set", "hidden=16"),
}
AXES = {
    "pointer": "points",
    "memory": "slots",
    "tools": "slots",
    "alignment": "tokens",
    "rationale": "tokens",
    "copier": "tokens",
    "answers": "tokens",
    "summary": "tokens",
    "speech": "frames",
}
"""Keys that are no regions."""


@pytest.mark.parametrize("name", [known.name for known in systems()])
def test_a_system_is_trained_followed_and_recorded(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    followed, checkpoint, run = (str(tmp_path / one) for one in ("f.h5", "m.safetensors", "r.h5"))
    words = ["train", name, *SMALL[name], "--steps", "4", "--batch", "8", "--snapshots", "2"]
    words += ["--record-examples", "3", "--record", followed, "-o", checkpoint, "--json"]
    facts = json.loads(output_of(capsys, *words))
    assert facts["plan"]["system"] == name
    assert 0 <= facts["test"]["error"] <= 1
    output_of(capsys, "record", checkpoint, "-n", "3", "-o", run)
    with read_run(followed) as one, read_run(run) as other:
        assert [snapshot.step for snapshot in one.snapshots] == [0, 2, 4]
        (site,) = other.sites
        assert site.key_axis == AXES.get(name, "regions")
        for example in range(3):
            at_end = one.map(site.name, example, 0, 2)
            np.testing.assert_array_equal(at_end, other.map(site.name, example, 0))
            np.testing.assert_allclose(at_end.sum(-1), 1, atol=1e-3)
            assert other.selection(site.name, example, 0) is not None
            assert "reward" in other.scalars(example)
    output_of(capsys, "validate", run)


def test_a_memory_is_recorded_with_what_its_slots_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, run = str(tmp_path / "m.safetensors"), str(tmp_path / "r.h5")
    output_of(capsys, "train", "memory", "--steps", "1", "--task", "tools-16", "-o", checkpoint)
    output_of(capsys, "record", checkpoint, "-n", "2", "-o", run)
    with read_run(run) as recorded:
        slots = recorded.tokens(0, "slots")
        assert len(slots) == 16
        assert all("can" in text for text in slots)


@pytest.mark.parametrize(("mechanism", "calls"), [("sampled", 1), ("soft", 8), ("top-k", 2)])
def test_an_offer_of_tools_is_recorded_in_words_with_how_many_were_called(
    mechanism: str, calls: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, run = str(tmp_path / "m.safetensors"), str(tmp_path / "r.h5")
    words = ["train", "tools", "--mechanism", mechanism, "--steps", "1", "--set", "width=4"]
    output_of(capsys, *words, "--task", "offer-8", "-o", checkpoint)
    output_of(capsys, "record", checkpoint, "-n", "4", "-o", run)
    batch = next(load_task("offer-8").batches("test", 4))
    with read_run(run) as recorded:
        for example, entry in enumerate(batch.entries):
            assert list(recorded.tokens(example, "slots")) == entry["memory"]
            assert list(recorded.tokens(example)) == entry["tokens"]
            assert recorded.scalars(example)["calls"].tolist() == [calls]


@pytest.mark.parametrize(("gradient", "learnt"), [("reinforce", True), ("rloo", False)])
def test_what_a_model_expects_is_recorded_where_it_learnt_to(
    gradient: str, learnt: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, run = str(tmp_path / "m.safetensors"), str(tmp_path / "r.h5")
    followed = str(tmp_path / "f.h5")
    words = ["train", "rationale", "--gradient", gradient, "--steps", "2", "--set", "width=4"]
    words += ["--record", followed, "--record-examples", "2", "-o", checkpoint]
    output_of(capsys, *words)
    output_of(capsys, "record", checkpoint, "-n", "2", "-o", run)
    for name in (run, followed):
        with read_run(name) as recorded:
            assert "reward" in recorded.scalars(0)
            assert ("baseline" in recorded.scalars(0)) == learnt


def test_a_verse_is_recorded_as_one_map_with_the_words_of_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, run = str(tmp_path / "m.safetensors"), str(tmp_path / "r.h5")
    words = ["train", "alignment", "--steps", "1", "--set", "width=4", "-o", checkpoint]
    output_of(capsys, *words)
    output_of(capsys, "record", checkpoint, "-n", "2", "-o", run)
    with read_run(run) as recorded:
        (site,) = recorded.sites
        for example in range(2):
            greek, english = recorded.tokens(example), recorded.tokens(example, "target")
            assert greek[0] == "∅"
            assert recorded.map(site, example).shape == (1, len(english), len(greek))
            assert recorded.steps(site, example) == 1


def test_what_is_for_the_zoo_alone_is_refused_elsewhere_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["record", "torch.nn:Identity", "--task", "hull", "-o", str(tmp_path / "r.h5")]
    assert "has no pictures" in sentence_of(capsys, 1, *words)
