"""The retriever and its galleries: a caption finds its clip by one frame of each."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.nn.functional import one_hot

from hardattn_models import build_system, load_task
from hardattn_models.registry import system
from hardattn_models.tasks import load_task as load
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.retrieving import FRAMES, WORDS, GalleryBatch, regions
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, train
from hardattn_models.training.objective import objective

CORNERS = [(y, x) for y in (0, 1) for x in (0, 1)]


@pytest.fixture(scope="module")
def batch() -> GalleryBatch:
    found: GalleryBatch = next(load_task("gallery-8").batches("test", 24))
    return found


def _small(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Half the resolution, each pixel the mean of four, halves rounded up."""
    pooled = torch.nn.functional.avg_pool2d(
        torch.from_numpy(images.copy()).double().unsqueeze(1), 2
    )
    return (pooled.squeeze(1) + 0.5).floor().long().numpy()


def _holds(
    frame: npt.NDArray[np.int64], images: npt.NDArray[np.int64], corner: tuple[int, int]
) -> bool:
    """Whether some image lies in that corner of a frame, at most 3 pixels from its borders."""
    for down, across in product(range(4), range(4)):
        y, x = (18 - down if corner[0] else down), (18 - across if corner[1] else across)
        if (images <= frame[y : y + 14, x : x + 14]).all((1, 2)).any():
            return True
    return False


def test_one_clip_alone_shows_in_one_frame_what_its_caption_says(batch: GalleryBatch) -> None:
    known = load().split("test")
    small = _small(known.images)
    for row in range(6):
        digit, down, across = batch.caption[row].tolist()
        corner = (WORDS[down] == "lower", WORDS[across] == "right")
        frames = batch.frames[row].long().numpy()
        of_it = small[known.labels == digit]
        seen = np.array(
            [[_holds(frame, of_it, place) for place in CORNERS] for frame in frames]
        ).reshape(8, FRAMES, 4)
        there = seen[:, :, CORNERS.index(corner)]
        assert np.array_equal(there.ravel(), batch.where[row].numpy())
        assert there.any(1).nonzero()[0].tolist() == [int(batch.answer[row])]
        assert there.sum() == 2
        # Of the seven others five show the digit, in another corner.
        assert seen.any((1, 2)).sum() == 6
        kinds = [(int(batch.answer[row]) + kind) % 8 for kind in (3, 6)]
        assert not seen[kinds].any()


def test_other_digits_are_where_the_caption_looks_in_most_of_the_other_clips(
    batch: GalleryBatch,
) -> None:
    small = _small(load().split("test").images)
    for row in range(2):
        _, down, across = batch.caption[row].tolist()
        corner = (WORDS[down] == "lower", WORDS[across] == "right")
        frames = batch.frames[row].long().numpy().reshape(8, FRAMES, 32, 32)
        seen = [any(_holds(frame, small, corner) for frame in clip) for clip in frames]
        # Two clips show the digit alone, and nothing ever in that corner.
        without = [(int(batch.answer[row]) + kind) % 8 for kind in (2, 5)]
        assert [clip for clip in range(8) if not seen[clip]] == sorted(without)


def test_what_is_learnt_from_are_small_galleries_of_other_pictures(batch: GalleryBatch) -> None:
    learnt = load_task("gallery-8").feed(0).next(50)
    assert learnt.frames.shape == (50, 4 * FRAMES, 32, 32)
    assert batch.frames.shape == (24, 8 * FRAMES, 32, 32)
    assert next(load_task("gallery-32").batches("test", 2)).frames.shape[1] == 32 * FRAMES
    assert torch.equal(learnt.where.sum(1), torch.full((50,), 2))
    clip = learnt.where.reshape(50, 4, FRAMES).any(-1)
    assert torch.equal(clip, one_hot(learnt.answer, 4).bool())
    assert len(learnt.answer.unique()) == 4


def test_a_gallery_is_told_as_a_sheet_with_a_region_a_frame(batch: GalleryBatch) -> None:
    for row, entry in enumerate(batch.entries[:3]):
        assert entry["tokens"] == [WORDS[word] for word in batch.caption[row]]
        assert entry["label"] == int(batch.answer[row])
        assert len(entry["regions"]) == 64
        for frame, box in zip(batch.frames[row], entry["regions"].astype(int), strict=True):
            x0, y0, x1, y1 = box
            assert np.array_equal(entry["image"][y0:y1, x0:x1], frame.numpy())
    # A row a clip: frames of one clip stand beside each other.
    boxes = regions(3).reshape(3, FRAMES, 4)
    assert all(len(np.unique(boxes[clip, :, 1])) == 1 for clip in range(3))
    assert len(np.unique(boxes[:, :, 1])) == 3


@pytest.mark.parametrize("mechanism", system("retrieval").mechanisms)
def test_the_tap_hears_a_look_a_clip_and_changes_no_bit(
    mechanism: str, batch: GalleryBatch
) -> None:
    torch.manual_seed(0)
    model = build_system("retrieval", mechanism=mechanism).eval()
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.frames.listen(lambda tap, values: heard.append(values))
        with torch.no_grad():
            runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].scores, runs[1].scores)
    assert len(heard) == 8
    for clip, values in enumerate(heard):
        of_clips = values["probabilities"].reshape(24, 8, FRAMES).sum(-1)
        torch.testing.assert_close(of_clips, one_hot(torch.full((24,), clip), 8).float())


@pytest.mark.parametrize(("mechanism", "read"), [("sampled", 1), ("top-k", 2), ("soft", 8)])
def test_no_more_frames_are_read_than_are_told(
    mechanism: str, read: int, batch: GalleryBatch
) -> None:
    torch.manual_seed(0)
    model = build_system("retrieval", mechanism=mechanism).eval()
    seen: list[int] = []
    model.read.register_forward_hook(lambda net, given, found: seen.append(len(given[0])))
    with torch.no_grad():
        told = model.outcome(batch, model.chooser(torch.Generator().manual_seed(1)))
    assert seen == [24 * 8 * read]
    assert told.figures["frames read of a clip"].tolist() == [read] * 24


def test_the_ranking_comes_from_the_frames_that_were_chosen_alone(batch: GalleryBatch) -> None:
    torch.manual_seed(0)
    model = build_system("retrieval").eval()
    at = [torch.arange(24) % FRAMES + FRAMES * clip for clip in range(8)]
    rows = torch.arange(24)
    frames = 255 - batch.frames
    for taken in at:
        frames[rows, taken] = batch.frames[rows, taken]
    other = replace(batch, frames=frames)
    with torch.no_grad():
        found = [model.outcome(one, Given(at)) for one in (batch, other)]
        moved = model.outcome(replace(batch, frames=255 - batch.frames), Given(at))
    assert torch.equal(found[0].scores, found[1].scores)
    assert not torch.allclose(found[0].scores, moved.scores)
    right = torch.stack(at, 1)[rows, batch.answer]
    told = found[0].figures["weight of frames that show it"]
    assert torch.equal(told, batch.where[rows, right].float())


def test_figures_are_those_of_the_scores(batch: GalleryBatch) -> None:
    torch.manual_seed(0)
    model = build_system("retrieval", mechanism="soft").eval()
    choose = model.chooser()
    with torch.no_grad():
        told = model.outcome(batch, choose)
    scores = told.scores.numpy()
    for row, answer in enumerate(batch.answer.tolist()):
        order = sorted(range(8), key=lambda clip: -scores[row, clip])
        rank = order.index(answer) + 1
        assert bool(told.right[row]) == (rank == 1)
        assert bool(told.figures["recall at 5"][row]) == (rank <= 5)
        assert float(told.figures["reciprocal rank"][row]) == pytest.approx(1 / rank)
        assert float(told.reward[row]) == pytest.approx(1 / rank)
        assert float(told.loss[row]) == pytest.approx(-np.log(scores[row, answer]), abs=1e-5)
        assert [told.words[row][clip] for clip in order] == [f"rank {at}" for at in range(1, 9)]
        similar = told.tracks["similarity"][row].double().exp()
        torch.testing.assert_close(similar / similar.sum(), told.scores[row].double())
        looked = choose.steps[answer].weights[row]
        weight = sum(float(looked[at]) for at in range(64) if batch.where[row, at])
        assert float(told.figures["weight of frames that show it"][row]) == pytest.approx(weight)


def test_a_clip_that_is_as_like_counts_as_before_the_right_one(batch: GalleryBatch) -> None:
    model = build_system("retrieval").eval()
    torch.nn.init.zeros_(model.said.weight)
    with torch.no_grad():
        told = model.outcome(batch, model.chooser(torch.Generator().manual_seed(0)))
    assert not told.right.any()
    torch.testing.assert_close(told.reward, torch.full((24,), 1 / 8))


def _toy(random: np.random.Generator, count: int, number: int) -> GalleryBatch:
    """Three clips of three frames: each word has a quadrant, one frame of the right clip lights it.

    No other clip does; two more quadrants are lit in every clip.
    """
    word, answer = random.integers(0, 4, count), random.integers(0, 3, count)
    others = np.argsort(random.random((count, 3, 4)) - 2.0 * (np.arange(4) == word[:, None, None]))
    right = (np.arange(3) == answer[:, None])[..., None]
    lit = np.where(right, others[..., :3], others[..., 1:])
    lit = random.permuted(lit, axis=2)
    frames = np.zeros((count, 9, 8, 8), np.uint8)
    rows, columns = np.divmod(lit.reshape(count, 9), 2)
    for (row, frame), down in np.ndenumerate(rows):
        across = columns[row, frame]
        frames[row, frame, 4 * down : 4 * down + 4, 4 * across : 4 * across + 4] = 200
    where = (lit == word[:, None, None]).reshape(count, 9)
    tensors = map(torch.from_numpy, (frames, word[:, None], answer, where))
    return GalleryBatch(*tensors)


TOY = {"words": 4, "frames": 3, "size": 8}


def test_reinforce_has_the_gradient_of_the_reward_that_is_to_be_expected() -> None:
    torch.manual_seed(0)
    model = build_system("retrieval", **TOY, features=4)
    with torch.no_grad():
        model.asked.weight.mul_(5)
    batch = _toy(np.random.default_rng(0), 2, 0)
    looks = list(product(*(range(3 * clip, 3 * clip + 3) for clip in range(3))))
    rewards, expected = [], torch.zeros(())
    for look in looks:
        told = model.outcome(batch, Given([torch.full((2,), at) for at in look]))
        rewards.append(told.reward)
    choose = model.chooser(torch.Generator().manual_seed(0))
    model.outcome(batch, choose)
    p = [logits.softmax(-1) for logits in choose.logits]
    for look, reward in zip(looks, rewards, strict=True):
        likely = torch.stack([p[clip][:, at] for clip, at in enumerate(look)]).prod(0)
        expected = expected + (likely * reward).mean()
    wanted = model.selector()
    truth = torch.cat([g.flatten() for g in torch.autograd.grad(-expected, wanted)])
    assert truth.abs().max() > 0.01
    plan = default_plan(
        "retrieval", baseline="none", entropy_bonus=0.0, baseline_weight=0.0, batch=2
    )
    many = GalleryBatch(
        *(getattr(batch, name).repeat_interleave(2_000, 0)
          for name in ("frames", "caption", "answer", "where"))
    )  # fmt: skip
    generator, found = torch.Generator().manual_seed(5), []
    for _ in range(12):
        goal = objective(plan, model, many, 1.0, generator)
        slopes = torch.autograd.grad(goal.total, wanted, allow_unused=False)
        found.append(torch.cat([slope.flatten() for slope in slopes]))
    every = torch.stack(found).double()
    error = every.std(0) / len(found) ** 0.5
    assert ((every.mean(0) - truth).abs() <= 5 * error + 1e-6).all()
    assert error.max() < 0.1 * truth.abs().max(), (error.max(), truth.abs().max())


def test_it_learns_where_to_look_and_a_blind_look_does_not() -> None:
    task = GeneratedTask(
        name="gallery-8",
        source="quadrants that are lit",
        make=_toy,
        describe=lambda batch, row: {},
        facts=TOY,
        blocks={"train": 1, "validation": 1, "test": 4},
    )
    right = {}
    for mechanism in ("sampled", "uniform"):
        plan = default_plan(
            "retrieval", mechanism, steps=120, batch=32, learning_rate=0.01, options={"features": 8}
        )
        right[mechanism] = train(plan, task=task).test
    assert right["sampled"].error < 0.15
    assert right["uniform"].error > 0.25
    shown = "weight of frames that show it"
    assert right["sampled"].figures[shown] > 0.8
    assert right["uniform"].figures[shown] == pytest.approx(1 / 3, abs=0.07)


def test_frames_that_cannot_be_read_and_more_looks_than_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of 8"):
        build_system("retrieval", size=30)
    with pytest.raises(ValueError, match="a clip has 8 frames"):
        build_system("retrieval", mechanism="top-k", k=9)


def test_gradients_that_need_one_choice_are_refused_with_their_reason() -> None:
    known = system("retrieval")
    assert not {"exact", "sum-and-sample", "rebar", "relax"} & set(known.gradients)
    assert "single choice" in known.note


@pytest.mark.campaign
def test_captions_teach_which_frames_to_read() -> None:
    hard = train(default_plan("retrieval")).test
    assert hard.error < 0.4
    assert hard.figures["weight of frames that show it"] > 0.9
    assert train(default_plan("retrieval", "soft")).test.error < 0.55
    assert train(default_plan("retrieval", "uniform")).test.error > 0.6
