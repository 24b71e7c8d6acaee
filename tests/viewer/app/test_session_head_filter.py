"""Which heads pass a filter and in which order they come."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from heads_runs import CROSS, HARD, SELF, write_heads_run
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_viewer.session.atlas import MEASURES, Atlas, HeadAt
from hardattn_viewer.session.expressions.syntax import ExpressionError
from hardattn_viewer.session.head_atlas import HeadStudy, Side
from hardattn_viewer.session.head_filter import (
    columns_of,
    completions_of_heads,
    filter_names,
    filtered,
)
from hardattn_viewer.session.head_numbers import HeadNumbers
from hardattn_viewer.session.head_order import head_after, shown_heads
from recorders import read_run


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> HeadNumbers:
    path = write_heads_run(tmp_path_factory.mktemp("heads") / "a.h5")
    with read_run(path) as run:
        found = [one for one in HeadStudy(Side(0, 0)).results({0: run}) if one is not None]
    return found[-1]


def kept(numbers: HeadNumbers, text: str, atlas: Atlas | None = None) -> list[HeadAt]:
    keep = filtered(text, columns_of(numbers, atlas or Atlas()))
    return [head for head, here in zip(numbers.heads, keep, strict=True) if here]


def test_a_filter_lets_through_what_it_says(numbers: HeadNumbers) -> None:
    entropy = numbers.column("entropy")
    middle = float(np.median(entropy))
    expected = [
        head
        for head, value in zip(numbers.heads, entropy, strict=True)
        if value < middle and head.site.startswith("layers.1")
    ]
    assert kept(numbers, f"entropy < {middle!r} & layer >= 1") == expected
    assert kept(numbers, "") == list(numbers.heads)
    assert [head.site for head in kept(numbers, "hard")] == [HARD]
    assert {h.site for h in kept(numbers, 'kind == "cross" and head == 3')} == {
        CROSS.format(0),
        CROSS.format(1),
    }
    assert len(kept(numbers, 'site ~ "SELF" | hard')) == 9
    assert kept(numbers, "~(layer >= 0)") == [HeadAt(HARD, 0)]
    assert kept(numbers, "0 <= layer < 1 & head*2 == 2") == [
        HeadAt(SELF.format(0), 1),
        HeadAt(CROSS.format(0), 1),
    ]
    picked = Atlas(picked=(HeadAt(HARD, 0),))
    assert kept(numbers, "picked", picked) == [HeadAt(HARD, 0)]


def test_what_a_head_has_not_is_neither_above_nor_below(numbers: HeadNumbers) -> None:
    count = len(kept(numbers, "distance >= 0"))
    assert count == 9 and not kept(numbers, "distance < 0")
    assert len(kept(numbers, "distance != 1e9")) == count


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("entropy <", "Something must follow at the end."),
        ("(entropy < 1", "A bracket is not closed."),
        ("entropy = 1", "write == instead of ="),
        ("entopy < 1", "did you mean entropy?"),
        ("banana < 1", "There is no banana: there are entropy, margin"),
        ("entropy", "That is a value, not a condition"),
        ("kind", "That is text, not a condition"),
        ("entropy & hard", "That is a value, not a condition"),
        ("kind < 1", "not of the same kind"),
        ("hard == 1", "not of the same kind"),
        ('kind < "self"', "compared with == or !="),
        ("kind + 1 > 2", "That is text; a number is needed here."),
        ("hard + 1 > 2", "A condition cannot be calculated with."),
        ("1 / 0 > 2", "divides by zero"),
        ("entropy ~ 1", "~ searches a text"),
        ("entropy(B) < 1", "Write entropy without a bracket"),
        ("max(entropy) < 1", "max(…) runs over steps"),
        ("__import__('os').system('true')", ". means nothing here."),
        ("True", "Write conditions instead of True and False."),
        ("not entropy", "not a condition"),
        ("(" * 240 + "hard" + ")" * 240, "nested too deeply"),
        ("x" * 1001, "at most 1,000 characters"),
        ("hard hard", "Something is missing before this"),
    ],
)
def test_what_is_wrong_with_a_filter_is_said(numbers: HeadNumbers, text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(words)) as error:
        kept(numbers, text)
    assert 0 <= error.value.start < error.value.end


@given(st.text(alphabet="entropylah<>=&|~!() .019\"'", max_size=30))
@settings(deadline=None, max_examples=300)
def test_no_text_makes_a_filter_fail_otherwise(text: str) -> None:
    columns: dict[str, Any] = {
        name: np.array([0.5, np.nan]) for name in ("entropy", "layer", "head")
    }
    try:
        found = filtered(text, columns)
    except ExpressionError as error:
        assert str(error)
    else:
        assert found.shape == (2,) and found.dtype == np.bool_


def test_heads_are_sorted_by_a_measure_with_unknown_ones_last(numbers: HeadNumbers) -> None:
    shown = shown_heads(numbers, Atlas(measure="distance", by_measure=True))
    values = [numbers.value("distance", head) for head in shown.heads]
    assert values[:9] == sorted(values[:9])
    assert np.isnan(values[9:]).all() and shown.of == 17
    turned = shown_heads(numbers, Atlas(measure="distance", by_measure=True, descending=True))
    assert turned.heads[:9] == shown.heads[:9][::-1]
    assert turned.heads[9:] == shown.heads[9:]


def test_a_wrong_filter_shows_all_heads_and_says_why(numbers: HeadNumbers) -> None:
    shown = shown_heads(numbers, Atlas(filter="entropy <"))
    assert len(shown.heads) == 17 and shown.error == "Something must follow at the end."
    assert shown.mark == (9, 10)


def test_names_are_completed() -> None:
    word, found = completions_of_heads("layer >= 3 & di")
    assert word == "di"
    assert [one.text for one in found] == ["diagonal", "distance", "disagreement"]
    assert completions_of_heads("layer") == ("layer", ())
    assert completions_of_heads("layer >= ")[1] == ()


def test_the_next_head_follows_the_order_and_the_ends_hold(numbers: HeadNumbers) -> None:
    shown = shown_heads(numbers, Atlas(measure="entropy", by_measure=True))
    assert head_after(shown, None, 1) == shown.heads[0]
    assert head_after(shown, shown.heads[3], 1) == shown.heads[4]
    assert head_after(shown, shown.heads[0], -1) == shown.heads[0]
    assert head_after(shown, shown.heads[-1], 1) == shown.heads[-1]


def test_every_name_of_the_help_is_a_column(numbers: HeadNumbers) -> None:
    assert set(columns_of(numbers, Atlas())) == set(filter_names()) > set(MEASURES)
