"""Every mechanism of the glimpse classifier learns by every gradient that it names."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from hardattn_models import TrainingError, build_system, systems
from hardattn_models.gradients import estimators
from hardattn_models.pairs import PAIRS, SINGLE
from hardattn_models.registry import system
from hardattn_models.tasks import ImageTask, load_task
from hardattn_models.training.learner import Learner
from hardattn_models.training.loop import TrainingPlan, default_plan, train

GLIMPSE = systems()[0]
EVERY = [(m, g) for m, gradients in GLIMPSE.trainable.items() for g in gradients]


@pytest.fixture(scope="module")
def task() -> ImageTask:
    whole = load_task()

    def first(split: Any, count: int) -> Any:
        return replace(split, images=split.images[:count], labels=split.labels[:count])

    return replace(whole, validation=first(whole.validation, 50), test=first(whole.test, 50))


@pytest.mark.parametrize(("mechanism", "gradient"), EVERY)
def test_every_pair_moves_what_chooses_and_what_sees(
    mechanism: str, gradient: str, task: ImageTask
) -> None:
    options = {"hidden": 16, "features": 8, "glimpses": 1 if gradient in SINGLE else 2}
    plan = default_plan(
        "glimpse",
        mechanism,
        gradient=gradient,
        # Small steps away from a place change no verdict until there are verdicts to change.
        steps=60 if mechanism == "gaussian" else 6,
        batch=24,
        samples=2,
        learning_rate=0.01,
        options=options,
    )
    starts: list[dict[str, torch.Tensor]] = []

    def keep(step: int, model: Any) -> None:
        starts.append({name: value.clone() for name, value in model.state_dict().items()})

    result = train(plan, task=task, on_snapshot=keep)
    end = result.model.state_dict()
    assert not torch.equal(end["what.weight"], starts[0]["what.weight"])
    moved = not torch.equal(end["policy.2.weight"], starts[0]["policy.2.weight"])
    assert moved == (mechanism != "uniform")
    assert all(bool(value.isfinite().all()) for value in end.values())
    assert result.model.mechanism == mechanism


@pytest.mark.parametrize("baseline", ["learned", "moving-average", "none"])
def test_reinforce_has_three_baselines(baseline: str, task: ImageTask) -> None:
    plan = default_plan(
        "glimpse", baseline=baseline, steps=3, batch=8, options={"hidden": 16, "features": 8}
    )
    last = train(plan, task=task).history[-1]
    assert (last.baseline > 0) == (baseline == "learned")


def test_temperatures_fall_as_they_are_told(task: ImageTask) -> None:
    for schedule, middle in (("exponential", 0.5), ("linear", 0.625), ("constant", 1.0)):
        plan = default_plan(
            "glimpse",
            "gumbel-softmax",
            schedule=schedule,
            temperature=1.0,
            end_temperature=0.25,
            steps=5,
            batch=8,
            options={"hidden": 16, "features": 8},
        )
        told = train(plan, task=task).history
        assert told[0].temperature == 1.0
        assert told[2].temperature == pytest.approx(middle)
        assert told[-1].temperature == pytest.approx(1.0 if schedule == "constant" else 0.25)


def test_an_adaptive_temperature_brings_the_entropy_down_to_its_target(task: ImageTask) -> None:
    plan = default_plan(
        "glimpse",
        "soft",
        schedule="adaptive",
        end_temperature=1e-4,
        end_entropy=2.0,
        steps=250,
        batch=8,
        options={"hidden": 16, "features": 8},
    )
    told = train(plan, task=task).history
    assert told[0].entropy == pytest.approx(3.89, abs=0.1)
    assert told[-1].entropy == pytest.approx(2.0, abs=0.8)
    assert told[-1].entropy < told[0].entropy - 1
    assert told[-1].temperature != 1.0


@pytest.mark.parametrize("mechanism", list(PAIRS))
def test_every_other_pair_is_refused_with_its_reason(mechanism: str) -> None:
    able = next(one for one in systems() if mechanism in one.trainable)
    for gradient in ("backprop", *GLIMPSE.gradients):
        if gradient in able.trainable[mechanism]:
            continue
        with pytest.raises(TrainingError, match="does not learn by") as told:
            TrainingPlan(
                system=able.name, mechanism=mechanism, gradient=gradient, task=able.tasks[0]
            )
        assert len(str(told.value).split("; ")) >= 2
        assert "\n" not in str(told.value)


OTHERS = {
    "pointer": ("hull-5", {"width": 16, "layers": 1}),
    "memory": ("recall-8", {"width": 8}),
    "tools": ("offer-8", {"width": 8}),
    "alignment": ("new-testament", {"width": 8}),
    "rationale": ("books", {"width": 8}),
    "copier": ("names", {"width": 8}),
    "answers": ("answers", {"width": 8}),
    "summary": ("quotes", {"width": 8}),
    "captioner": ("scenes", {"features": 8, "hidden": 16}),
    "localiser": ("clutter-64", {"channels": 4, "features": 8}),
    "video": ("clip-name", {"features": 8}),
    "retrieval": ("gallery-8", {"features": 8}),
    "latent": ("mnist-small", {"hidden": 16, "width": 8, "codes": 8}),
    "vqa": ("easy-vqa", {"features": 8}),
    "speech": ("spoken-2", {"features": 8, "hidden": 16}),
}


@pytest.mark.parametrize(
    ("name", "mechanism", "gradient"),
    [
        (known.name, mechanism, gradient)
        for known in systems()[1:]
        for mechanism, gradients in known.trainable.items()
        for gradient in gradients
    ],
)
def test_every_pair_of_every_other_system_moves_what_chooses(
    name: str, mechanism: str, gradient: str
) -> None:
    task_name, options = OTHERS[name]
    plan = default_plan(
        name, mechanism, gradient=gradient, task=task_name, batch=8, samples=2, options=options
    )
    data = load_task(task_name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        facts = system(name).fit(data)
        model = build_system(name, mechanism=mechanism, **facts, **options)
    before = [one.detach().clone() for one in model.selector()]
    learner = Learner(plan, model, data)
    for step in range(1, 4):
        progress = learner.update(step)
    assert math.isfinite(progress.loss)
    moved = [not torch.equal(a, b) for a, b in zip(before, model.selector(), strict=True)]
    assert any(moved) == (mechanism != "uniform")


def test_a_learned_baseline_needs_a_network_that_expects() -> None:
    plan = default_plan("pointer", "sampled", gradient="reinforce", baseline="learned", batch=4)
    with pytest.raises(TrainingError, match="choose the baseline moving-average or none"):
        train(plan)


def test_every_estimator_teaches_two_systems_at_least() -> None:
    for known in estimators():
        # A blend is taught by backpropagation through it.
        name = "backprop" if known.name == "soft" else known.name
        taught = [
            one.name for one in systems() if any(name in row for row in one.trainable.values())
        ]
        assert len(taught) >= 2, (known.name, taught)
