"""The summariser, and what its quotes say of the rest."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from hardattn_models import TaskError, build_system, load_task
from hardattn_models.evaluation import evaluate
from hardattn_models.tasks.passages import passages_of
from hardattn_models.tasks.quotes import (
    QUOTES,
    VERSES,
    WHOLE,
    best_quotes,
    content,
    told_by,
    vocabulary,
)
from hardattn_models.tasks.testament import MARKS
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, train


def worth(verses: list[list[str]], quoted: set[int]) -> float:
    """How much of the rest quotes say, counted on plain lists."""
    said = {word for at in quoted for word in verses[at]}
    rest = [word for at, verse in enumerate(verses) if at not in quoted for word in verse]
    return sum(word in said for word in rest) / max(len(rest), 1)


def told(passage: Any) -> list[list[str]]:
    return [content(verse.english) for verse in passage.verses[:VERSES]]


def test_marks_and_the_commonest_words_do_not_count() -> None:
    line = "And Jesus said to the disciples , “ Cast the net ! ”"
    assert content(tuple(line.split(" "))) == ["disciples", "cast", "net"]


def test_a_batch_holds_the_content_words_of_its_verses() -> None:
    task = load_task("quotes")
    batch = next(task.batches("test", 20))
    named = {f"{p.verses[0].name}–{p.verses[VERSES - 1].number}": p for p in task.split("test")}
    for row, entry in enumerate(batch.entries):
        passage = named[entry["name"]]
        verses = told(passage)
        assert len(entry["tokens"]) == VERSES
        for at, words in enumerate(verses):
            verse = passage.verses[at]
            assert entry["tokens"][at] == f"{verse.number} {' '.join(verse.english)}"
            known = [vocabulary()(word) for word in words]
            assert batch.words[row, at, : len(words)].tolist() == known
            assert batch.lengths[row, at] == len(words)
            assert not set(words) & MARKS
    with pytest.raises(TaskError, match="choose train, validation, test"):
        task.split("dev")
    with pytest.raises(TaskError, match="make no batch"):
        next(task.batches("test", 5, 0))


def test_what_is_learnt_from_are_eight_verses_of_ten_in_their_order() -> None:
    feed = load_task("quotes").feed(0)
    before = feed.state()
    batch = feed.next(40)
    feed.restore(before)
    assert torch.equal(feed.next(40).counts, batch.counts)
    lengths = {
        tuple(len(content(v.english)) for v in passage.verses)
        for passage in passages_of("train", WHOLE, 10_000)
    }
    for row in batch.lengths.tolist():
        assert any(
            tuple(whole[i] for i in range(WHOLE) if i not in out) == tuple(row)
            for whole in lengths
            for out in combinations(range(WHOLE), WHOLE - VERSES)
        )


def test_what_quotes_say_is_counted_as_on_plain_lists_and_the_best_is_the_best() -> None:
    task = load_task("quotes")
    batch = next(task.batches("test", 30))
    named = {f"{p.verses[0].name}–{p.verses[VERSES - 1].number}": p for p in task.split("test")}
    best, most = best_quotes(batch)
    for row, entry in enumerate(batch.entries):
        verses = told(named[entry["name"]])
        every = {one: worth(verses, set(one)) for one in combinations(range(VERSES), QUOTES)}
        for one, wanted in every.items():
            quoted = torch.zeros(VERSES)
            quoted[list(one)] = 1
            found = told_by(batch.counts[row], batch.lengths[row], quoted)
            assert found.item() == pytest.approx(wanted, abs=1e-5)
        assert most[row].item() == pytest.approx(max(every.values()), abs=1e-5)
        chosen = tuple(best[row].nonzero().flatten().tolist())
        assert every[chosen] == pytest.approx(max(every.values()), abs=1e-5)


def test_a_blend_is_worth_what_is_to_be_expected_of_quoting_each_verse_by_chance() -> None:
    """Numerator and denominator are each the mean over all sets, weighted by their probability."""
    batch = next(load_task("quotes").batches("test", 1))
    counts, lengths = batch.counts[0].double(), batch.lengths[0]
    m = torch.from_numpy(np.random.default_rng(0).random(VERSES))
    over = under = 0.0
    for bits in range(2**VERSES):
        quoted = torch.tensor([float(bits >> i & 1) for i in range(VERSES)], dtype=torch.float64)
        p = float(torch.where(quoted > 0, m, 1 - m).prod())
        rest = float((lengths * (1 - quoted)).sum())
        over += p * float(told_by(counts, lengths, quoted)) * rest
        under += p * rest
    assert told_by(counts, lengths, m).item() == pytest.approx(over / under)


@pytest.fixture(scope="module")
def small() -> Any:
    torch.manual_seed(0)
    return build_system("summary", width=8, **load_task("quotes").facts)


def test_no_verse_is_quoted_twice_and_the_worth_is_that_of_the_quotes(small: Any) -> None:
    batch = next(load_task("quotes").batches("test", 50))
    choose = small.chooser(torch.Generator().manual_seed(0))
    with torch.no_grad():
        outcome = small.outcome(batch, choose)
    index = torch.cat([step.index for step in choose.steps], 1)
    assert index.shape == (50, QUOTES)
    assert all(len(set(row)) == QUOTES for row in index.tolist())
    quoted = torch.zeros(50, VERSES).scatter(1, index, 1.0)
    torch.testing.assert_close(outcome.reward, told_by(batch.counts, batch.lengths, quoted))
    for row, words in enumerate(outcome.words):
        assert words == [batch.entries[row]["tokens"][at] for at in index[row]]


def test_what_blends_quotes_three_verses_too(small: Any) -> None:
    batch = next(load_task("quotes").batches("test", 50))
    soft = small.with_mechanism("soft")
    with torch.no_grad():
        choose = soft.chooser()
        outcome = soft.outcome(batch, choose)
    best = torch.stack([step.probabilities.argmax(-1) for step in choose.steps], 1)
    assert any(len(set(row)) < QUOTES for row in best.tolist())
    for row, words in enumerate(outcome.words):
        tokens = batch.entries[row]["tokens"]
        assert len(set(words)) == QUOTES and words[0] == tokens[best[row, 0]]
        quoted = torch.tensor([float(token in words) for token in tokens])
        found = told_by(batch.counts[row], batch.lengths[row], quoted)
        assert outcome.reward[row].item() == pytest.approx(found.item())


def test_the_best_quotes_are_right_and_others_are_not(small: Any) -> None:
    batch = next(load_task("quotes").batches("test", 50))
    small.eval()
    best, most = best_quotes(batch)
    orders = best.int().argsort(1, descending=True)[:, :QUOTES]
    given = small.outcome(batch, Given(list(orders.unbind(1))))
    assert bool((given.right == 1).all())
    torch.testing.assert_close(given.reward, most)
    others = (~best).int().argsort(1, descending=True)[:, :QUOTES]
    assert float(small.outcome(batch, Given(list(others.unbind(1)))).right.mean()) < 0.2
    small.train()


def test_gradients_reach_what_chooses_and_nothing_else(small: Any) -> None:
    batch = load_task("quotes").feed(0).next(30)
    learns = {name for name, _ in small.named_parameters() if not name.startswith("expect")}

    def reached(value: torch.Tensor) -> set[str]:
        small.zero_grad()
        value.sum().backward()
        return {name for name, one in small.named_parameters() if one.grad is not None}

    assert reached(small.outcome(batch, small.chooser(how="soft")).loss) == learns
    choose = small.chooser(torch.Generator().manual_seed(0))
    drawn = small.outcome(batch, choose)
    assert not drawn.loss.requires_grad and not drawn.reward.requires_grad
    assert reached(choose.log_prob()) == learns
    assert drawn.baseline.shape == (30, QUOTES)


def test_it_learns_to_quote_in_seconds() -> None:
    result = train(default_plan("summary", steps=150))
    blind = result.model.with_mechanism("uniform")
    task = load_task("quotes")
    chance = evaluate(blind, task).figures["said of the rest"]
    assert evaluate(result.model.with_mechanism("argmax"), task).figures["said of the rest"] > (
        chance + 0.04
    )
