"""Numbers of heads, against closed forms and a slow implementation of their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_viewer.measures import (
    Axes,
    choice_weights,
    disagreement,
    known_rows,
    mass_at_offset,
    mass_on_keys,
    mean_distance,
    mean_over_queries,
    row_entropy,
    top_two,
)

Map = np.ndarray


@st.composite
def maps(draw: st.DrawFn) -> tuple[Map, Axes]:
    """A few heads' maps with masked and missing rows, somewhere on an axis."""
    heads, queries = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    sink = draw(st.booleans())
    keys = draw(st.integers(2 if sink else 1, 6))
    cells = heads * queries * keys
    weights = np.array(
        draw(st.lists(st.integers(0, 20), min_size=cells, max_size=cells)), np.float32
    ).reshape(heads, queries, keys)
    total = weights.sum(axis=-1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    if draw(st.booleans()):
        weights[0, 0, draw(st.integers(0, keys - 1))] = np.nan
    first, stride, key = (draw(st.integers(low, 4)) for low in (0, 1, 0))
    return weights, Axes(queries, keys, first, stride, key, sink)


def slow(weights: Map, axes: Axes, of_row: object) -> Map:
    """A number of each row by a function of its weights and its query's position."""
    found = np.full(weights.shape[:-1], np.nan)
    for head in range(weights.shape[0]):
        for query in range(axes.queries):
            row = [float(p) for p in weights[head, query]]
            if any(math.isnan(p) for p in row) or sum(row) == 0:
                continue
            found[head, query] = of_row(row, axes.first_query + query * axes.query_stride)
    return found


def positions(axes: Axes) -> dict[int, int]:
    """The position of every key that has one."""
    return {
        k: axes.first_key + k for k in range(axes.keys) if not (axes.sink and k == axes.keys - 1)
    }


@given(maps())
@settings(deadline=None)
def test_every_number_is_what_its_definition_says(case: tuple[Map, Axes]) -> None:
    weights, axes = case
    places = positions(axes)

    def entropy(row: list[float], _: int) -> float:
        return -sum(p * math.log2(p) for p in row if p > 0)

    def margin(row: list[float], _: int) -> float:
        ordered = sorted(row, reverse=True)
        return ordered[0] - (ordered[1] if len(ordered) > 1 else 0)

    def at(offset: int) -> object:
        def mass(row: list[float], query: int) -> float:
            here = [row[k] for k, place in places.items() if place == query + offset]
            return here[0] if here else math.nan

        return mass

    def distance(row: list[float], query: int) -> float:
        mass = sum(row[k] for k in places)
        if mass == 0:
            return math.nan
        return sum(row[k] * abs(query - place) for k, place in places.items()) / mass

    first, second = top_two(weights)
    even = np.arange(axes.keys) % 2 == 0
    close = {"rtol": 1e-5, "atol": 1e-6}
    for found, expected in (
        (row_entropy(weights), entropy),
        (first, lambda row, _: max(row)),
        (first - second, margin),
        (mass_on_keys(weights, even), lambda row, _: sum(row[::2])),
        (mass_at_offset(weights, axes, 0), at(0)),
        (mass_at_offset(weights, axes, -1), at(-1)),
        (mean_distance(weights, axes), distance),
    ):
        np.testing.assert_allclose(found, slow(weights, axes, expected), **close)


@given(maps(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_disagreement_is_the_gap_of_entropies(case: tuple[Map, Axes], seed: int) -> None:
    a, axes = case
    b = np.random.default_rng(seed).dirichlet(np.ones(axes.keys), a.shape[:-1])
    known = known_rows(a)

    def entropy(rows: Map) -> Map:
        return -(rows * np.log2(np.where(rows > 0, rows, 1))).sum(axis=-1)

    expected = entropy((a + b) / 2) - (entropy(a.astype(float)) + entropy(b)) / 2
    # Rows of float32 sum to one but for rounding.
    np.testing.assert_allclose(disagreement(a, b)[known], expected[known], atol=1e-6)
    assert np.isnan(disagreement(a, b)[~known]).all()


def test_a_previous_token_head_has_its_numbers_in_closed_form() -> None:
    n = 8
    weights = np.eye(n, k=-1)[None]
    weights[0, 0, 0] = 1
    axes = Axes(n, n)
    assert mean_over_queries(mass_at_offset(weights, axes, -1)).tolist() == [1.0]
    assert mean_over_queries(mass_at_offset(weights, axes, 0)).tolist() == [1 / n]
    assert mean_over_queries(mean_distance(weights, axes)).tolist() == [(n - 1) / n]
    assert row_entropy(weights).tolist() == [[0.0] * n]
    assert not np.signbit(row_entropy(weights)).any()
    # Only the first query has nothing before it.
    assert np.isnan(mass_at_offset(weights, axes, -1)).tolist() == [[True, *[False] * (n - 1)]]


def test_even_rows_have_their_numbers_in_closed_form() -> None:
    n = 16
    weights = np.full((2, n, n), 1 / n)
    axes = Axes(n, n)
    assert row_entropy(weights) == pytest.approx(math.log2(n))
    first, second = top_two(weights)
    assert first == pytest.approx(1 / n) and second == pytest.approx(1 / n)
    # The mean distance of two places drawn from n in a line is (n² − 1) / 3n.
    expected = (n * n - 1) / (3 * n)
    assert mean_over_queries(mean_distance(weights, axes)) == pytest.approx(expected)


def test_positions_follow_the_first_query_the_stride_and_the_first_key() -> None:
    # Queries at 4 and 7, keys at 3 … 7: the second query looks three places back.
    weights = np.zeros((1, 2, 5))
    weights[0, 0, 1] = weights[0, 1, 1] = 1
    axes = Axes(2, 5, first_query=4, query_stride=3, first_key=3)
    assert mean_distance(weights, axes).tolist() == [[0.0, 3.0]]
    assert mass_at_offset(weights, axes, 0).tolist() == [[1.0, 0.0]]
    assert mass_at_offset(weights, axes, -3).tolist()[0][1] == 1.0


def test_a_sink_is_no_place() -> None:
    weights = np.array([[[0.25, 0.25, 0.5], [0.0, 0.0, 1.0]]])
    axes = Axes(2, 3, sink=True)
    assert mean_distance(weights, axes)[0, 0] == pytest.approx(0.5)
    assert np.isnan(mean_distance(weights, axes)[0, 1])


def test_choices_become_weights_and_a_key_named_twice_counts_once() -> None:
    weights = choice_weights([[[2, 2], [0, 1], [-1, -1], [1, -1]]], 3)
    expected = [[0, 0, 1], [0.5, 0.5, 0], [0, 0, 0], [0, 1, 0]]
    np.testing.assert_allclose(weights[0], expected)
    assert known_rows(weights).tolist() == [[True, True, False, True]]
    with pytest.raises(IndexError, match="outside 0 … 2"):
        choice_weights([[3]], 3)


def test_a_mean_is_over_the_queries_that_have_a_number() -> None:
    found = mean_over_queries([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    assert found[0] == 2.0 and np.isnan(found[1])


def test_maps_over_other_keys_are_not_compared() -> None:
    with pytest.raises(ValueError, match="only the same ones can be compared"):
        disagreement(np.full((1, 2, 4), 0.25), np.full((1, 2, 2), 0.5))
