"""Weights that are permuted, made uniform, searched for and erased, where the answer is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from attention_models import blend, induction_texts
from torch import nn
from torch.nn.functional import scaled_dot_product_attention as attend

from hardattn_viewer.faithfulness.attending import Call
from hardattn_viewer.faithfulness.attention_tests import (
    Place,
    adversarial,
    erased,
    permuted,
    renormalised,
    uniform,
)
from hardattn_viewer.faithfulness.attention_tests.adversarial import (
    BOUND,
    jensen_shannon_nats,
    reachable,
)
from hardattn_viewer.faithfulness.attention_tests.changing import (
    as_they_are,
    distances,
    observed_changed,
)
from hardattn_viewer.faithfulness.attention_tests.erasing import run_erased
from hardattn_viewer.faithfulness.attention_tests.permuting import permutation_of
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import CancelledError
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.measures import jensen_shannon

A = [0.5, 0.3, 0.15, 0.05]
V = [[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [-1.0, 1.0]]
SITE = Place(0)


def softmax(outputs: np.ndarray) -> np.ndarray:
    raised = np.exp(outputs)
    return np.asarray(raised / raised.sum(-1, keepdims=True))


def test_identical_values_are_not_identifiable() -> None:
    for reading in ("value", "probability"):
        asked = blend(A, [[0.3, 0.7]] * 4, reading)
        found = permuted(asked.engine, 0, SITE, tolerance=1e-12)
        assert found.largest < 1e-12 and found.not_identifiable and found.draws == 100
        assert uniform(asked.engine, 0, SITE, tolerance=1e-12).not_identifiable
    asked = blend(A, [[0.3, 0.7]] * 3 + [[0.4, 0.7]])
    moved = permuted(asked.engine, 0, SITE, tolerance=1e-12)
    # All that counts is which weight the last value gets.
    assert moved.largest == pytest.approx(0.1 * 0.45) and not moved.not_identifiable


def test_the_median_over_permutations_is_that_of_all_of_them() -> None:
    values = np.array(V)
    for reading in ("value", "probability"):
        engine = blend(A, V, reading).engine
        usual = np.array(A) @ values
        every = np.array([np.array(one) @ values for one in itertools.permutations(A)])
        if reading == "value":
            far = np.abs(every - usual)[:, 0]
        else:
            far = np.abs(softmax(every) - softmax(usual)).sum(-1) / 2
        found = permuted(engine, 0, SITE, draws=4_000)
        # The median of 4000 draws from 24 values lies between neighbouring quantiles.
        low, high = np.quantile(far, [0.45, 0.55])
        assert low - 1e-12 <= found.median <= high + 1e-12
        assert found.largest == pytest.approx(far.max(), abs=1e-12)
        assert found.weight == pytest.approx(0.5) and not found.not_identifiable
    # 5, 2 and 0 are as probable: the median is 2, and the mean is not.
    engine = blend([0.6, 0.3, 0.1], [[0.0], [0.0], [10.0]]).engine
    assert permuted(engine, 0, SITE, draws=300).median == pytest.approx(2, abs=1e-12)


def test_every_permutation_is_as_probable_and_hidden_keys_keep_nothing() -> None:
    weights = torch.tensor([[0.6, 0.0, 0.3, 0.1]], dtype=torch.double).expand(6_000, 4)
    allowed = torch.tensor([[True, False, True, True]]).expand(6_000, 4)
    drawn = torch.rand(6_000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    found = permutation_of(weights, allowed, drawn)
    assert not found[:, 1].any()
    kinds, counts = found.unique(dim=0, return_counts=True)
    assert len(kinds) == 6 and (counts - 1_000).abs().max() < 5 * math.sqrt(1_000 * 5 / 6)
    assert torch.equal(found.sort(-1).values, weights.sort(-1).values)


def test_uniform_attention_answers_the_mean_of_the_values() -> None:
    found = uniform(blend(A, V).engine, 0, SITE)
    assert found.before == pytest.approx(np.dot(A, V)[0]) and found.after == pytest.approx(0.75)
    assert found.distance == pytest.approx(abs(found.before - found.after))
    assert found.flipped is False and not found.not_identifiable
    turned = [[0.0, 1.0], [9.0, 0.0], [9.0, 0.0], [9.0, 0.0]]
    flipped = uniform(blend([0.97, 0.01, 0.01, 0.01], turned, "probability").engine, 0, SITE)
    assert flipped.flipped is True
    assert flipped.after == pytest.approx(softmax(np.mean(turned, 0))[0])


def test_erasing_one_item_leaves_the_blend_of_the_others() -> None:
    asked = blend(A, V)
    y, a, v = np.dot(A, V), np.array(A), np.array(V)
    found = run_erased(asked.engine, 0, SITE, np.eye(4, dtype=bool))
    expected = [(y - a[item] * v[item]) / (1 - a[item]) for item in range(4)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    gone = torch.tensor([[True, True, True, True], [False, True, False, True]])
    left = renormalised(torch.tensor([A, A], dtype=torch.double), gone)
    assert not left[0].any()
    np.testing.assert_allclose(left[1], [0.5 / 0.65, 0, 0.15 / 0.65, 0], atol=1e-15)
    # A row with a part of its weight elsewhere keeps the sum that it has.
    part = renormalised(torch.tensor([0.2, 0.1, 0.1]), torch.tensor([True, False, False]))
    assert part.tolist() == pytest.approx([0, 0.2, 0.2])


def test_the_decision_flips_at_the_item_that_holds_it() -> None:
    # Class 1 by the first item alone, whatever else is there; class 0 without it.
    values = [[0.0, 9.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    engine = blend([0.6, 0.1, 0.1, 0.1, 0.1], values, "probability").engine
    found = erased(engine, 0, SITE, draws=400)
    assert found.most_attended == pytest.approx(1 / 5)
    # At random it comes first to fifth; as the last it is never erased, which counts as all.
    assert found.at_random == pytest.approx(3 / 5, abs=5 * math.sqrt(2 / 25 / 400))
    assert found.sooner == pytest.approx(0.9, abs=0.05)
    last = erased(engine, 0, SITE, scores=np.array([0.0, 4, 3, 2, 1]), draws=20)
    assert last.most_attended == 1 and last.sooner < 0.5
    stays = erased(blend(A, [[1.0, 0.0]] * 4, "probability").engine, 0, SITE)
    assert math.isnan(stays.most_attended) and "the decision stays" in stays.reason
    assert "no decision" in erased(blend(A, [[1.0]] * 4).engine, 0, SITE).reason
    assert "one item" in erased(blend([1.0], [[1.0, 2.0]]).engine, 0, SITE).reason


def test_adversarial_attention_reaches_what_there_is_where_values_are_identical() -> None:
    found = adversarial(blend(A, [[0.3, 0.7]] * 4, "probability").engine, 0, SITE)
    bits = max(jensen_shannon(A, corner) for corner in np.eye(4))
    assert found.reachable == pytest.approx(float(bits) * math.log(2), abs=1e-12)
    assert 0.99 * found.reachable < found.divergence <= found.reachable < BOUND
    assert found.distance < 1e-12 and found.weights is not None
    again = jensen_shannon(A, found.weights[0, 0] / found.weights.sum())
    assert found.divergence == pytest.approx(float(again) * math.log(2), abs=1e-9)


def test_adversarial_attention_keeps_the_output_where_it_is() -> None:
    for epsilon in (0.001, 0.01, 0.2):
        engine = blend(A, V, "probability").engine
        found = adversarial(engine, 0, SITE, epsilon=epsilon)
        assert found.weights is not None and found.distance <= epsilon
        outputs = found.weights[0] @ np.array(V)
        far = distances(engine, 0, outputs, np.dot(A, V)[None])
        assert far[0] == pytest.approx(found.distance, abs=1e-12) and found.divergence > 0.1
    # Two keys of which each answers another class leave no room.
    pinned = adversarial(
        blend([0.8, 0.2], [[30.0, 0.0], [0.0, 30.0]], "value").engine, 0, SITE, epsilon=0.0
    )
    assert pinned.divergence < 1e-4 and pinned.distance == 0
    # Of two keys the best within ε is known: as far as ε allows on one side or the other.
    free = adversarial(blend([0.8, 0.2], [[1.0], [0.0]]).engine, 0, SITE, epsilon=0.15)
    ends = [[0.95, 0.05], [0.65, 0.35]]
    best = float(jensen_shannon([[0.8, 0.2]], ends).max()) * math.log(2)
    assert 0.97 * best < free.divergence <= best + 1e-12


def test_divergence_of_rows_is_that_of_the_measure_and_at_most_ln_2() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.dirichlet(np.full(6, 0.3), (2, 50))
    found = jensen_shannon_nats(torch.tensor(a), torch.tensor(b)).numpy()
    np.testing.assert_allclose(found, jensen_shannon(a, b) * math.log(2), atol=1e-12)
    apart = jensen_shannon_nats(torch.eye(2)[0], torch.eye(2)[1])
    assert float(apart) == pytest.approx(math.log(2)) and pytest.approx(math.log(2)) == BOUND
    sharp = torch.eye(3, dtype=torch.double)[:1]
    every = torch.ones(1, 3, dtype=torch.bool)
    assert reachable(sharp, every) == pytest.approx(math.log(2), abs=1e-12)
    assert reachable(torch.ones(1, 3) / 3, every[:, :1].expand(1, 3)) < math.log(2)
    assert reachable(torch.tensor([[1.0, 0.0]]), torch.tensor([[True, False]])) == 0


def test_a_decoy_head_is_not_identifiable_and_heads_that_answer_are() -> None:
    engine = Engine(induction_texts())
    decoy = Place(1, (2,), "last")
    assert permuted(engine, 0, decoy).not_identifiable
    assert uniform(engine, 0, decoy).not_identifiable
    assert "the decision stays" in erased(engine, 0, decoy).reason
    free = adversarial(engine, 0, decoy, steps=60)
    assert free.divergence > 0.99 * math.log(2) and free.distance == 0
    answer = Place(1, (0, 1), "last")
    found = permuted(engine, 0, answer)
    assert found.median > 0.1 and not found.not_identifiable
    assert erased(engine, 0, answer).most_attended == 1 / 8
    assert erased(engine, 0, answer).sooner > 0.8
    assert uniform(engine, 0, answer).flipped is True
    held = adversarial(engine, 0, answer, steps=60)
    assert held.divergence < 0.2 and held.distance <= 0.01


def test_other_rows_heads_and_sites_stay_as_they_are() -> None:
    engine = Engine(induction_texts())

    def away(call: Call, weights: torch.Tensor, allowed: torch.Tensor, runs: slice) -> torch.Tensor:
        return weights.roll(1, -1)

    place = Place(0, (0, 2), 4)
    with torch.no_grad():
        usual, changed = (
            observed_changed(engine, 0, place, weigh, slice(0, 2)) for weigh in (as_they_are, away)
        )
    before, after = usual.calls[0].weights, changed.calls[0].weights
    assert before is not None and after is not None and changed.calls[1].weights is None
    rows = [at for at in range(9) if at != 4]
    assert torch.equal(before[:, :, rows], after[:, :, rows])
    assert torch.equal(after[:, :, 4], before[:, :, 4].roll(1, -1))
    # Heads that write nothing, and the one that notes for each token which was before it.
    assert permuted(engine, 0, Place(0, (1, 2), "mean")).not_identifiable
    assert permuted(engine, 0, Place(0, (0,), 2)).largest > 0.05
    assert permuted(engine, 0, Place(None, None, "mean")).median > 0.1


@pytest.mark.parametrize(("positions", "rows"), [(1, 1), (40, 3), (100_000, 512)])
def test_batches_of_any_size_give_the_same_numbers(positions: int, rows: int) -> None:
    usual, other = Engine(induction_texts()), Engine(induction_texts(), positions=positions)
    other.rows = rows
    place = Place(1, None, "last")
    for example in (1, 0):
        a, b = (permuted(engine, example, place, draws=20) for engine in (usual, other))
        assert (a.median, a.largest) == pytest.approx((b.median, b.largest), abs=1e-5)
        assert erased(usual, example, place) == erased(other, example, place)


class Causal(nn.Module):
    def forward(self, items: torch.Tensor) -> torch.Tensor:
        one = items[:, None]
        return attend(one, one, one, is_causal=True)[:, 0].sum(-1)[:, 1:]


def test_permutations_stay_within_what_a_query_may_see() -> None:
    torch.manual_seed(0)
    items = torch.randn(4, 3, dtype=torch.double)
    engine = Engine(ArraySubject(Causal(), [items]), "value", {0: 0})
    # Row 0 sees one key alone; row 1 sees two, so that its two weights can only change places.
    found = permuted(engine, 0, Place(0, None, 1))
    p = (items[:2] @ items[1] / math.sqrt(3)).softmax(-1)
    swapped = float(((p.flip(0) - p) @ items[:2]).sum().abs())
    assert found.largest == pytest.approx(swapped, abs=1e-12)
    assert "equal" in permuted(engine, 0, Place(0, None, 0)).reason
    assert "one key" in adversarial(engine, 0, Place(0, None, 0)).reason
    mean = float((items[:2].mean(0) - p @ items[:2]).sum().abs())
    assert uniform(engine, 0, Place(0, None, 1)).distance == pytest.approx(mean, abs=1e-12)


def test_what_has_no_value_is_said_in_words() -> None:
    even = blend([0.25] * 4, V).engine
    assert "weights are equal" in permuted(even, 0, SITE).reason
    assert "uniform as they are" in uniform(even, 0, SITE).reason
    single = blend(A, [[1.0], [2.0], [3.0], [4.0]], "probability").engine
    for found in (
        permuted(single, 0, SITE),
        uniform(single, 0, SITE),
        adversarial(single, 0, SITE),
    ):
        assert "no distribution over classes" in found.reason
    assert "position 9" in permuted(Engine(induction_texts()), 0, Place(1, None, 9)).reason
    with pytest.raises(ValueError, match="at one site"):
        adversarial(even, 0, Place())
    stopped = blend(A, V).engine
    stopped.should_stop = lambda: True
    for test in (permuted, uniform, erased):
        with pytest.raises(CancelledError):
            test(stopped, 0, SITE)
