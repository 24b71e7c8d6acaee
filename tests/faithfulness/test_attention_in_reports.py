"""Explanations by attention in whole reports: found by name, with reasons, controls and flags."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from attention_models import Retrieval, induction_texts, planted, trained_retrieval
from torch import Tensor, nn

from hardattn_viewer.checks.report import Report
from hardattn_viewer.checks.sanity import FAIL, NOT_APPLICABLE, PASS
from hardattn_viewer.checks.verdict import SUPPORTED, UNDEFINED, WEAK
from hardattn_viewer.faithfulness import BY_ATTENTION, Text, TokenSubject, check
from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.explainers.attention import attention, norm_weighted
from hardattn_viewer.faithfulness.explainers.by_name import explainers_of
from hardattn_viewer.faithfulness.explainers.explainer import Asked

COUNT = 24


@pytest.fixture(scope="module")
def retrieval() -> TokenSubject:
    """A trained model that finds one of five items; its answer is read at the query, place 0."""
    ids, _, _ = planted(COUNT, 5, torch.Generator().manual_seed(7))
    texts = [Text(tuple(row), tuple((at,) for at in range(1, 6))) for row in ids.tolist()]
    model = trained_retrieval()
    return TokenSubject(model, texts, embedding=model.embedding)


@pytest.fixture(scope="module")
def report(retrieval: TokenSubject) -> Report:
    return check(
        retrieval,
        explainers=[
            "attention mean",
            "gradient × attention",
            "norm-weighted L0",
            "attention L3",
            "leave-one-out",
        ],
        operators=["delete", "attention-mask"],
    )


def test_each_name_is_the_explainer_that_it_says() -> None:
    subject = induction_texts()
    subject.query = "last"
    asked = Asked(Engine(subject, "logit"), "delete", 0)
    for name, one in (
        ("attention mean", attention("last")),
        ("attention max", attention("last", over="max")),
        ("attention L1", attention("last", layer=1)),
        ("attention L1 max", attention("last", layer=1, over="max")),
        ("attention L1H2", attention("last", layer=1, head=2)),
        ("norm-weighted L1H0", norm_weighted("last", layer=1, head=0)),
    ):
        found = explainers_of(subject, [name])[name].explain(asked)
        assert np.ptp(found) > 0
        np.testing.assert_array_equal(found, one.explain(asked))
    for name in BY_ATTENTION:
        assert explainers_of(subject, [name])[name].explain(asked).shape == (8,)
    for wrong in ("attention L1H2 max", "norm-weighted L1 max", "attention L", "attention median"):
        with pytest.raises(ValueError, match=f"no explainer '{wrong}'.*attention rollout"):
            explainers_of(subject, [wrong])


def test_attention_that_finds_the_answer_is_weak_since_it_is_blind_to_the_class(
    report: Report,
) -> None:
    for operator in ("delete", "attention-mask"):
        assert report.of("attention mean", operator).separation.win.low > 0.6
    assert report.verdicts["attention mean"].level == WEAK
    assert "Class-blind: it is the same with a random head" in (
        report.verdicts["attention mean"].sentence
    )
    assert report.verdicts["gradient × attention"].level == SUPPORTED
    assert set(report.flags) == {"attention mean", "norm-weighted L0"}
    assert report.verdicts["leave-one-out"].level == SUPPORTED


def test_a_layer_that_there_is_not_is_a_reason_and_no_number(report: Report) -> None:
    assert report.verdicts["attention L3"].level == UNDEFINED
    for one in report.measured:
        assert set(one.reasons["attention L3"].values()) == {
            "there is no layer 3: the model has 1, from 0"
        }


def test_controls_of_attention_are_among_the_others(report: Report) -> None:
    by_name = {one.name.partition(":")[2].split(" keeps")[0].strip(): one for one in report.sanity}
    assert by_name["attention mean"].outcome == FAIL
    assert by_name["attention mean"].value == pytest.approx(1)
    assert by_name["gradient × attention"].outcome == PASS
    assert by_name["attention L3"].outcome == NOT_APPLICABLE
    (permuted,) = [one for one in report.sanity if "permutations" in one.name]
    (even,) = [one for one in report.sanity if "uniform" in one.name]
    assert permuted.outcome == even.outcome == PASS
    assert permuted.value > 0.3 and even.value > 0.05


def test_scores_that_no_operator_enters_are_the_same_under_each(report: Report) -> None:
    first, second = report.measured
    for one, other in zip(
        first.scores["attention mean"], second.scores["attention mean"], strict=True
    ):
        assert one is other
    assert any(
        not np.array_equal(one, other)
        for one, other in zip(
            first.scores["leave-one-out"], second.scores["leave-one-out"], strict=True
        )
    )


def test_what_is_prepared_is_run_once_and_not_counted_as_asked(retrieval: TokenSubject) -> None:
    engine = Engine(retrieval)
    engine.target(0)
    asked, evaluated = engine.asked, engine.evaluated
    ask = Ask(0, ~np.eye(5, dtype=bool), "delete")
    engine.prepare([ask, ask])
    assert (engine.asked - asked, engine.evaluated - evaluated) == (0, 5)
    assert np.array_equal(engine.values([ask])[0], Engine(retrieval).values([ask])[0])
    assert engine.evaluated - evaluated == 5


class Bag(nn.Module):
    """Embeddings added up: nothing attends."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.head = nn.Embedding(20, 6), nn.Linear(6, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.head((self.embedding(input_ids) * attention_mask[..., None]).sum(1))


def test_a_model_that_does_not_attend_has_a_report_with_the_reason() -> None:
    model = Bag()
    texts = [
        Text(tuple(range(at, at + 7)), tuple((place,) for place in range(7))) for at in range(1, 9)
    ]
    found = check(TokenSubject(model, texts, embedding=model.embedding), controls=20)
    assert found.explainers == (
        "attention mean",
        "attention rollout",
        "norm-weighted mean",
        "leave-one-out",
        "shapley",
        "integrated-gradients",
        "input-x-gradient",
        "random",
    )
    assert found.verdicts["attention rollout"].level == UNDEFINED
    reasons = found.measured[0].reasons["attention rollout"]
    assert len(reasons) == 8 and "called no scaled_dot_product_attention" in reasons[0]
    assert not found.flags
    outcomes = {one.outcome for one in found.sanity if one.name.startswith(("Random", "By"))}
    assert outcomes == {NOT_APPLICABLE}
    assert found.verdicts["shapley"].level == SUPPORTED


def test_scores_of_your_own_cannot_take_the_name_of_an_explainer(retrieval: TokenSubject) -> None:
    assert isinstance(retrieval.model, Retrieval)
    with pytest.raises(ValueError, match="attention L0 is the name of an explainer"):
        check(retrieval, explanations={"attention L0": [np.zeros(5)] * COUNT})
