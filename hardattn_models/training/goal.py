"""What one batch says of the weights, put together from a loss and what teaches the choices."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from hardattn_models.choosing import Chooser
from hardattn_models.gradients import reinforce
from hardattn_models.model import Outcome
from hardattn_models.training.plan import TrainingPlan


@dataclass(frozen=True, eq=False)
class Objective:
    """What one batch says of the weights.

    Attributes:
        total: scalar with its gradient; what an update lowers.
        loss: scalar, the model's loss in nats.
        policy: scalar, the part that teaches the choices; zero where the loss itself does.
        baseline: scalar, mean squared error of the learned baseline; zero where there is none.
        reward: mean reward of the batch.
        error: share of the batch answered wrongly, 0 to 1.
        entropy: mean entropy of the choices in nats.
        temperature: that of the choices.
    """

    total: Tensor
    loss: Tensor
    policy: Tensor
    baseline: Tensor
    reward: float
    error: float
    entropy: float
    temperature: float


def scored(
    plan: TrainingPlan,
    choose: Chooser,
    outcome: Outcome,
    left: float,
    expected: Tensor | None,
    reward: Tensor | None = None,
) -> Objective:
    """The score of what was drawn, times what it brought beyond what was ``expected``."""
    log_prob = choose.log_prob()
    if expected is not None:
        expected = expected.expand_as(log_prob)
    learned = reinforce(log_prob, outcome.reward if reward is None else reward, expected)
    fits = plan.gradient == "reinforce" and plan.baseline == "learned" and expected is not None
    fit = learned.baseline if fits else learned.baseline.new_zeros(())
    return with_policy(plan, choose, outcome, left, learned.policy, fit)


def with_policy(
    plan: TrainingPlan,
    choose: Chooser,
    outcome: Outcome,
    left: float,
    policy: Tensor,
    fit: Tensor,
) -> Objective:
    """The loss of the model beside ``policy``, a scalar whose gradient teaches the choices."""
    loss = outcome.loss.mean()
    bonus = plan.entropy_bonus * left * choose.entropy().sum(1).mean()
    kept = loss if plan.loss_weight == 1 else plan.loss_weight * loss
    total = kept + plan.baseline_weight * fit + plan.policy_weight * (policy - bonus)
    return told(choose, outcome, total, loss, policy, fit)


def told(
    choose: Chooser, outcome: Outcome, total: Tensor, loss: Tensor, policy: Tensor, fit: Tensor
) -> Objective:
    """What is known of a batch once what is lowered is known."""
    return Objective(
        total=total,
        loss=loss,
        policy=policy,
        baseline=fit,
        reward=outcome.total_reward.mean().item(),
        error=1 - outcome.right.mean().item(),
        entropy=choose.mean_entropy().item(),
        temperature=choose.temperature,
    )


def expecting(outcome: Outcome, choose: Chooser) -> Tensor:
    """How well rewards are expected; beside a loss that teaches the choices by itself."""
    return reinforce(choose.log_prob(), outcome.reward, outcome.baseline).baseline
