"""Each mechanism against its closed form."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_models.mechanisms import Selection, argmax, sampled, soft, uniform

ALL = (soft, argmax, sampled, uniform)
HARD = (argmax, sampled, uniform)
RANDOM = (sampled, uniform)

scores = arrays.arrays(
    np.float64,
    arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6),
    elements=st.floats(-30, 30),
).map(torch.from_numpy)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=60, deadline=None)
@given(logits=scores, temperature=st.floats(0.1, 10))
def test_probabilities_are_the_softmax_at_that_temperature(
    logits: torch.Tensor, temperature: float
) -> None:
    exponent = logits / temperature
    expected = (exponent - exponent.amax(-1, keepdim=True)).exp()
    expected = expected / expected.sum(-1, keepdim=True)
    for mechanism in (soft, argmax, sampled):
        choice = mechanism(logits, temperature=temperature)
        torch.testing.assert_close(choice.probabilities, expected)
        assert choice.temperature == temperature


@settings(max_examples=60, deadline=None)
@given(logits=scores)
def test_entropy_is_that_of_the_probabilities_and_never_leaves_its_bounds(
    logits: torch.Tensor,
) -> None:
    for mechanism in ALL:
        choice = mechanism(logits)
        p = choice.probabilities.clamp_min(1e-300)
        torch.testing.assert_close(choice.entropy, -(p * p.log()).sum(-1))
        assert (choice.entropy >= 0).all()
        assert (choice.entropy <= math.log(logits.shape[-1]) + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(logits=scores)
def test_a_hard_choice_is_one_hot_and_carries_the_log_of_its_own_probability(
    logits: torch.Tensor,
) -> None:
    for mechanism in HARD:
        choice = mechanism(logits)
        assert choice.index is not None
        assert choice.index.shape == (*logits.shape[:-1], 1)
        assert choice.index.dtype == torch.int64
        one_hot = torch.nn.functional.one_hot(choice.index.squeeze(-1), logits.shape[-1])
        assert torch.equal(choice.weights, one_hot.to(logits.dtype))
        taken = choice.probabilities.gather(-1, choice.index).squeeze(-1)
        torch.testing.assert_close(choice.log_prob, taken.log())


@settings(max_examples=60, deadline=None)
@given(logits=scores, width=st.integers(1, 4), seed=st.integers(0, 99))
def test_apply_blends_where_soft_and_gathers_the_very_row_where_hard(
    logits: torch.Tensor, width: int, seed: int
) -> None:
    values = torch.randn(*logits.shape, width, generator=seeded(seed), dtype=torch.float64)
    blended = (soft(logits).probabilities.unsqueeze(-1) * values).sum(-2)
    torch.testing.assert_close(soft(logits).apply(values), blended)
    for mechanism in HARD:
        choice = mechanism(logits)
        assert choice.index is not None
        rows = torch.take_along_dim(values, choice.index.unsqueeze(-1), dim=-2).squeeze(-2)
        assert torch.equal(choice.apply(values), rows)


def test_soft_is_no_choice() -> None:
    choice = soft(torch.randn(3, 5))
    assert choice.index is None
    assert torch.equal(choice.log_prob, torch.zeros(3))
    assert choice.weights is choice.probabilities


def test_argmax_takes_the_first_of_equal_scores() -> None:
    choice = argmax(torch.tensor([[1.0, 3.0, 3.0], [0.0, 0.0, 0.0]]))
    assert choice.index is not None
    assert choice.index.tolist() == [[1], [0]]


def test_sampled_draws_as_often_as_the_probabilities_say() -> None:
    logits = torch.tensor([0.0, 1.0, -1.0, 2.0]).expand(40_000, 4)
    choice = sampled(logits, temperature=2.0, generator=seeded())
    observed = choice.weights.mean(0)
    expected = torch.softmax(logits[0] / 2, -1)
    spread = (expected * (1 - expected) / len(logits)).sqrt()
    assert ((observed - expected).abs() < 4 * spread).all()


def test_uniform_draws_all_candidates_alike_whatever_the_scores() -> None:
    logits = torch.tensor([0.0, 50.0, -50.0, 2.0]).expand(40_000, 4)
    choice = uniform(logits, generator=seeded())
    assert torch.equal(choice.probabilities, torch.full((40_000, 4), 0.25))
    torch.testing.assert_close(choice.log_prob[0].item(), -math.log(4))
    assert ((choice.weights.mean(0) - 0.25).abs() < 4 * math.sqrt(0.25 * 0.75 / 40_000)).all()


@pytest.mark.parametrize("mechanism", RANDOM)
def test_the_same_generator_state_gives_the_same_draw_and_the_global_one_is_left_alone(
    mechanism: Any,
) -> None:
    logits = torch.randn(64, 20, generator=seeded(5))
    before = torch.get_rng_state()
    first, second = (mechanism(logits, generator=seeded(7)).index for _ in range(2))
    other = mechanism(logits, generator=seeded(8)).index
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("mechanism", ALL)
def test_a_candidate_ruled_out_is_never_chosen_and_poisons_nothing(mechanism: Any) -> None:
    logits = torch.tensor([-math.inf, 0.0, -math.inf, 0.0]).repeat(500, 1).requires_grad_()
    choice: Selection = mechanism(logits)
    assert torch.equal(choice.probabilities, torch.tensor([0.0, 0.5, 0.0, 0.5]).expand(500, 4))
    torch.testing.assert_close(choice.entropy, torch.full((500,), math.log(2)))
    assert choice.weights[:, [0, 2]].sum() == 0
    values = torch.randn(500, 4, 3)
    assert choice.apply(values).isfinite().all()
    if mechanism is not uniform:
        (choice.entropy.sum() + choice.log_prob.sum()).backward()  # type: ignore[no-untyped-call]
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


def test_the_gradient_of_soft_and_of_the_log_probability_match_finite_differences() -> None:
    logits = torch.randn(3, 5, dtype=torch.float64, generator=seeded()).requires_grad_()
    values = torch.randn(3, 5, 2, dtype=torch.float64, generator=seeded(1))
    assert torch.autograd.gradcheck(lambda x: soft(x, temperature=0.7).apply(values), logits)
    assert torch.autograd.gradcheck(
        lambda x: sampled(x, temperature=0.7, generator=seeded(2)).log_prob, logits
    )
    assert torch.autograd.gradcheck(lambda x: soft(x).entropy, logits)


@pytest.mark.parametrize("mechanism", ALL)
@pytest.mark.parametrize(
    ("logits", "options", "sentence"),
    [
        (torch.tensor([1, 2]), {}, "floating point"),
        (torch.zeros(3, 0), {}, "at least 1"),
        (torch.tensor(1.0), {}, "at least 1"),
        (torch.tensor([0.0, math.nan]), {}, "NaN"),
        (torch.tensor([0.0, math.inf]), {}, "NaN"),
        (torch.tensor([[0.0, 1.0], [-math.inf, -math.inf]]), {}, "rules out every"),
        (torch.zeros(2), {"temperature": 0.0}, "temperature"),
        (torch.zeros(2), {"temperature": math.nan}, "temperature"),
    ],
)
def test_bad_input_is_refused_in_words(
    mechanism: Any, logits: torch.Tensor, options: dict[str, float], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        mechanism(logits, **options)


@pytest.mark.parametrize("shape", [(5,), (2, 4, 3), (3, 5, 3)])
def test_apply_refuses_values_that_do_not_fit(shape: tuple[int, ...]) -> None:
    choice = soft(torch.zeros(2, 5))
    with pytest.raises(ValueError, match="values"):
        choice.apply(torch.zeros(shape))


def test_values_shared_by_a_batch_are_broadcast() -> None:
    logits = torch.randn(4, 5, generator=seeded())
    values = torch.randn(5, 3, generator=seeded(1))
    for mechanism in (soft, argmax):
        choice = mechanism(logits)
        torch.testing.assert_close(choice.apply(values), choice.weights @ values)
