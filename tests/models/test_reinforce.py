"""REINFORCE against the gradient computed by going through every choice."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hardattn_models.gradients import reinforce
from hardattn_models.mechanisms import sampled

N, STEPS = 4, 2


def problem() -> tuple[Tensor, Tensor]:
    """Scores of two successive choices among four (double), and the reward of each pair."""
    g = torch.Generator().manual_seed(3)
    logits = torch.randn(STEPS, N, dtype=torch.float64, generator=g)
    return logits, torch.rand(N, N, dtype=torch.float64, generator=g) + 3


def exact_gradient() -> tuple[Tensor, float]:
    """The gradient of the negative expected reward by enumeration, and the expected reward."""
    logits, reward = problem()
    logits.requires_grad_()
    first, second = torch.softmax(logits, -1)
    expected = (first[:, None] * second[None, :] * reward).sum()
    (gradient,) = torch.autograd.grad(-expected, logits)
    return gradient, expected.item()


def estimates(draws: int, level: float | None) -> Tensor:
    """Independent one-episode estimates of the gradient, [draws, STEPS, N]."""
    logits, reward = problem()
    logits = logits.expand(draws, STEPS, N).clone().requires_grad_()
    choice = sampled(logits, generator=torch.Generator().manual_seed(11))
    assert choice.index is not None
    first, second = choice.index.squeeze(-1).unbind(1)
    baseline = None if level is None else torch.full((draws, STEPS), level, dtype=torch.float64)
    loss = reinforce(choice.log_prob, reward[first, second], baseline)
    # The loss is a mean over episodes that each have scores of their own.
    (gradient,) = torch.autograd.grad(loss.policy * draws, logits)
    return gradient


@pytest.mark.parametrize("with_baseline", [False, True])
def test_the_mean_estimate_is_the_enumerated_gradient(with_baseline: bool) -> None:
    exact, expected = exact_gradient()
    found = estimates(100_000, expected if with_baseline else None)
    standard_error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - exact).abs() < 4.5 * standard_error).all()
    # Tight enough to tell a wrong sign or scale.
    assert (found.mean(0) - exact).norm() < 0.2 * exact.norm()


def test_a_baseline_lowers_the_variance_manyfold() -> None:
    _, expected = exact_gradient()
    plain = estimates(20_000, None).var(0).sum()
    lowered = estimates(20_000, expected).var(0).sum()
    assert lowered < 0.05 * plain


def test_a_learned_baseline_settles_at_the_expected_reward() -> None:
    _, expected = exact_gradient()
    logits, reward = problem()
    level = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([level], 0.2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        choice = sampled(logits.expand(2_000, STEPS, N), generator=generator)
        assert choice.index is not None
        first, second = choice.index.squeeze(-1).unbind(1)
        loss = reinforce(choice.log_prob, reward[first, second], level.expand(2_000, STEPS))
        optimizer.zero_grad()
        loss.baseline.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert level.item() == pytest.approx(expected, abs=0.02)


def test_the_policy_loss_sends_nothing_into_baseline_or_reward() -> None:
    log_prob = torch.randn(3, STEPS, requires_grad=True)
    baseline = torch.randn(3, STEPS, requires_grad=True)
    reward = torch.randn(3, requires_grad=True)
    loss = reinforce(log_prob, reward, baseline)
    found = torch.autograd.grad(
        loss.policy, [log_prob, baseline, reward], allow_unused=True, retain_graph=True
    )
    assert found[0] is not None
    assert found[1] is None
    assert found[2] is None
    assert torch.autograd.grad(loss.baseline, [reward], allow_unused=True) == (None,)
    assert not loss.advantage.requires_grad


def test_each_step_may_have_a_reward_of_its_own() -> None:
    log_prob = torch.tensor([[0.5, -1.0], [2.0, 0.0]])
    reward = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    baseline = torch.tensor([[0.5, 0.5], [1.0, 1.0]])
    loss = reinforce(log_prob, reward, baseline)
    assert loss.policy.item() == pytest.approx(-(0.5 * 0.5 - 1.5 + 2.0 * 2.0 + 0.0) / 2)
    assert loss.baseline.item() == pytest.approx((0.25 + 2.25 + 4 + 9) / 4)
    assert torch.equal(loss.advantage, reward - baseline)


@pytest.mark.parametrize(
    ("log_prob", "reward", "baseline", "sentence"),
    [
        ((2, 3, 4), (2,), None, "log_prob"),
        ((0,), (0,), None, "not empty"),
        ((2, 3), (3,), None, "reward"),
        ((2,), (2, 1), None, "reward"),
        ((2, 3), (2,), (2,), "baseline"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_in_words(
    log_prob: tuple[int, ...],
    reward: tuple[int, ...],
    baseline: tuple[int, ...] | None,
    sentence: str,
) -> None:
    with pytest.raises(ValueError, match=sentence):
        reinforce(
            torch.zeros(log_prob),
            torch.zeros(reward),
            None if baseline is None else torch.zeros(baseline),
        )
