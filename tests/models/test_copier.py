"""The copier, and the names that it fills in."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

from hardattn_models import TaskError, build_system, load_task
from hardattn_models.evaluation import evaluate
from hardattn_models.tasks.gaps import BEFORE, GAP, SIZE, hidden, vocabulary
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, train


def test_a_gap_stands_between_the_words_around_the_missing_name() -> None:
    task = load_task("names")
    gaps = [gap for split in ("train", "validation", "test") for gap in task.split(split)]
    (gap,) = [gap for gap in gaps if (gap.where, gap.name) == ("John 1:45", "Nathanael")]
    assert gap.around[BEFORE] == GAP and len(gap.around) == SIZE
    assert gap.around[BEFORE - 2 : BEFORE] == ("Philip", "found")
    assert gap.around[BEFORE + 1 : BEFORE + 4] == ("and", "told", "him")


def test_hidden_names_are_neither_learnt_nor_in_the_vocabulary() -> None:
    task = load_task("names")
    trained = {gap.name for gap in task.split("train")}
    test = next(task.batches("test", 2_000))
    never = test.seen == 0
    assert 100 < int(never.sum()) < len(never)
    for gap, entry in zip(task.split("test"), test.entries, strict=True):
        assert gap.around[BEFORE] == GAP and entry["tokens"][BEFORE] == GAP
    often = Counter(gap.name for one in ("train", "validation", "test") for gap in task.split(one))
    kept = {name for name, count in often.items() if hidden(name, count)}
    assert 0.15 < len(kept) / len(often) < 0.35
    assert not kept & trained and not any(map(vocabulary(), kept))
    with pytest.raises(TaskError, match="choose train, validation, test"):
        task.split("dev")


def test_half_of_what_is_learnt_from_does_not_tell_its_name_apart() -> None:
    batch = load_task("names").feed(0).next(2_000)
    same = (batch.spelt == batch.missing.unsqueeze(-1)) & batch.there
    apart = (batch.words != 0) & same & (batch.name > 0).unsqueeze(-1)
    there = same.any(1) & (batch.name > 0)
    assert 0.4 < float(apart.any(1)[there].float().mean()) < 0.6


@pytest.fixture(scope="module")
def small() -> Any:
    torch.manual_seed(0)
    return build_system("copier", width=8, mechanism="argmax", **load_task("names").facts)


def test_what_is_chosen_is_what_is_answered(small: Any) -> None:
    batch = next(load_task("names").batches("test", 200))
    same = (batch.spelt == batch.missing.unsqueeze(-1)) & batch.there
    rows = torch.arange(len(batch.name))
    there = same.any(1)
    first = same.int().argmax(1)
    copied = small.outcome(batch, Given([torch.where(there, first, BEFORE)]))
    assert bool((copied.right[there] == 1).all())
    torch.testing.assert_close(copied.loss[there], torch.zeros(int(there.sum())))
    wrong = (batch.there & ~same).int()
    wrong[:, BEFORE] = 0
    other = wrong.argmax(1)
    assert not bool(same[rows, other].any())
    assert float(small.outcome(batch, Given([other])).right.sum()) == 0


def test_the_marginal_sums_what_is_copied_and_what_is_said(small: Any) -> None:
    batch = next(load_task("names").batches("test", 50))
    summed = small.marginal(batch, small.chooser()).loss
    choose = small.chooser()
    small.outcome(batch, choose)
    p = choose.logits[0].softmax(-1)
    total = torch.zeros(50)
    for at in range(SIZE):
        given = Given([torch.full((50,), at)])
        total = total + p[:, at] * (-small.outcome(batch, given).loss).exp()
    torch.testing.assert_close(summed, -total.log(), rtol=1e-4, atol=1e-4)


def test_a_blend_cannot_say_a_name_that_it_never_learnt() -> None:
    torch.manual_seed(0)
    for mechanism, able in (("soft", False), ("argmax", True)):
        plan = default_plan("copier", mechanism, steps=250)
        figures = evaluate(train(plan).model, load_task("names")).figures
        assert (figures["right, never seen"] > 0.1) == able
        if not able:
            assert figures["right, never seen"] == 0
