"""The memory network and its tasks: one slot answers, and answers alone teach which."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hardattn_models import build_system, load_task, systems
from hardattn_models.tasks.recall import FACTS, SIZES
from hardattn_models.training.loop import default_plan, evaluate, train


@pytest.mark.parametrize("size", SIZES)
def test_exactly_one_slot_has_both_words_and_distractors_have_one(size: int) -> None:
    batches = list(load_task(f"recall-{size}").batches("test", 100, 300))
    slots = torch.cat([batch.slots for batch in batches])
    asked = torch.cat([batch.question for batch in batches])
    where = torch.cat([batch.where for batch in batches])
    same = slots == asked[:, None]
    both = same.all(-1)
    assert torch.equal(both.sum(1), torch.ones(300, dtype=torch.int64))
    assert torch.equal(both.int().argmax(1), where)
    values = torch.cat([batch.values for batch in batches])
    answers = torch.cat([batch.answer for batch in batches])
    assert torch.equal(values.gather(1, where[:, None])[:, 0], answers)
    others = same[~both]
    assert others.any(-1).float().mean() > 0.65


def test_a_memory_is_told_in_words() -> None:
    batch = next(load_task("recall-8").batches("test", 5))
    for row, entry in enumerate(batch.entries):
        first, second = batch.question[row].tolist()
        assert entry["tokens"][2] == FACTS.first[first]
        assert FACTS.second[second] in entry["tokens"]
        fact = entry["memory"][int(batch.where[row])]
        answer = FACTS.answers[entry["label"]]
        assert fact == f"{FACTS.first[first]}'s {FACTS.second[second]}: {answer}"
        assert len(entry["memory"]) == 8


@pytest.mark.parametrize("mechanism", systems()[2].mechanisms)
def test_the_tap_hears_what_was_read_and_changes_no_bit(mechanism: str) -> None:
    torch.manual_seed(0)
    model = build_system("memory", mechanism=mechanism)
    batch = next(load_task("recall-8").batches("test", 7))
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.read.listen(lambda tap, values: heard.append(values))
        runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].loss, runs[1].loss)
    assert torch.equal(runs[0].scores, runs[1].scores)
    shape = (7, 1, 8, 2) if mechanism == "gates" else (7, 8)
    assert [values["probabilities"].shape for values in heard] == [shape]


def test_a_hard_reader_sees_no_other_slot() -> None:
    torch.manual_seed(0)
    model = build_system("memory", mechanism="argmax")
    batch = next(load_task("recall-8").batches("test", 20))
    choose = model.chooser()
    before = model.outcome(batch, choose)
    other = (batch.values + 1) % 16
    index = choose.steps[0].index
    kept = other.scatter(1, index, batch.values.gather(1, index))
    batch.values.copy_(kept)
    assert torch.equal(model.outcome(batch, model.chooser()).scores, before.scores)


def test_the_exact_gradient_learns_faster_than_reinforce() -> None:
    found = {}
    for gradient in ("exact", "reinforce"):
        plan = default_plan("memory", gradient=gradient, steps=200, batch=64)
        found[gradient] = train(plan).test.figures["weight of the right slot"]
    assert found["exact"] > 0.5
    assert found["exact"] > found["reinforce"] + 0.2


def test_answers_alone_teach_which_slot_to_read_and_a_larger_memory_is_read_as_well() -> None:
    model = train(default_plan("memory", steps=700, batch=64)).model
    best = model.with_mechanism("argmax")
    assert evaluate(best, load_task("recall-16")).error < 0.05
    assert evaluate(best, load_task("recall-256")).error < 0.15


@pytest.mark.parametrize(("gradient", "steps", "most"), [("muprop", 500, 0.05), ("rloo", 300, 0.2)])
def test_estimators_soon_find_which_slot_to_read(gradient: str, steps: int, most: float) -> None:
    # Other seeds: 0.0 each, and 0.01 to 0.06; fifteen of sixteen slots are wrong by chance.
    result = train(default_plan("memory", gradient=gradient, steps=steps, batch=64))
    assert evaluate(result.model.with_mechanism("argmax"), load_task("recall-16")).error < most


@pytest.mark.campaign
@pytest.mark.parametrize("gradient", ["reinforce", "muprop", "rloo", "rebar", "relax"])
def test_every_unbiased_estimator_gets_there(gradient: str) -> None:
    result = train(default_plan("memory", gradient=gradient))
    assert evaluate(result.model.with_mechanism("argmax"), load_task("recall-16")).error < 0.01
