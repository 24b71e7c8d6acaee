"""The localiser and its images: one digit among pieces, found on an overview, read in one crop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hardattn_models import TrainingError, build_system, load_task
from hardattn_models.registry import system
from hardattn_models.tasks import load_task as load
from hardattn_models.tasks.clutter import ClutterBatch
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, train
from hardattn_models.zoo.localiser import regions


@pytest.mark.parametrize("size", [64, 256])
def test_one_whole_digit_of_its_own_part_stands_in_each_image(size: int) -> None:
    batch = next(load_task(f"clutter-{size}").batches("test", 30))
    known = load().split("test")
    for image, label, (x, y) in zip(
        batch.images, batch.labels, batch.corners.tolist(), strict=True
    ):
        cut = image[y : y + 28, x : x + 28].numpy()
        # Pieces may lie on it, and only ever make it brighter.
        fits = (known.images <= cut).all((1, 2)) & (known.labels == int(label))
        assert fits.any()
    dark = (batch.images == 0).float().mean()
    assert 0.8 < dark < 0.98


def test_training_sees_as_many_pixels_of_each_size_and_tests_as_many_images() -> None:
    feed = load_task("clutter").feed(0)
    turns = [feed.next(1).images for _ in range(2 * 21)]
    sizes = [one.shape[-1] for one in turns]
    assert {size: sizes.count(size) for size in sizes} == {64: 32, 128: 8, 256: 2}
    assert len({sum(one.numel() for one in turns if one.shape[-1] == size) for size in sizes}) == 1
    # None waits for long.
    assert max(sizes[at : at + 21].index(256) for at in range(21)) <= 20
    for split in ("validation", "test"):
        blocks = load_task("clutter").batches(split, 100, 300)
        assert [one.images.shape[-1] for one in blocks] == [64, 128, 256]


def test_images_that_are_no_whole_number_of_crops_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        model = build_system("localiser")
        model.outcome(
            ClutterBatch(torch.zeros(1, 60, 60, dtype=torch.uint8), torch.zeros(1), torch.zeros(1)),
            model.chooser(),
        )


@pytest.mark.parametrize("mechanism", system("localiser").mechanisms)
def test_the_tap_hears_the_crop_and_changes_no_bit(mechanism: str) -> None:
    torch.manual_seed(0)
    model = build_system("localiser", mechanism=mechanism).eval()
    batch = next(load_task("clutter-128").batches("test", 7))
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.crop.listen(lambda tap, values: heard.append(values))
        with torch.no_grad():
            runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].scores, runs[1].scores)
    assert [values["probabilities"].shape for values in heard] == [(7, 16)]


def test_one_crop_alone_is_read_and_it_is_the_one_of_its_box() -> None:
    torch.manual_seed(0)
    model = build_system("localiser").eval()
    batch = next(load_task("clutter-128").batches("test", 16))
    at = torch.arange(16)
    with torch.no_grad():
        before = model.outcome(batch, Given([at])).scores
        # A blend of one crop alone is the same by the other way of reading.
        whole = build_system("localiser", mechanism="soft").eval()
        whole.load_state_dict(model.state_dict())
        everything = whole._features(
            torch.nn.functional.pad(batch.images, (8,) * 4)
            .unfold(1, 48, 32)
            .unfold(2, 48, 32)
            .flatten(1, 2)
        )
        torch.testing.assert_close(
            before, model.classify(everything[at, at]).softmax(-1), atol=1e-6, rtol=1e-5
        )
        batch = replace(batch, images=batch.images.clone())
        for row, (x0, y0, x1, y1) in enumerate(regions(128).long().tolist()):
            keep = batch.images[row, max(y0, 0) : y1, max(x0, 0) : x1].clone()
            batch.images[row] = 255 - batch.images[row]
            batch.images[row, max(y0, 0) : y1, max(x0, 0) : x1] = keep
        assert torch.equal(model.outcome(batch, Given([at])).scores, before)


def test_the_weight_on_the_digit_is_that_of_crops_that_hold_its_middle() -> None:
    torch.manual_seed(0)
    model = build_system("localiser").eval()
    batch = next(load_task("clutter-256").batches("test", 50))
    boxes = regions(256).numpy()
    held = np.zeros((50, 64), bool)
    for row, (x, y) in enumerate(batch.corners.tolist()):
        for crop, (x0, y0, x1, y1) in enumerate(boxes):
            held[row, crop] = x0 <= x + 6 and y0 <= y + 6 and x + 22 <= x1 and y + 22 <= y1
    assert held.any(1).all()
    for crop in range(0, 64, 7):
        with torch.no_grad():
            found = model.outcome(batch, Given([torch.full((50,), crop)])).figures
        np.testing.assert_array_equal(
            found["weight of crops with the digit"].numpy() > 0.5, held[:, crop]
        )


def test_relax_asks_for_images_of_one_size() -> None:
    plan = default_plan("localiser", gradient="relax", task="clutter", steps=3, batch=4)
    with pytest.raises(TrainingError, match="fits its control variate to 4 candidates"):
        train(plan)


@pytest.mark.campaign
def test_what_was_trained_on_small_images_finds_the_digit_in_large_ones() -> None:
    from hardattn_models.evaluation import evaluate

    model = train(default_plan("localiser", task="clutter")).model.with_mechanism("argmax")
    assert evaluate(model, load_task("clutter-128")).error < 0.3
    # Of 256 crops one to four hold the digit.
    assert evaluate(model, load_task("clutter-512")).error < 0.6
