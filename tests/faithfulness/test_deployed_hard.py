"""Trained soft, deployed hard: each number against the model run by hand with one-hot weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention as attend

from hardattn_models.told import Forced as Told
from hardattn_viewer.checks.file import read_checks, write_checks
from hardattn_viewer.checks.hardened import HOW, Hardened, Place
from hardattn_viewer.checks.report import concluded
from hardattn_viewer.checks.summary import as_json
from hardattn_viewer.checks.words import in_words
from hardattn_viewer.faithfulness import check
from hardattn_viewer.faithfulness.deploying import deployed_hard
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import CancelledError
from hardattn_viewer.faithfulness.from_run import recorded
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.zoo import ZooSubject
from recorders import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"


class TwoHeads(nn.Module):
    """``[batch, items, 3]``: a head that weighs by the first number, and one that is even."""

    def forward(self, items: Tensor) -> Tensor:
        key = torch.stack([items[..., 0], 0 * items[..., 0]], 1).unsqueeze(-1)
        value = items[..., 1:].unsqueeze(1).expand(-1, 2, -1, -1)
        query = torch.ones_like(key[:, :, :1])
        return attend(query, key, value, scale=1.0)[:, :, 0].sum(1)


def made() -> tuple[Tensor, Engine]:
    generator = torch.Generator().manual_seed(0)
    items = torch.randn(3, 5, 3, generator=generator, dtype=torch.double)
    return items, Engine(ArraySubject(TwoHeads(), list(items)), "logit")


def test_a_head_that_takes_its_best_item_reads_its_value_alone() -> None:
    items, engine = made()
    found = deployed_hard(engine, 8)
    assert [one.name for one in found.places] == ["all", "L0", "L0H0", "L0H1"]
    best = items[..., 0].argmax(1)
    soft = (items[..., :1].softmax(1) * items[..., 1:]).sum(1)
    hard = items[torch.arange(3), best, 1:]
    even, first = items[..., 1:].mean(1), items[:, 0, 1:]
    # Argmax of what is even is its first item.
    for at, outputs in ((0, hard + first), (1, hard + first), (2, hard + even), (3, soft + first)):
        usual = (soft + even).numpy()
        target = usual.argmax(1)
        expected = outputs.numpy()[np.arange(3), target]
        np.testing.assert_allclose(found.values[0, at], expected, atol=1e-9)
        flips = outputs.numpy().argmax(1) != target
        np.testing.assert_array_equal(found.flips[0, at], flips)
        change = (expected - usual.max(1)).mean()
        assert found.changes[0, at] == pytest.approx(change, abs=1e-9)


def test_what_is_drawn_is_some_item_and_the_same_with_the_same_seed() -> None:
    items, engine = made()
    one, two, other = (deployed_hard(engine, 8, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.values, two.values)
    assert (one.values[1] != other.values[1]).any()
    np.testing.assert_array_equal(one.values[0], other.values[0])
    usual = (items[..., :1].softmax(1) * items[..., 1:]).sum(1) + items[..., 1:].mean(1)
    target = usual.argmax(1)
    for example in range(3):
        left = one.values[1, 2, example] - items[example, :, 1:].mean(0)[target[example]]
        able = items[example, :, 1 + int(target[example])]
        assert (able - left).abs().min() < 1e-9


def test_a_system_that_blends_takes_one_candidate_at_each_choice() -> None:
    with read_run(SAMPLES / "glimpse-soft.h5") as run:
        subject = recorded(run, examples=3).subject
    assert isinstance(subject, ZooSubject)
    found = deployed_hard(Engine(subject), 3)
    assert found.choices and [found.name(at) for at in range(3)] == [
        "all choices",
        "choice 1",
        "choice 2",
    ]
    chosen = np.stack([subject.choices(example).chosen for example in range(3)])
    for at, told in ((0, chosen), (2, np.where(np.arange(6) == 1, chosen, -1))):
        with torch.no_grad():
            outcome = subject.model.outcome(subject.batch, Told("soft", torch.tensor(told)))
        assert outcome.scores is not None
        p = outcome.scores.numpy()[np.arange(3), [Engine(subject).target(one) for one in range(3)]]
        np.testing.assert_allclose(found.values[0, at], p, atol=1e-5)


def test_what_has_nothing_to_harden_says_why() -> None:
    with read_run(SAMPLES / "glimpse-hard.h5") as run:
        subject = recorded(run, examples=2).subject
    assert "takes single items already" in deployed_hard(Engine(subject), 2).reason
    plain = Engine(ArraySubject(lambda rows: rows.sum(1), [torch.ones(3)]), "value", {0: 0})
    assert "called no scaled_dot_product_attention" in deployed_hard(plain, 2).reason
    assert "no example" in deployed_hard(made()[1], 0).reason


def test_it_is_ended_between_two_passes() -> None:
    _, engine = made()
    engine.should_stop = lambda: True
    engine.targets = {0: 0, 1: 0, 2: 0}
    with pytest.raises(CancelledError):
        deployed_hard(engine, 3)


def test_a_check_keeps_it_says_it_and_reads_it_back(tmp_path: Path) -> None:
    items, _ = made()
    report = check(TwoHeads(), items, explainers=["random"], controls=2, reading="logit", harden=2)
    kept = report.hardened
    assert kept is not None and kept.examples == (0, 1)
    told = in_words(report)
    assert "run hard, trained soft:" in told and "L0H1 by sample: logit" in told
    assert "another class in" in told
    places = as_json(report)["hardened"]["places"]
    assert places[2]["argmax"]["change"] == pytest.approx(float(kept.changes[0, 2]))
    write_checks(report, tmp_path / "x.npz")
    again = read_checks(tmp_path / "x.npz").hardened
    assert again is not None and again.places == kept.places
    for name in ("whole", "values", "flips"):
        np.testing.assert_array_equal(getattr(again, name), getattr(kept, name))


def test_checks_of_before_are_read_without_it(tmp_path: Path) -> None:
    write_checks(concluded([]), tmp_path / "x.npz")
    assert read_checks(tmp_path / "x.npz").hardened is None
    shipped = read_checks(SAMPLES / "glimpse-soft.checks.npz")
    assert shipped.hardened is None or shipped.hardened.choices


def test_the_head_that_moves_most_is_named_first_and_the_rest_are_counted() -> None:
    places = (Place(), Place(0), *(Place(0, head) for head in range(9)))
    values = np.zeros((len(HOW), 11, 1))
    values[:, 7] = -0.5
    report = concluded([], hardened=Hardened(places, (0,), np.zeros(1), values, values * np.nan))
    lines = in_words(report).splitlines()
    heads = [line for line in lines if "L0H" in line]
    assert heads[0].strip().startswith("L0H5 by argmax: output -0.500") and len(heads) == 10
    assert "the 4 other heads move it less" in in_words(report) and "class" not in in_words(report)
