"""The whole check on models whose right answer is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from hardattn_models import load_system, load_task
from hardattn_viewer.checks.measured import joined
from hardattn_viewer.checks.report import CHOICE, Report, separations
from hardattn_viewer.checks.sanity import FAIL, PASS
from hardattn_viewer.checks.verdict import (
    CONTRADICTED,
    DEPENDS,
    RANDOM,
    SUPPORTED,
    UNDEFINED,
    WEAK,
)
from hardattn_viewer.faithfulness import CancelledError, check
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.explainer import Asked
from hardattn_viewer.faithfulness.explainers.registry import EXPLAINERS
from hardattn_viewer.faithfulness.measuring import measure
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.zoo import ZooPictures
from sample_runs import checkpoints

COUNT, ITEMS = 24, 7
W = torch.tensor([3.0, -2.0, 1.5, 0.5, 0.25, -0.1, 2.0], dtype=torch.double)


def inputs(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(COUNT, ITEMS, generator=generator, dtype=torch.double)


def linear(x: Tensor) -> Tensor:
    return x @ W


@pytest.fixture(scope="module")
def report() -> Report:
    x = inputs()
    return check(
        linear,
        x,
        {"right": x * W, "wrong": -x * W, "blind": np.random.default_rng(0).random((COUNT, ITEMS))},
        explainers=["leave-one-out", "saliency", "oracle", "random"],
        controls=50,
    )


def test_the_contributions_of_a_linear_model_are_supported_and_their_opposite_is_not(
    report: Report,
) -> None:
    assert report.verdicts["right"].level == SUPPORTED, report.verdicts["right"]
    assert report.verdicts["leave-one-out"].level == SUPPORTED
    assert report.verdicts["oracle"].level == SUPPORTED
    assert report.verdicts["wrong"].level == CONTRADICTED
    for name in ("blind", "random"):
        assert report.verdicts[name].level == RANDOM, report.verdicts[name]
    sentence = report.verdicts["right"].sentence
    assert "24 examples" in sentence and "zero: beats" in sentence and "mean: beats" in sentence


def test_the_numbers_of_a_linear_model_are_those_of_its_contributions(report: Report) -> None:
    contributions = (inputs() * W).numpy()
    falls = np.cumsum(-np.sort(-contributions, axis=1), 1)
    counts = np.array([0, 1, 1, 2, 3, 4, 4, 5, 6, 6, 7])
    falls = np.concatenate([np.zeros((COUNT, 1)), falls], 1)[:, counts]
    one = report.of("right", "zero")
    assert one.comprehensive.mean == pytest.approx(falls[:, 1:].mean(), abs=1e-9)
    total = contributions.sum(1, keepdims=True)
    assert one.sufficient.mean == pytest.approx((total - falls[:, 1:]).mean(), abs=1e-9)
    # The best order of a linear model is known, so it is where the bounds say it is.
    assert one.normalised.mean == pytest.approx(1, abs=1e-6)
    assert report.of("wrong", "zero").normalised.mean == pytest.approx(0, abs=1e-6)


def test_agreement_is_that_of_the_scores(report: Report) -> None:
    names = list(report.explainers)
    at = {name: place for place, name in enumerate(names)}
    assert report.agreement[at["right"], at["wrong"]] == pytest.approx(-1)
    assert report.agreement[at["right"], at["right"]] == pytest.approx(1)
    assert report.agreement[at["right"], at["leave-one-out"]] > 0.7
    np.testing.assert_array_equal(report.agreement, report.agreement.T)


def test_controls_are_passed_by_a_linear_model(report: Report) -> None:
    assert report.audits["zero"].passed and report.audits["mean"].passed
    assert [one.outcome for one in report.sanity] == [PASS] * 3
    assert report.facts["rows evaluated"] < report.facts["rows asked"] / 2


def decoy(x: Tensor) -> Tensor:
    """Attention y = Σ a_i v_i whose largest weight is on an item of no value."""
    weights = x[..., 0].softmax(-1)
    return (weights * x[..., 1]).sum(-1)


def test_a_decoy_that_takes_the_attention_and_gives_nothing_is_contradicted() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(COUNT, ITEMS, 2, generator=generator, dtype=torch.double)
    x[..., 1] = x[..., 1].abs() * torch.exp(-x[..., 0])
    x[:, 0] = torch.tensor([5.0, 0.0])
    weights = x[..., 0].softmax(-1)
    found = check(
        decoy,
        x,
        {"attention": weights, "weighted values": weights * x[..., 1]},
        explainers=["leave-one-out"],
        operators=["zero", "mean"],
    )
    assert found.verdicts["attention"].level in (CONTRADICTED, DEPENDS)
    assert found.of("attention", "zero").separation.win.mean < 0.5
    assert found.verdicts["leave-one-out"].level == SUPPORTED


def test_items_that_are_all_alike_are_not_identifiable_and_never_faithful() -> None:
    x = torch.ones(COUNT, ITEMS, dtype=torch.double)
    found = check(lambda x: x.sum(-1), x, {"attention": torch.rand(COUNT, ITEMS)}, explainers=[])
    verdict = found.verdicts["attention"]
    assert verdict.level == UNDEFINED and "not identifiable" in verdict.sentence.lower()
    assert found.of("attention", "zero").separation.undefined == COUNT
    assert np.isnan(found.of("attention", "zero").separation.win.mean)


def test_an_operator_that_moves_the_output_wherever_it_is_put_is_left_out() -> None:
    class Shifted(ArraySubject):
        """A third operator puts in a value that the model answers to, whatever it replaces."""

        def __init__(self, function: Callable[[Tensor], Tensor], x: Tensor) -> None:
            super().__init__(function, x)
            self.operators = {**self.operators, "strange": "set to a hundred"}

        def _changed(self, row):  # type: ignore[no-untyped-def]
            values = super()._changed(row)
            if row.operator == "strange":
                values = torch.where(torch.from_numpy(row.mask), values, 100.0)
            return values

    def model(x: Tensor) -> Tensor:
        return linear(torch.where(x > 50, 0, x)) + 30 * (x > 50).any(-1)

    x = inputs(3) + 1
    found = check(
        Shifted(model, x),
        explanations={"right": x * W},
        explainers=[],
        operators=["zero", "mean", "strange"],
    )
    assert not found.audits["strange"].passed and found.audits["zero"].passed
    assert found.audits["strange"].shift == pytest.approx(
        30 - float((x @ W).mean()) / ITEMS, rel=0.2
    )
    assert found.verdicts["right"].level == SUPPORTED
    assert "strange moved the output wherever it was put" in found.verdicts["right"].sentence
    assert [one.outcome for one in found.sanity].count(FAIL) == 1


def test_a_report_does_not_depend_on_how_the_examples_are_divided() -> None:
    x = inputs(5)
    plan = Plan(("shapley", "random"), ("zero", "mean"), controls=10, seed=3)

    def pieces(sizes: list[list[int]]) -> list:  # type: ignore[type-arg]
        found = []
        for operator in plan.operators:
            for examples in sizes:
                engine = Engine(ArraySubject(linear, x), "value", dict.fromkeys(range(COUNT), 0))
                found.append(measure(engine, plan, operator, examples, EXPLAINERS))
        return joined(found)

    whole = pieces([list(range(6))])
    parts = pieces([[5, 2], [0], [4, 1, 3]])
    for one, other in zip(whole, parts, strict=True):
        assert one.examples == other.examples == tuple(range(6))
        for name in plan.explainers:
            np.testing.assert_allclose(separations(one, name), separations(other, name), atol=1e-9)
            for a, b in zip(one.scores[name], other.scores[name], strict=True):
                np.testing.assert_allclose(a, b, atol=1e-9)
        np.testing.assert_allclose(one.control_deletion, other.control_deletion, atol=1e-9)


def test_results_come_as_they_are_made_and_a_check_can_be_stopped() -> None:
    seen: list[int] = []
    told: list[float] = []
    check(
        linear,
        inputs(),
        explainers=["leave-one-out"],
        controls=3,
        on_report=lambda one: seen.append(len(one.examples)),
        on_progress=lambda done, words: told.append(done),
    )
    assert seen == [8, 16] and told == sorted(told) and told[0] == 0 and told[-1] == 1
    asked = iter(range(1000))
    with pytest.raises(CancelledError):
        check(linear, inputs(), explainers=[], should_stop=lambda: next(asked) > 2)


def test_what_is_concluded_at_the_end_is_told_and_can_be_stopped() -> None:
    told: list[tuple[float, str]] = []
    names = ["leave-one-out", "saliency", "random"]
    check(
        linear,
        inputs(),
        explainers=names,
        controls=3,
        on_progress=lambda done, words: told.append((done, words)),
    )
    ending = [done for done, words in told if words == "intervals and permutations"]
    # Three explanations by two operators, and six pairs of them.
    assert len(ending) == 3 * 2 + 6 and len(set(ending)) == len(ending)
    assert [done for done, _ in told] == sorted(done for done, _ in told) and ending[-1] == 1
    for last in (1, 9):
        seen: list[str] = []

        def progress(done: float, words: str, seen: list[str] = seen) -> None:
            seen.append(words)

        def stop(seen: list[str] = seen, last: int = last) -> bool:
            return seen.count("intervals and permutations") >= last

        with pytest.raises(CancelledError):
            check(
                linear,
                inputs(),
                explainers=names,
                controls=3,
                on_progress=progress,
                should_stop=stop,
            )
        # The step after it was asked for is the last one.
        assert seen.count("intervals and permutations") == last


def glimpse(name: str, count: int = 12) -> ZooPictures:
    model = load_system(checkpoints()[name])
    batch = next(iter(load_task("mnist-small").batches("test", count, count)))
    return ZooPictures(model, batch)


def test_a_hard_policy_that_looks_at_the_evidence_is_told_from_one_that_does_not() -> None:
    reports = {
        name: check(
            glimpse(name),
            explainers=["selection", "random"],
            operators=["grey", "mean"],
            controls=20,
            most=8,
        )
        for name in ("glimpse-hard", "glimpse-random")
    }
    hard, blind = reports["glimpse-hard"], reports["glimpse-random"]
    assert hard.verdicts[CHOICE].level == SUPPORTED, hard.verdicts[CHOICE]
    assert blind.verdicts[CHOICE].level == RANDOM, blind.verdicts[CHOICE]
    assert hard.paths is not None and blind.paths is not None and hard.singles is not None
    assert hard.paths.win.low > 0.6 > blind.paths.win.mean
    assert blind.paths.win.low < 0.5 < blind.paths.win.high
    assert hard.singles.effect.count == 12
    for name in ("deep-lift", "guided-backprop"):
        with pytest.raises(UndefinedError, match="runs without gradients"):
            EXPLAINERS[name].explain(Asked(Engine(glimpse("glimpse-hard", 2)), "grey", 0))
    side_path = [one for one in hard.sanity if one.name.startswith("Side path")]
    assert side_path[0].outcome == PASS
    # What was never seen cannot count, so what was chosen must separate better than chance.
    assert hard.verdicts["selection"].level in (SUPPORTED, WEAK), hard.verdicts["selection"]


def test_arguments_that_do_not_go_together_are_said() -> None:
    x = inputs()
    for options, words in (
        ({"explanations": {"mine": x[:3]}}, "mine has 3 rows for 24 examples"),
        ({"explanations": {"mine": x[:, :2]}, "explainers": []}, r"\(2,\) scores for the 7 items"),
        ({"explanations": {"random": x}}, "random is the name of an explainer"),
        ({"operators": ["burn"]}, "no operator 'burn' here: choose zero, mean"),
        ({"targets": [0]}, "1 targets do not go with 24"),
        ({"controls": 0}, "0 random rankings are none"),
    ):
        with pytest.raises(ValueError, match=words):
            check(linear, x, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name some"):
        check(linear)
    with pytest.raises(ValueError, match="examples already"):
        check(ArraySubject(linear, x), x)
