"""Explanations of models whose parameters were drawn anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from attention_models import KEYS, VALUES, Retrieval, induction_texts
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention as attend

from hardattn_viewer.faithfulness.engine import Engine, read_tensor
from hardattn_viewer.faithfulness.errors import FaithfulnessError, UndefinedError
from hardattn_viewer.faithfulness.explainers.attention import (
    attention,
    attention_rollout,
    flow,
    gradient_attention,
    norm_weighted,
)
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.observing import whole_row
from hardattn_viewer.faithfulness.randomising import Stage, randomise, randomised, stages_of
from hardattn_viewer.faithfulness.subject import Differentiable, Floats
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.tokens import Text, TokenSubject

HEAD = [Stage("head", ("head.weight", "head.bias"))]


class Classifier(nn.Module):
    """One attention over items by a learned query, then a head of three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.value = nn.Linear(6, 8), nn.Linear(6, 8)
        self.query = nn.Parameter(torch.randn(8))
        self.head = nn.Linear(8, 3)

    def forward(self, items: Tensor) -> Tensor:
        query = self.query.expand(len(items), 1, 1, 8)
        mixed = attend(query, self.key(items)[:, None], self.value(items)[:, None])
        return self.head(mixed[:, 0, 0])


def asked_of(model: nn.Module, items: int = 12) -> Asked:
    engine = Engine(ArraySubject(model, [torch.randn(items, 6)]), "logit")
    return Asked(engine, "zero", 0)


def classifier() -> tuple[Classifier, Asked]:
    torch.manual_seed(3)
    model = Classifier().eval()
    return model, asked_of(model)


def gradients(asked: Asked) -> Floats:
    """Gradient times input, without any of ours on the way."""
    subject = asked.engine.subject
    assert isinstance(subject, Differentiable)
    inputs = subject.inputs(asked.example)
    values = inputs.values.clone().requires_grad_()
    read = read_tensor(inputs.forward(values), asked.engine.reading, asked.target)
    (slope,) = torch.autograd.grad(read.sum(), values)
    return inputs.pool(slope * values.detach())


GRADIENT = Explainer("gradient × input", "gradient", "gradient times input", "", gradients)
INPUT = Explainer(
    "size of the input", "control", "says nothing of the model", "",
    lambda asked: np.arange(asked.items, dtype=float),
)  # fmt: skip


def test_attention_is_class_blind_and_a_gradient_is_not() -> None:
    model, asked = classifier()
    for explainer, blind in (
        (attention(0, layer=0), True),
        (norm_weighted(0, layer=0), False),
        (GRADIENT, False),
        (gradient_attention(0, layer=0), False),
    ):
        found = randomised(explainer, asked, model, stages=HEAD)
        assert found.class_blind is blind, explainer.name
        assert len(found.steps) == 1 and not found.reason
        if blind:
            assert found.steps[0].tau == found.steps[0].rho == 1
        else:
            assert found.steps[0].tau < 0.8


def test_what_reads_below_the_head_is_class_blind_in_a_model_of_two_layers() -> None:
    subject = induction_texts()
    asked = Asked(Engine(subject), "pad", 0)
    for explainer in (
        attention("last"),
        attention_rollout("last"),
        flow("last"),
        norm_weighted("last"),
    ):
        found = randomised(explainer, asked, subject.model)
        assert [step.name for step in found.steps] == ["head", "layers.1", "layers.0", "embedding"]
        assert found.class_blind is True and found.model_blind is False
        assert found.steps[0].tau == pytest.approx(1) and found.steps[-1].tau < 0.9
    found = randomised(gradient_attention("last"), asked, subject.model)
    assert found.class_blind is False and found.model_blind is False
    # A head of the first layer changes when that layer does, and not before.
    below = randomised(attention("last", layer=0), asked, subject.model).steps
    assert [step.unchanged for step in below] == [True, True, False, False]


def test_what_does_not_look_at_the_model_is_blind_to_all_of_it() -> None:
    model, asked = classifier()
    found = randomised(INPUT, asked, model)
    assert found.class_blind is True and found.model_blind is True
    assert all(step.tau == step.rho == 1 for step in found.steps)
    alone = randomised(INPUT, asked, model, head_only=True)
    assert alone.steps == found.steps[:1]


def test_the_model_and_what_it_answered_are_as_before() -> None:
    model, asked = classifier()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    answers = asked.engine.whole([0])
    first = randomised(GRADIENT, asked, model)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    again = Engine(asked.engine.subject, "logit")
    assert again.whole([0]) == answers and asked.engine.whole([0]) == answers
    assert randomised(GRADIENT, asked, model) == first
    calls = []

    def faulty(asked: Asked) -> Floats:
        calls.append(0)
        if len(calls) > 1:
            raise ZeroDivisionError
        return np.arange(3.0)

    with pytest.raises(ZeroDivisionError):
        randomised(Explainer("faulty", "control", "", "", faulty), asked, model)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


def test_the_class_that_is_explained_stays_that_of_the_trained_model() -> None:
    model, asked = classifier()
    targets, heads, target = [], [], asked.target

    def explain(asked: Asked) -> Floats:
        targets.append(asked.target)
        heads.append(float(model.head.weight[0, 0].detach()))
        return np.arange(3.0)

    randomised(Explainer("which", "control", "", "", explain), asked, model, draws=4)
    assert len(targets) == 1 + 4 * 4 and set(targets) == {target}
    # Each draw has a head of its own, which stays while the layers below it are drawn too.
    assert len(set(heads)) == 1 + 4 and len(set(heads[1:5])) == 1


def test_stages_run_from_the_top_down_and_hold_every_parameter() -> None:
    model, asked = classifier()
    subject = asked.engine.subject
    stages = stages_of(model, lambda: subject.run([whole_row(subject, 0)]))
    assert [stage.name for stage in stages] == ["head", "value", "key", "(the model's own)"]
    assert stages[-1].parameters == ("query",)
    torch.manual_seed(0)
    layers = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False
    )
    net = nn.Sequential(nn.Linear(6, 8), layers, nn.Linear(8, 3)).eval()
    found = stages_of(net, lambda: net(torch.randn(1, 4, 6)))
    assert [stage.name for stage in found] == ["2", "1", "0"]
    wrapped = nn.ModuleDict({"inner": layers, "out": nn.Linear(8, 2)}).eval()
    found = stages_of(wrapped, lambda: wrapped["out"](wrapped["inner"](torch.randn(1, 4, 8))))
    assert [stage.name for stage in found] == ["out", "inner.layers.1", "inner.layers.0"]
    every = sorted(name for stage in found for name in stage.parameters)
    assert every == sorted(name for name, _ in wrapped.named_parameters())
    with pytest.raises(FaithfulnessError, match="no parameters"):
        stages_of(nn.ReLU(), lambda: None)


def test_parameters_keep_their_scale_and_lose_what_was_learned() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(200, 300), nn.LayerNorm(300))
    net[0].weight.data = 3 + 0.5 * net[0].weight.data.sign()
    net[0].bias.data.zero_()
    net.requires_grad_(False)
    before = net[0].weight.clone()
    randomise(net, Stage("0", ("0.weight", "0.bias", "1.weight")))
    after = net[0].weight
    assert float(after.mean()) == pytest.approx(3, abs=0.02)
    assert float(after.std()) == pytest.approx(0.5, rel=0.02)
    assert abs(np.corrcoef(before.ravel(), after.ravel())[0, 1]) < 0.03
    assert not net[0].bias.any() and (net[1].weight == 1).all()
    drawn = after.clone()
    randomise(net, Stage("0", ("0.weight",)), seed=1)
    assert not torch.equal(drawn, net[0].weight)
    with pytest.raises(FaithfulnessError, match=r"no parameter '2\.weight'"):
        randomise(net, Stage("2", ("2.weight",)))


def test_what_has_no_order_is_said_in_words() -> None:
    model, asked = classifier()
    same = Explainer("same", "control", "", "", lambda asked: np.ones(3))
    found = randomised(same, asked, model)
    assert "score alike" in found.reason and found.class_blind is None and not found.steps

    def refuses(asked: Asked) -> Floats:
        raise UndefinedError("it is too long")

    found = randomised(Explainer("no", "control", "", "", refuses), asked, model)
    assert found.reason == "it is too long"
    # Where an order is lost on the way there is no correlation either.
    seen: list[int] = []

    def fades(asked: Asked) -> Floats:
        seen.append(0)
        return np.arange(3.0) if len(seen) == 1 else np.ones(3)

    found = randomised(Explainer("fades", "control", "", "", fades), asked, model, draws=1)
    assert all(step.unchanged is None and math.isnan(step.tau) for step in found.steps)


def test_a_model_of_tokens_is_randomised_too() -> None:
    torch.manual_seed(0)
    model = Retrieval(KEYS, VALUES).eval()
    text = Text((1, 8, 13, 16, 21, 26), tuple((at,) for at in range(1, 6)))
    subject = TokenSubject(model, [text], embedding=model.embedding)
    asked = Asked(Engine(subject, "logit"), "pad", 0)
    found = randomised(attention(0), asked, model)
    # The query is made before keys and values, and the output before the head.
    names = [step.name for step in found.steps]
    assert names == ["head", "out", "value", "key", "query", "embedding"]
    assert [step.unchanged for step in found.steps][:3] == [True, True, True]
    assert found.steps[3].unchanged is False
    assert randomised(GRADIENT, asked, model).class_blind is False
