"""The reader of clips and its clips: one frame answers, and a word looks for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hardattn_models import build_system, load_task
from hardattn_models.registry import system
from hardattn_models.tasks import load_task as load
from hardattn_models.tasks.clips import ANSWERS, QUERIES, ClipBatch
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, evaluate, train


@pytest.mark.parametrize("name", ["clip-find", "clip-name"])
def test_the_digit_that_is_asked_for_is_seen_in_two_frames_alone(name: str) -> None:
    batch = next(load_task(name).batches("test", 20))
    known = load().split("test")
    assert torch.equal(batch.where.sum(1), torch.full((20,), 2))
    for row in range(20):
        answer = ANSWERS[batch.answer[row]]
        digit = answer if name == "clip-name" else QUERIES[batch.query[row]]
        of_it = known.images[known.labels == QUERIES.index(digit)].astype(int)
        seen = []
        for frame in batch.frames[row].numpy().astype(int):
            windows = torch.from_numpy(frame).unfold(0, 28, 1).unfold(1, 28, 1).numpy()
            # Whole digits lie in the corners, at most 3 pixels from the border.
            places = [(y, x) for y in range(21) for x in range(21)
                      if min(y, 20 - y) <= 3 and min(x, 20 - x) <= 3]  # fmt: skip
            fits = [at for at in places if (of_it <= windows[at]).all((1, 2)).any()]
            seen.append(bool(fits))
            if fits and name == "clip-find":
                y, x = fits[0]
                corner = f"{'upper' if y < 10 else 'lower'} {'left' if x < 10 else 'right'}"
                assert corner == answer
        assert torch.equal(torch.tensor(seen), batch.where[row])


@pytest.mark.parametrize("mechanism", system("video").mechanisms)
def test_the_tap_hears_the_frame_and_changes_no_bit(mechanism: str) -> None:
    torch.manual_seed(0)
    model = build_system("video", mechanism=mechanism).eval()
    batch = next(load_task("clip-find").batches("test", 7))
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.frames.listen(lambda tap, values: heard.append(values))
        with torch.no_grad():
            runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].scores, runs[1].scores)
    assert [values["probabilities"].shape for values in heard] == [(7, 16)]


def test_the_answer_comes_from_the_frame_that_was_chosen_alone() -> None:
    torch.manual_seed(0)
    model = build_system("video").eval()
    batch = next(load_task("clip-find").batches("test", 16))
    at = torch.arange(16)
    other = ClipBatch(255 - batch.frames, batch.query, batch.answer, batch.where)
    other.frames[at, at] = batch.frames[at, at]
    with torch.no_grad():
        scores = [model.outcome(one, Given([at])).scores for one in (batch, other)]
        figures = model.outcome(batch, Given([at])).figures
    assert torch.equal(scores[0], scores[1])
    name = "weight of frames that answer"
    assert torch.equal(figures[name], batch.where[at, at].float())


def test_a_clip_is_told_with_its_question_and_a_region_a_frame() -> None:
    batch = next(load_task("clip-find").batches("test", 3))
    for row, entry in enumerate(batch.entries):
        assert entry["tokens"] == ["where", "is", QUERIES[batch.query[row]], "?"]
        assert entry["video"].shape == (16, 48, 48)
        assert entry["region_frames"].tolist() == list(range(16))
        assert ANSWERS[entry["label"]] in ("upper left", "upper right", "lower left", "lower right")


def test_frames_of_no_whole_squares_are_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of 8"):
        build_system("video", size=50)


@pytest.mark.campaign
def test_answers_alone_teach_which_frame_to_read() -> None:
    model = train(default_plan("video")).model.with_mechanism("argmax")
    found = evaluate(model, load_task("clip-find"))
    assert found.error < 0.2
    assert found.figures["weight of frames that answer"] > 0.75
