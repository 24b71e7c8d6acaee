"""A choice of several variables at once: each estimate, held to the enumerated gradient.

The truth is automatic differentiation of the expectation over all settings, written out here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
import torch
from torch import nn

from hardattn_models import TrainingError
from hardattn_models.choosing import Chooser
from hardattn_models.gradients import estimate, estimators, fitted_control
from hardattn_models.gradients.draws import exponential, perturbed_again
from hardattn_models.mechanisms import sampled
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.told import Given
from hardattn_models.training.aids import Aids
from hardattn_models.training.objective import objective
from hardattn_models.training.plan import default_plan

VARIABLES, VALUES = 3, 3
_G = torch.Generator().manual_seed(2)
LOGITS = torch.randn(VARIABLES, VALUES, generator=_G, dtype=torch.float64)
TABLE = torch.randn(VARIABLES * VALUES, 5, generator=_G, dtype=torch.float64)


def loss(weights: torch.Tensor) -> torch.Tensor:
    """No quadratic, and no sum over the variables."""
    mixed = weights.flatten(-2) @ TABLE.to(weights.dtype)
    return torch.tanh(mixed).prod(-1) + torch.cos(mixed).sum(-1) / 2


def truth(logits: torch.Tensor) -> torch.Tensor:
    at = logits.detach().clone().requires_grad_()
    p, eye = at.softmax(-1), torch.eye(VALUES, dtype=at.dtype)
    total = torch.zeros((), dtype=at.dtype)
    for setting in product(range(VALUES), repeat=VARIABLES):
        chance = torch.stack([p[v, value] for v, value in enumerate(setting)]).prod()
        total = total + chance * loss(eye[list(setting)])
    return torch.autograd.grad(total, at)[0]


UNBIASED: list[tuple[str, dict[str, Any]]] = [
    ("reinforce", {}),
    ("reinforce", {"samples": 3}),
    ("self-critical", {}),
    ("soft-baseline", {}),
    ("rloo", {}),
    ("muprop", {}),
    ("rebar", {}),
    ("rebar", {"coupled": True}),
    ("relax", {"control": lambda z: (z.softmax(-1).flatten(1) @ TABLE).sin().sum(-1)}),
]


@pytest.mark.parametrize(("name", "options"), UNBIASED)
def test_the_estimate_for_several_variables_is_the_gradient(
    name: str, options: dict[str, Any]
) -> None:
    many = LOGITS.expand(200_000, VARIABLES, VALUES)
    generator = torch.Generator().manual_seed(4)
    found = estimate(name, many, loss, generator=generator, **options)
    error = found.std(0) / len(found) ** 0.5
    assert found.shape == many.shape
    assert ((found.mean(0) - truth(LOGITS)).abs() <= 5 * error).all()
    assert error.max() < 0.01 < truth(LOGITS).abs().max()


def test_enumeration_of_several_variables_is_the_gradient() -> None:
    found = estimate("exact", LOGITS[None].repeat(2, 1, 1), loss)
    torch.testing.assert_close(found, truth(LOGITS).expand(2, -1, -1))
    with pytest.raises(ValueError, match=r"11 variables of 2 values have 2\^11 settings"):
        estimate("exact", torch.zeros(1, 11, 2), loss)


def test_a_fitted_control_of_several_variables_lowers_the_variance_of_muprop() -> None:
    generator = torch.Generator().manual_seed(4)
    b, c = fitted_control(LOGITS[None], loss, generator, samples=20_000)
    assert b.shape == c.shape == (1,)
    many = LOGITS.expand(50_000, VARIABLES, VALUES)
    plain, fit = (
        estimate("muprop", many, loss, generator=generator, **options).var(0).sum()
        for options in ({}, {"b": b, "c": c})
    )
    assert fit < 0.9 * plain


@pytest.mark.parametrize("one", estimators(), ids=lambda one: one.name)
def test_one_variable_in_a_row_of_its_own_is_one_choice(one: Any) -> None:
    options = {"control": lambda z: z.flatten(1).sin().sum(-1)} if one.name == "relax" else {}
    logits = LOGITS.reshape(1, 1, -1).expand(50, 1, -1)
    generators = [torch.Generator().manual_seed(8) for _ in range(2)]

    def cost(weights: torch.Tensor) -> torch.Tensor:
        return (weights.flatten(1) @ TABLE).cos().sum(-1)

    if one.choice == "gates":
        with pytest.raises(ValueError, match=r"must be floating \[batch, n\], not"):
            estimate(one.name, logits, cost)
        return
    if one.name == "sum-and-sample":
        with pytest.raises(ValueError, match="of one choice, not of several"):
            estimate(one.name, logits, cost)
        return
    row = estimate(one.name, logits, cost, generator=generators[0], **options)
    flat = estimate(one.name, logits[:, 0], cost, generator=generators[1], **options)
    torch.testing.assert_close(row[:, 0], flat)


def test_noise_that_is_taken_up_again_is_the_same_and_differs_in_its_slope() -> None:
    logits = LOGITS.clone().requires_grad_()
    noise = exponential(LOGITS, torch.Generator().manual_seed(1))
    z = logits - noise.log()
    chosen = nn.functional.one_hot(z.argmax(-1), VALUES).double()
    again = perturbed_again(logits, chosen, noise)
    torch.testing.assert_close(again, z)
    # Given the argmax, the largest is one draw of the logarithm of the summed exponentials.
    slope = torch.autograd.grad((again * chosen).sum(), logits)[0]
    torch.testing.assert_close(slope, LOGITS.softmax(-1))


@dataclass
class Rows:
    rows: torch.Tensor
    entries: list[Any] = field(default_factory=list)


class Toy(SystemModel):
    """One choice of three variables."""

    def __init__(self, mechanism: str = "sampled") -> None:
        super().__init__(ModelConfig(mechanism))
        self.scores = nn.Parameter(LOGITS.float())

    def outcome(self, batch: Rows, choose: Chooser) -> Outcome:
        rows = len(batch.rows)
        cost = loss(choose(self.scores.expand(rows, VARIABLES, VALUES)).weights)
        return Outcome(loss=cost, reward=-cost.detach(), right=torch.zeros(rows))


TRAINED: list[tuple[str, dict[str, Any]]] = [
    ("exact", {}),
    ("reinforce", {"baseline": "none"}),
    ("reinforce", {"baseline": "moving-average"}),
    ("self-critical", {}),
    ("rloo", {}),
    ("soft-baseline", {}),
    ("muprop", {}),
    ("rebar", {}),
    ("relax", {}),
]


@pytest.mark.parametrize(("gradient", "changes"), TRAINED)
def test_what_training_lowers_has_the_gradient_of_the_expected_loss(
    gradient: str, changes: dict[str, Any]
) -> None:
    plan = default_plan("glimpse", "sampled", gradient=gradient, entropy_bonus=0.0, **changes)
    generator, aids, toy, rows = torch.Generator().manual_seed(5), Aids(), Toy(), []
    for _ in range(30):
        goal = objective(plan, toy, Rows(torch.zeros(2_000, 1)), 1.0, generator, aids)
        rows.append(torch.autograd.grad(goal.total, toy.scores)[0].double())
    every = torch.stack(rows)
    error = every.std(0) / len(every) ** 0.5
    assert ((every.mean(0) - truth(LOGITS)).abs() <= 5 * error + 1e-6).all()


def test_the_temperature_of_rebar_is_fitted_to_its_variance() -> None:
    plan = default_plan("glimpse", "sampled", gradient="rebar", entropy_bonus=0.0)
    generator, aids, toy = torch.Generator().manual_seed(5), Aids(), Toy()
    spread = []
    for _ in range(600):
        goal = objective(plan, toy, Rows(torch.zeros(100, 1)), 1.0, generator, aids)
        spread.append(torch.autograd.grad(goal.total, toy.scores)[0].double())
    every = torch.stack(spread)
    before, after = every[:100].var(0).sum(), every[-200:].var(0).sum()
    control = aids.control(VARIABLES * VALUES, free=False)
    assert control.rest is None and abs(control.eta.item() - 1) > 0.05
    assert after < 0.9 * before
    kept = Aids()
    kept.restore(*aids.state())
    assert torch.equal(kept.control(VARIABLES * VALUES, free=False).eta, control.eta)


def test_enumeration_of_one_choice_at_a_time_is_refused_for_several_variables() -> None:
    plan = default_plan("glimpse", "sampled", gradient="sum-and-sample")
    with pytest.raises(TrainingError, match=r"sum-and-sample sums over .* or rloo"):
        objective(plan, Toy(), Rows(torch.zeros(3, 1)))


def test_several_variables_are_one_choice_with_the_summed_log_prob_and_entropy() -> None:
    choose = Chooser("sampled", generator=torch.Generator().manual_seed(0))
    selection = choose(LOGITS.expand(7, VARIABLES, VALUES))
    alone = sampled(LOGITS.expand(7, VARIABLES, VALUES), generator=torch.Generator().manual_seed(0))
    assert torch.equal(selection.weights, alone.weights)
    p = LOGITS.softmax(-1)
    chance = (selection.weights * p).sum(-1).prod(-1)
    torch.testing.assert_close(choose.log_prob(), chance.log()[:, None])
    entropy = -(p * p.log()).sum().expand(7, 1)
    torch.testing.assert_close(choose.entropy(), entropy)
    assert torch.equal(choose.made(), torch.ones(7, 1, dtype=torch.float64))
    given = Given([selection.index[..., 0]])
    assert torch.equal(given(LOGITS.expand(7, VARIABLES, VALUES)).weights, selection.weights)
    torch.testing.assert_close(given.log_prob(), choose.log_prob())
