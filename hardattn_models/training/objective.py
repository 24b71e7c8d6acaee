"""What an update lowers, by estimator; shared by training and by measuring it.

Every estimator that scores a draw is written as a scalar whose gradient is its estimate, summed
over the choices of an episode and averaged over the batch, beside the loss of the rest of the
model on the same draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from hardattn_models.choosing import Chooser, Given, MeanField, Weighted
from hardattn_models.errors import TrainingError
from hardattn_models.gradients import estimate, reinforce
from hardattn_models.model import Outcome, SystemModel
from hardattn_models.pairs import SINGLE
from hardattn_models.tasks.protocol import repeated
from hardattn_models.training.aids import Aids
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


def objective(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float = 1.0,
    generator: Generator | None = None,
    aids: Aids | None = None,
) -> Objective:
    """What an update by ``plan`` lowers on one batch.

    Args:
        plan: the estimator and the weights of its parts.
        model: the model; it runs here, as often as the estimator asks for.
        batch: of its task.
        left: share of the training that is still to come, in [0, 1]; scales the entropy bonus.
        generator: source of the random choices.
        aids: what the estimator remembers; changed here. New if not given.

    Raises:
        TrainingError: the model makes more choices than the estimator can do with.
    """
    aids = aids or Aids(plan.decay, plan.seed)
    return _KINDS.get(plan.gradient, _through)(plan, model, batch, left, generator, aids)


_Kind = Callable[[TrainingPlan, SystemModel, Any, float, Generator | None, Aids], Objective]


def _through(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    """The gradient of the loss goes through the choices' weights, or they take none."""
    apart = plan.gradient in ("argmax-straight-through", "gumbel-rao", "reinmax")
    choose = model.chooser(generator, how=plan.gradient if apart else None)
    outcome = model.outcome(batch, choose)
    loss = outcome.loss.mean()
    total, fit = loss, loss.new_zeros(())
    if outcome.baseline is not None:
        fit = _fit(outcome, choose)
        total = loss + plan.baseline_weight * fit
    if plan.entropy_bonus:
        total = total - plan.entropy_bonus * left * choose.entropy().sum(1).mean()
    return _told(choose, outcome, total, loss, loss.new_zeros(()), fit)


def _likelihood(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    """The choices are the answer, and the answer is known: each is given what came before."""
    choose = Given(model.answers(batch))
    outcome = model.outcome(batch, choose)
    loss = outcome.loss.mean()
    zero = loss.new_zeros(())
    return _told(choose, outcome, loss, loss, zero, zero)


def _marginal(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    """``−log Σ_a p(a) p(y | a)``: no choice is drawn, and none is blended with another.

    Shankar, Garg & Sarawagi 2018, EMNLP, eq. 4; for one choice an example.
    """
    choose = model.chooser(generator)
    outcome = model.marginal(batch, choose)
    loss = outcome.loss.mean()
    zero = loss.new_zeros(())
    return _told(choose, outcome, loss, loss, zero, zero)


def _reinforce(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    choose = model.chooser(generator)
    outcome = model.outcome(batch, choose)
    average = aids.average("reward")
    expected: Tensor | None = None
    if plan.baseline == "learned":
        expected = outcome.baseline
        if expected is None:
            raise TrainingError(
                f"{plan.system} has no network that expects a reward before it chooses: choose the "
                "baseline moving-average or none"
            )
    elif plan.baseline == "moving-average":
        # Asked before it takes these rewards in, or it would know the choices it judges.
        expected = average.expected(outcome.total_reward)
        average.learn(outcome.total_reward)
    return _scored(plan, choose, outcome, left, expected)


def _self_critical(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    with torch.no_grad():
        greedy = model.outcome(batch, model.chooser(generator, sample=False))
    choose = model.chooser(generator)
    outcome = model.outcome(batch, choose)
    return _scored(plan, choose, outcome, left, greedy.total_reward.unsqueeze(1))


def _leave_one_out(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    choose = model.chooser(generator)
    outcome = model.outcome(repeated(batch, plan.samples), choose)
    rewards = outcome.total_reward.reshape(-1, plan.samples)
    others = (rewards.sum(1, keepdim=True) - rewards) / (plan.samples - 1)
    return _scored(plan, choose, outcome, left, others.reshape(-1, 1))


def _soft_baseline(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    with torch.no_grad():
        blended = model.outcome(batch, MeanField(model.temperature)).loss
    choose = model.chooser(generator)
    outcome = model.outcome(batch, choose)
    return _scored(plan, choose, outcome, left, -blended.unsqueeze(1), -outcome.loss.detach())


def _muprop(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    """``Σ_t (L − b − h_t) log p(s_t) + g_t · p_t``, ``h_t = L(p̄) + Σ_{j ≤ t} g_j · (s_j − p̄_j)``.

    p̄ are the weights of a pass that blends, g the slope of its loss there. Of the control variate
    of choice t only what was chosen by then is a part: later choices depend on it, and what they
    would take away on average is not known. What choice t takes away is put back by ``g_t · p_t``.
    """
    field = MeanField(model.temperature)
    # Whatever the blend says of the weights of the rest of the model is no part of the estimate.
    blended = model.outcome(batch, field).loss
    slopes = torch.autograd.grad(blended.sum(), field.leaves, allow_unused=True)
    choose = model.chooser(generator)
    outcome = model.outcome(batch, choose)
    h, back = blended.detach(), torch.zeros_like(outcome.loss)
    controls = []
    for selection, leaf, slope in zip(choose.steps, field.leaves, slopes, strict=True):
        assert not hasattr(selection, "place")
        if slope is not None:
            h = h + (slope * (selection.weights.detach() - leaf.detach())).sum(-1)
            back = back + (slope * selection.probabilities).sum(-1)
        controls.append(h)
    control = torch.stack(controls, 1)
    rest = -outcome.loss.detach().unsqueeze(1) + control
    average = aids.average("rest")
    expected = average.expected(rest[:, 0])
    average.learn(rest.mean(1))
    goal = _scored(plan, choose, outcome, left, expected - control, -outcome.loss.detach())
    put_back = back.mean()
    return Objective(
        goal.total + plan.policy_weight * put_back,
        goal.loss,
        goal.policy + put_back,
        goal.baseline,
        goal.reward,
        goal.error,
        goal.entropy,
        goal.temperature,
    )


def _single(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    """``hardattn_models.gradients`` asks for the loss of whatever weights it likes."""
    choose = model.chooser(generator)
    outcome = model.outcome(batch, choose)
    if len(choose.logits) != 1:
        raise TrainingError(
            f"{plan.gradient} runs the rest of the model on other choices, which it can where an "
            f"example takes one choice; {plan.system} makes {len(choose.logits)} one after "
            "another: choose reinforce or rloo"
        )
    logits = _finite(choose.logits[0]) / choose.temperature

    def loss_of(weights: Tensor) -> Tensor:
        return model.outcome(batch, Weighted(weights)).loss

    def loss_of_index(weights: Tensor) -> Tensor:
        return model.outcome(batch, Given([weights.argmax(-1)])).loss

    if plan.gradient == "relax":
        control = aids.control(logits.shape[-1])
        found = estimate(
            "relax", logits, loss_of, generator=generator, control=lambda z: control(z, loss_of)
        )
        aids.lower_variance(found)
    elif plan.gradient == "rebar":
        found = estimate("rebar", logits, loss_of, generator=generator)
    elif plan.gradient == "sum-and-sample":
        largest = max(1, min(3, logits.shape[-1] - 1))
        found = estimate(plan.gradient, logits, loss_of_index, generator=generator, largest=largest)
    else:
        found = estimate(plan.gradient, logits, loss_of_index, generator=generator)
    policy = (logits * found.detach()).sum() / len(logits)
    return _with_policy(plan, choose, outcome, left, policy, outcome.loss.new_zeros(()))


def _finite(logits: Tensor) -> Tensor:
    """What is ruled out has a chance of e⁻⁴⁰, since estimators ask for the loss of every one."""
    floor = logits.detach().amax(-1, keepdim=True) - 40
    return torch.where(logits.isneginf(), floor, logits)


_KINDS: dict[str, _Kind] = {
    "likelihood": _likelihood,
    "marginal": _marginal,
    "reinforce": _reinforce,
    "self-critical": _self_critical,
    "rloo": _leave_one_out,
    "soft-baseline": _soft_baseline,
    "muprop": _muprop,
    **dict.fromkeys(SINGLE, _single),
}


def _scored(
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
    return _with_policy(plan, choose, outcome, left, learned.policy, fit)


def _with_policy(
    plan: TrainingPlan,
    choose: Chooser,
    outcome: Outcome,
    left: float,
    policy: Tensor,
    fit: Tensor,
) -> Objective:
    loss = outcome.loss.mean()
    bonus = plan.entropy_bonus * left * choose.entropy().sum(1).mean()
    kept = loss if plan.loss_weight == 1 else plan.loss_weight * loss
    total = kept + plan.baseline_weight * fit + plan.policy_weight * (policy - bonus)
    return _told(choose, outcome, total, loss, policy, fit)


def _told(
    choose: Chooser, outcome: Outcome, total: Tensor, loss: Tensor, policy: Tensor, fit: Tensor
) -> Objective:
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


def _fit(outcome: Outcome, choose: Chooser) -> Tensor:
    """How well rewards are expected; beside a loss that teaches the choices by itself."""
    return reinforce(choose.log_prob(), outcome.reward, outcome.baseline).baseline
