"""The chooser of tools: one tool is run, and what it gives teaches which to run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from hardattn_models import TrainingError, build_system, load_task
from hardattn_models.gradients import estimate
from hardattn_models.registry import system
from hardattn_models.tasks.toolbox import LARGEST, REFUSED, TOOLS, Tool
from hardattn_models.tasks.tooling import ToolBatch
from hardattn_models.told import Given, Weighted
from hardattn_models.training.loop import default_plan, evaluate, train
from hardattn_models.zoo import tools


@pytest.mark.parametrize("mechanism", system("tools").mechanisms)
def test_the_tap_hears_what_was_chosen_and_changes_no_bit(mechanism: str) -> None:
    task = load_task("offer-8")
    torch.manual_seed(0)
    model = build_system("tools", mechanism=mechanism, **task.facts)
    batch = next(task.batches("test", 7))
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.choice.listen(lambda tap, values: heard.append(values))
        runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].scores, runs[1].scores)
    torch.testing.assert_close(runs[0].scores.sum(-1), torch.ones(7))
    assert [values["probabilities"].shape for values in heard] == [(7, 8)]


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tools that are run from now on."""
    found: list[str] = []

    def watched(tool: Tool) -> Tool:
        def function(*numbers: int) -> int:
            found.append(tool.name)
            return tool.function(*numbers)

        return replace(tool, function=function)

    monkeypatch.setattr(tools, "TOOLS", tuple(watched(tool) for tool in TOOLS))
    return found


def accepted(batch: ToolBatch, at: torch.Tensor) -> list[str]:
    """Names of the tools at places ``[batch, n]`` of the offer that take so many numbers."""
    return [
        TOOLS[tool].name
        for row, places in enumerate(at.tolist())
        for tool in batch.tools[row, places].tolist()
        if TOOLS[tool].takes == int((batch.numbers[row] > 0).sum())
    ]


@pytest.mark.parametrize(
    ("mechanism", "calls", "calls_to_learn"),
    [
        ("sampled", 1, 1),
        ("argmax", 1, 1),
        ("uniform", 1, 1),
        ("top-k", 2, 2),
        ("straight-through", 1, 8),
        ("gumbel-straight-through", 1, 8),
        ("soft", 8, 8),
        ("gumbel-softmax", 8, 8),
    ],
)
def test_only_what_is_chosen_is_run_and_a_blend_runs_all(
    mechanism: str, calls: int, calls_to_learn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_task("offer-8")
    torch.manual_seed(0)
    model = build_system("tools", mechanism=mechanism, **task.facts)
    batch = next(task.batches("test", 40))
    found = counting(monkeypatch)
    for count, learns in ((calls, False), (calls_to_learn, True)):
        found.clear()
        choose = model.chooser(torch.Generator().manual_seed(2))
        with torch.set_grad_enabled(learns):
            outcome = model.outcome(batch, choose)
        assert outcome.figures["calls"].tolist() == [count] * 40
        assert torch.equal(outcome.tracks["calls"][:, 0], outcome.figures["calls"])
        index = choose.steps[0].index if count < 8 else torch.arange(8).expand(40, 8)
        assert sorted(found) == sorted(accepted(batch, index))


def test_a_sparse_blend_runs_what_has_weight() -> None:
    task = load_task("offer-8")
    torch.manual_seed(0)
    model = build_system("tools", mechanism="sparsemax", temperature=0.01, **task.facts)
    choose = model.chooser()
    with torch.no_grad():
        found = model.outcome(next(task.batches("test", 40)), choose).figures["calls"]
    assert torch.equal(found, (choose.steps[0].weights > 0).sum(1).float())
    assert 1 <= found.min() < found.max() < 8


def test_the_answer_is_what_the_tool_gives_and_a_blend_shares_its_belief_among_answers() -> None:
    task = load_task("offer-8")
    torch.manual_seed(0)
    model = build_system("tools", mechanism="soft", **task.facts)
    batch = next(task.batches("test", 60))
    gives = [
        [TOOLS[tool](*[one for one in pair if one]) for tool in offered]
        for offered, pair in zip(batch.tools.tolist(), batch.numbers.tolist(), strict=True)
    ]
    for place in range(8):
        outcome = model.outcome(batch, Given([torch.full((60,), place)]))
        said = [str(row[place]) if row[place] != REFUSED else "refused" for row in gives]
        assert outcome.words == [[one] for one in said]
        assert outcome.right.tolist() == [
            row[place] == answer for row, answer in zip(gives, batch.answer.tolist(), strict=True)
        ]
    choose = model.chooser()
    outcome = model.outcome(batch, choose)
    weights = choose.steps[0].weights
    losses = outcome.loss.tolist()
    for row in range(60):
        by_answer: dict[int, float] = {}
        for value, weight in zip(gives[row], weights[row].tolist(), strict=True):
            by_answer[value] = by_answer.get(value, 0.0) + weight
        belief = 0.99 * by_answer[int(batch.answer[row])] + 0.01 / (LARGEST + 2)
        assert losses[row] == pytest.approx(-math.log(belief), rel=1e-5)
        best = max(by_answer, key=lambda value: by_answer[value])
        assert outcome.words[row] == [str(best) if best != REFUSED else "refused"]
    meant = outcome.figures["weight of the tool that is meant"]
    assert torch.equal(meant, weights.gather(1, batch.where[:, None])[:, 0].detach())


def test_an_answer_may_be_right_by_another_tool_than_the_one_that_is_meant() -> None:
    task = load_task("offer-32")
    model = build_system("tools", mechanism="uniform", **task.facts)
    found = evaluate(model, task)
    assert found.figures["weight of the tool that is meant"] == pytest.approx(1 / 32, abs=0.01)
    assert 0.05 < 1 - found.error < 0.15


def test_the_gradient_by_enumeration_is_that_of_the_expected_loss() -> None:
    task = load_task("offer-8")
    torch.manual_seed(0)
    model = build_system("tools", **task.facts)
    batch = next(task.batches("test", 30))
    choose = model.chooser()
    model.outcome(batch, choose)
    logits = choose.logits[0].detach().double().requires_grad_()
    losses = torch.stack(
        [model.outcome(batch, Given([torch.full((30,), at)])).loss for at in range(8)], 1
    ).double()
    (wanted,) = torch.autograd.grad((logits.softmax(-1) * losses).sum(), logits)

    def loss(weights: torch.Tensor) -> torch.Tensor:
        return model.outcome(batch, Weighted(weights)).loss

    found = estimate("exact", logits.detach().float(), loss)
    torch.testing.assert_close(found.double(), wanted, atol=1e-4, rtol=1e-4)


def test_several_tools_are_no_answer_and_that_is_said() -> None:
    assert "gates are left out" in system("tools").note
    with pytest.raises(TrainingError, match="cannot be trained with the mechanism 'gates'"):
        default_plan("tools", "gates")


@pytest.mark.parametrize(
    ("mechanism", "gradient", "steps"), [("soft", "backprop", 150), ("sampled", "reinforce", 400)]
)
def test_answers_alone_soon_teach_which_tool_to_call(
    mechanism: str, gradient: str, steps: int
) -> None:
    task = load_task("offer-4")
    plan = default_plan("tools", mechanism, gradient=gradient, task="offer-4", steps=steps)
    found = evaluate(train(plan).model.with_mechanism("argmax"), task)
    control = evaluate(build_system("tools", mechanism="uniform", **task.facts), task)
    name = "weight of the tool that is meant"
    assert control.figures[name] == pytest.approx(0.25, abs=0.02)
    assert found.error < control.error - 0.25
    assert found.figures[name] > 0.5


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("mechanism", "gradient"), [("sampled", "reinforce"), ("soft", "backprop")]
)
def test_which_tool_to_call_is_learnt_and_held_among_more(mechanism: str, gradient: str) -> None:
    best = train(default_plan("tools", mechanism, gradient=gradient)).model.with_mechanism("argmax")
    for size, most in ((16, 0.15), (32, 0.25)):
        found = evaluate(best, load_task(f"offer-{size}"))
        assert found.error < most
        assert found.figures["calls"] == 1
