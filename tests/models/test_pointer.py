"""The pointer network and its tasks: right answers are right, and it learns them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hardattn_models import TaskError, TrainingError, build_system, load_task, systems
from hardattn_models.tasks.pointing import convex_hull
from hardattn_models.told import Given
from hardattn_models.training.loop import TrainingResult, default_plan, train


def chain(points: np.ndarray) -> list[int]:
    """The hull by walking around it: from each corner the point that has all others to its left."""

    def turn(a: int, b: int, c: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = points[a], points[b], points[c]
        return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)

    start = at = int(points[:, 1].argmin())
    corners = []
    while True:
        corners.append(at)
        others = [i for i in range(len(points)) if i != at]
        at = next(i for i in others if all(turn(at, i, j) > 0 for j in others if j != i))
        if at == start:
            break
    first = corners.index(min(corners))
    return corners[first:] + corners[:first]


@pytest.mark.parametrize("n", [3, 5, 10])
def test_hulls_are_those_that_walking_around_the_points_finds(n: int) -> None:
    points = np.random.default_rng(n).random((200, n, 2))
    for one, found in zip(points, convex_hull(points), strict=True):
        wanted = chain(one)
        assert found.tolist() == wanted + wanted[:1] * (n + 1 - len(wanted))


def test_a_generated_split_is_always_the_same_and_shares_nothing_with_training() -> None:
    task = load_task("hull")
    first, again = (list(task.batches("test", 64, 640)) for _ in range(2))
    assert all(torch.equal(a.things, b.things) for a, b in zip(first, again, strict=True))
    assert [entry["name"] for batch in first for entry in batch.entries][:3] == [
        "test-00000",
        "test-00001",
        "test-00002",
    ]
    assert {batch.things.shape[1] for batch in first} == set(range(5, 11))
    seen = {tuple(points) for b in first for points in b.things[:, 0].tolist()}
    feed = task.feed(0)
    assert not seen & {tuple(p) for _ in range(60) for p in feed.next(64).things[:, 0].tolist()}
    assert len(task.split("test")) == 6_000
    with pytest.raises(TaskError, match="no split 'dev'"):
        task.split("dev")
    with pytest.raises(TaskError, match="generated and takes no folder"):
        load_task("hull", "x")


def test_sorting_asks_for_the_numbers_in_their_order() -> None:
    batch = next(load_task("sort-10").batches("test", 50))
    ordered = batch.things[..., 0].gather(1, batch.targets[:, :-1])
    assert (ordered.diff(dim=1) > 0).all()
    assert torch.equal(batch.targets[:, -1], batch.targets[:, 0])
    assert batch.entries[0]["tokens"][3] == f"{batch.things[0, 3, 0]:.3f}"


@pytest.mark.parametrize("mechanism", systems()[1].mechanisms)
def test_every_pointer_is_told_to_the_tap_and_changes_no_bit(mechanism: str) -> None:
    torch.manual_seed(0)
    model = build_system("pointer", mechanism=mechanism, width=16, layers=1)
    batch = next(load_task("hull-5").batches("test", 7))
    heard: list[dict[str, Any]] = []

    def run() -> Any:
        choose = model.chooser(torch.Generator().manual_seed(1))
        return choose, model.outcome(batch, choose)

    silent = run()[1]
    model.point.listen(lambda tap, values: heard.append(values))
    choose, outcome = run()
    assert torch.equal(silent.loss, outcome.loss)
    assert len(heard) == len(choose.steps) == 6
    for values, step in zip(heard, choose.steps, strict=True):
        assert torch.equal(values["probabilities"], step.probabilities)
        assert values["probabilities"].shape == (7, 5)
    assert model.point.key_axis == "points"


@pytest.fixture(scope="module")
def hulls_of_five() -> TrainingResult:
    torch.set_num_threads(1)
    return train(default_plan("pointer", task="hull-5", steps=300, batch=64))


def test_given_the_right_pointers_every_answer_that_is_best_throughout_is_right(
    hulls_of_five: TrainingResult,
) -> None:
    """What is best at each step given the truth before it is what argmax says when it is right."""
    model = hulls_of_five.model
    batch = next(load_task("hull-5").batches("test", 100))
    with torch.no_grad():
        given = model.outcome(batch, Given(model.answers(batch)))
        alone = model.outcome(batch, model.chooser())
    assert torch.equal(given.right, alone.right)
    assert 0 < alone.right.mean() < 1
    # Of an answer that is right, every pointer is; of another, at least one is not.
    assert torch.equal(alone.reward == 1, alone.right == 1)


def test_it_learns_hulls_of_five_points_in_seconds(hulls_of_five: TrainingResult) -> None:
    result = hulls_of_five
    assert result.test.figures["exact, n = 5"] > 0.75
    assert result.test.figures["exact, n = 5"] == pytest.approx(1 - result.test.error)


def test_a_reward_alone_teaches_it() -> None:
    told: list[float] = []
    plan = default_plan(
        "pointer",
        "sampled",
        gradient="rloo",
        task="hull-5",
        steps=120,
        batch=32,
        options={"width": 32, "layers": 2},
    )
    train(plan, on_progress=lambda progress: told.append(progress.reward))
    assert np.mean(told[-20:]) > np.mean(told[:20]) + 0.08


@pytest.mark.campaign
def test_it_meets_the_published_figures_on_hulls_of_five_to_ten_points() -> None:
    figures = train(default_plan("pointer")).test.figures
    assert figures["exact, n = 5"] >= 0.93
    assert figures["exact, n = 10"] >= 0.86


def test_what_makes_no_sense_for_a_pointer_network_is_refused_in_words() -> None:
    with pytest.raises(TrainingError, match="does not learn by 'muprop': choose likelihood"):
        default_plan("pointer", "sampled", gradient="muprop")
    with pytest.raises(TrainingError, match="choose likelihood; no gradient passes an argmax"):
        default_plan("pointer", "argmax", gradient="backprop")
    with pytest.raises(TrainingError, match="cannot be built for recall-8"):
        train(default_plan("pointer", task="recall-8", steps=1))


def test_an_answer_alone_ends_where_it_closes_and_is_the_same(
    hulls_of_five: TrainingResult,
) -> None:
    model = hulls_of_five.model
    together = next(load_task("hull-5").batches("test", 30))
    with torch.no_grad():
        wanted = model.outcome(together, model.chooser())
        for row, one in enumerate(load_task("hull-5").batches("test", 1, 30)):
            choose = model.chooser()
            found = model.outcome(one, choose)
            assert found.right[0] == wanted.right[row]
            assert found.reward[0] == pytest.approx(wanted.reward[row].item())
            pointed = [int(step.index) for step in choose.steps]
            assert pointed[-1] == pointed[0] or len(pointed) == 6
            assert pointed[0] not in pointed[1:-1]
