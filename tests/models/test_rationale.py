"""The reader of a few words, and its verses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from hardattn_models import build_system, load_task
from hardattn_models.evaluation import evaluate
from hardattn_models.tasks.books import KINDS, LONGEST, SHORTEST, kind_of, vocabulary
from hardattn_models.tasks.testament import verses
from hardattn_models.training.loop import default_plan, train


def test_every_book_has_its_kind() -> None:
    found = {verse.name.rsplit(" ", 1)[0]: KINDS[kind_of(verse)] for verse in verses()}
    assert len(found) == 27
    assert [book for book, kind in found.items() if kind == "gospel"] == [
        "Matthew", "Mark", "Luke", "John"
    ]  # fmt: skip
    assert found["Acts"] == "Acts" and found["Revelation"] == "Revelation"
    assert found["Romans"] == found["Jude"] == "letter"


def test_a_batch_holds_the_words_of_its_verses_and_mixes_the_books() -> None:
    task = load_task("books")
    named = {verse.name: verse for verse in task.split("test")}
    batch = next(task.batches("test", 50))
    for row, entry in enumerate(batch.entries):
        verse = named[entry["name"]]
        words = [verse.english[at] for at in verse.words()]
        assert entry["tokens"] == words and SHORTEST <= len(words) <= LONGEST
        assert batch.lengths[row] == len(words)
        numbers = [vocabulary()(word.lower()) for word in words]
        assert batch.words[row].tolist() == numbers + [0] * (LONGEST - len(words))
        assert batch.kind[row] == entry["label"] == kind_of(verse)
    assert len(set(batch.kind.tolist())) >= 3


@pytest.mark.parametrize("mechanism", ["top-k", "hybrid", "sampled", "argmax"])
def test_words_that_were_not_chosen_change_nothing_of_what_is_told(mechanism: str) -> None:
    torch.manual_seed(0)
    model = build_system("rationale", mechanism=mechanism, **load_task("books").facts)
    batch = next(load_task("books").batches("test", 20))
    choose = model.chooser(torch.Generator().manual_seed(1))
    before = model.outcome(batch, choose)
    index = choose.steps[0].index
    # The half that tells has its own embeddings; the words that it is given are changed in place.
    read = model.read.forward
    there = torch.zeros_like(batch.words, dtype=torch.bool).scatter(1, index, True)

    def other(words: torch.Tensor) -> torch.Tensor:
        return read(torch.where(there, words, words.roll(1, 1)))

    model.read.forward = other
    again = model.outcome(batch, model.chooser(torch.Generator().manual_seed(1)))
    torch.testing.assert_close(again.scores, before.scores, rtol=0, atol=0)
    there.fill_(False)
    assert not torch.equal(
        model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))).scores, before.scores
    )


def test_what_is_read_is_counted() -> None:
    task = load_task("books")
    lengths = [len(verse.words()) for verse in task.split("validation")]
    torch.manual_seed(0)
    for mechanism, words in (("top-k", 3), ("sampled", 1), ("soft", None)):
        model = build_system("rationale", mechanism=mechanism, k=3, width=4, **task.facts)
        figures = evaluate(model, task, "validation").figures
        mean = sum(lengths) / len(lengths)
        read = words or mean
        assert figures["words read"] == pytest.approx(read)
        assert figures["share of words read"] == pytest.approx(read / mean)


def test_a_text_alone_is_told_to_the_tap_without_what_fills_it_up() -> None:
    torch.manual_seed(0)
    model = build_system("rationale", width=4)
    heard: list[dict[str, Any]] = []
    model.look.listen(lambda tap, values: heard.append(values))
    batch = next(load_task("books").batches("test", 1))
    runs = [
        model.outcome(part, model.chooser(torch.Generator().manual_seed(1)))
        for part in (batch, replace(batch, entries=[]))
    ]
    assert torch.equal(runs[0].loss, runs[1].loss)
    shape = heard[0]["probabilities"].shape
    assert shape == (1, len(batch.entries[0]["tokens"]))
    assert heard[0]["selection"].shape == (1, 4)
    torch.testing.assert_close(heard[0]["probabilities"].sum(-1), torch.ones(1))


def test_chosen_words_tell_more_than_as_many_random_ones() -> None:
    found = {}
    for name, temperature in (("chosen", 1.0), ("random", 1e6)):
        plan = default_plan(
            "rationale",
            gradient="rloo",
            temperature=temperature,
            end_temperature=temperature,
            steps=250,
            learning_rate=0.01,
            options={"k": 2},
        )
        found[name] = train(plan).test.error
    assert found["chosen"] < found["random"] - 0.05
