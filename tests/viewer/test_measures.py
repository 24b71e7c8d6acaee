"""Measures of one distribution, against closed forms and independent ways to compute them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hardattn_viewer.measures import (
    bootstrap_interval,
    effective_number,
    entropy,
    hardness,
    margin,
    most_probable,
    rank,
)


def rows(max_keys: int = 12) -> st.SearchStrategy[np.ndarray]:
    """Distributions of a few keys, with zeros among them."""
    weights = st.lists(st.integers(0, 1000), min_size=1, max_size=max_keys)
    return weights.filter(any).map(lambda w: np.array(w, dtype=float) / sum(w))


@pytest.mark.parametrize("keys", [1, 2, 49, 512])
def test_uniform_rows_have_the_logarithm_of_their_keys_as_entropy(keys: int) -> None:
    uniform = np.full(keys, 1 / keys)
    assert entropy(uniform) == pytest.approx(math.log2(keys), abs=1e-12)
    assert entropy(uniform, "nat") == pytest.approx(math.log(keys), abs=1e-12)
    assert effective_number(uniform) == pytest.approx(keys)
    assert margin(uniform) == pytest.approx(0.0 if keys > 1 else 1.0)


def test_one_hot_rows_are_certain() -> None:
    one = np.eye(5)
    assert entropy(one).tolist() == [0.0] * 5
    assert not np.signbit(entropy(one)).any()
    assert effective_number(one).tolist() == [1.0] * 5
    assert margin(one).tolist() == [1.0] * 5
    assert hardness(one).tolist() == [1.0] * 5


def test_two_keys_have_the_binary_entropy() -> None:
    p = 0.11
    expected = -p * math.log2(p) - (1 - p) * math.log2(1 - p)
    assert entropy([p, 1 - p]) == pytest.approx(expected)
    assert hardness([p, 1 - p]) == pytest.approx(1 - expected)


@given(rows())
def test_entropy_equals_a_plain_sum(row: np.ndarray) -> None:
    expected = -sum(p * math.log2(p) for p in row.tolist() if p > 0)
    assert entropy(row) == pytest.approx(expected, abs=1e-12)


@given(rows(), st.randoms())
def test_entropy_does_not_depend_on_the_order_of_keys(row: np.ndarray, random: object) -> None:
    shuffled = row.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert entropy(shuffled) == pytest.approx(float(entropy(row)), abs=1e-12)


@given(rows(), rows())
def test_entropy_of_independent_choices_adds_up(a: np.ndarray, b: np.ndarray) -> None:
    joint = np.outer(a, b).ravel()
    assert entropy(joint) == pytest.approx(float(entropy(a) + entropy(b)), abs=1e-9)


@given(rows())
def test_margin_and_rank_equal_those_of_a_sorted_list(row: np.ndarray) -> None:
    ordered = sorted(row.tolist(), reverse=True)
    second = ordered[1] if len(ordered) > 1 else 0.0
    assert margin(row) == pytest.approx(ordered[0] - second)
    for key, value in enumerate(row.tolist()):
        assert rank(row, key) == 1 + ordered.index(value)


@given(arrays(np.float64, (3, 2, 5), elements=st.floats(0, 1)))
def test_leading_axes_are_measured_one_by_one(cube: np.ndarray) -> None:
    for measure in (entropy, effective_number, hardness, margin):
        whole = measure(cube)
        assert whole.shape == (3, 2)
        for i in range(3):
            for j in range(2):
                assert whole[i, j] == pytest.approx(float(measure(cube[i, j])), nan_ok=True)
    assert rank(cube, np.full((3, 2), 4)).shape == (3, 2)


def test_rows_with_nan_give_nan_and_others_are_untouched() -> None:
    table = np.array([[0.5, 0.5, 0.0], [np.nan, 0.5, 0.5], [np.nan] * 3])
    for measure in (entropy, effective_number, hardness, margin):
        found = measure(table)
        assert np.isnan(found).tolist() == [False, True, True]
    assert np.isnan(rank(table, 1)).tolist() == [False, True, True]


def test_scores_and_empty_rows_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="not scores"):
        entropy([-1.0, 2.0])
    with pytest.raises(ValueError, match="at least one key"):
        entropy(np.zeros((3, 0)))
    with pytest.raises(ValueError, match="'bit' or 'nat'"):
        entropy([1.0], "bits")  # type: ignore[arg-type]
    with pytest.raises(IndexError, match=r"0 … 1"):
        rank([0.5, 0.5], 2)


def test_bootstrap_equals_a_loop_over_the_same_draws() -> None:
    values = np.random.default_rng(1).exponential(size=40)
    generator = np.random.default_rng(7)
    means = [np.mean([values[i] for i in row]) for row in generator.integers(0, 40, (500, 40))]
    expected = np.percentile(means, [2.5, 97.5])
    found = bootstrap_interval(values, resamples=500, seed=7)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.mean == pytest.approx(values.mean())
    assert (found.level, found.count) == (0.95, 40)


def test_bootstrap_of_many_values_nears_the_normal_interval() -> None:
    values = np.random.default_rng(2).normal(3.0, 2.0, 4000)
    found = bootstrap_interval(values, seed=1)
    assert found.half_width == pytest.approx(1.96 * 2.0 / math.sqrt(4000), rel=0.08)


def test_bootstrap_is_repeatable_and_leaves_nan_out() -> None:
    values = [0.1, 0.9, float("nan"), 0.4]
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values).count == 3
    nothing = bootstrap_interval([float("nan")])
    assert nothing.count == 0
    assert math.isnan(nothing.mean) and math.isnan(nothing.low)
    same = bootstrap_interval([0.5] * 9)
    assert (same.low, same.mean, same.high) == (0.5, 0.5, 0.5)


def test_bootstrap_refuses_impossible_options() -> None:
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval([1.0], level=1.0)
    with pytest.raises(ValueError, match="resamples"):
        bootstrap_interval([1.0], resamples=0)


@given(
    arrays(
        np.float32,
        st.integers(0, 40),
        elements=st.sampled_from([0.0, 0.1, 0.25, 0.3, np.float32(np.nan)]),
    ),
    st.integers(0, 45),
)
def test_the_most_probable_are_those_of_a_whole_order(values: np.ndarray, count: int) -> None:
    known = [(-value, place) for place, value in enumerate(values.tolist()) if value == value]
    expected = [place for _, place in sorted(known)[:count]]
    assert most_probable(values, count).tolist() == expected
