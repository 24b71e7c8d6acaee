"""What training lowers has the gradient of the expected loss, choices one after another and all.

The truth is enumerated: two choices of three, the second by logits that depend on the first.
"""

from dataclasses import dataclass, field
from itertools import product

import pytest
import torch
from torch import nn

from hardattn_models import TrainingError
from hardattn_models.gradients import estimate
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import SINGLE
from hardattn_models.training.aids import Aids
from hardattn_models.training.objective import objective
from hardattn_models.training.plan import default_plan

N, ROWS, BATCHES = 3, 4_000, 30


@dataclass
class Rows:
    rows: torch.Tensor
    entries: list = field(default_factory=list)


class Toy(SystemModel):
    """Loss: a smooth function of the weights of one or two choices, no quadratic."""

    def __init__(self, choices=2, quadratic=False, mechanism="sampled"):
        super().__init__(ModelConfig(mechanism))
        g = torch.Generator().manual_seed(3)
        self.choices, self.quadratic = choices, quadratic
        self.first = nn.Parameter(torch.randn(N, generator=g))
        self.second = nn.Parameter(torch.randn(N, N, generator=g))
        self.expect = nn.Parameter(torch.tensor([0.4, -0.2]))
        self.one, self.two = (2 * torch.randn(N, 4, generator=g) for _ in range(2))

    def of(self, first, second):
        mixed = first @ self.one + (0 if second is None else second @ self.two)
        if self.quadratic:
            return (mixed - 0.5).square().sum(-1)
        return torch.tanh(mixed).prod(-1) + torch.cos(mixed).sum(-1) / 4

    def outcome(self, batch, choose):
        rows = len(batch.rows)
        first = choose(self.first.expand(rows, N)).weights
        second = None
        if self.choices == 2:
            second = choose(first @ self.second).weights
        loss = self.of(first, second)
        return Outcome(
            loss=loss,
            reward=-loss.detach(),
            right=torch.zeros(rows),
            baseline=self.expect[: self.choices].expand(rows, self.choices),
        )

    def truth(self):
        eye, total = torch.eye(N), 0.0
        for i, j in product(range(N), range(N if self.choices == 2 else 1)):
            p = self.first.softmax(-1)[i]
            if self.choices == 2:
                p = p * self.second[i].softmax(-1)[j]
            total = total + p * self.of(eye[i], eye[j] if self.choices == 2 else None)
        wanted = [self.first, self.second][: self.choices]
        return torch.cat([g.reshape(-1) for g in torch.autograd.grad(total, wanted)])


def found(toy, gradient, rows=ROWS, batches=BATCHES, **changes):
    """Mean and standard error of the estimates of independent batches."""
    plan = default_plan(
        "glimpse",
        toy.mechanism,
        gradient=gradient,
        entropy_bonus=0.0,
        policy_weight=1.0,
        baseline_weight=0.0,
        **changes,
    )
    generator, aids = torch.Generator().manual_seed(5), Aids(0.9)
    batch, estimates = Rows(torch.zeros(rows, 1)), []
    for _ in range(batches):
        goal = objective(plan, toy, batch, 1.0, generator, aids)
        wanted = [toy.first, toy.second][: toy.choices]
        slopes = torch.autograd.grad(goal.total, wanted)
        estimates.append(torch.cat([slope.reshape(-1) for slope in slopes]))
    every = torch.stack(estimates).double()
    return every.mean(0), every.std(0) / batches**0.5


UNBIASED = [
    ("reinforce", {"baseline": "none"}),
    ("reinforce", {"baseline": "learned"}),
    ("reinforce", {"baseline": "moving-average"}),
    ("self-critical", {}),
    ("rloo", {"samples": 2}),
    ("rloo", {"samples": 5}),
    ("soft-baseline", {}),
    ("muprop", {}),
]


@pytest.mark.parametrize(("gradient", "changes"), UNBIASED)
def test_the_estimate_for_choices_one_after_another_is_the_gradient(gradient, changes):
    toy = Toy()
    mean, error = found(toy, gradient, **changes)
    assert ((mean - toy.truth()).abs() <= 5 * error + 1e-6).all()
    assert error.max() < 0.02


@pytest.mark.parametrize("gradient", SINGLE)
def test_the_estimate_for_one_choice_is_the_gradient(gradient):
    toy = Toy(choices=1)
    mean, error = found(toy, gradient)
    assert ((mean - toy.truth()).abs() <= 5 * error + 1e-6).all()


def test_the_exact_gradient_has_no_variance_and_better_baselines_have_less():
    toy = Toy(choices=1)
    assert found(toy, "exact", batches=3)[1].max() < 1e-6
    spread = {
        name: found(toy, name, rows=400, batches=100, **changes)[1].square().sum().item()
        for name, changes in (("reinforce", {"baseline": "none"}), ("rloo", {"samples": 4}))
    }
    assert spread["rloo"] < 0.3 * spread["reinforce"]


@pytest.mark.parametrize(
    ("mechanism", "gradient"),
    [
        ("straight-through", "straight-through"),
        ("straight-through", "argmax-straight-through"),
        ("gumbel-straight-through", "gumbel-straight-through"),
        ("gumbel-straight-through", "gumbel-rao"),
        ("gumbel-softmax", "gumbel-softmax"),
        ("straight-through", "reinmax"),
    ],
)
def test_what_goes_through_the_weights_is_biased_as_the_estimator_alone_is(mechanism, gradient):
    toy = Toy(choices=1, mechanism=mechanism)
    mean, error = found(toy, gradient, schedule="constant")
    options = {} if "rao" not in gradient else {"temperature": 1.0}
    g = torch.Generator().manual_seed(9)
    logits = toy.first.detach().expand(ROWS * BATCHES, N)
    alone = estimate(gradient, logits, lambda w: toy.of(w, None), generator=g, **options)
    spread = alone.std(0) / len(alone) ** 0.5
    assert ((mean - alone.mean(0)).abs() <= 5 * (error + spread) + 1e-6).all()
    assert ((mean - toy.truth()).abs() > 5 * error + 1e-4).any()


def test_reinmax_is_exact_for_a_quadratic_and_straight_through_is_not():
    toy = Toy(choices=1, quadratic=True, mechanism="straight-through")
    for gradient, exact in (("reinmax", True), ("straight-through", False)):
        mean, error = found(toy, gradient)
        assert bool(((mean - toy.truth()).abs() <= 5 * error + 1e-6).all()) == exact


def test_a_moving_average_is_asked_before_it_takes_the_rewards_in():
    toy, aids, rows = Toy(), Aids(0.9), Rows(torch.zeros(50, 1))
    plans = [
        default_plan("glimpse", "sampled", baseline=name) for name in ("moving-average", "none")
    ]
    first, plain = (
        objective(plan, toy, rows, 1.0, torch.Generator().manual_seed(1), aids) for plan in plans
    )
    assert first.policy.item() == plain.policy.item()
    assert aids.average("reward").expected(torch.zeros(1)).item() == pytest.approx(first.reward)
    again = objective(plans[0], toy, rows, 1.0, torch.Generator().manual_seed(1), aids)
    assert again.policy.item() != plain.policy.item()


@pytest.mark.parametrize("gradient", SINGLE)
def test_what_asks_for_other_choices_refuses_several_one_after_another(gradient):
    plan = default_plan("glimpse", "sampled", gradient=gradient)
    with pytest.raises(TrainingError, match=r"makes 2 one after another: choose reinforce"):
        objective(plan, Toy(), Rows(torch.zeros(3, 1)))
