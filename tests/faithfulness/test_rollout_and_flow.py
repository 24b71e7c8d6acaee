"""Rollout, flow and rank correlations against closed forms and independent computations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_viewer.measures import attention_flow, max_flow, rollout, with_residual
from hardattn_viewer.measures.ranks import kendall_tau_b, spearman

# Two layers of two tokens, by hand: (A + I) / 2 of each, and their product.
FIRST = [[0.6, 0.4], [0.2, 0.8]]
SECOND = [[0.0, 1.0], [1.0, 0.0]]


def random_maps(layers: int, heads: int, count: int, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.dirichlet(np.full(count, 0.4), (heads, count)) for _ in range(layers)]


def test_rollout_of_two_layers_is_the_product_by_hand() -> None:
    # Halves with the identity: [[.8, .2], [.1, .9]], then [[.5, .5], [.5, .5]].
    np.testing.assert_allclose(rollout([FIRST, SECOND]), [[0.45, 0.55], [0.45, 0.55]], atol=1e-15)
    # Without the residual stream the second layer swaps the rows of the first.
    np.testing.assert_allclose(
        rollout([FIRST, SECOND], residual=0), [[0.2, 0.8], [0.6, 0.4]], atol=1e-15
    )
    np.testing.assert_array_equal(rollout([FIRST, SECOND], residual=1), np.eye(2))


def test_flow_of_two_layers_is_the_narrowest_cut_by_hand() -> None:
    # Query 0 reaches each token of the middle by ½; from there .8 and .1 lead to input 0.
    np.testing.assert_allclose(attention_flow([FIRST, SECOND], query=0), [0.6, 0.7], atol=1e-15)
    # Three tokens, no residual stream: .7 to the middle one, which passes .6 of it to input 2.
    first = [[1, 0, 0], [0.4, 0, 0.6], [0, 0, 1]]
    second = [[0.2, 0.7, 0.1], [0, 1, 0], [0, 0, 1]]
    found = attention_flow([first, second], query=0, residual=0)
    np.testing.assert_allclose(found, [0.2 + 0.4, 0, 0.6 + 0.1], atol=1e-15)
    # Rollout multiplies where flow takes the narrowest: .7 · .6 of input 2.
    np.testing.assert_allclose(
        rollout([first, second], residual=0)[0], [0.2 + 0.28, 0, 0.42 + 0.1], atol=1e-15
    )


@pytest.mark.parametrize(("layers", "heads", "count"), [(1, 1, 3), (3, 2, 7), (12, 4, 5)])
def test_rollout_is_the_matrix_product_by_einsum(layers: int, heads: int, count: int) -> None:
    maps = random_maps(layers, heads, count, layers)
    expected = np.eye(count)
    for one in maps:
        expected = np.einsum("ij,jk->ik", 0.5 * np.eye(count) + 0.5 * one.mean(0), expected)
    np.testing.assert_allclose(rollout(maps), expected, atol=1e-14)
    np.testing.assert_allclose(rollout(maps).sum(-1), 1, atol=1e-12)


@pytest.mark.parametrize(("layers", "count"), [(1, 4), (2, 5), (4, 8)])
def test_flow_is_that_of_another_program(layers: int, count: int) -> None:
    networkx = pytest.importorskip("networkx")
    maps = random_maps(layers, 3, count, count)
    graph = networkx.DiGraph()
    for at, layer in enumerate(with_residual(maps)):
        for row, column in itertools.product(range(count), repeat=2):
            graph.add_edge((at + 1, row), (at, column), capacity=layer[row, column])
    for query in (0, count - 1):
        expected = [
            networkx.maximum_flow_value(graph, (layers, query), (0, key)) for key in range(count)
        ]
        np.testing.assert_allclose(attention_flow(maps, query=query), expected, atol=1e-12)
    np.testing.assert_array_equal(
        attention_flow(maps, query=-1), attention_flow(maps, query=count - 1)
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 7), st.integers(0, 10_000))
def test_the_largest_flow_is_the_smallest_cut(nodes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    edges = [
        (int(a), int(b), float(room))
        for a, b, room in zip(
            generator.integers(nodes, size=14),
            generator.integers(nodes, size=14),
            generator.random(14) * generator.integers(0, 2, 14),
            strict=True,
        )
    ]
    cuts = [
        sum(room for a, b, room in edges if a in side and b not in side)
        for chosen in itertools.product([False, True], repeat=nodes - 2)
        for side in [{0} | {at + 1 for at, one in enumerate(chosen) if one}]
    ]
    assert max_flow(nodes, edges, 0, nodes - 1) == pytest.approx(min(cuts), abs=1e-12)


def test_rollout_spreads_no_more_than_rows_do_and_keeps_masked_queries_to_themselves() -> None:
    padded = [[0.5, 0.5, 0], [0.25, 0.75, 0], [0, 0, 0]]
    found = rollout([padded, padded])
    np.testing.assert_allclose(found[:2, :2], rollout([np.array(padded)[:2, :2]] * 2), atol=1e-15)
    np.testing.assert_array_equal(found[2], [0, 0, 1])
    np.testing.assert_array_equal(rollout([padded], residual=0)[2], [0, 0, 1])


def test_what_does_not_add_up_is_said_in_words() -> None:
    with pytest.raises(ValueError, match="these are none"):
        rollout([])
    with pytest.raises(ValueError, match="maps the same positions to themselves"):
        rollout([np.ones((2, 3)) / 3])
    with pytest.raises(ValueError, match="between 0 and 1, not 2"):
        rollout([FIRST], residual=2)
    with pytest.raises(IndexError, match="no query 2: the maps have 2"):
        attention_flow([FIRST], query=2)
    with pytest.raises(ValueError, match="between two nodes"):
        max_flow(2, [], 1, 1)


def test_rank_correlations_are_those_of_their_definitions() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.permutation(9).astype(float), generator.permutation(9).astype(float)
    # Without ties ρ is 1 − 6 Σd² / (n³ − n), and τ counts pairs.
    assert spearman(a, b) == pytest.approx(1 - 6 * ((a - b) ** 2).sum() / (9**3 - 9))
    signs = [np.sign((a[i] - a[j]) * (b[i] - b[j])) for i, j in itertools.combinations(range(9), 2)]
    assert kendall_tau_b(a, b) == pytest.approx(np.mean(signs))
    # Ties share a rank: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4 correlate by 4.5 / √(4.5 · 5).
    assert spearman([0, 7, 7, 9], [1, 2, 3, 4]) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert kendall_tau_b([0, 7, 7, 9], [1, 2, 3, 4]) == pytest.approx(5 / np.sqrt(5 * 6))
    assert spearman(a, -(a**3)) == pytest.approx(-1) and kendall_tau_b(a, np.exp(a)) == 1
    assert np.isnan(spearman([1, 1], [1, 2])) and np.isnan(kendall_tau_b([1, 1], [1, 2]))
    for function in (spearman, kendall_tau_b):
        with pytest.raises(ValueError, match="equal length"):
            function([1, 2], [1, 2, 3])
        with pytest.raises(ValueError, match="finite"):
            function([1, np.nan], [1, 2])
