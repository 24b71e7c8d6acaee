"""The translator, its verses, and the table of translations that it is compared with."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from hardattn_models import TaskError, build_system, load_task
from hardattn_models.evaluation import evaluate
from hardattn_models.tasks.lexical import train_model1
from hardattn_models.tasks.protocol import repeated
from hardattn_models.tasks.testament import bare, verses, verses_of
from hardattn_models.tasks.translation import LONGEST, english, numbers
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, train
from hardattn_models.zoo.alignment import alignment_error


def test_the_verses_are_those_of_the_books_with_their_links() -> None:
    first = next(verse for verse in verses() if verse.name == "John 1:1")
    assert " ".join(first.greek).startswith("Ἐν ἀρχῇ ἦν ὁ λόγος")
    assert " ".join(first.english[:6]) == "In the beginning was the Word"
    linked = {first.english[at]: [first.greek[i] for i in first.links[at]] for at in (2, 5)}
    assert linked == {"beginning": ["ἀρχῇ"], "Word": ["λόγος"]}
    assert [bare(word) for word in first.greek[:3]] == ["εν", "αρχη", "ην"]
    assert english(first)[6:8] == ["and", "the"]
    assert len(verses()) == 7_919


def test_the_parts_share_no_verse_and_make_up_the_whole() -> None:
    parts = [verses_of(split) for split in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(verses()) == len({v.name for part in parts for v in part})
    assert [round(20 * len(part) / len(verses())) for part in parts] == [17, 1, 2]
    with pytest.raises(TaskError, match="choose train, validation, test"):
        verses_of("dev")


def test_a_batch_has_a_row_for_each_word_and_the_words_before_it() -> None:
    task = load_task("new-testament")
    batch = next(task.batches("test", 3))
    chosen = task.split("test")[:3]
    known = numbers().words
    row = 0
    for at, verse in enumerate(chosen):
        told = [known(word) for word in english(verse)]
        edge = len(known)
        for place, word in enumerate(told):
            assert batch.word[row] == word and batch.verse[row] == at
            assert batch.before[row].tolist() == [edge, edge, *told][place : place + 2][::-1]
            linked = (batch.links[row].nonzero()[:, 0] - 1).tolist()
            assert tuple(linked) == verse.links[verse.words()[place]]
            row += 1
        assert batch.greek.lengths[at] == len(verse.greek) <= LONGEST
        assert batch.entries[at]["tokens"] == ["∅", *verse.greek]
    assert row == len(batch.word)
    copies = repeated(batch, 2)
    assert torch.equal(copies.word[::2], batch.word) and copies.greek is batch.greek


def test_what_is_learnt_from_goes_on_where_it_stood() -> None:
    task = load_task("new-testament")
    feed = task.feed(3)
    feed.next(len(task.split("train")) - 2)
    feed.next(4)
    other = task.feed(3)
    other.restore(feed.state())
    assert torch.equal(feed.next(5).word, other.next(5).word)


def test_model_1_finds_what_is_worked_out_by_hand() -> None:
    pairs = [(["das", "Haus"], ["the", "house"]), (["das", "Buch"], ["the", "book"])]
    once = train_model1(pairs, words=3, rounds=1).table
    assert [once["das", word] for word in ("the", "house", "book")] == [0.5, 0.25, 0.25]
    twice = train_model1(pairs, words=3, rounds=2)
    assert twice.table["das", "the"] == pytest.approx(4 / 7)
    smooth = train_model1(pairs, words=3, rounds=5, smoothing=0.1)
    for f in ("das", "Haus", None):
        assert sum(smooth.scores([f], e)[1] for e in ("the", "house", "book")) == pytest.approx(1)
    likely = twice.log_likelihood(["das"], "the")
    assert likely == pytest.approx(math.log((twice.table[None, "the"] + 4 / 7) / 2))


def test_the_alignment_error_is_that_of_the_sets() -> None:
    torch.manual_seed(0)
    links = torch.rand(40, 6) < 0.25
    links[:, 0] = False
    scores = torch.rand(40, 6)
    made = {(row, int(best)) for row, best in enumerate(scores.argmax(1)) if best}
    sure = {(int(row), int(at)) for row, at in links.nonzero()}
    over, under = alignment_error(scores, links)
    error = 1 - 2 * len(made & sure) / (len(made) + len(sure))
    assert float(over.sum() / under.sum()) == pytest.approx(error)


@pytest.fixture(scope="module")
def small() -> Any:
    torch.manual_seed(0)
    return build_system("alignment", width=8, **load_task("new-testament").facts)


def test_the_marginal_is_the_sum_over_all_choices_with_its_gradient(small: Any) -> None:
    batch = next(load_task("new-testament").batches("test", 2))
    rows = len(batch.word)
    summed = small.marginal(batch, small.chooser()).loss
    choose = small.chooser()
    small.outcome(batch, choose)
    log_p = choose.logits[0].log_softmax(-1)
    each = []
    for at in range(1 + LONGEST):
        given = Given([torch.full((rows,), at)])
        each.append(log_p[:, at] - small.outcome(batch, given).loss)
    brute = -torch.stack(each, -1).logsumexp(-1)
    torch.testing.assert_close(summed, brute, rtol=1e-5, atol=1e-5)
    found, wanted = (
        torch.autograd.grad(loss.mean(), [small.stems.weight, *small.selector()])
        for loss in (summed, brute)
    )
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-7)


def test_the_marginal_is_a_probability_of_words(small: Any) -> None:
    batch = next(load_task("new-testament").batches("test", 1))
    with torch.no_grad():
        # One row for each word of the vocabulary, in the place of the third word.
        words = torch.arange(small.config.words)
        asked = {
            name: getattr(batch, name)[2:3].expand(len(words), *getattr(batch, name).shape[1:])
            for name in ("before", "place", "verse", "links")
        }
        each = small.marginal(replace(batch, word=words, **asked), small.chooser()).loss
    assert float((-each).exp().sum()) == pytest.approx(1, rel=1e-4)


def test_a_word_is_said_from_the_chosen_greek_word_alone(small: Any) -> None:
    batch = next(load_task("new-testament").batches("test", 1))
    given = [torch.full_like(batch.word, 3)]
    before = small.outcome(batch, Given(given)).loss
    other = batch.greek.stems.roll(1, 1)
    other[:, 2] = batch.greek.stems[:, 2]
    changed = replace(batch, greek=replace(batch.greek, stems=other))
    assert torch.equal(small.outcome(changed, Given(given)).loss, before)
    other[:, 2] += 1
    assert not torch.equal(small.outcome(changed, Given(given)).loss, before)


@pytest.mark.parametrize("mechanism", ["sampled", "argmax", "soft", "top-k", "hybrid"])
def test_the_tap_hears_a_verse_as_one_map_and_changes_no_bit(mechanism: str) -> None:
    torch.manual_seed(0)
    model = build_system("alignment", mechanism=mechanism, width=8)
    batch = next(load_task("new-testament").batches("test", 1))
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.look.listen(lambda tap, values: heard.append(values))
        runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].loss, runs[1].loss)
    shape = (1, len(batch.word), len(batch.entries[0]["tokens"]))
    assert [values["probabilities"].shape for values in heard] == [shape]
    assert (heard[0]["selection"] is None) == (mechanism == "soft")


def test_numbers_of_words_are_told_as_means_of_verses(small: Any) -> None:
    batch = next(load_task("new-testament").batches("test", 3))
    values = torch.rand(len(batch.word), 1)
    means = small.per_example(batch, values)
    for verse, mean in enumerate(means[:, 0]):
        torch.testing.assert_close(mean, values[batch.verse == verse].mean())


def test_a_ratio_is_taken_of_the_sums_of_all_batches(small: Any) -> None:
    task = load_task("new-testament")
    one, other = (evaluate(small, task, "validation", batch=size) for size in (7, 60))
    name = "alignment error"
    assert one.figures[name] == pytest.approx(other.figures[name], abs=1e-9)
    assert 0 < one.figures[name] <= 1


@pytest.mark.slow
def test_summing_over_choices_learns_an_alignment_that_nobody_told() -> None:
    plan = default_plan("alignment", gradient="marginal", steps=150)
    model = train(plan).model
    found = evaluate(model, load_task("new-testament"), "validation").figures
    torch.manual_seed(0)
    fresh = build_system("alignment", **load_task("new-testament").facts)
    begun = evaluate(fresh, load_task("new-testament"), "validation").figures
    assert begun["alignment error"] > 0.85
    assert found["alignment error"] < 0.78
    assert found["log-likelihood of a word"] > begun["log-likelihood of a word"] + 2


@pytest.mark.campaign
def test_trained_in_full_it_aligns_better_than_model_1() -> None:
    figures = train(default_plan("alignment", gradient="marginal")).test.figures
    task = load_task("new-testament")
    pairs = [([bare(word) for word in v.greek], english(v)) for v in task.split("train")]
    table = train_model1(pairs, words=4_000)
    made, sure = set(), set()
    for row, verse in enumerate(task.split("test")):
        source = [bare(word) for word in verse.greek]
        for at in verse.words():
            best = int(table.scores(source, verse.english[at].lower()).argmax()) - 1
            sure.update((row, at, i) for i in verse.links[at])
            made.update(itertools.repeat((row, at, best), best >= 0))
    reference = 1 - 2 * len(made & sure) / (len(made) + len(sure))
    assert figures["alignment error"] < 0.47 < reference
