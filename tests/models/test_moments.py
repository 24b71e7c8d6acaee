"""Moments of training: closed forms, and training that does not notice being measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hardattn_models import TrainingError
from hardattn_models.tasks import Batch, ImageTask, load_task
from hardattn_models.training.loop import default_plan, train
from hardattn_models.training.moments import gradient_spread, moment_of
from hardattn_models.training.objective import objective
from hardattn_models.zoo.glimpse import GlimpseClassifier


@pytest.fixture(scope="module")
def task() -> ImageTask:
    whole = load_task()

    def first(split: Any, count: int) -> Any:
        return replace(split, images=split.images[:count], labels=split.labels[:count])

    return replace(whole, validation=first(whole.validation, 50), test=first(whole.test, 50))


def test_the_spread_of_gradients_is_the_trace_of_their_covariance() -> None:
    gradients = torch.tensor([[1.0, 0.0], [3.0, 4.0], [2.0, 2.0]])
    # Deviations from (2, 2): (−1, −2), (1, 2), (0, 0); their squares sum to 10.
    variance, norm = gradient_spread(gradients)
    assert variance == pytest.approx(10 / 2)
    assert norm == pytest.approx(8**0.5)
    drawn = np.random.default_rng(0).normal(size=(40, 7))
    variance, norm = gradient_spread(torch.from_numpy(drawn))
    assert variance == pytest.approx(np.trace(np.cov(drawn.T)))
    assert norm == pytest.approx(np.linalg.norm(drawn.mean(0)))


@pytest.mark.parametrize("mechanism", ["sampled", "soft"])
def test_a_moment_is_that_of_the_weights_and_changes_nothing(
    mechanism: str, task: ImageTask
) -> None:
    plan = default_plan("glimpse", mechanism, steps=6, seed=3, batch=16)
    moments = []

    def measure(step: int, model: GlimpseClassifier) -> None:
        moments.append(moment_of(model, task, plan, step, batches=3))
        assert moment_of(model, task, plan, step, batches=3) == moments[-1]
        torch.rand(5)

    watched = train(plan, task=task, on_snapshot=measure, snapshot_every=2).model
    alone = train(plan, task=task).model
    for one, other in zip(watched.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one, other)
    assert len(moments) == 4
    assert moments[0].loss == pytest.approx(np.log(10), abs=0.1)
    assert moments[0].entropy == pytest.approx(np.log(49), abs=0.1)
    for moment in moments:
        assert moment.gradient_variance > 0 and moment.gradient_norm > 0
        assert 0 <= moment.reward <= 1 and moment.temperature == 1.0
    assert len({moment.loss for moment in moments}) == 4


def test_batches_of_one_gradient_have_no_variance(
    task: ImageTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same images every time, soft attention has the same gradient every time."""
    one = replace(task.train, images=task.train.images[:1], labels=task.train.labels[:1])
    plan = default_plan("glimpse", "soft", steps=4, seed=0, batch=4, shift=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GlimpseClassifier().with_mechanism("soft")
    moment = moment_of(model, replace(task, train=one), plan, 0, batches=2)
    assert moment.gradient_variance == pytest.approx(0.0, abs=1e-9)
    images = torch.from_numpy(one.images[[0] * 4]).float() / 255
    goal = objective(plan, model, Batch(images, torch.from_numpy(one.labels[[0] * 4]), []), 1.0)
    goal.total.backward()
    norm = torch.cat([p.grad.reshape(-1) for p in model.parameters() if p.grad is not None]).norm()
    assert moment.gradient_norm == pytest.approx(norm.item(), rel=1e-4)
    assert moment.loss == pytest.approx(goal.loss.item(), rel=1e-5)


def test_one_batch_has_no_variance_to_tell(task: ImageTask) -> None:
    plan = default_plan("glimpse", "soft", steps=4)
    with pytest.raises(TrainingError, match="2 batches"):
        moment_of(GlimpseClassifier(), task, plan, 0, batches=1)
