"""Filter expressions: what they let through, and what is said where they are wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_viewer.session.filters import FilterError, completions, filter_rows
from hardattn_viewer.session.rows import Rows, RunColumns, Sort, align, sort_rows

NAN = float("nan")


def columns(prediction: list[int], entropy: list[float], index: list[int]) -> RunColumns:
    n = len(prediction)
    return RunColumns(
        index=np.array(index),
        prediction=np.array(prediction),
        confidence=np.linspace(0.5, 1.0, n),
        label_probability=np.linspace(0.0, 1.0, n),
        entropy=np.array(entropy),
        reward=np.array([1.0] * n),
        steps=np.array([6.0] * n),
    )


ROWS = Rows(
    names=("cat-1", "dog-2", "cat-3", "fox-4"),
    label=np.array([3, 5, 3, -1]),
    a=columns([3, 4, 2, 1], [1.0, 2.5, NAN, 3.0], [0, 1, 2, 3]),
    b=columns([3, 5, 2, -1], [1.0, 1.0, 1.0, 1.0], [0, 1, 2, -1]),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2, 3]),
        ("wrong", [1, 2]),
        ("wrong(A)", [1, 2]),
        ("right(A)", [0]),
        ("wrong(A) & entropy > 2", [1]),
        ("entropy > 2 & wrong(A)", [1]),
        ("wrong(A) | entropy(A) >= 3", [1, 2, 3]),
        ("~wrong(A)", [0, 3]),
        ("not wrong(A) and entropy < 2", [0]),
        ("agree", [0, 2]),
        ("missing(B)", [3]),
        ("prediction(A) == prediction(B)", [0, 2]),
        ("true == 3", [0, 2]),
        ("1 <= entropy < 3", [0, 1]),
        ('"cat" in name', [0, 2]),
        ('name == "fox-4"', [3]),
        ("entropy != 1", [1, 3]),
        ("number <= 2", [0, 1]),
        ("entropy(A) - entropy(B) > 1", [1, 3]),
        ("(wrong(A) | agree) & ~(true == 5)", [0, 2]),
    ],
)
def test_a_filter_lets_through_what_it_says(text: str, expected: list[int]) -> None:
    assert np.flatnonzero(filter_rows(text, ROWS)).tolist() == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("entrpy > 2", "There is no entrpy: did you mean entropy?"),
        ("entropy", "That is a value, not a condition: compare it, as in entropy > 2."),
        ("entropy = 2", "To compare, write == instead of =."),
        ("wrong(A", "A bracket is not closed."),
        ("wrong(A) &", "Something must follow at the end."),
        ("wrong(C)", "Write wrong(A) or wrong(B)."),
        ("A", "A is a run: write for example wrong(A)."),
        ("entropy > name", "entropy and name are not of the same kind."),
        ("1/0 > 1", "That divides by zero."),
        ("name.upper()", "name.upper() cannot be used in a filter."),
        ("[x for x in name]", "[x for x in name] cannot be used in a filter."),
        ("__import__('os').system('true')", ""),
        ("(lambda: 1)() > 0", ""),
        ("-" * 480 + "1", ""),
        ("entropy > 1" + " " * 600, "A filter may be at most 500 characters long."),
        ("'\\d' in name >", ""),
        ("True", "Write conditions instead of True and False."),
    ],
)
def test_a_wrong_filter_is_explained_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        filter_rows(text, ROWS)
    assert "\n" not in str(caught.value) and str(caught.value)
    if words:
        assert str(caught.value) == words


@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_filter(text: str) -> None:
    try:
        assert filter_rows(text, ROWS).shape == (4,)
    except FilterError as error:
        assert str(error)


def test_a_run_that_is_not_there_cannot_be_asked() -> None:
    alone = Rows(ROWS.names, ROWS.label, ROWS.a, None)
    with pytest.raises(FilterError, match="There is no run in slot B"):
        filter_rows("wrong(B)", alone)
    assert "wrong(B)" not in completions(both=False)
    assert "wrong(B)" in completions(both=True)


def test_missing_values_are_sorted_last_either_way() -> None:
    everything = np.ones(4, dtype=np.bool_)
    assert sort_rows(ROWS, everything, Sort("entropy", descending=False)) == (0, 1, 3, 2)
    assert sort_rows(ROWS, everything, Sort("entropy", descending=True)) == (3, 1, 0, 2)


def test_names_that_occur_twice_are_paired_in_order() -> None:
    a, b = align(["x", "x", ""], ["", "x", "", "x"])
    assert a.tolist() == [0, 1, 2, -1]
    assert b.tolist() == [1, 3, 2, 0]
