"""Small tools and requests with an offer of them: what each gives, and what is held out."""

from __future__ import annotations

import math

import pytest
import torch

from hardattn_models import load_task
from hardattn_models.tasks.toolbox import LARGEST, LEAST, MOST, REFUSED, TOOLS, Tool
from hardattn_models.tasks.tooling import FRAMES, SIZES, WORDS, ToolBatch


def _prime(a: int) -> bool:
    return a > 1 and all(a % b for b in range(2, a))


def _factors(a: int) -> list[int]:
    """Prime factors, by division."""
    found = []
    for b in range(2, a + 1):
        while a % b == 0:
            found.append(b)
            a //= b
    return found


def _shared(a: int, b: int) -> int:
    """The greatest common divisor, by Euclid."""
    return a if b == 0 else _shared(b, a % b)


def _dividing(a: int) -> list[int]:
    return [b for b in range(1, a + 1) if a / b == int(a / b)]


INDEPENDENT = {
    "plus": lambda a, b: len([0] * a + [0] * b),
    "minus": lambda a, b: len(range(b, a)),
    "times": lambda a, b: sum(a for _ in range(b)),
    "distance": lambda a, b: int(math.dist([a], [b])),
    "perimeter": lambda a, b: a + b + a + b,
    "quotient": lambda a, b: len(range(b, a + 1, b)),
    "remainder": lambda a, b: a - b * math.floor(a / b),
    "packs": lambda a, b: len(range(0, a, b)),
    "common divisor": _shared,
    "common multiple": lambda a, b: a * b // _shared(a, b),
    "larger": lambda a, b: sorted([a, b])[1],
    "smaller": lambda a, b: sorted([a, b])[0],
    "mean": lambda a, b: math.floor((a + b) / 2),
    "mean from above": lambda a, b: math.ceil((a + b) / 2),
    "between": lambda a, b: len([c for c in range(100) if a < c < b or b < c < a]),
    "range": lambda a, b: (a + b) * (abs(a - b) + 1) // 2,
    "double": lambda a: a + a,
    "triple": lambda a: a + a + a,
    "tenfold": lambda a: int(f"{a}0"),
    "half": lambda a: len(range(2, a + 1, 2)),
    "third": lambda a: len(range(3, a + 1, 3)),
    "square": lambda a: a**2,
    "root": lambda a: int(math.sqrt(a)),
    "next": lambda a: range(a, 99)[1],
    "previous": lambda a: range(a)[-1],
    "next prime": lambda a: min(b for b in range(a + 1, 99) if _prime(b)),
    "last prime": lambda a: max(b for b in range(a + 1) if _prime(b)),
    "tens above": lambda a: min(b for b in range(0, 99, 10) if b >= a),
    "tens below": lambda a: max(b for b in range(0, 99, 10) if b <= a),
    "change": lambda a: len(range(a, 100)),
    "digit sum": lambda a: a // 10 + a % 10,
    "digit product": lambda a: (a // 10 or 1) * (a % 10),
    "last digit": lambda a: a - 10 * (a // 10),
    "mirror": lambda a: 10 * (a % 10) + a // 10 if a > 9 else a,
    "bits": lambda a: f"{a:b}".count("1"),
    "divisors": lambda a: math.prod(
        _factors(a).count(prime) + 1 for prime in set(_factors(a))
    ),
    "first factor": lambda a: min(_factors(a)),
    "last factor": lambda a: max(_factors(a)),
    "sum of divisors": lambda a: sum(_dividing(a)),
    "primes": lambda a: len([b for b in range(a + 1) if _prime(b)]),
    "triangle": lambda a: math.comb(a + 1, 2),
}  # fmt: skip
"""Each tool once more, reckoned otherwise."""


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_gives_what_it_says_and_takes_no_other_count_of_numbers(tool: Tool) -> None:
    numbers = range(LEAST, MOST + 1)
    asked = (
        [(a,) for a in numbers] if tool.takes == 1 else [(a, b) for a in numbers for b in numbers]
    )
    for one in asked:
        assert tool(*one) == INDEPENDENT[tool.name](*one), one
        assert 0 <= tool(*one) <= LARGEST
    assert tool(*range(LEAST, LEAST + 3 - tool.takes)) == REFUSED


def test_no_two_tools_are_the_same_and_no_request_is_of_two() -> None:
    pairs = [(a, b) for a in range(LEAST, MOST + 1) for b in range(LEAST, MOST + 1)]
    assert (
        len({(tool.takes, *(tool(*pair[: tool.takes]) for pair in pairs)) for tool in TOOLS}) == 41
    )
    requests = [text for tool in TOOLS for text in (*tool.requests, tool.new)]
    descriptions = [text for tool in TOOLS for text in tool.descriptions]
    assert len(set(requests)) == 5 * 41 and len(set(descriptions)) == 4 * 41
    for tool in TOOLS:
        assert {text.split().count("#") for text in (*tool.requests, tool.new)} == {tool.takes}


def test_new_requests_have_no_new_words() -> None:
    known = {word for tool in TOOLS for text in tool.requests for word in text.split()}
    for tool in TOOLS:
        assert set(tool.new.split()) <= known


def words_of(coded: torch.Tensor) -> str:
    return " ".join(WORDS[word] for word in coded.tolist() if word)


def meant_of(batch: ToolBatch, row: int) -> tuple[Tool, str, str]:
    """The tool that is meant, the request without its frame, and what the tool is offered by."""
    where = int(batch.where[row])
    tool = TOOLS[batch.tools[row, where]]
    asked = words_of(batch.request[row])
    (core,) = [
        text
        for text in (*tool.requests, tool.new)
        if asked in [frame.format(text) for frame in FRAMES]
    ]
    return tool, core, words_of(batch.descriptions[row, where])


@pytest.mark.parametrize("size", SIZES)
def test_an_offer_holds_the_tool_that_is_meant_once_and_relatives_in_no_order(size: int) -> None:
    batches = list(load_task(f"offer-{size}").batches("test", 100, 1_000))
    places = torch.cat([batch.where for batch in batches]).bincount(minlength=size)
    assert places.min() > 0.5 * 1_000 / size and places.max() < 2 * 1_000 / size + 10
    near = []
    for batch in batches[:3]:
        for row in range(100):
            offered = batch.tools[row].tolist()
            assert len(set(offered)) == size
            tool, _, description = meant_of(batch, row)
            assert description in tool.descriptions
            numbers = batch.numbers[row, : tool.takes].tolist()
            assert int(batch.answer[row]) == INDEPENDENT[tool.name](*numbers)
            near.append(sum(TOOLS[one].family == tool.family for one in offered) - 1)
            for at, one in enumerate(offered):
                assert words_of(batch.descriptions[row, at]) in TOOLS[one].descriptions
    # By chance it would be an eighth of the others.
    assert sum(near) / 300 > (1.2 if size == 4 else 2.0)


def test_no_pair_of_a_request_and_a_description_is_trained_on_and_tested() -> None:
    task = load_task("offer-8")
    feed = task.feed(0)
    trained, tested = set(), set()
    for _ in range(60):
        batch = feed.next(100)
        trained |= {meant_of(batch, row) for row in range(100)}
        assert not batch.new.any()
    for part in ("validation", "test"):
        for batch in task.batches(part, 100, 1_000):
            found = [meant_of(batch, row) for row in range(100)]
            assert batch.new.tolist() == [core == tool.new for tool, core, _ in found]
            tested |= set(found)
    assert not trained & tested
    known = {pair for pair in tested if pair[1] != pair[0].new}
    # All of them: 41 tools, four wordings, three of four descriptions, and the fourth.
    assert (len(trained), len(known)) == (41 * 12, 41 * 4)
    # Each of both was trained on, beside others.
    assert {pair[:2] for pair in known} <= {pair[:2] for pair in trained}
    assert {pair[2] for pair in tested} <= {pair[2] for pair in trained}


def test_a_request_is_told_with_its_numbers_and_an_offer_in_words() -> None:
    batch = next(load_task("offer-8").batches("test", 50))
    for row, entry in enumerate(batch.entries):
        asked = words_of(batch.request[row])
        for number in batch.numbers[row].tolist():
            asked = asked.replace("#", str(number), 1)
        assert " ".join(entry["tokens"]) == asked and "#" not in asked
        assert entry["memory"] == [words_of(text) for text in batch.descriptions[row]]
        assert entry["label"] == int(batch.answer[row])
