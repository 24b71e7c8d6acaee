"""The answerer and easy-VQA: one region answers, and the question looks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hardattn_models import TaskError, build_system, load_task
from hardattn_models.choosing import Given
from hardattn_models.registry import system
from hardattn_models.tasks import shapes
from hardattn_models.tasks.shapes import ShapeBatch
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
    known = shapes.questions()
    seen = 0
    for batch in load_task("easy-vqa").batches("test", 100, 1_000):
        for image, shape, answer in zip(batch.images, batch.shape, batch.answer, strict=True):
            word = known.answers[answer]
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
    batch = next(load_task("easy-vqa").batches("test", 20))
    for row, entry in enumerate(batch.entries):
        coded = [known.words[word] for word in batch.question[row].tolist() if word]
        assert list(entry["tokens"]) == coded
        assert known.answers[entry["label"]] in known.answers
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


def test_the_answer_comes_from_around_the_region_that_was_chosen() -> None:
    task = load_task("easy-vqa")
    torch.manual_seed(0)
    model = build_system("vqa", **task.facts).eval()
    batch = next(task.batches("test", 16))
    at = torch.full((16,), 3 * 8 + 4)
    images = 255 - batch.images
    images[:, 12:44, 20:52] = batch.images[:, 12:44, 20:52]
    other = ShapeBatch(images, batch.question, batch.answer, batch.shape, batch.text)
    with torch.no_grad():
        before = model.outcome(batch, Given([at])).scores
        torch.testing.assert_close(model.outcome(other, Given([at])).scores, before)
        images[:, 30, 36] = 255 - images[:, 30, 36]
        assert not torch.allclose(model.outcome(other, Given([at])).scores, before)


def test_the_weight_on_the_shape_is_that_of_regions_whose_middle_is_on_it() -> None:
    task = load_task("easy-vqa")
    torch.manual_seed(0)
    model = build_system("vqa", **task.facts).eval()
    batch = next(task.batches("test", 40))
    for region in (18, 27, 45):
        row, column = divmod(region, 8)
        on = batch.shape[:, 8 * row + 4, 8 * column + 4].float()
        with torch.no_grad():
            told = model.outcome(batch, Given([torch.full((40,), region)])).figures
        found = told["weight on the shape"]
        assert torch.equal(found[~found.isnan()], on[~found.isnan()])
        assert not on[found.isnan()].any()


def test_pictures_of_no_whole_regions_are_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of 8"):
        build_system("vqa", size=60)


def test_a_broken_bundle_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "BUNDLED", tmp_path / "easy-vqa.npz")
    shapes.questions.cache_clear()
    with pytest.raises(TaskError, match=r"make it with: python -m hardattn_models\.tasks\.easy"):
        shapes.questions()
    shapes.questions.cache_clear()


@pytest.mark.campaign
def test_answers_alone_teach_which_region_to_look_at() -> None:
    model = train(default_plan("vqa")).model.with_mechanism("argmax")
    assert evaluate(model, load_task("easy-vqa")).error < 0.2
