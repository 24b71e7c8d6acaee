"""The answerer and easy-VQA: one region answers, and the question looks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hardattn_models import TaskError, build_system, load_task
from hardattn_models.registry import system
from hardattn_models.tasks import shapes
from hardattn_models.tasks.shapes import ANSWERS, KINDS
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, evaluate, train

COLOURS = {
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "red": (255, 0, 0),
    "green": (0, 128, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "teal": (0, 128, 128),
    "brown": (165, 42, 42),
}


def test_the_colour_that_is_answered_is_the_colour_of_the_shape() -> None:
    seen = 0
    for batch in load_task("easy-vqa").batches("test", 100, 1_000):
        for image, shape, answer in zip(batch.images, batch.shape, batch.answer, strict=True):
            word = ANSWERS[answer]
            if word not in COLOURS:
                continue
            colour = image[shape].float().median(0).values
            nearest = min(
                COLOURS, key=lambda name: (colour - torch.tensor(COLOURS[name])).abs().sum()
            )
            assert nearest == word
            seen += 1
    assert seen > 80


def test_a_question_is_told_in_its_words_and_the_splits_share_no_image() -> None:
    known = shapes.questions()
    batch = next(load_task("easy-vqa").batches("test", 100))
    for row, entry in enumerate(batch.entries):
        coded = [known.words[word] for word in batch.question[row].tolist() if word]
        assert list(entry["tokens"]) == coded
        assert entry["label"] == int(batch.answer[row])
        asked_for = "colour" if "color" in entry["tokens"] else "form"
        kind = asked_for if entry["tokens"][0] == "what" else "yes or no"
        assert KINDS[batch.kind[row]] == kind
    used = {part: set(asked[:, 2].tolist()) for part, asked in known.asked.items()}
    assert not used["train"] & used["validation"]
    assert {part: len(images) for part, images in used.items()} == {
        "train": 1_700, "validation": 300, "test": 500
    }  # fmt: skip


@pytest.mark.parametrize("mechanism", system("vqa").mechanisms)
def test_the_tap_hears_the_region_and_changes_no_bit(mechanism: str) -> None:
    task = load_task("easy-vqa")
    torch.manual_seed(0)
    model = build_system("vqa", mechanism=mechanism, **task.facts).eval()
    batch = next(task.batches("test", 7))
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.look.listen(lambda tap, values: heard.append(values))
        with torch.no_grad():
            runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].scores, runs[1].scores)
    assert [values["probabilities"].shape for values in heard] == [(7, 64)]


def test_pictures_are_learnt_from_as_they_are_and_turned_from_left_to_right() -> None:
    batch = load_task("easy-vqa").feed(0).next(200)
    kept = {image.tobytes() for image in shapes.questions().images["train"]}
    same = [image.numpy().tobytes() in kept for image in batch.images]
    turned = [image.flip(1).numpy().tobytes() in kept for image in batch.images]
    assert all(a or b for a, b in zip(same, turned, strict=True))
    assert 70 < sum(same) < 130
    other = [image.flip(0).numpy().tobytes() in kept for image in batch.images]
    assert sum(other) < 130
    # The shape is where it is by now.
    for image, shape in zip(batch.images.int(), batch.shape, strict=True):
        assert torch.equal((image - image[0, 0]).abs().sum(-1) > 100, shape)
        assert shape.any()


def test_the_answer_comes_from_around_the_region_that_was_chosen() -> None:
    task = load_task("easy-vqa")
    torch.manual_seed(0)
    model = build_system("vqa", **task.facts).eval()
    batch = next(task.batches("test", 16))
    row, column = 3, 4
    at = torch.full((16,), row * 8 + column)
    seen = (slice(None), slice(8 * row - 8, 8 * row + 16), slice(8 * column - 8, 8 * column + 16))
    images = 255 - batch.images
    images[seen] = batch.images[seen]
    other = replace(batch, images=images)
    with torch.no_grad():
        before = model.outcome(batch, Given([at])).scores
        torch.testing.assert_close(model.outcome(other, Given([at])).scores, before)
        images[seen] = 255 - images[seen]
        assert not torch.allclose(model.outcome(other, Given([at])).scores, before)


def test_the_weight_on_the_shape_is_that_of_regions_that_hold_some_of_it() -> None:
    task = load_task("easy-vqa")
    torch.manual_seed(0)
    model = build_system("vqa", mechanism="soft", **task.facts).eval()
    batch = next(task.batches("test", 40))
    choose = model.chooser()
    with torch.no_grad():
        found = model.outcome(batch, choose).figures["weight on the shape"]
    weights = choose.steps[0].weights
    for row, shape in enumerate(batch.shape.numpy()):
        held = [
            shape[8 * y : 8 * y + 8, 8 * x : 8 * x + 8].any() for y in range(8) for x in range(8)
        ]
        assert found[row] == pytest.approx(float(weights[row][torch.tensor(held)].sum()), abs=1e-6)
    assert found.max() < 0.9


def test_each_kind_of_question_has_its_share_of_right_answers_and_the_answer_is_said() -> None:
    task = load_task("easy-vqa")
    torch.manual_seed(0)
    model = build_system("vqa", mechanism="soft", **task.facts).eval()
    batch = next(task.batches("test", 100))
    with torch.no_grad():
        told = model.outcome(batch, model.chooser())
    assert told.words == [[ANSWERS[answer]] for answer in told.scores.argmax(-1).tolist()]
    right = [said == [ANSWERS[true]] for said, true in zip(told.words, batch.answer, strict=True)]
    assert told.right.tolist() == right
    for number, kind in enumerate(KINDS):
        figure = told.figures[f"right, {kind}"]
        asked = batch.kind == number
        assert figure.isnan().tolist() == (~asked).tolist()
        assert figure[asked].tolist() == [right[row] for row in asked.nonzero().flatten().tolist()]


def test_pictures_of_no_whole_regions_are_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of 8"):
        build_system("vqa", size=60)


@pytest.mark.parametrize("kept", [None, ("no", "yes")])
def test_a_broken_bundle_is_told_with_its_remedy(
    kept: tuple[str, ...] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "easy-vqa.npz"
    if kept is not None:
        np.savez(broken, answers=np.array(kept, "S"))
    monkeypatch.setattr(shapes, "BUNDLED", broken)
    shapes.questions.cache_clear()
    with pytest.raises(TaskError, match=r"make it with: python -m hardattn_models\.tasks\.easy"):
        shapes.questions()
    shapes.questions.cache_clear()


@pytest.mark.campaign
def test_answers_alone_teach_which_region_to_look_at() -> None:
    model = train(default_plan("vqa")).model.with_mechanism("argmax")
    assert evaluate(model, load_task("easy-vqa")).error < 0.1
