"""What attention explainers say of models whose attention is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from attention_models import (
    blend,
    induction,
    induction_texts,
)
from torch import nn

from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import FaithfulnessError, UndefinedError
from hardattn_viewer.faithfulness.explainers.attention import (
    attention,
    attention_explainers,
    attention_rollout,
    flow,
    gradient_attention,
    norm_weighted,
)
from hardattn_viewer.faithfulness.explainers.explainer import Asked
from hardattn_viewer.faithfulness.observing import observe, whole_row
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.pictures import PictureSubject
from hardattn_viewer.faithfulness.subjects.tokens import Text, TokenSubject

DECOY, WANTED, BEFORE = 5, 2, 1
"""Items of the first induction text: where the decoy looks, the answer, and the token before it."""


def test_a_decoy_of_most_weight_and_no_value_has_a_norm_of_nothing() -> None:
    weights, values = [0.7, 0.2, 0.1], [[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]]
    asked = blend(weights, values)
    np.testing.assert_allclose(attention().explain(asked), weights, atol=1e-15)
    found = norm_weighted().explain(asked)
    np.testing.assert_allclose(found, [0.0, 0.2 * 5, 0.1], atol=1e-15)
    assert found[0] == 0.0
    # ∂y/∂a is the value that is read, so that the product is what each item adds to the answer.
    np.testing.assert_allclose(
        gradient_attention(layer=0).explain(asked), [0.0, 0.2 * 3, 0.1 * 1], atol=1e-15
    )
    # Only what is for the answer counts.
    against = blend(weights, [[1.0, 0.0], [-3.0, 4.0], [1.0, 0.0]])
    np.testing.assert_allclose(
        gradient_attention(layer=0).explain(against), [0.7, 0, 0.1], atol=1e-15
    )


def test_the_induction_model_is_read_as_it_was_written() -> None:
    subject = induction_texts()
    engine = Engine(subject)
    # Text 0 says 7 3 … 7, so that the answer is 3; text 1 says 4 3 … 4.
    assert [engine.target(0), engine.target(1)] == [3, 3]
    asked, items = Asked(engine, "pad", 0), 8

    def only(item: int, weight: float = 1.0) -> np.ndarray:
        return weight * np.eye(items)[item]

    for head in (0, 1):
        found = attention("last", layer=1, head=head).explain(asked)
        np.testing.assert_allclose(found, only(WANTED), atol=1e-6)
    decoy = attention("last", layer=1, head=2).explain(asked)
    np.testing.assert_allclose(decoy, only(DECOY), atol=1e-6)
    back = attention("last", layer=0, head=0).explain(asked)
    np.testing.assert_allclose(back, only(items - 1), atol=1e-6)
    # The place that holds the answer looked at the token before it.
    back = attention(WANTED, layer=0, head=0).explain(asked)
    np.testing.assert_allclose(back, only(BEFORE), atol=1e-6)
    whole = attention("last", layer=1).explain(asked)
    np.testing.assert_allclose(whole, only(WANTED, 2 / 3) + only(DECOY, 1 / 3), atol=1e-6)
    np.testing.assert_allclose(
        attention("last", over="max").explain(asked),
        only(WANTED) + only(DECOY) + only(items - 1),
        atol=1e-6,
    )
    np.testing.assert_allclose(
        attention("last").explain(asked),
        (whole + attention("last", layer=0).explain(asked)) / 2,
        atol=1e-12,
    )


def test_rollout_and_flow_of_the_induction_model_are_those_of_paths_by_hand() -> None:
    asked = Asked(Engine(induction_texts()), "pad", 0)
    # From the query ½ stays, ⅓ goes to the answer and ⅙ to the decoy; below that ⅚ stays and ⅙
    # goes one back: at the query to item 7, at the answer to item 1, at the decoy to item 4.
    expected = np.zeros(8)
    expected[[WANTED, DECOY]] = 1 / 3 * 5 / 6, 1 / 6 * 5 / 6
    expected[[7, BEFORE, 4]] = 1 / 2 / 6, 1 / 3 / 6, 1 / 6 / 6
    found = attention_rollout("last").explain(asked)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    narrow = np.zeros(8)
    narrow[[WANTED, DECOY]] = 1 / 3, 1 / 6
    narrow[[7, BEFORE, 4]] = 1 / 6
    flowed = flow("last").explain(asked)
    np.testing.assert_allclose(flowed, narrow, atol=1e-6)
    assert found.argmax() == flowed.argmax() == WANTED


@pytest.mark.parametrize("example", [0, 1])
def test_explanations_find_the_answer_and_the_decoy_head_does_not(example: int) -> None:
    asked = Asked(Engine(induction_texts()), "pad", example)
    wanted = (WANTED, 4)[example]
    for explainer in (
        attention_rollout("last"),
        flow("last"),
        norm_weighted("last", layer=1),
        gradient_attention("last"),
        gradient_attention("last", layer=1),
    ):
        scores = explainer.explain(asked)
        assert scores.argmax() == wanted and (scores < scores[wanted]).sum() == len(scores) - 1
    decoy = attention("last", layer=1, head=2).explain(asked)
    assert decoy.argmax() == DECOY and decoy[wanted] < 1e-6
    assert not norm_weighted("last", layer=1, head=2).explain(asked).any()


def test_norms_are_those_of_weights_times_projected_values() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).double().eval()
    items = torch.randn(7, 16, dtype=torch.double)

    def model(given: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = layer(given)[:, 0]
        return answer

    asked = Asked(Engine(ArraySubject(model, [items])), "zero", 0)
    own = layer.self_attn
    own.requires_grad_(False)
    _, weights = own(*[items[None]] * 3, average_attn_weights=False)
    values = (items @ own.in_proj_weight[32:].T + own.in_proj_bias[32:]).reshape(7, 4, 4)
    for head in range(4):
        part = own.out_proj.weight[:, 4 * head : 4 * head + 4]
        expected = [
            float((weights[0, head, 0, key] * part @ values[key, head]).norm()) for key in range(7)
        ]
        found = norm_weighted(0, layer=0, head=head).explain(asked)
        np.testing.assert_allclose(found, expected, atol=1e-12)
    summed = [
        (
            own.out_proj.weight
            @ torch.cat([weights[0, head, 3, key] * values[key, head] for head in range(4)])
        )
        .norm()
        .item()
        for key in range(7)
    ]
    np.testing.assert_allclose(norm_weighted(3, layer=0).explain(asked), summed, atol=1e-12)


def test_relevance_is_that_of_finite_differences_and_a_loop() -> None:
    torch.manual_seed(0)
    layers = nn.ModuleList(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).double() for _ in range(2)
    ).eval()
    head = nn.Linear(8, 3).double()
    items = torch.randn(5, 8, dtype=torch.double)

    def model(given: torch.Tensor) -> torch.Tensor:
        for layer in layers:
            given = layer(given)
        return head(given[:, 0])

    engine = Engine(ArraySubject(model, [items]), "logit", {0: 1})
    row = [whole_row(engine.subject, 0)]
    with torch.no_grad():
        maps = [call.probabilities[0] for call in observe(engine.subject, row).calls]
        relevance, step = torch.eye(5, dtype=torch.double), 1e-5
        for site, own in enumerate(maps):
            slope = torch.zeros_like(own)
            for at in np.ndindex(own.shape):
                ends = []
                for sign in (1, -1):
                    moved = own.clone()
                    moved[at] += sign * step
                    seen = observe(
                        engine.subject, row, lambda call, p, new=moved: new[None], site=site
                    )
                    ends.append(seen.outputs[0, 1])
                slope[at] = (ends[0] - ends[1]) / (2 * step)
            relevance = relevance + (own * slope).clamp_min(0).mean(0) @ relevance
    found = gradient_attention(0).explain(Asked(engine, "zero", 0))
    expected = relevance[0].clone()
    expected[0] -= 1
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-7)
    # A model whose parameters are frozen has the same gradients by what it attends to.
    for part in (layers, head):
        part.requires_grad_(False)
    again = gradient_attention(0).explain(Asked(engine, "zero", 0))
    np.testing.assert_allclose(again, found, atol=1e-12)


def test_items_of_several_tokens_receive_the_sum_and_special_ones_are_left_out() -> None:
    subject = induction_texts()
    fine = Asked(Engine(subject), "pad", 0)
    words = [Text(subject.texts[0].ids, ((1, 2), (5,), (7, 3)))]
    coarse = Asked(
        Engine(TokenSubject(subject.model, words, embedding=subject.embedding)), "pad", 0
    )
    for explainer in attention_explainers(subject, "last"):
        if explainer.name == "attention max":
            continue
        each = explainer.explain(fine)
        np.testing.assert_allclose(
            explainer.explain(coarse), [each[1] + each[2], each[5], each[7] + each[3]], atol=1e-12
        )
    every = attention("mean", layer=1, head=2).explain(fine)
    np.testing.assert_allclose(every, np.eye(8)[DECOY], atol=1e-6)


def test_what_has_no_value_is_said_in_words() -> None:
    asked = Asked(Engine(induction_texts()), "pad", 0)
    for explainer, words in (
        (attention(0, layer=2), "there is no layer 2: the model has 2, from 0"),
        (attention(0, layer=1, head=3), "there is no head 3: the layer has 3, from 0"),
        (attention(9), "read from position 9, and there are 9"),
    ):
        with pytest.raises(UndefinedError, match=words):
            explainer.explain(asked)
    for wrong in ({"head": 1}, {"over": "sum"}):
        with pytest.raises(ValueError, match=r"layer|mean or max"):
            attention(0, **wrong)
    with pytest.raises(ValueError, match="together with its layer"):
        norm_weighted(0, head=1)
    no_square = blend([0.5, 0.5], [[1.0], [2.0]])
    for explainer in (attention_rollout(), flow(), gradient_attention()):
        with pytest.raises(UndefinedError, match=r"maps the 2 positions.*attention 0 maps 2 to 1"):
            explainer.explain(no_square)
    none = Asked(Engine(ArraySubject(lambda x: x.sum(1), [torch.ones(3)]), "value"), "zero", 0)
    with pytest.raises(FaithfulnessError, match="called no scaled_dot_product_attention"):
        attention().explain(none)
    rows = np.array([[0, at, 4, at + 1] for at in range(4)])
    picture = PictureSubject(pictured, torch.ones(1, 3, 4, 4), rows)
    with pytest.raises(UndefinedError, match="make up an item is not known"):
        attention().explain(Asked(Engine(picture, "value"), "mean", 0))
    flat = Engine(ArraySubject(lambda x: Constant()(x), [torch.ones(3, 2)]), "value")
    with pytest.raises(UndefinedError, match="no gradient"):
        gradient_attention(0, layer=0).explain(Asked(flat, "zero", 0))


def pictured(pictures: torch.Tensor) -> torch.Tensor:
    patches = pictures[:, None, 0, :, :]
    return nn.functional.scaled_dot_product_attention(patches, patches, patches).sum((1, 2, 3))


class Constant(nn.Module):
    def forward(self, items: torch.Tensor) -> torch.Tensor:
        nn.functional.scaled_dot_product_attention(*[items[:, None]] * 3)
        return torch.ones(len(items))


def test_flow_is_refused_where_it_would_take_minutes() -> None:
    model = induction(5, length=120)
    text = Text(tuple(at % 12 for at in range(120)), tuple((at,) for at in range(119)))
    subject = TokenSubject(model, [text], embedding=model.embedding)
    asked = Asked(Engine(subject), "pad", 0)
    with pytest.raises(UndefinedError, match="2 layers of 120 positions and 1 queries"):
        flow("last").explain(asked)
    assert np.isfinite(attention_rollout("last").explain(asked)).all()


def test_one_pass_serves_all_that_read_it_and_another_engine_runs_anew() -> None:
    subject, passes = induction_texts(), []
    subject.model.register_forward_hook(lambda *given: passes.append(0))
    found = attention_explainers(subject, "last")
    assert [one.name for one in found] == [
        "attention mean", "attention max", "attention rollout", "attention flow",
        "norm-weighted mean", "gradient × attention",
        "attention L0", "norm-weighted L0", "attention L0H0", "attention L0H1", "attention L0H2",
        "attention L1", "norm-weighted L1", "attention L1H0", "attention L1H1", "attention L1H2",
    ]  # fmt: skip
    assert len(attention_explainers(subject, heads=False)) == 10
    plain = [one for one in found if one.name != "gradient × attention"]
    engine = Engine(subject)
    passes.clear()
    scores = {one.name: one.explain(Asked(engine, "pad", 0)) for one in plain}
    assert len(passes) == 1
    other = [one.explain(Asked(engine, "pad", 1)) for one in plain]
    assert len(passes) == 2 and other[0].shape != scores["attention mean"].shape
    for one in plain:
        np.testing.assert_array_equal(one.explain(Asked(engine, "pad", 0)), scores[one.name])
    with torch.no_grad():
        subject.embedding.weight.zero_()
    changed = plain[0].explain(Asked(Engine(subject), "pad", 0))
    assert not np.allclose(changed, scores["attention mean"])
