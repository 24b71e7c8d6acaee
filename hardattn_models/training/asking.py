"""Estimators that ask for the loss of other choices than the one that was made."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from hardattn_models.errors import TrainingError
from hardattn_models.gradients import estimate
from hardattn_models.model import SystemModel
from hardattn_models.told import Given, GivenGates, Weighted
from hardattn_models.training.aids import Aids
from hardattn_models.training.goal import Objective, with_policy
from hardattn_models.training.plan import TrainingPlan

_ENUMERATED = 10
"""Gates whose settings are all tried; twice as many runs of the model for each one more."""
_SHUT = -40.0
"""Logit of a gate that is kept closed: it opens once in 10¹⁷ draws."""


def single(
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
    if logits.ndim > 2:
        _check_several(plan, *logits.shape[1:])

    def loss_of(weights: Tensor) -> Tensor:
        return model.outcome(batch, Weighted(weights)).loss

    def loss_of_index(weights: Tensor) -> Tensor:
        return model.outcome(batch, Given([weights.argmax(-1)])).loss

    if plan.gradient in ("relax", "rebar"):
        # REBAR is RELAX with a control variate of two numbers, which are fitted alike.
        control = aids.control(logits[0].numel(), free=plan.gradient == "relax")
        found = estimate(
            "relax",
            logits,
            loss_of,
            generator=generator,
            control=lambda z: control(z, loss_of),
            coupled=True,
        )
        aids.lower_variance(found)
    elif plan.gradient == "sum-and-sample":
        largest = max(1, min(3, logits.shape[-1] - 1))
        found = estimate(plan.gradient, logits, loss_of_index, generator=generator, largest=largest)
    else:
        found = estimate(plan.gradient, logits, loss_of_index, generator=generator)
    policy = (logits * found.detach()).sum() / len(logits)
    return with_policy(plan, choose, outcome, left, policy, outcome.loss.new_zeros(()))


def _check_several(plan: TrainingPlan, variables: int, values: int) -> None:
    if plan.gradient == "sum-and-sample":
        raise TrainingError(
            f"sum-and-sample sums over the candidates of one variable, and {plan.system} has "
            f"{variables}: choose rebar, relax, reinforce or rloo"
        )
    if plan.gradient == "exact" and values**variables > 2**_ENUMERATED:
        raise TrainingError(
            f"exact runs the model on all {values}^{variables} settings of the {variables} "
            f"variables of {plan.system}, which it does for up to {2**_ENUMERATED:,}: choose "
            "rebar, relax, reinforce or rloo"
        )


def gated(
    plan: TrainingPlan,
    model: SystemModel,
    batch: Any,
    left: float,
    generator: Generator | None,
    aids: Aids,
) -> Objective:
    """As for a single choice, which is that of all gates together."""
    choose = model.chooser(generator)
    outcome = model.outcome(batch, choose)
    (made,) = choose.logits
    count = made.shape[-1]
    if plan.gradient == "gate-exact" and count > _ENUMERATED:
        raise TrainingError(
            f"gate-exact runs the model on all 2^{count} settings of the {count} gates of "
            f"{plan.system}, which it does for up to {_ENUMERATED}: choose disarm or arm"
        )
    shut = made.isneginf()
    logits = made.masked_fill(shut, _SHUT) / choose.temperature

    def loss_of(gates: Tensor) -> Tensor:
        return model.outcome(batch, GivenGates(gates, choose.temperature)).loss

    options = {"samples": plan.samples} if plan.gradient == "gate-reinforce" else {}
    found = estimate(plan.gradient, logits, loss_of, generator=generator, **options)
    policy = (logits * found.detach().masked_fill(shut, 0.0)).sum() / len(logits)
    return with_policy(plan, choose, outcome, left, policy, outcome.loss.new_zeros(()))


def _finite(logits: Tensor) -> Tensor:
    """What is ruled out has a chance of e⁻⁴⁰, since estimators ask for the loss of every one."""
    floor = logits.detach().amax(-1, keepdim=True) - 40
    return torch.where(logits.isneginf(), floor, logits)
