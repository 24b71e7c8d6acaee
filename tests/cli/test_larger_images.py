"""Training on digits in larger images, and recording what was trained there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import output_of, sentence_of

from hardattn_models import load_task
from recorders import read_run

CLUTTERED = "mnist-small-cluttered"


def test_a_classifier_of_three_scales_is_trained_on_clutter_and_recorded_on_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, run = str(tmp_path / "m.safetensors"), str(tmp_path / "r.h5")
    words = ["train", "glimpse", "--task", CLUTTERED, "--set", "scales=3", "--set", "window=12"]
    words += ["--set", "hidden=16", "--set", "features=8", "--steps", "4", "--batch", "8"]
    facts = json.loads(output_of(capsys, *words, "--json", "-o", checkpoint))
    assert facts["plan"]["task"] == CLUTTERED
    output_of(capsys, "record", checkpoint, "-n", "2", "-o", run)
    with read_run(run) as recorded:
        (site,) = recorded.sites
        assert recorded.map(site.name, 0, 0).shape[-1] == 225
        assert np.array_equal(recorded.image(0), load_task(CLUTTERED).test.images[0])


def test_a_folder_is_for_the_whole_of_mnist_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "glimpse", "--data", str(tmp_path), "-o", str(tmp_path / "m.safetensors")]
    told = sentence_of(capsys, 1, *words, "--task", "mnist-small-cluttered")
    assert "mnist-small-cluttered is bundled and takes no folder" in told
    assert "holds no train-images" in sentence_of(capsys, 1, *words, "--task", "mnist-cluttered")
