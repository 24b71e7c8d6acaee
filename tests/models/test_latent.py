"""The latent variable model: its bound and its likelihood, by enumeration in plain words."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch

from hardattn_models import build_system, load_task
from hardattn_models.gradients import estimate
from hardattn_models.registry import system
from hardattn_models.tasks import ImageTask
from hardattn_models.told import Given
from hardattn_models.training.aids import Aids
from hardattn_models.training.loop import default_plan, train
from hardattn_models.training.objective import objective


@pytest.fixture(scope="module")
def task() -> ImageTask:
    found: ImageTask = load_task("mnist-small")
    return found


def _small(mechanism: str = "sampled") -> Any:
    torch.manual_seed(0)
    return build_system("latent", mechanism=mechanism, codes=6, width=8, hidden=16).double()


def test_the_bound_is_the_mean_over_codes_of_what_each_would_cost(task: ImageTask) -> None:
    model = _small()
    batch = next(task.batches("test", 12))
    batch = type(batch)(batch.images.double(), batch.labels, batch.entries)
    with torch.no_grad():
        q = model.encode((batch.images.flatten(1) > 0.5).double()).softmax(-1)
        kl = (q * (q * 6).log()).sum(-1)
        each = torch.stack(
            [model.outcome(batch, Given([torch.full((12,), code)])).loss for code in range(6)], 1
        )
        outcome = model.outcome(batch, model.chooser(torch.Generator().manual_seed(0)))
    # The loss of a code is what it misses and the divergence, which is that of all of them.
    torch.testing.assert_close(outcome.figures["KL"], kl)
    torch.testing.assert_close(outcome.figures["negative ELBO"], (q * each).sum(-1))
    missed = each - kl.unsqueeze(1)
    likelihood = torch.logsumexp(-missed, 1) - math.log(6)
    torch.testing.assert_close(outcome.figures["negative log-likelihood"], -likelihood)
    assert (outcome.figures["negative ELBO"] >= -likelihood).all()
    torch.testing.assert_close(outcome.reward, -outcome.loss / 100)


def _digits(task: ImageTask, count: int = 12) -> Any:
    batch = next(task.batches("test", count))
    return type(batch)(batch.images.double(), batch.labels, batch.entries)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_bound_of_several_variables_is_that_of_all_their_settings(
    layers: int, task: ImageTask
) -> None:
    torch.manual_seed(0)
    size = {"variables": 3, "codes": 4, "layers": layers, "width": 8, "hidden": 16}
    model, batch = build_system("latent", **size).double(), _digits(task)
    with torch.no_grad():
        q = model.encode((batch.images.flatten(1) > 0.5).double()).reshape(12, 3, 4).softmax(-1)
        kl = (q * (q * 4).log()).sum((1, 2))
        bound, likely = torch.zeros(12).double(), []
        for setting in product(range(4), repeat=3):
            index = torch.tensor(setting).expand(12, 3)
            missed = model.outcome(batch, Given([index])).loss - kl
            bound += q.gather(-1, index[..., None]).prod(1)[:, 0] * (missed + kl)
            likely.append(-missed - 3 * math.log(4))
        outcome = model.outcome(batch, model.chooser(torch.Generator().manual_seed(0)))
    torch.testing.assert_close(outcome.figures["KL"], kl)
    torch.testing.assert_close(outcome.figures["negative ELBO"], bound)
    torch.testing.assert_close(
        outcome.figures["negative log-likelihood"], -torch.logsumexp(torch.stack(likely), 0)
    )


@pytest.mark.parametrize("mechanism", ["sampled", "gumbel-softmax", "gates"])
def test_what_is_estimated_from_draws_means_what_is_enumerated(
    mechanism: str, task: ImageTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    size = {"variables": 6, "codes": 2, "layers": 1}
    model, batch = (
        build_system("latent", mechanism=mechanism, **size).double().eval(),
        _digits(task),
    )
    close = "negative log-likelihood, by 20 draws"
    with torch.no_grad():
        # So that the variables matter: four more nats for what is likelier.
        model.encode.weight.mul_(20)
        exact = model.outcome(batch, model.chooser(torch.Generator().manual_seed(0))).figures
        monkeypatch.setattr(type(model.config), "enumerated", False)
        generator = torch.Generator().manual_seed(1)
        draws = [model.outcome(batch, model.chooser(generator)).figures for _ in range(200)]
        assert not model.train().outcome(batch, model.chooser(generator)).figures
    found = torch.stack([one["negative ELBO"] for one in draws])
    error = found.std(0) / math.sqrt(len(found))
    assert error.max() > 0
    assert ((found.mean(0) - exact["negative ELBO"]).abs() <= 5 * error + 1e-9).all()
    torch.testing.assert_close(draws[0]["KL"], exact["KL"])
    closer = torch.stack([one[close] for one in draws]).mean()
    assert exact["negative log-likelihood"].mean() <= closer + 0.01
    assert closer < exact["negative ELBO"].mean()


def test_the_reader_of_codes_teaches_the_model_nothing(task: ImageTask) -> None:
    model = _small("gumbel-softmax")
    batch = next(task.batches("test", 12))
    batch = type(batch)(batch.images.double(), batch.labels, batch.entries)
    slopes = []
    for labels in (batch.labels, (batch.labels + 1) % 10):
        model.zero_grad()
        other = type(batch)(batch.images, labels, batch.entries)
        model.outcome(other, model.chooser(torch.Generator().manual_seed(0))).loss.sum().backward()
        slopes.append([one.grad.clone() for one in (*model.selector(), model.book)])
        assert model.name.weight.grad.any()
    assert all(torch.equal(a, b) for a, b in zip(*slopes, strict=True))


@pytest.mark.parametrize("mechanism", system("latent").mechanisms)
def test_the_tap_hears_the_code_and_changes_no_bit(mechanism: str, task: ImageTask) -> None:
    torch.manual_seed(0)
    model = build_system("latent", mechanism=mechanism).eval()
    batch = next(task.batches("test", 7))
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.code.listen(lambda tap, values: heard.append(values))
        with torch.no_grad():
            runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].loss, runs[1].loss)
    shape = (7, 1, 6, 2) if mechanism == "gates" else (7, 64)
    assert [values["probabilities"].shape for values in heard] == [shape]


def test_a_recorder_is_shown_the_image_beside_what_each_code_draws(task: ImageTask) -> None:
    torch.manual_seed(0)
    model = build_system("latent", codes=10, width=8, hidden=16)
    batch = next(task.batches("test", 3))
    for entry, image in zip(model.described(batch), batch.images, strict=True):
        picture, boxes = entry["image"], entry["regions"]
        assert picture.shape == (3 * 28, 28 + 8 + 4 * 28)
        assert ((picture[:28, :28] == 255) == (image.numpy() > 0.5)).all()
        for code, (x0, y0, x1, y1) in enumerate(boxes.astype(int)):
            with torch.no_grad():
                drawn = torch.sigmoid(model.decode(model.book[code])).reshape(28, 28)
            cut = torch.from_numpy(picture[y0:y1, x0:x1]) / 255
            torch.testing.assert_close(cut, drawn, atol=0.003, rtol=0)


def test_the_exact_gradient_raises_the_bound(task: ImageTask) -> None:
    plan = default_plan("latent", gradient="exact", steps=150, options={"codes": 16, "hidden": 64})
    result = train(plan, task=task)
    # Drawing every image by the mean of all costs 206 nats.
    assert result.test.figures["negative ELBO"] < 200
    assert result.test.figures["KL"] > 0.3


def test_a_posterior_that_is_all_but_sure_leaves_the_estimates_finite() -> None:
    logits = torch.tensor([[300.0, 0.0, -300.0, 5.0]])

    def loss(weights: torch.Tensor) -> torch.Tensor:
        return (weights * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum(-1)

    for name in ("rebar", "gumbel-rao", "reinmax", "muprop"):
        found = estimate(name, logits, loss, generator=torch.Generator().manual_seed(0))
        assert found.isfinite().all(), name
        assert found.abs().max() < 1e-3, name


def test_the_variance_of_estimators_falls_in_the_published_order(task: ImageTask) -> None:
    """Tucker et al. 2017 (arXiv:1703.07370), figure 2; Grathwohl et al. 2018 (arXiv:1711.00123)."""
    size = {"variables": 20, "codes": 2, "layers": 1}
    plan = default_plan("latent", gradient="muprop", steps=150, learning_rate=0.01, options=size)
    model = train(plan, task=task).model
    batch, found = next(task.batches("train", 40)), {}
    for gradient in ("relax", "rebar", "muprop", "reinforce"):
        one = replace(plan, gradient=gradient, baseline="moving-average", loss_weight=0.0)
        generator, aids, rows = torch.Generator().manual_seed(1), Aids(), []
        for _ in range(80):
            policy = objective(one, model, batch, 1.0, generator, aids).policy
            weight = 100 if gradient == "reinforce" else 1
            rows.append(weight * torch.autograd.grad(policy, model.encode.weight)[0])
        # The moving averages and the control variates have had the first thirty to be fitted.
        found[gradient] = torch.stack(rows[30:]).var(0).sum().item()
    assert found["rebar"] < 0.8 * found["muprop"]
    assert found["relax"] < 0.8 * found["muprop"]
    assert found["muprop"] < 0.8 * found["reinforce"]
