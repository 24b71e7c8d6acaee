"""Training: it learns, it is reproducible, it tells where it is, it stops when it should."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hardattn_models import ModelError, TrainingError
from hardattn_models.tasks import ImageTask, load_task
from hardattn_models.training.loop import Progress, TrainingPlan, default_plan, evaluate, train
from hardattn_models.zoo.glimpse import GlimpseClassifier


@pytest.fixture(scope="module")
def task() -> ImageTask:
    """The bundled digits with fewer to evaluate on, so that these tests stay quick."""
    whole = load_task()

    def first(split: Any, count: int) -> Any:
        return replace(split, images=split.images[:count], labels=split.labels[:count])

    return replace(whole, validation=first(whole.validation, 200), test=first(whole.test, 300))


@pytest.mark.parametrize("mechanism", ["sampled", "soft", "uniform"])
def test_a_few_dozen_updates_lower_the_loss(mechanism: str, task: ImageTask) -> None:
    told: list[Progress] = []
    plan = default_plan("glimpse", mechanism, steps=80, seed=1, batch=64, learning_rate=3e-3)
    result = train(plan, task=task, on_progress=told.append)
    losses = [progress.loss for progress in told]
    assert losses[0] == pytest.approx(math.log(10), abs=0.2)
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.1
    assert [progress.step for progress in told] == list(range(1, 81))
    assert result.test.error < 0.9
    assert result.model.mechanism == result.test.mechanism == mechanism
    assert not result.model.training


def test_the_policy_alone_learns_to_look_where_the_reward_is() -> None:
    """Digits 0 and 1 told apart by one corner: looking there is all there is to learn."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 600)
    images = np.zeros((600, 28, 28), np.uint8)
    images[labels == 1, 21:27, 21:27] = 255
    whole = load_task()

    def split(name: str, part: slice) -> Any:
        return replace(whole.split(name), images=images[part], labels=labels[part])

    corner = replace(
        whole,
        train=split("train", slice(0, 400)),
        validation=split("validation", slice(400, 500)),
        test=split("test", slice(500, 600)),
    )
    plan = default_plan("glimpse", "sampled", steps=250, batch=64, seed=0)
    model = train(plan, task=corner).model
    episode = model(torch.rand(1, 28, 28) * 0, torch.Generator().manual_seed(0))
    covers = (model.regions[:, 2:] > 21).all(-1)
    mass = episode.probabilities[0, :, covers].sum(-1)
    assert mass.max() > 2 * covers.float().mean()


def test_the_same_plan_gives_the_same_weights_whatever_happens_around_it(task: ImageTask) -> None:
    plan = default_plan("glimpse", "sampled", steps=8, seed=5, batch=32)
    quiet = train(plan, task=task)

    def disturb(step: int, model: GlimpseClassifier) -> None:
        torch.manual_seed(step)
        torch.rand(7)
        evaluate(model, task, "validation", seed=step)

    state = torch.get_rng_state()
    busy = train(plan, task=task, on_snapshot=disturb, snapshot_every=2)
    torch.set_rng_state(state)
    other = train(replace(plan, seed=6), task=task)
    assert torch.equal(torch.get_rng_state(), state)
    mine, its, another = (r.model.state_dict() for r in (quiet, busy, other))
    assert all(torch.equal(mine[name], its[name]) for name in mine)
    assert not torch.equal(mine["classify.weight"], another["classify.weight"])
    assert quiet.test == busy.test


def test_snapshots_come_first_last_and_in_between_in_evaluation_mode(task: ImageTask) -> None:
    seen: list[tuple[int, bool]] = []
    plan = default_plan("glimpse", "soft", steps=7, batch=16)
    train(
        plan,
        task=task,
        on_snapshot=lambda step, model: seen.append((step, model.training)),
        snapshot_every=3,
    )
    assert seen == [(0, False), (3, False), (6, False), (7, False)]


def test_training_stops_when_asked_and_keeps_what_it_has(task: ImageTask) -> None:
    told: list[Progress] = []
    plan = default_plan("glimpse", "sampled", steps=50, batch=16)
    result = train(plan, task=task, on_progress=told.append, should_stop=lambda: len(told) >= 3)
    assert result.stopped
    assert [progress.step for progress in result.history] == [1, 2, 3]
    assert 0 <= result.test_error <= 1


def test_the_shift_moves_what_is_trained_on_and_is_a_part_of_the_plan(task: ImageTask) -> None:
    first = [
        train(default_plan("glimpse", "soft", steps=1, shift=shift), task=task).history[0].loss
        for shift in (0, 3, 3)
    ]
    assert first[0] != first[1]
    assert first[1] == first[2]


def test_a_loss_that_is_no_longer_finite_ends_training_in_words(task: ImageTask) -> None:
    plan = default_plan("glimpse", "sampled", steps=50, batch=16, learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"update \d+ of 50.*lower the learning rate \(1e\+30"):
        train(plan, task=task)


def test_the_history_is_short_and_ends_where_training_did(task: ImageTask) -> None:
    result = train(default_plan("glimpse", "sampled", steps=9, batch=16), task=task)
    assert [progress.step for progress in result.history] == list(range(1, 10))
    assert result.facts()["plan"]["steps"] == 9
    assert result.facts()["test"]["error"] == result.test_error


def test_an_evaluation_counts_the_errors_of_the_whole_split(task: ImageTask) -> None:
    plan = default_plan("glimpse", "sampled", steps=2, batch=16)
    model = train(plan, task=task).model.with_mechanism("argmax")
    images = torch.from_numpy(task.test.images.astype(np.float32) / 255)
    wrong = (model(images).logits.argmax(-1).numpy() != task.test.labels).mean()
    found = evaluate(model, task, "test")
    assert found.error == pytest.approx(wrong)
    assert found.images == 300
    assert found.standard_error == pytest.approx(math.sqrt(wrong * (1 - wrong) / 300))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"system": "oracle"}, "no system 'oracle'"),
        ({"mechanism": "argmax"}, "cannot be trained with the mechanism 'argmax'"),
        ({"gradient": "backprop"}, "does not learn by 'backprop': choose reinforce"),
        ({"steps": 0}, "steps must be a whole number from 1"),
        ({"batch": 1.5}, "batch must be"),
        ({"seed": -1}, "seed must be"),
        ({"shift": -1}, "shift must be a whole number from 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above zero"),
        ({"clip": math.nan}, "clip must be above zero"),
        ({"entropy_bonus": -0.1}, "entropy_bonus must not be below zero"),
    ],
)
def test_a_plan_that_does_not_hold_together_is_refused_in_words(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence):
        TrainingPlan(**changes)


def test_data_that_is_not_the_plans_or_does_not_suit_the_system_is_refused(
    task: ImageTask,
) -> None:
    with pytest.raises(ModelError, match="no task 'imagenet'"):
        train(default_plan(task="imagenet"))
    with pytest.raises(TrainingError, match="plan is for mnist, but the data given is mnist-small"):
        train(default_plan(task="mnist"), task=task)
    odd = replace(task, train=replace(task.train, images=task.train.images[:, :27, :27]))
    with pytest.raises(TrainingError, match="cannot be built for the images of mnist-small"):
        train(default_plan(), task=odd)


def test_default_plans_follow_the_mechanism() -> None:
    assert default_plan("glimpse", "soft").gradient == "backprop"
    assert default_plan("glimpse", "soft").policy_weight == 0
    assert default_plan("glimpse", "sampled", steps=None, seed=4).seed == 4
    with pytest.raises(TrainingError, match="cannot be trained"):
        default_plan("glimpse", "argmax")
    with pytest.raises(TrainingError, match="snapshot_every"):
        train(default_plan(), task=load_task(), snapshot_every=0)
