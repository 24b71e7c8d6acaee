"""Training that is interrupted, saved and gone on with is training that never stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hardattn_models import (
    CheckpointError,
    TrainingError,
    build_system,
    load_system,
    load_training,
    read_metadata,
    save_system,
)
from hardattn_models.tasks import ImageTask, load_task
from hardattn_models.training.loop import Progress, default_plan, train
from hardattn_models.training.plan import TrainingPlan
from hardattn_models.training.watch import Watch


@pytest.fixture(scope="module")
def task() -> ImageTask:
    whole = load_task()

    def first(split: Any, count: int) -> Any:
        return replace(split, images=split.images[:count], labels=split.labels[:count])

    # 150 images and batches of 16: the order is drawn anew on the way.
    return replace(
        whole,
        train=first(whole.train, 150),
        validation=first(whole.validation, 40),
        test=first(whole.test, 40),
    )


CASES = [
    {"mechanism": "sampled"},
    {"mechanism": "sampled", "baseline": "moving-average"},
    {"mechanism": "sampled", "gradient": "muprop"},
    {"mechanism": "sampled", "gradient": "relax", "options": {"glimpses": 1}},
    {"mechanism": "soft", "schedule": "adaptive", "end_temperature": 0.2},
    {"mechanism": "gumbel-straight-through"},
    {"mechanism": "gaussian", "gradient": "rloo", "samples": 2},
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
@pytest.mark.parametrize("at", [11, 19])
def test_going_on_gives_the_same_bits_as_never_stopping(
    case: dict[str, Any], at: int, task: ImageTask, tmp_path: Path
) -> None:
    options = {"hidden": 16, "features": 8, **case.get("options", {})}
    plan = default_plan("glimpse", steps=25, seed=2, batch=15, **{**case, "options": options})
    told: list[Progress] = []
    whole = train(plan, task=task, on_progress=told.append)
    first = train(plan, task=task, until=at)
    assert first.stopped and not whole.stopped
    path = tmp_path / "half.safetensors"
    save_system(first.model, path, {"training": first.facts()}, standing=first.standing)
    again, model, standing = load_training(path)
    assert again == plan and standing.step == at
    rest: list[Progress] = []
    second = train(again, task=task, model=model, standing=standing, on_progress=rest.append)
    mine, its = whole.model.state_dict(), second.model.state_dict()
    assert all(torch.equal(mine[name], its[name]) for name in mine)
    assert [replace(one, seconds=0.0) for one in rest] == [
        replace(one, seconds=0.0) for one in told[at:]
    ]
    assert second.test == whole.test
    assert whole.model.temperature == second.model.temperature


def test_a_checkpoint_to_go_on_from_is_also_a_model(task: ImageTask, tmp_path: Path) -> None:
    plan = default_plan(
        "glimpse", "gumbel-softmax", steps=4, batch=8, options={"hidden": 16, "features": 8}
    )
    result = train(plan, task=task)
    path = tmp_path / "whole.safetensors"
    save_system(result.model, path, {"training": result.facts()}, standing=result.standing)
    model = load_system(path)
    assert model.temperature == pytest.approx(0.5)
    weights = result.model.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    assert read_metadata(path)["training"]["plan"]["mechanism"] == "gumbel-softmax"
    with pytest.raises(TrainingError, match="4 updates are made already"):
        plan, model, standing = load_training(path)
        train(plan, task=task, model=model, standing=standing)


def test_what_cannot_be_gone_on_with_is_refused_in_words(task: ImageTask, tmp_path: Path) -> None:
    path = tmp_path / "alone.safetensors"
    save_system(build_system("glimpse", hidden=16, features=8), path)
    with pytest.raises(CheckpointError, match="holds a model alone"):
        load_training(path)
    result = train(default_plan(steps=2, batch=8), task=task, until=1)
    save_system(result.model, path, {}, standing=result.standing)
    with pytest.raises(CheckpointError, match="does not tell its training"):
        load_training(path)
    facts = result.facts()
    facts["plan"]["telepathy"] = True
    save_system(result.model, path, {"training": facts}, standing=result.standing)
    with pytest.raises(CheckpointError, match="telepathy"):
        load_training(path)
    torn = replace(result.standing, tensors={})
    with pytest.raises(CheckpointError, match="cannot be taken up"):
        train(result.plan, task=task, model=result.model, standing=torn)


def watched(plan: TrainingPlan, seen: Any) -> None:
    watch = Watch(plan)
    for step, (taught, entropy, reward) in enumerate(seen, 1):
        watch.see(step, taught=taught, entropy=entropy, reward=reward)


def test_a_network_that_no_gradient_reaches_ends_training_in_words(task: ImageTask) -> None:
    plan = default_plan(steps=80, batch=8, policy_weight=0.0, options={"hidden": 16, "features": 8})
    with pytest.raises(TrainingError, match=r"no gradient has reached .* for 50 updates"):
        train(plan, task=task)


def test_a_policy_that_makes_up_its_mind_for_nothing_ends_training_in_words() -> None:
    falling = [(True, 3.9 * 0.95**step, 0.1) for step in range(400)]
    with pytest.raises(TrainingError, match=r"collapsed.*raise entropy_bonus"):
        watched(default_plan(steps=500), falling)
    # The same entropy with a reward that rises is a policy that has learnt what it must.
    watched(
        default_plan(steps=500), [(t, e, 0.1 + 0.002 * i) for i, (t, e, _) in enumerate(falling)]
    )
    # A blind control has nothing to learn.
    watched(default_plan("glimpse", "uniform", steps=500), [(False, 0.0, 0.1)] * 400)


def test_a_policy_driven_to_one_place_is_found_out_while_it_trains(task: ImageTask) -> None:
    """Without any bonus and with labels that no glimpse tells, a steep policy collapses."""
    labels = torch.randint(0, 10, (150,), generator=torch.Generator().manual_seed(0)).numpy()
    blank = replace(task, train=replace(task.train, images=task.train.images * 0, labels=labels))
    plan = default_plan(
        steps=500,
        batch=32,
        shift=0,
        baseline="none",
        entropy_bonus=0.0,
        policy_weight=100.0,
        learning_rate=0.05,
        options={"hidden": 16, "features": 8, "glimpses": 1},
    )
    with pytest.raises(TrainingError, match="the choices have collapsed"):
        train(plan, task=blank)
