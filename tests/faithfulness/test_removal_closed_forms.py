"""Curves, leave-one-out and bounds of functions whose every value is known."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hardattn_viewer.checks.curves import (
    SHARES,
    area,
    comprehensiveness,
    counts_of,
    opposite,
    separation,
    sufficiency,
)
from hardattn_viewer.faithfulness.bounds import bounds
from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.errors import CancelledError, FaithfulnessError
from hardattn_viewer.faithfulness.rankings import generator_of, orders_of, random_orders
from hardattn_viewer.faithfulness.removal import (
    control_orders,
    curves_of,
    leave_one_out,
    scored_curves,
)
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject

W = np.array([3.0, -2.0, 1.5, 0.5, 0.25, -0.1, 0.0, 2.0])
X = np.random.RandomState(0).rand(8) + 0.5
C = W * X


def engine_of(function: Callable[[Tensor], Tensor], *examples: np.ndarray) -> Engine:
    inputs = [torch.tensor(example, dtype=torch.double) for example in examples]
    return Engine(
        ArraySubject(function, inputs), reading="value", targets=dict.fromkeys(range(9), 0)
    )


def linear() -> Engine:
    return engine_of(lambda x: x @ torch.tensor(W) + 0.7, X)


def test_removing_from_a_linear_model_takes_away_the_sum_of_what_was_removed() -> None:
    order = np.argsort(-C)[None]
    shares = tuple(np.arange(9) / 8)
    curves = curves_of(linear(), "zero", {0: order}, shares)[0]
    falls = np.concatenate([[0], np.cumsum(C[order[0]])])
    np.testing.assert_allclose(curves.deletion[0], C.sum() + 0.7 - falls, atol=1e-6)
    np.testing.assert_allclose(curves.insertion[0], 0.7 + falls, atol=1e-6)
    assert comprehensiveness(curves.deletion)[0] == pytest.approx(falls[1:].mean(), abs=1e-6)
    assert sufficiency(curves.insertion)[0] == pytest.approx((C.sum() - falls[1:]).mean(), abs=1e-6)
    y = curves.deletion[0]
    assert area(curves.deletion, shares)[0] == pytest.approx((y.sum() - y[0] / 2 - y[-1] / 2) / 8)


def test_leaving_one_out_of_a_linear_model_takes_its_own_contribution() -> None:
    np.testing.assert_allclose(leave_one_out(linear(), "zero", [0])[0], C, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "alone", "without", "only"),
    [
        (lambda x: x[:, :2].amax(1), [0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 1, 1, 1, 1]),
        (lambda x: x[:, :2].amin(1), [1, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 1, 1, 1]),
    ],
    ids=["or", "and"],
)
def test_two_items_of_which_either_or_both_are_needed(
    function: Callable[[Tensor], Tensor], alone: list[int], without: list[int], only: list[int]
) -> None:
    engine = engine_of(function, np.ones(4))
    assert leave_one_out(engine, "zero", [0])[0].tolist() == alone
    curves = curves_of(engine, "zero", {0: np.arange(4)[None]}, tuple(np.arange(5) / 4))[0]
    assert curves.deletion[0].tolist() == without
    assert curves.insertion[0].tolist() == only


def test_random_rankings_of_a_linear_model_take_their_share_on_average() -> None:
    engine = linear()
    curves = curves_of(engine, "zero", control_orders(engine, [0], 4_000, seed=0))[0]
    taken = (curves.deletion[:, :1] - curves.deletion).mean(0)
    expected = counts_of(8) / 8 * C.sum()
    error = curves.deletion.std(0) / np.sqrt(4_000)
    assert (np.abs(taken - expected) <= 5 * error + 1e-9).all()


def test_an_explanation_without_an_opinion_takes_the_share_that_random_ones_take() -> None:
    engine = linear()
    draws = [
        scored_curves(engine, "zero", {0: {"even": np.ones(8)}}, seed=seed)[0]["even"].deletion[0]
        for seed in range(600)
    ]
    expected = C.sum() + 0.7 - counts_of(8) / 8 * C.sum()
    error = np.std(draws, axis=0) / np.sqrt(600)
    assert (np.abs(np.mean(draws, 0) - expected) <= 5 * error + 1e-9).all()


@given(st.integers(1, 60), st.integers(2, 15))
def test_shares_of_items_are_symmetric_and_rise_from_none_to_all(items: int, points: int) -> None:
    shares = tuple(np.linspace(0, 1, points))
    counts = counts_of(items, shares)
    assert counts[0] == 0 and counts[-1] == items and (np.diff(counts) >= 0).all()
    assert (counts + counts[::-1] == items).all() or points % 2
    np.testing.assert_array_equal((counts + counts[::-1])[: points // 2], items)
    assert (np.abs(counts - np.array(shares) * items) <= 0.5 + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1_000))
def test_the_opposite_ranking_is_the_same_curves_turned_round(items: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    pairs = torch.tensor(generator.normal(size=(items, items)))
    engine = engine_of(lambda x: torch.einsum("bi,ij,bj->b", x, pairs, x), np.ones(items))
    order = generator.permutation(items)
    # At an odd middle share halves go up for both rankings, so the middle is left out there.
    shares = SHARES if items % 2 == 0 else tuple(np.linspace(0, 1, 10))
    found = curves_of(engine, "zero", {0: np.stack([order, order[::-1]])}, shares)[0]
    deletion, insertion = opposite(found.deletion[:1], found.insertion[:1])
    np.testing.assert_allclose(deletion, found.deletion[1:], atol=1e-9)
    np.testing.assert_allclose(insertion, found.insertion[1:], atol=1e-9)


@pytest.mark.parametrize("items", [5, 7])
def test_the_bounds_are_those_of_all_orders(items: int) -> None:
    generator = np.random.default_rng(3)
    weights = torch.tensor(generator.normal(size=items))
    pairs = torch.tensor(generator.normal(size=(items, items)) * 0.5)
    engine = engine_of(
        lambda x: x @ weights + torch.einsum("bi,ij,bj->b", x, pairs.triu(1), x), np.ones(items)
    )
    shares = tuple(np.linspace(0, 1, items + 1))
    every = np.array(list(itertools.permutations(range(items))))
    curves = curves_of(engine, "zero", {0: every}, shares)[0]
    scores = comprehensiveness(curves.deletion)
    found = bounds(engine, "zero", 0, lambda d, i: comprehensiveness(d), shares)
    assert found.exact == (items == 5)
    # A beam of five finds the best and the worst of this function too.
    assert found.highest == pytest.approx(scores.max()) and found.lowest == pytest.approx(
        scores.min()
    )
    assert found.normalised(float(scores.max())) == pytest.approx(1)
    assert found.normalised(found.lowest) == 0


def test_rows_that_were_run_are_not_run_again() -> None:
    engine = engine_of(lambda x: x.sum(1), X, X, 2 * X)
    leave_one_out(engine, "zero", [0, 1, 2])
    # Two examples are the same, and each is run whole and without each of eight items.
    assert engine.evaluated == 2 * 9 and engine.asked == 3 * 9
    leave_one_out(engine, "zero", [0, 2])
    assert engine.evaluated == 18
    leave_one_out(engine, "mean", [0])
    assert engine.evaluated == 26


@pytest.mark.parametrize(("positions", "rows"), [(8, 512), (24, 2), (10_000, 7), (10_000, 512)])
def test_batches_of_any_size_give_the_same_values(positions: int, rows: int) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    inputs = torch.randn(4, 8)
    usual = Engine(ArraySubject(net, inputs))
    other = Engine(ArraySubject(net, inputs), positions=positions, rows=rows)
    orders = {example: random_orders(8, 5, generator_of(0, example)) for example in range(4)}
    wanted, found = (curves_of(engine, "mean", orders) for engine in (usual, other))
    for example in range(4):
        np.testing.assert_allclose(found[example].deletion, wanted[example].deletion, atol=1e-6)
    backwards = curves_of(Engine(ArraySubject(net, inputs)), "mean", dict(reversed(orders.items())))
    np.testing.assert_allclose(backwards[2].insertion, wanted[2].insertion, atol=1e-6)


def test_the_readings_are_those_of_a_softmax() -> None:
    logits = torch.tensor([[1.0, 2.0, -3.0]])
    for reading, expected in {
        "probability": logits.softmax(-1)[0, 1],
        "log-probability": logits.log_softmax(-1)[0, 1],
        "logit": logits[0, 1],
        "value": logits[0, 1],
    }.items():
        engine = Engine(ArraySubject(lambda x: logits.expand(len(x), -1), [torch.ones(2)]), reading)
        assert engine.target(0) == 1
        assert engine.whole([0])[0] == pytest.approx(float(expected))


def test_ties_are_drawn_and_the_order_is_by_falling_score() -> None:
    generator = np.random.default_rng(0)
    assert orders_of([1.0, 3.0, 2.0], generator).tolist() == [[1, 2, 0]]
    tied = orders_of([0.0, 1.0, 0.0, 0.0], generator)
    assert (tied[:, 0] == 1).all() and len(np.unique(tied, axis=0)) > 1
    with pytest.raises(ValueError, match="finite"):
        orders_of([np.nan, 1.0], generator)


def test_what_cannot_be_run_is_said_in_words() -> None:
    engine = linear()
    everything = np.ones((1, 8), bool)
    with pytest.raises(
        FaithfulnessError, match="nothing can be removed by 'burn' here: choose zero"
    ):
        engine.values([Ask(0, everything, "burn")])
    with pytest.raises(ValueError, match=r"must be \[rows, 8\]"):
        engine.values([Ask(0, everything[:, :3])])
    wild = engine_of(lambda x: 1 / x.sum(1), np.ones(3))
    with pytest.raises(
        FaithfulnessError, match="example 0 is not finite when items are removed by z"
    ):
        wild.values([Ask(0, np.zeros((1, 3), bool), "zero")])
    with pytest.raises(FaithfulnessError, match="needs outputs"):
        engine_of(lambda x: x[:, :, None, None], np.ones(3)).whole([0])
    with pytest.raises(FaithfulnessError, match="no class 4"):
        Engine(ArraySubject(lambda x: x, [torch.ones(3)]), targets={0: 4}).whole([0])
    stopped = engine_of(lambda x: x.sum(1), np.ones(3))
    stopped.should_stop = lambda: True
    with pytest.raises(CancelledError):
        stopped.whole([0])


def test_separation_is_insertion_less_deletion() -> None:
    deletion, insertion = np.array([[1.0, 0.5, 0.0]]), np.array([[0.0, 1.0, 1.0]])
    shares = (0.0, 0.5, 1.0)
    expected = area(insertion, shares) - area(deletion, shares)
    assert separation(deletion, insertion, shares)[0] == expected[0] == 0.25
