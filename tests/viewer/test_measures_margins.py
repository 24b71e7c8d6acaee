"""Sums of rows, columns and diagonals against closed forms and against plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hardattn_viewer.measures.margins import add_rows, no_sums, row_margins


def test_an_even_causal_map_has_the_margins_that_it_must_have() -> None:
    n = 12
    values = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    rows = row_margins(values)
    np.testing.assert_allclose(rows.entropy, np.log2(np.arange(1, n + 1)))
    np.testing.assert_allclose(rows.largest, 1 / np.arange(1, n + 1))
    np.testing.assert_allclose(rows.total, 1)
    places = np.arange(n)
    sums = no_sums(n, places)
    for start in range(0, n, 5):
        part = slice(start, start + 5)
        add_rows(sums, values[part], values[part] > 0, places[part])
    tail = np.array([sum(1 / i for i in range(k + 1, n + 1)) for k in range(n)])
    np.testing.assert_allclose(sums.columns, tail)
    # Key k can be looked at by the queries from k on, and distance d is that of as many cells.
    np.testing.assert_array_equal(sums.lookers, np.arange(n, 0, -1))
    np.testing.assert_allclose(sums.column_means, tail / np.arange(n, 0, -1))
    assert sums.nearest == -(n - 1)
    means = sums.diagonal_means
    assert np.isnan(means[: n - 1]).all()
    np.testing.assert_allclose(means[n - 1 :], tail / np.arange(n, 0, -1))


@given(st.integers(0, 999), st.integers(1, 12), st.integers(1, 12), st.integers(-5, 5))
def test_sums_are_those_of_plain_loops(seed: int, queries: int, keys: int, shift: int) -> None:
    rng = np.random.default_rng(seed)
    values, counted = rng.random((queries, keys)), rng.random((queries, keys)) < 0.7
    places = np.sort(rng.integers(0, keys, queries)) + shift
    sums = no_sums(keys, places)
    add_rows(sums, values, counted, places)
    expected: dict[int, list[float]] = {}
    for query in range(queries):
        for key in range(keys):
            if counted[query, key]:
                expected.setdefault(int(places[query]) - key, []).append(values[query, key])
    for at, mean in enumerate(sums.diagonal_means):
        known = expected.get(sums.nearest + at)
        assert np.isnan(mean) if known is None else np.isclose(mean, np.mean(known))
    assert len(expected) == np.isfinite(sums.diagonal_means).sum()
    np.testing.assert_allclose(sums.columns, np.where(counted, values, 0).sum(axis=0))


def test_rows_that_hold_nothing_have_no_entropy_and_holes_are_left_out() -> None:
    rows = row_margins(np.array([[0, 0, 0], [0.5, np.nan, 0.25], [0, 1, 0]]))
    assert np.isnan(rows.entropy[:2]).all() and rows.entropy[2] == 0
    np.testing.assert_allclose(rows.total, [0, 0.75, 1])
    np.testing.assert_allclose(rows.largest, [0, 0.5, 1])
    sums = no_sums(3, None)
    add_rows(sums, np.ones((2, 3)), np.array([[True, False, False]] * 2), None)
    assert not sums.diagonal_means.size
    np.testing.assert_array_equal(sums.lookers, [2, 0, 0])
    assert np.isnan(sums.column_means[1:]).all()
