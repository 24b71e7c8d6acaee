"""Gates: their probabilities, what systems make of them, and the truth their estimators meet."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from hardattn_models import TrainingError, build_system, load_task
from hardattn_models.evaluation import evaluate
from hardattn_models.mechanisms import gates
from hardattn_models.pairs import GATED
from hardattn_models.told import GivenGates
from hardattn_models.training.loop import default_plan, train
from hardattn_models.training.objective import objective
from hardattn_viewer.cli import main as hardattn
from recorders import read_run


def test_gates_are_independent_draws_with_their_log_prob_and_entropy() -> None:
    logits = torch.tensor([[0.3, -1.2, 2.0, -math.inf]], dtype=torch.double)
    made = gates(logits.repeat(40_000, 1), temperature=0.5, generator=torch.Generator())
    p = (logits[0, :3] / 0.5).sigmoid()
    assert set(made.weights.unique().tolist()) == {0.0, 1.0}
    assert made.weights[:, 3].sum() == 0
    error = (p * (1 - p) / 40_000).sqrt()
    assert ((made.weights[:, :3].mean(0) - p).abs() < 5 * error).all()
    pairs = (made.weights[:, 0] * made.weights[:, 2]).mean()
    assert abs(pairs - p[0] * p[2]) < 5 * math.sqrt(0.25 / 40_000)
    chance = torch.where(made.weights[:, :3] > 0, p, 1 - p).prod(-1)
    torch.testing.assert_close(made.log_prob, chance.log())
    entropy = -(p * p.log() + (1 - p) * (1 - p).log()).sum()
    torch.testing.assert_close(made.entropy[0], entropy)
    greedy = gates(logits, sample=False)
    assert greedy.weights.tolist() == [[1.0, 0.0, 1.0, 0.0]]
    values = torch.arange(8.0, dtype=torch.double).reshape(1, 4, 2)
    assert greedy.apply(values).tolist() == [[4.0, 6.0]]


def test_the_gradient_of_their_log_prob_is_the_score() -> None:
    logits = torch.tensor([[0.3, -1.2, -math.inf]], dtype=torch.double)
    asked = logits.clone().requires_grad_()
    made = gates(asked, generator=torch.Generator().manual_seed(0))
    made.log_prob.sum().backward()
    score = (made.weights - logits.sigmoid()).masked_fill(logits.isneginf(), 0.0)
    torch.testing.assert_close(asked.grad, score)


@pytest.mark.parametrize("wrong", [torch.tensor([1]), torch.tensor([math.nan]), torch.zeros(0)])
def test_what_are_no_logits_is_said_in_words(wrong: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="logits"):
        gates(wrong)
    with pytest.raises(ValueError, match="temperature"):
        gates(torch.zeros(3), temperature=0.0)


def test_of_a_gated_code_the_bound_is_that_of_all_settings_of_its_bits() -> None:
    torch.manual_seed(0)
    model = build_system("latent", mechanism="gates", codes=8, width=8, hidden=16).double()
    batch = next(load_task("mnist-small").batches("test", 12))
    batch = replace(batch, images=batch.images.double())
    with torch.no_grad():
        told = model.encode((batch.images.flatten(1) > 0.5).double())
        p = told.sigmoid()
        kl = 3 * math.log(2) + (p * p.log() + (1 - p) * (1 - p).log()).sum(-1)
        bound, likely = torch.zeros(12).double(), []
        for bits in product((0.0, 1.0), repeat=3):
            weights = torch.tensor(bits).double().expand(12, -1)
            missed = model.outcome(batch, GivenGates(weights, 1.0)).loss - kl
            bound += torch.where(weights > 0, p, 1 - p).prod(-1) * (missed + kl)
            likely.append(-missed - 3 * math.log(2))
        outcome = model.outcome(batch, model.chooser(torch.Generator().manual_seed(0)))
    torch.testing.assert_close(outcome.figures["KL"], kl)
    torch.testing.assert_close(outcome.figures["negative ELBO"], bound)
    torch.testing.assert_close(
        outcome.figures["negative log-likelihood"], -torch.logsumexp(torch.stack(likely), 0)
    )
    with pytest.raises(ValueError, match="48 codes have no whole number of bits"):
        build_system("latent", mechanism="gates", codes=48)


def _teaching(gradient: str, draws: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of what teaches the encoder's last layer, and its standard error."""
    torch.manual_seed(0)
    model = build_system("latent", mechanism="gates", codes=8, width=8, hidden=8).double()
    plan = default_plan("latent", "gates", gradient=gradient, loss_weight=0.0)
    batch = next(load_task("mnist-small").batches("test", 6))
    batch = replace(batch, images=batch.images.double())
    generator = torch.Generator().manual_seed(1)
    found = []
    for _ in range(draws):
        goal = objective(plan, model, batch, generator=generator)
        found.append(torch.autograd.grad(goal.policy, model.encode[2].bias)[0])
    rows = torch.stack(found)
    return rows.mean(0), rows.std(0) / math.sqrt(draws)


@pytest.mark.parametrize("gradient", ["disarm", "arm", "gate-reinforce"])
def test_every_estimator_of_gates_means_the_exact_gradient(gradient: str) -> None:
    exact, spread = _teaching("gate-exact", 2)
    assert spread.max() < 1e-12 and exact.abs().max() > 0.01
    mean, error = _teaching(gradient, 1_500)
    assert ((mean - exact).abs() < 5 * error).all()
    assert (error < 0.5 * exact.abs().max()).all()


@pytest.mark.parametrize("gradient", GATED)
def test_gates_of_a_code_learn_by_every_estimator(gradient: str) -> None:
    task = load_task("mnist-small")
    task = replace(task, test=replace(task.test, images=task.test.images[:100],
                                      labels=task.test.labels[:100]))  # fmt: skip
    plan = default_plan("latent", "gates", gradient=gradient, steps=60, batch=50,
                        options={"codes": 16, "hidden": 32})  # fmt: skip
    begun: list[Any] = []
    result = train(plan, task=task, on_snapshot=lambda step, model: begun.append(
        {name: value.clone() for name, value in model.state_dict().items()}))  # fmt: skip
    end = result.model.state_dict()
    assert not torch.equal(end["encode.2.weight"], begun[0]["encode.2.weight"])
    before = build_system("latent", mechanism="gates", codes=16, hidden=32)
    before.load_state_dict(begun[0])
    was = evaluate(before, task).figures["negative ELBO"]
    assert result.test.figures["negative ELBO"] < was - 100


@pytest.mark.parametrize("gradient", ["disarm", "arm", "gate-reinforce"])
def test_a_reader_with_gates_learns_by_every_estimator(gradient: str) -> None:
    plan = default_plan("rationale", "gates", gradient=gradient, steps=8, batch=24)
    begun: list[Any] = []
    result = train(plan, on_snapshot=lambda step, model: begun.append(
        model.score.weight.detach().clone()))  # fmt: skip
    assert not torch.equal(result.model.score.weight, begun[0])
    assert 0 < result.test.figures["share of words read"] < 1


def test_words_behind_closed_gates_change_nothing_and_open_ones_cost_their_price() -> None:
    torch.manual_seed(0)
    model = build_system("rationale", mechanism="gates", **load_task("books").facts)
    batch = next(load_task("books").batches("test", 20))
    choose = model.chooser(torch.Generator().manual_seed(1))
    before = model.outcome(batch, choose)
    weights = choose.steps[0].weights
    assert not weights[torch.arange(weights.shape[1]) >= batch.lengths.unsqueeze(1)].any()
    read = model.read.forward
    model.read.forward = lambda words: read(torch.where(weights > 0, words, words.roll(1, 1)))
    again = model.outcome(batch, GivenGates(weights, 1.0))
    torch.testing.assert_close(again.scores, before.scores, rtol=0, atol=0)
    right = before.scores.gather(-1, batch.kind.unsqueeze(-1)).squeeze(-1)
    paid = model.config.price * weights.sum(-1)
    torch.testing.assert_close(before.loss.detach(), paid - right.log(), rtol=0, atol=1e-5)
    none = model.outcome(batch, GivenGates(torch.zeros_like(weights), 1.0))
    assert (none.scores == none.scores[0]).all() and none.scores.isfinite().all()


def test_enumeration_of_too_many_gates_is_refused_in_words() -> None:
    plan = default_plan("latent", "gates", gradient="gate-exact", steps=4, options={"codes": 2_048})
    with pytest.raises(TrainingError, match=r"gate-exact runs the model on all 2\^11 settings"):
        train(plan)


def test_a_recorded_gate_is_a_query_with_two_keys(tmp_path: Path) -> None:
    checkpoint, run = tmp_path / "gates.safetensors", tmp_path / "gates.h5"
    words = "rationale --mechanism gates --steps 20 --batch 16 --seed 0"
    assert hardattn(["train", *words.split(), "-o", str(checkpoint)]) == 0
    asked = ["record", str(checkpoint), "-n", "5", "-o", str(run)]
    assert hardattn(asked) == 0
    with read_run(run) as found:
        (site,) = found.sites
        assert (site.query_axis, site.key_axis) == ("tokens", "gate")
        for at, words in enumerate(found.columns()["tokens"].tolist()):
            maps, index = found.map(site, at), found.selection(site, at)
            assert maps.shape == (1, words, 2)
            assert index is not None and index.shape == (1, words, 1)
            assert set(index.ravel().tolist()) <= {0, 1}
            assert found.key_names(site, at) == ["closed", "open"]
            assert len(found.query_names(site, at)) == words
