"""Expressions over examples: what they let through, and what is said where they are wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_viewer.session.expressions.blocks import StepColumns, Tables
from hardattn_viewer.session.expressions.completing import completions, completions_at
from hardattn_viewer.session.expressions.evaluating import evaluate
from hardattn_viewer.session.expressions.fields import Recorded, Vocabulary
from hardattn_viewer.session.expressions.needs import needs
from hardattn_viewer.session.expressions.parsing import MAX_LENGTH, parse
from hardattn_viewer.session.expressions.syntax import ExpressionError
from hardattn_viewer.session.rows import Rows, RunColumns, Sort, align, sort_rows

NAN = float("nan")
PIECES = (
    *("any(", "all(", "count(", "mean(", "first(", "(", ")", "and", "or", "not", "~", "!~", ">"),
    *("==", "<=", "+", "-", "*", "/", "1", "0", "1e400", "2.5", "entropy", "entropy(B)", "wrong"),
    *("name", "token", "'x'", '"light"', "`kl/mean`", "step", "reward", "true", "A", "é", "\u202e"),
)


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
EVERYTHING = Recorded(
    frozenset({"label", "prediction", "tokens", "selection", "later tokens", "advantage"}),
    ("reward", "baseline", "kl/mean"),
)
BOTH = Vocabulary(EVERYTHING, EVERYTHING)
# Steps of A: 0.5 2.5 | 1 | (none) | 3 3 NaN; B has one step of each but the last.
STEPS_A = StepColumns(
    starts=np.array([0, 2, 3, 3, 6]),
    step=np.array([0, 1, 0, 0, 1, 2]),
    fields={
        "entropy": np.array([0.5, 2.5, 1.0, 3.0, 3.0, NAN]),
        "reward": np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]),
        "kl/mean": np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        "token": np.array(["The", "light", "of", "day", "", "LIGHT"], dtype=object),
    },
    texts=np.array(["the light", "", "darkness", "É clair"], dtype=object),
)
STEPS_B = StepColumns(
    starts=np.array([0, 1, 2, 3]),
    step=np.array([0, 0, 0]),
    fields={"entropy": np.array([1.0, 2.0, 3.0]), "reward": np.zeros(3)},
    texts=np.array(["a", "b", "c"], dtype=object),
)
TABLES = Tables(ROWS, BOTH, STEPS_A, STEPS_B, {1: "look again"})


def filter_rows(text: str, tables: Tables = TABLES) -> np.ndarray:
    needs(text, tables.vocabulary, "examples")
    (block,) = tables.blocks()
    return evaluate(parse(text), block, "examples")


def find_steps(text: str, tables: Tables = TABLES) -> list[tuple[int, int]]:
    """Row and step of every hit."""
    needs(text, tables.vocabulary, "steps")
    (block,) = tables.blocks()
    holds = evaluate(parse(text), block, "steps")
    rows = block.segments.spread(np.arange(block.high - block.low))
    return list(zip(rows[holds].tolist(), block.step[holds].tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
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
        ('name ~ "CAT"', [0, 2]),
        ('name !~ "cat"', [1, 3]),
        ('text ~ "LIGHT"', [0]),
        # One letter, or a letter and its accent: the same text.
        ('text ~ "e\u0301"', [3]),
        ("bookmarked", [1]),
        ('note ~ "again"', [1]),
        ('name == "fox-4"', [3]),
        ("entropy != 1", [1, 3]),
        ("example <= 1", [0, 1]),
        ("entropy ≥ 2.5", [1, 3]),
        ("any(entropy > 2)", [0, 3]),
        ("all(entropy > 2)", []),
        ("all(entropy >= 0.5)", [0, 1]),
        ("count(entropy > 2) == 2", [3]),
        # The run in A has no step of row 2: there is nothing to count.
        ("count(entropy > 2) == 0", [1]),
        ("share(reward > 0) == 0.5", [0]),
        ("max(entropy) == 3", [3]),
        ("min(entropy) < 1", [0]),
        ("mean(entropy) == 1.5", [0]),
        ("sum(entropy) == 6", [3]),
        ("first(entropy) < last(reward)", [0]),
        ("last(entropy) > 0", [0, 1]),
        ("first(entropy > 2)", [3]),
        ('any(token ~ "light")', [0, 3]),
        ('last(token) == "LIGHT"', [3]),
        # A bare number of steps is its mean: of reward 0.5, 0, none, 2/3.
        ("reward > 0.5", [3]),
        ("`kl/mean` > 2", [1, 3]),
        ("any(entropy(A) < entropy(B))", [0, 1]),
        ("all(entropy(A) < entropy(B))", [0, 1]),
        ("any(entropy > mean(entropy))", [0]),
        ("any(entropy > 2 & wrong)", []),
        ("max(entropy(B)) == 3", [2]),
        ("max(step) == 3", [3]),
        ("-entropy < -2", [1, 3]),
        ("entropy * 2 - 1 > 4 / 2", [1, 3]),
        ("wrong(A) == wrong(B)", [0, 2, 3]),
        ("not not wrong", [1, 2]),
        ("entropy(A) - entropy(B) > 1", [1, 3]),
        ("(wrong(A) | agree) & ~(true == 5)", [0, 2]),
    ],
)
def test_a_filter_lets_through_what_it_says(text: str, expected: list[int]) -> None:
    assert np.flatnonzero(filter_rows(text)).tolist() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("entropy > 2", [(0, 1), (3, 0), (3, 1)]),
        ("entropy > 2 and not correct", [(3, 0), (3, 1)]),
        ("step == 2", [(0, 1), (3, 1)]),
        ("step == 1", [(0, 0), (1, 0), (2, 0), (3, 0)]),
        # Only steps that A has, though B has one in row 2.
        ("not (entropy > 2)", [(0, 0), (1, 0), (3, 2)]),
        ("entropy(A) < entropy(B)", [(0, 0), (1, 0)]),
        ("entropy > mean(entropy)", [(0, 1)]),
        ('token ~ "light"', [(0, 1), (3, 2)]),
        ("wrong & reward == 0", [(1, 0)]),
    ],
)
def test_a_search_finds_the_steps_that_it_says(text: str, expected: list[tuple[int, int]]) -> None:
    assert find_steps(text) == expected


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("entrpy > 2", "There is no entrpy: did you mean entropy?", "entrpy"),
        ("entropy", "That is a value, not a condition: compare it, as in entropy > 2.", "entropy"),
        ("name", 'That is text, not a condition: compare it, as in name ~ "cat".', "name"),
        ("entropy = 2", "To compare, write == instead of =.", "="),
        ("wrong(A", "A bracket is not closed.", "("),
        ("wrong(A) &", "Something must follow at the end.", ""),
        ("wrong(C)", "Write wrong(A) or wrong(B).", "C"),
        ("A", "A is a run: write for example wrong(A).", "A"),
        ("entropy > name", "A number cannot be compared with text.", "entropy > name"),
        ("wrong > 1", "A condition cannot be compared with a number.", "wrong > 1"),
        ("name < 'x'", "Text is compared with == != ~ or !~.", "name < 'x'"),
        ("1/0 > 1", "That divides by zero.", "0"),
        ("wrong + 1 > 2", "A condition cannot be calculated with.", "wrong"),
        ("name + 1 > 2", "That is text; a number is needed here.", "name"),
        ("name.upper()", ". means nothing here.", "."),
        ("[x for x in name]", "[ means nothing here.", "["),
        ('"cat" in name', 'To search a text, write name ~ "cat".', "in"),
        ("entropy ~ 'x'", '~ searches a text: write for example name ~ "cat".', "entropy"),
        ("step > 2", "step is of each step: say of which, as in max(step).", "step"),
        ("token ~ 'x'", 'token is of each step: say of which, as in any(token ~ "the").', "token"),
        ("name ~ 'x", "The text is not closed: write ' after it.", "'x"),
        ("wrong)", "A bracket is closed that was not opened.", ")"),
        ("wrong right", "Something is missing before this: & or |, or a sign such as >.", "right"),
        ("true(A) == 1", "true is the same in A and B: write it without a bracket.", "true(A)"),
        ("`nope` > 1", "No scalar called nope was recorded.", "`nope`"),
        ("temperature > 1", "The run in A has no temperature: it was not recorded.", "temperature"),
        ("(lambda: 1)() > 0", ": means nothing here.", ":"),
        ("not " * 200 + "wrong", "That is nested too deeply.", "not"),
        ("(" * 300 + "1" + ")" * 300, "That is nested too deeply.", "("),
        ("any(" * 100 + "wrong" + ")" * 100, "That is nested too deeply.", "any"),
        ("wrong & " * 200 + "wrong", "An expression may be at most 1,000 characters long.", None),
        ("True", "Write conditions instead of True and False.", "True"),
    ],
)
def test_a_wrong_expression_is_explained_where_it_is_wrong(
    text: str, words: str, marked: str | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        filter_rows(text)
    assert str(caught.value) == words
    if marked is not None:
        assert text[caught.value.start : caught.value.end] == marked


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
@settings(max_examples=1_000, deadline=None)
def test_no_text_breaks_an_expression(text: str) -> None:
    for ask in (filter_rows, find_steps):
        try:
            ask(text or "wrong")
        except ExpressionError as error:
            assert str(error) and "\n" not in str(error)
            assert 0 <= error.start < error.end


def test_long_chains_are_no_depth() -> None:
    chain = " + ".join(["1"] * ((MAX_LENGTH - 10) // 4))
    assert filter_rows(f"{chain} > 2").all()
    assert filter_rows(" & ".join(["wrong"] * 120)).tolist() == filter_rows("wrong").tolist()


def test_a_run_that_is_not_there_cannot_be_asked() -> None:
    alone = Tables(Rows(ROWS.names, ROWS.label, ROWS.a, None), Vocabulary(EVERYTHING, None))
    with pytest.raises(ExpressionError, match="There is no run in slot B"):
        filter_rows("wrong(B)", alone)
    typed = [one.text for one in completions(alone.vocabulary, "examples")]
    assert "wrong(B)" not in typed and "agree" not in typed and "wrong" in typed
    assert "wrong(B)" in [one.text for one in completions(BOTH, "examples")]


def test_completion_offers_what_the_runs_have_with_a_line_of_help() -> None:
    word, found = completions_at("wrong & ent", BOTH, "examples")
    assert word == "ent"
    assert [one.text for one in found] == ["entropy", "entropy(A)", "entropy(B)"]
    assert "its mean over the steps" in found[0].note
    assert completions_at("temp", BOTH, "steps") == ("temp", ())
    assert completions_at("`k", BOTH, "steps")[1][0].text == "`kl/mean`"
    assert completions_at('name ~ "ent', BOTH, "examples") == ("", ())
    assert all(one.note for one in completions(BOTH, "steps"))


def test_missing_values_are_sorted_last_either_way() -> None:
    everything = np.ones(4, dtype=np.bool_)
    assert sort_rows(ROWS, everything, Sort("entropy", descending=False)) == (0, 1, 3, 2)
    assert sort_rows(ROWS, everything, Sort("entropy", descending=True)) == (3, 1, 0, 2)


def test_names_that_occur_twice_are_paired_in_order() -> None:
    a, b = align(["x", "x", ""], ["", "x", "", "x"])
    assert a.tolist() == [0, 1, 2, -1]
    assert b.tolist() == [1, 3, 2, 0]
