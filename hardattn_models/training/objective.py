"""What an update lowers, by estimator; shared by training and by measuring it.

Every estimator that scores a draw is written as a scalar whose gradient is its estimate, summed
over the choices of an episode and averaged over the batch, beside the loss of the rest of the
model on the same draw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from hardattn_models.errors import TrainingError
from hardattn_models.gradients.losses import summed
from hardattn_models.model import SystemModel
from hardattn_models.pairs import GATED, SINGLE
from hardattn_models.tasks.protocol import repeated
from hardattn_models.told import Given, MeanField
from hardattn_models.training.aids import Aids
from hardattn_models.training.asking import gated, single
from hardattn_models.training.goal import Objective, expecting, scored, told
from hardattn_models.training.plan import TrainingPlan


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
        fit = expecting(outcome, choose)
        total = loss + plan.baseline_weight * fit
    if plan.entropy_bonus:
        total = total - plan.entropy_bonus * left * choose.entropy().sum(1).mean()
    return told(choose, outcome, total, loss, loss.new_zeros(()), fit)


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
    return told(choose, outcome, loss, loss, zero, zero)


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
    return told(choose, outcome, loss, loss, zero, zero)


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
    return scored(plan, choose, outcome, left, expected)


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
    return scored(plan, choose, outcome, left, greedy.total_reward.unsqueeze(1))


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
    return scored(plan, choose, outcome, left, others.reshape(-1, 1))


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
    return scored(plan, choose, outcome, left, -blended.unsqueeze(1), -outcome.loss.detach())


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
            h = h + summed(slope * (selection.weights.detach() - leaf.detach()))
            back = back + summed(slope * selection.probabilities)
        controls.append(h)
    control = torch.stack(controls, 1)
    rest = -outcome.loss.detach().unsqueeze(1) + control
    average = aids.average("rest")
    expected = average.expected(rest[:, 0])
    average.learn(rest.mean(1))
    goal = scored(plan, choose, outcome, left, expected - control, -outcome.loss.detach())
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


_KINDS: dict[str, _Kind] = {
    "likelihood": _likelihood,
    "marginal": _marginal,
    "reinforce": _reinforce,
    "self-critical": _self_critical,
    "rloo": _leave_one_out,
    "soft-baseline": _soft_baseline,
    "muprop": _muprop,
    **dict.fromkeys(SINGLE, single),
    **dict.fromkeys(GATED, gated),
}
