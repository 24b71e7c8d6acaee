"""Infidelity, correlations and sensitivity of explanations whose scores are known by hand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reports_alike import assert_alike
from torch import Tensor

from hardattn_viewer.checks.audit import Audit
from hardattn_viewer.checks.file import (
    ChecksError,
    read_checks,
    read_packed,
    write_checks,
    write_packed,
)
from hardattn_viewer.checks.measured import joined
from hardattn_viewer.checks.report import Report, concluded
from hardattn_viewer.checks.scores import Score, score_of, scores_found
from hardattn_viewer.checks.scoring import (
    CORRELATION,
    INFIDELITY,
    KINDS,
    RELATIVE,
    RHO,
    SCALED,
    SENSITIVITY,
    TAU,
    Kind,
    kendall,
    pearson,
)
from hardattn_viewer.checks.summary import as_csv, as_json
from hardattn_viewer.checks.words import in_words
from hardattn_viewer.faithfulness import PictureSubject, Text, TokenSubject, check
from hardattn_viewer.faithfulness.checking import prepared
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.explainers.registry import EXPLAINERS
from hardattn_viewer.faithfulness.measuring import measure
from hardattn_viewer.faithfulness.moving import RADIUS
from hardattn_viewer.faithfulness.removal import (
    control_orders,
    curves_of,
    leave_one_out,
    scored_curves,
)
from hardattn_viewer.faithfulness.scoring import dealt
from hardattn_viewer.faithfulness.subject import Row
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.measures.ranks import kendall_tau_b, spearman

COUNT = 24
W = torch.tensor([3.0, -2.0, 1.5, 0.5, 0.25, -0.1, 2.0], dtype=torch.double)


def inputs(count: int = COUNT, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, len(W), generator=generator, dtype=torch.double)


def found(report: Report, explainer: str, kind: Kind, operator: str = "zero") -> Score:
    one = score_of(report.scores, explainer, operator, kind)
    assert one is not None, (explainer, kind.name)
    return one


@pytest.fixture(scope="module")
def report() -> Report:
    x = inputs()
    given = {"right": x * W, "wrong": -x * W, "flat": torch.full((COUNT, len(W)), 0.1)}
    return check(
        lambda rows: rows @ W,
        x,
        given,
        explainers=["leave-one-out", "input-x-gradient", "saliency", "random"],
    )


@pytest.mark.parametrize("name", ["right", "leave-one-out", "input-x-gradient"])
def test_the_contributions_of_a_linear_model_are_without_infidelity_and_correlate_fully(
    report: Report, name: str
) -> None:
    for kind, exact in ((INFIDELITY, 0), (SCALED, 0), (CORRELATION, 1), (TAU, 1), (RHO, 1)):
        one = found(report, name, kind)
        assert one.value.mean == pytest.approx(exact, abs=1e-12), kind
        assert one.value.low == pytest.approx(exact, abs=1e-12)
        assert one.win.mean == 1 and one.examples == COUNT and not one.reason


def test_the_opposite_of_a_linear_model_has_the_opposite_scores(report: Report) -> None:
    for kind in (CORRELATION, TAU, RHO):
        one = found(report, "wrong", kind)
        assert one.value.mean == pytest.approx(-1, abs=1e-12) and one.win.mean == 0
    # φ is −w·x, so that each error is twice the fall: four times its mean square.
    seen = check(lambda rows: rows @ W, inputs(), {"none": inputs() * 0}, explainers=[])
    square = found(seen, "none", INFIDELITY).value.mean
    assert square > 1
    assert found(report, "wrong", INFIDELITY).value.mean == pytest.approx(4 * square)
    # A factor of −1 makes it right again, which the scaled one cannot hold against it.
    assert found(report, "wrong", SCALED).value.mean == pytest.approx(0, abs=1e-12)


def test_infidelity_by_hand_of_either_of_two_and_both_of_two_items() -> None:
    """Sets of two items: each alone and, as often as those together, both."""
    ones = torch.ones(3, 2, dtype=torch.double)
    both = check(lambda x: x.prod(-1), ones, {"half": ones / 2, "a": ones * torch.tensor([1, 0])})
    either = check(lambda x: x.amax(-1), ones, {"each": ones})
    # Both needed: any set takes 1; sums are ½, ½, 1, 1; the best factor is 1.2.
    assert found(both, "half", INFIDELITY).value.mean == pytest.approx(1 / 8)
    assert found(both, "half", SCALED).value.mean == pytest.approx(0.1)
    # Sums of (1, 0) are 1, 0, 1, 1: wrong once in four, whatever the factor.
    assert found(both, "a", INFIDELITY).value.mean == pytest.approx(1 / 4)
    assert found(both, "a", SCALED).value.mean == pytest.approx(1 / 4)
    # Dealt the other way round it is the same.
    assert found(both, "a", INFIDELITY).no_win == "random explanations score alike"
    assert np.isnan(found(both, "a", INFIDELITY).win.mean)
    # Either is enough: only both take 1; sums are 1, 1, 2, 2; the best factor is 0.4.
    assert found(either, "each", INFIDELITY).value.mean == pytest.approx(1)
    assert found(either, "each", SCALED).value.mean == pytest.approx(0.1)
    one = found(either, "each", TAU)
    assert one.reason == "its scores are all the same" and np.isnan(one.value.mean)


def test_correlations_by_hand_where_two_of_three_items_are_needed() -> None:
    ones = torch.ones(2, 3, dtype=torch.double)
    given = {"both": torch.tensor([1.0, 1, 0]), "one": torch.tensor([1.0, 0, 0])}
    seen = check(
        lambda x: x[:, 0] * x[:, 1],
        ones,
        {name: row.expand(2, 3) for name, row in given.items()},
        explainers=[],
    )
    # Alone, the items take 1, 1, 0; ties are neither for nor against.
    for kind, exact in ((TAU, 0.5), (RHO, 0.5)):
        assert found(seen, "both", kind).value.mean == pytest.approx(1)
        assert found(seen, "one", kind).value.mean == pytest.approx(exact)
    # Sets of one item are the items themselves.
    assert found(seen, "both", CORRELATION).value.mean == pytest.approx(1)


def test_random_scores_are_like_random_ones() -> None:
    x = inputs(150, seed=3)
    seen = check(lambda rows: rows @ W, x, explainers=["random"], operators=["zero", "mean"])
    for operator, kind in itertools.product(("zero", "mean"), (CORRELATION, TAU, RHO)):
        one = found(seen, "random", kind, operator)
        assert abs(one.value.mean) < 0.1 and abs(one.random.mean) < 0.03
        assert one.win.low < 0.5 < one.win.high and one.win.half_width < 0.06
    for kind in (INFIDELITY, SCALED):
        one = found(seen, "random", kind)
        assert one.win.low < 0.5 < one.win.high
        assert one.value.mean == pytest.approx(one.random.mean, rel=0.1)


def test_what_is_constant_has_no_score_and_a_reason(report: Report) -> None:
    for kind in (CORRELATION, TAU, RHO):
        one = found(report, "flat", kind)
        assert np.isnan([one.value.mean, one.win.mean, one.random.mean]).all()
        assert one.reason == "its scores are all the same" and one.examples == 0
        assert one.undefined == COUNT
    assert found(report, "flat", INFIDELITY).no_win == "random explanations score alike"
    still = check(lambda rows: 0 * rows.sum(-1), inputs(), {"x": inputs()}, explainers=[])
    for kind in (INFIDELITY, SCALED, CORRELATION, TAU, RHO):
        one = found(still, "x", kind)
        assert one.reason == "whatever is removed, the output stays" and np.isnan(one.value.mean)
    zero = check(lambda rows: rows @ W, inputs(), {"x": 0 * inputs()}, explainers=[])
    assert found(zero, "x", SCALED).reason == "its scores are all zero"


def test_scores_by_an_operator_that_failed_its_audit_are_left_out() -> None:
    x = inputs(12)
    report = check(
        lambda rows: rows @ W,
        x,
        {"right": x * W},
        explainers=["random"],
        operators=["zero", "mean"],
    )
    failed = {"zero": Audit(9, 0, 1, 0, passed=False, examples=12)}
    scores = scores_found(report.measured, {**report.audits, **failed})
    one = score_of(scores, "right", "zero", INFIDELITY)
    assert one is not None and np.isnan(one.value.mean)
    assert one.reason == "zero: it moves the output wherever it is put"
    other = score_of(scores, "right", "mean", INFIDELITY)
    assert other is not None and other.examples == 12


def test_the_sensitivity_of_a_linear_model_is_that_of_its_input(report: Report) -> None:
    assert found(report, "saliency", SENSITIVITY).value.mean == 0
    x = inputs()
    reach = RADIUS * x.square().mean(1).sqrt()
    values = report.measured[0].scored["input-x-gradient"][SENSITIVITY.name].values
    # The change is w·δ, and no coordinate of δ is longer than the ball reaches.
    assert (values <= (reach * W.norm()).numpy() + 1e-12).all()
    assert (values > 0.3 * (reach * W.norm()).numpy()).all()
    relative = report.measured[0].scored["input-x-gradient"][RELATIVE.name].values
    np.testing.assert_allclose(relative, values / (x * W).norm(dim=1).numpy())
    one = found(report, "input-x-gradient", SENSITIVITY)
    assert one.value.mean == pytest.approx(values.mean()) and one.operator == ""
    assert np.isnan(one.win.mean) and "none to beat" in one.no_win
    for name, why in (
        ("right", "it was given"),
        ("leave-one-out", "as many variants again"),
        ("random", "does not look at the input"),
    ):
        assert why in found(report, name, SENSITIVITY).reason
    # It is in the results of one operator alone, since none enters.
    assert SENSITIVITY.name not in report.measured[1].scored["saliency"]


def test_the_ball_grows_with_the_input_and_sensitivity_with_the_ball() -> None:
    def largest(x: Tensor, **options: Any) -> float:
        seen = check(lambda rows: rows @ W, x, explainers=["input-x-gradient"], **options)
        return found(seen, "input-x-gradient", SENSITIVITY).value.mean

    x = inputs(3)
    assert largest(10 * x) == pytest.approx(10 * largest(x))
    assert largest(x, points=30) > largest(x, points=2)
    none = check(lambda rows: rows @ W, x, explainers=["saliency"], points=0)
    assert found(none, "saliency", SENSITIVITY).reason == "it was not asked for"
    with pytest.raises(ValueError, match="-1 points"):
        check(lambda rows: rows @ W, x, points=-1)
    zeros = check(lambda rows: rows @ W, 0 * x, explainers=["saliency"])
    assert "zero everywhere" in found(zeros, "saliency", SENSITIVITY).reason


def test_scores_are_those_of_a_loop_over_removals() -> None:
    """Sets, sums and controls one by one, of a model that is not linear."""
    torch.manual_seed(1)
    net = torch.nn.Sequential(
        torch.nn.Linear(6, 9), torch.nn.Tanh(), torch.nn.Linear(9, 1)
    ).double()
    x = torch.randn(2, 6, dtype=torch.double)
    plain = lambda rows: net(rows)[:, 0]  # noqa: E731
    report = check(plain, x, {"mine": x}, explainers=[], controls=20, operators=["mean", "zero"])
    orders = control_orders(Engine(ArraySubject(plain, x), "value"), [0, 1], 20, seed=0)
    for example in (0, 1):
        with torch.no_grad():
            whole = float(plain(x[example : example + 1]))
            sums, falls, few = [], [], []
            mine = x[example].numpy()
            candidates = [mine, *dealt(mine, 20, 0, example)]
            for order in orders[example].tolist():
                for size in range(1, 7):
                    for gone in (order[:size], order[6 - size :]):
                        changed = x[example].clone()
                        changed[gone] = 0
                        falls.append(whole - float(plain(changed[None])))
                        sums.append([float(one[gone].sum()) for one in candidates])
                        few.append(size == 1)
            drops = []
            for item in range(6):
                changed = x[example].clone()
                changed[item] = 0
                drops.append(whole - float(plain(changed[None])))
        table, fall, lone = np.array(sums).T, np.array(falls), np.array(few)
        errors = ((table - fall) ** 2).mean(1)
        scales = (table * fall).mean(1) / (table**2).mean(1)
        expected = {
            INFIDELITY: errors,
            SCALED: ((scales[:, None] * table - fall) ** 2).mean(1),
            CORRELATION: np.array([np.corrcoef(row[lone], fall[lone])[0, 1] for row in table]),
            TAU: np.array([kendall_tau_b(one, drops) for one in candidates]),
            RHO: np.array([spearman(one, drops) for one in candidates]),
        }
        seen = report.measured[1].scored["mine"]
        for kind, (own, *others) in expected.items():
            one = seen[kind.name]
            assert one.values[example] == pytest.approx(own, abs=1e-9), kind
            assert one.random[example] == pytest.approx(np.mean(others), abs=1e-9)
            beaten = [(own < other) if kind.better == "low" else (own > other) for other in others]
            ties = [own == pytest.approx(other) for other in others]
            won = np.mean([0.5 if tie else float(b) for b, tie in zip(beaten, ties, strict=True)])
            assert one.won[example] == pytest.approx(won)


def test_correlations_of_many_rows_are_those_of_each() -> None:
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 4, (40, 9)).astype(float)
    rows[3] = 2.0
    other = generator.integers(0, 3, 9).astype(float)
    expected = [kendall_tau_b(row, other) for row in rows]
    np.testing.assert_allclose(kendall(rows, other), expected)
    assert np.isnan(kendall(rows, other)[3]) and np.isnan(pearson(rows, other)[3])
    assert np.isnan(kendall(rows, 0 * other)).all() and np.isnan(pearson(rows, 0 * other)).all()


def test_no_score_by_removal_runs_the_model_once_more() -> None:
    """Curves of random rankings and single removals are run anyway, and scores read those."""
    x = inputs(2)
    subject = ArraySubject(lambda rows: rows @ W, x)
    engine, plan, known = prepared(subject, {"mine": x}, explainers=[], controls=7)
    measured = measure(engine, plan, "zero", [0, 1], known)
    assert np.isfinite(measured.scored["mine"][INFIDELITY.name].values).all()
    other = Engine(subject, "value", {0: 0, 1: 0})
    other.whole([0, 1])
    leave_one_out(other, "zero", [0, 1])
    curves_of(other, "zero", control_orders(other, [0, 1], 7, seed=0))
    scored_curves(other, "zero", {at: {"mine": x[at].numpy()} for at in (0, 1)}, seed=0)
    assert engine.evaluated == other.evaluated


def test_scores_do_not_depend_on_how_the_examples_are_divided(tmp_path: Path) -> None:
    x = inputs(6)
    names = ["input-x-gradient", "gradient-shap", "random"]

    def pieces(sizes: list[list[int]]) -> Report:
        parts = []
        for operator in ("zero", "mean"):
            for examples in sizes:
                engine, plan, known = prepared(
                    ArraySubject(lambda rows: (rows @ W).tanh(), x),
                    {},
                    explainers=names,
                    controls=9,
                )
                parts.append(measure(engine, plan, operator, examples, known))
        return concluded(joined(parts))

    whole, parts = pieces([list(range(6))]), pieces([[5, 2], [0], [4, 1, 3]])
    assert_alike(whole, parts)
    for one, other in zip(whole.scores, parts.scores, strict=True):
        assert (one.explainer, one.kind, one.reason) == (other.explainer, other.kind, other.reason)
        for part in ("value", "random", "win"):
            a, b = getattr(one, part), getattr(other, part)
            expected = pytest.approx([b.mean, b.low, b.high], abs=1e-6, nan_ok=True)
            assert [a.mean, a.low, a.high] == expected
    path = tmp_path / "x.checks.npz"
    write_checks(whole, path)
    again = read_checks(path)
    assert_alike(whole, again, 0)
    assert [one.kind for one in again.scores] == [one.kind for one in whole.scores]


def test_files_from_before_there_were_scores_are_read(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "x.checks.npz"
    write_checks(report, path)
    text, arrays = read_packed(path, "")
    for one in text["operators"]:
        del one["scored"]
    write_packed(path, text, {k: v for k, v in arrays.items() if "/scored/" not in k})
    old = read_checks(path)
    assert not old.scores and old.verdicts == report.verdicts
    assert as_json(old)["scores"] == [] and "infidelity" not in in_words(old)
    text["operators"][0]["scored"] = {"right": {"infidelity": {}}}
    write_packed(path, text, arrays | {"0/scored/0/infidelity/won": np.zeros(3)})
    with pytest.raises(ChecksError, match=r"its scores do not go together"):
        read_checks(path)


def test_scores_are_told_in_words_json_and_csv(report: Report) -> None:
    words = in_words(report)
    table = words[words.index("Scores, and the share") :].splitlines()
    (row,) = [line for line in table if line.startswith("wrong") and " zero " in line]
    assert row.split()[2].startswith("5") and row.count("-1.00 (0%)") == 3 and row.endswith("N/A")
    assert "N/A: sensitivity: it does not look at the input (random)" in table
    told = as_json(report)["scores"]
    assert {one["score"] for one in told} == set(KINDS)
    (one,) = [
        one
        for one in told
        if (one["explainer"], one["operator"], one["score"]) == ("flat", "zero", TAU.name)
    ]
    assert one["mean"]["mean"] is None and one["reason"] == "its scores are all the same"
    rows = as_csv(report).splitlines()
    (line,) = [row for row in rows if row.startswith("right,mean,infidelity,")]
    # Mean, interval, win rate and interval; neither p nor q, since no verdict rests on it.
    cells = line.split(",")
    assert float(cells[3]) < 0.1 and cells[6] == "1" and cells[9] == cells[10] == ""


def test_a_moved_text_is_one_whose_embeddings_are_moved() -> None:
    torch.manual_seed(0)

    class Reader(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.head = torch.nn.Embedding(20, 4), torch.nn.Linear(4, 3)

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            there = attention_mask[..., None]
            words: Tensor = self.embedding(input_ids)
            return self.head((words.tanh() * there).sum(1) / there.sum(1))

    reader = Reader().eval()
    texts = [Text((2, 5, 6, 7), ((1,), (2,), (3,))), Text((2, 8, 9), ((1,), (2,)))]
    subject = TokenSubject(reader, texts, embedding=reader.embedding, query="mean")
    change = torch.randn(1, 4, 4)
    moved = subject.moved(0, change)
    with torch.no_grad():
        words = (reader.embedding(torch.tensor([2, 5, 6, 7])) + change[0]).tanh()
        expected = {
            "": reader.head(words.mean(0)),
            "delete": reader.head(words[[0, 1, 3]].mean(0)),
        }
        for operator, kept in (("", [1, 1, 1]), ("delete", [1, 0, 1])):
            rows = [Row(1, bytes([1, 1])), Row(0, bytes(kept), operator)]
            rows = rows if not operator else rows[1:]
            torch.testing.assert_close(moved.run(rows)[-1], expected[operator])
        torch.testing.assert_close(
            moved.run([Row(1, bytes([1, 1]))]), subject.run([Row(1, bytes([1, 1]))])
        )
        torch.testing.assert_close(moved.inputs(0).values, subject.inputs(0).values + change)
        torch.testing.assert_close(moved.inputs(0).baseline, subject.inputs(0).baseline)
    seen = check(subject, explainers=["input-x-gradient", "layer-integrated-gradients"], controls=5)
    assert 0 < found(seen, "input-x-gradient", SENSITIVITY, "").value.mean < 1
    assert "token ids" in found(seen, "layer-integrated-gradients", SENSITIVITY, "").reason


def test_a_moved_picture_is_one_whose_pixels_are_moved() -> None:
    boxes = np.array([[0, 0, 2, 2], [2, 0, 4, 2], [0, 2, 2, 4], [2, 2, 4, 4]], float)
    images = torch.rand(2, 4, 4)
    weights = torch.rand(4, 4)
    subject = PictureSubject(lambda x: (x * weights).sum((1, 2)), images, boxes)
    change = torch.randn(1, 4, 4)
    moved = subject.moved(1, change)
    expected = ((images[1] + change[0]) * weights).sum()
    torch.testing.assert_close(moved.run([Row(1, bytes([1] * 4))])[0, 0], expected)
    torch.testing.assert_close(
        moved.run([Row(0, bytes([1] * 4))]), subject.run([Row(0, bytes([1] * 4))])
    )
    assert not torch.equal(moved.images[1], images[1]) and torch.equal(subject.images, images)
    seen = check(subject, explainers=["saliency", "input-x-gradient"], controls=5)
    assert found(seen, "saliency", SENSITIVITY, "").value.mean == pytest.approx(0, abs=1e-6)
    assert found(seen, "input-x-gradient", SENSITIVITY, "").value.mean > 0


def test_every_explainer_can_be_moved_or_says_why_not() -> None:
    for name, one in EXPLAINERS.items():
        if one.still:
            assert one.still[0].islower() and not one.still.endswith("."), name
        else:
            assert one.family == "gradient", name
