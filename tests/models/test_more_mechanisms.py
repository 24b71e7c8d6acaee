"""Relaxed, sparse, several and located choices against closed forms and another implementation."""

import math
from functools import partial
from itertools import permutations

import entmax
import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_models.mechanisms import (
    Adaptive,
    Exponential,
    Linear,
    argmax,
    entmax15,
    gaussian_location,
    gumbel_softmax,
    gumbel_straight_through,
    hybrid,
    soft,
    soft_then_hard,
    sparsemax,
    straight_through,
    top_k,
)

DRAWS = 100_000
LOGITS = torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64)

scores = arrays.arrays(
    np.float64,
    arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=7),
    elements=st.floats(-30, 30, width=32),
).map(torch.from_numpy)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def shares(index, n):
    return torch.bincount(index.flatten(), minlength=n).double() / index.numel()


def margin(p):
    return 5 * float((p * (1 - p) / DRAWS).sqrt().max())


@settings(max_examples=80, deadline=None)
@given(logits=scores, temperature=st.floats(0.2, 5))
@pytest.mark.parametrize(
    ("mechanism", "oracle"), [(sparsemax, entmax.sparsemax), (entmax15, entmax.entmax15)]
)
def test_sparse_attention_is_that_of_the_entmax_package(mechanism, oracle, logits, temperature):
    at = logits.clone().requires_grad_()
    ours = mechanism(at, temperature=temperature)
    theirs = oracle(at / temperature, dim=-1)
    torch.testing.assert_close(ours.weights, theirs, atol=1e-9, rtol=0)
    torch.testing.assert_close(ours.probabilities.sum(-1), torch.ones_like(ours.entropy))
    slope = torch.linspace(-1, 1, logits.numel(), dtype=torch.float64).reshape(logits.shape)
    one = torch.autograd.grad((ours.weights * slope).sum(), at, retain_graph=True)[0]
    two = torch.autograd.grad((theirs * slope).sum(), at)[0]
    torch.testing.assert_close(one, two, atol=1e-8, rtol=0)


@pytest.mark.parametrize("mechanism", [sparsemax, entmax15])
def test_sparse_attention_gives_exact_zeros_and_finite_gradients_of_its_entropy(mechanism):
    logits = torch.tensor([3.0, 0.0, -5.0, -math.inf], requires_grad=True)
    choice = mechanism(logits)
    assert choice.index is None and choice.weights[2] == 0 == choice.weights[3]
    p = choice.probabilities.detach()
    assert float(choice.entropy.detach()) == pytest.approx(
        float(torch.special.entr(p).sum()), abs=1e-6
    )
    choice.entropy.backward()
    assert logits.grad.isfinite().all()


def test_a_relaxed_sample_is_largest_where_a_draw_would_be():
    choice = gumbel_softmax(LOGITS.expand(DRAWS, 4), temperature=0.3, generator=seeded())
    p = LOGITS.softmax(-1)
    assert choice.index is None and choice.temperature == 0.3
    torch.testing.assert_close(choice.weights.sum(-1), torch.ones(DRAWS, dtype=torch.float64))
    torch.testing.assert_close(choice.probabilities[0], p)
    assert (shares(choice.weights.argmax(-1), 4) - p).abs().max() < margin(p)


def test_a_relaxed_sample_becomes_one_hot_as_its_temperature_falls():
    sharpness = [
        float(gumbel_softmax(LOGITS.expand(2_000, 4), temperature=t, generator=seeded())
              .weights.amax(-1).mean())
        for t in (5.0, 1.0, 0.1, 0.001)
    ]  # fmt: skip
    assert sharpness == sorted(sharpness) and sharpness[-1] > 0.999


def test_a_relaxed_sample_is_the_formula_and_so_is_its_gradient():
    at = LOGITS.clone().requires_grad_()
    weights = gumbel_softmax(at, temperature=0.7, generator=seeded(3)).weights
    exponential = torch.empty_like(LOGITS).exponential_(generator=seeded(3))
    expected = torch.softmax((LOGITS - exponential.log()) / 0.7, -1)
    torch.testing.assert_close(weights, expected)
    (grad,) = torch.autograd.grad(weights[2], at)
    w = expected
    torch.testing.assert_close(grad, w[2] * (torch.eye(4, dtype=w.dtype)[2] - w) / 0.7)


@pytest.mark.parametrize(
    "mechanism",
    [gumbel_straight_through, straight_through, partial(top_k, k=1, sample=True)],
)
def test_hard_choices_are_drawn_from_the_softmax_and_know_their_log_probability(mechanism):
    choice = mechanism(LOGITS.expand(DRAWS, 4), generator=seeded(1))
    p = LOGITS.softmax(-1)
    assert choice.index.shape == (DRAWS, 1)
    assert (shares(choice.index, 4) - p).abs().max() < margin(p)
    torch.testing.assert_close(choice.log_prob, p.log()[choice.index[:, 0]])
    expected = torch.nn.functional.one_hot(choice.index[:, 0], 4).double()
    assert torch.equal(choice.weights, expected)


def test_straight_through_sends_the_gradient_of_the_probabilities_back():
    at = LOGITS.clone().requires_grad_()
    p = LOGITS.softmax(-1)
    jacobian = torch.diag(p) - torch.outer(p, p)
    for sample in (True, False):
        weights = straight_through(at, sample=sample, generator=seeded()).weights
        assert set(weights.tolist()) == {0.0, 1.0}
        (grad,) = torch.autograd.grad(weights[1], at)
        torch.testing.assert_close(grad, jacobian[1])
    assert int(straight_through(at, sample=False).index) == 2


def test_the_gradient_of_the_gumbel_kind_is_that_of_its_relaxed_sample():
    at = LOGITS.clone().requires_grad_()
    hard = gumbel_straight_through(at, temperature=0.7, generator=seeded(3))
    relaxed = gumbel_softmax(at, temperature=0.7, generator=seeded(3))
    values = torch.arange(4.0, dtype=torch.float64)[:, None]
    one = torch.autograd.grad(hard.apply(values).sum(), at)[0]
    two = torch.autograd.grad(relaxed.apply(values).sum(), at)[0]
    torch.testing.assert_close(one, two)
    assert hard.apply(values).item() == float(hard.index)


def test_the_k_best_are_taken_and_weigh_the_same():
    choice = top_k(LOGITS, k=2)
    assert choice.index.tolist() == [2, 0] and choice.weights.tolist() == [0.5, 0, 0.5, 0]
    p = LOGITS.softmax(-1)
    expected = math.log(p[2]) + math.log(p[0] / (1 - p[2]))
    assert float(choice.log_prob) == pytest.approx(expected)


def test_drawing_k_without_replacement_has_the_probabilities_of_plackett_and_luce():
    choice = top_k(LOGITS.expand(DRAWS, 4), k=2, sample=True, generator=seeded(2))
    p = LOGITS.softmax(-1)
    assert (choice.index[:, 0] != choice.index[:, 1]).all()
    for i, j in permutations(range(4), 2):
        chance = float(p[i] * p[j] / (1 - p[i]))
        rows = (choice.index == torch.tensor([i, j])).all(-1)
        assert float(rows.double().mean()) == pytest.approx(
            chance, abs=5 * math.sqrt(chance / DRAWS)
        )
        torch.testing.assert_close(
            choice.log_prob[rows], torch.full_like(choice.log_prob[rows], math.log(chance))
        )


def test_taking_all_is_certain_in_the_end():
    choice = top_k(LOGITS, k=4)
    p = LOGITS.softmax(-1)[choice.index]
    expected = sum(math.log(p[i] / p[i:].sum()) for i in range(4))
    assert float(choice.log_prob) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(logits=scores, data=st.data())
def test_a_hybrid_blends_what_it_chose_and_a_gate_mixes_in_the_rest(logits, data):
    n = logits.shape[-1]
    k, gate = data.draw(st.integers(1, n)), data.draw(st.floats(0, 1))
    choice = hybrid(logits, k=k, gate=gate)
    p = logits.softmax(-1)
    kept = torch.zeros_like(p).scatter(-1, choice.index, 1.0) * p
    expected = gate * kept / kept.sum(-1, keepdim=True) + (1 - gate) * p
    torch.testing.assert_close(choice.weights, expected)
    values = torch.randn(*logits.shape, 3, dtype=torch.float64, generator=seeded())
    torch.testing.assert_close(choice.apply(values), (expected.unsqueeze(-1) * values).sum(-2))


def test_a_learned_gate_takes_a_gradient():
    gate = torch.tensor(0.25, dtype=torch.float64, requires_grad=True)
    choice = hybrid(LOGITS, k=1, gate=gate)
    choice.weights[2].backward()
    assert float(gate.grad) == pytest.approx(1 - float(LOGITS.softmax(-1)[2]))
    rows = hybrid(LOGITS.expand(3, 4), k=1, gate=torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(rows.weights[0], LOGITS.softmax(-1))
    assert rows.weights[2].tolist() == [0, 0, 1, 0]


@settings(max_examples=40, deadline=None)
@given(logits=scores, k=st.integers(1, 7))
def test_a_hard_choice_of_several_reads_the_same_rows_with_and_without_a_gradient(logits, k):
    k = min(k, logits.shape[-1])
    values = torch.randn(*logits.shape, 2, dtype=torch.float64, generator=seeded())
    plain = hybrid(logits, k=k).apply(values)
    traced = hybrid(logits.clone().requires_grad_(), k=k).apply(values)
    torch.testing.assert_close(plain, traced.detach())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: top_k(LOGITS, k=0), "k is 0; of 4 candidates"),
        (lambda: top_k(LOGITS, k=5), "k is 5"),
        (lambda: top_k(torch.tensor([0.0, -math.inf]), k=2), "fewer than k = 2"),
        (lambda: hybrid(LOGITS, k=1, gate=1.5), r"\[0, 1\]"),
        (lambda: hybrid(LOGITS, k=1, gate=float("nan")), r"\[0, 1\]"),
        (lambda: gumbel_softmax(LOGITS, temperature=0), "above zero"),
        (lambda: sparsemax(torch.tensor([math.nan])), "NaN"),
        (lambda: gaussian_location(torch.zeros(3)), r"\[..., 2\]"),
        (lambda: gaussian_location(torch.zeros(2), std=0), "above zero"),
        (lambda: Exponential(end=0), "above zero"),
        (lambda: Linear(steps=0), "1 or more"),
        (lambda: Adaptive(1, 0, 10, start=9), "between low"),
    ],
)
def test_wrong_use_is_one_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_a_place_has_the_density_of_the_normal_distribution_and_its_score():
    centre = torch.tensor([[0.1, -0.4]], dtype=torch.float64)
    mean = centre.expand(DRAWS, 2).clone().requires_grad_()
    seen = gaussian_location(mean, std=0.2, generator=seeded())
    normal = torch.distributions.Normal(mean, 0.2)
    torch.testing.assert_close(seen.log_prob, normal.log_prob(seen.place).sum(-1))
    torch.testing.assert_close(seen.entropy, normal.entropy().sum(-1))
    assert not seen.place.requires_grad
    (score,) = torch.autograd.grad(seen.log_prob.sum(), mean)
    torch.testing.assert_close(score, (seen.place - mean.detach()) / 0.04)
    assert score.abs().mean() > 1
    for axis, middle in enumerate((0.1, -0.4)):
        column = seen.place[:, axis]
        assert float(column.mean()) == pytest.approx(middle, abs=5 * 0.2 / math.sqrt(DRAWS))
        assert float(column.std()) == pytest.approx(0.2, rel=0.02)
    still = gaussian_location(mean, sample=False)
    assert torch.equal(still.place, mean.detach())


def test_schedules_are_their_formulas():
    falling = Exponential(5.0, 0.1, 100)
    assert [falling.at(step) for step in (0, 100, 500)] == pytest.approx([5.0, 0.1, 0.1])
    assert falling.at(50) == pytest.approx(math.sqrt(0.5))
    line = Linear(5.0, 0.1, 100)
    assert line.at(50) == pytest.approx(2.55) and line.at(1_000) == pytest.approx(0.1)


def test_an_adaptive_schedule_brings_the_entropy_to_its_target():
    schedule = Adaptive(math.log(4), 0.2, 500, rate=0.1)
    temperature = schedule.temperature
    for step in range(1_500):
        p = (LOGITS / temperature).softmax(-1)
        temperature = schedule.seen(step, float(torch.special.entr(p).sum()))
    p = (LOGITS / temperature).softmax(-1)
    assert float(torch.special.entr(p).sum()) == pytest.approx(0.2, abs=0.02)
    assert schedule.seen(0, math.nan) == temperature


def test_soft_while_trained_and_hard_in_use():
    assert torch.equal(soft_then_hard(LOGITS, training=True).weights, soft(LOGITS).weights)
    assert torch.equal(soft_then_hard(LOGITS, training=False).index, argmax(LOGITS).index)
