"""Choices made otherwise: against closed forms, and a glimpse classifier run by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardattn_models import load_system, load_task
from hardattn_models.choosing import Chooser
from hardattn_models.told import Forced, Given
from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.errors import FaithfulnessError, UndefinedError
from hardattn_viewer.faithfulness.forcing import as_chosen, contents, forced, paths, why_chosen
from hardattn_viewer.faithfulness.rankings import generator_of
from hardattn_viewer.faithfulness.subject import WHOLE, Floats, Row
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.choosing import Choices
from hardattn_viewer.faithfulness.subjects.zoo import ZooPictures, ZooSubject, rows_of
from sample_runs import checkpoints


class Picker:
    """Picks one of six values, then one of them again, and says how the two add up.

    ``y = v[s1] + w[s2] + leak · Σ v``, s1 by a softmax over v, s2 by one that follows s1.
    """

    operators = {"zero": "set to zero"}  # noqa: RUF012
    outputs = ("y",)

    def __init__(self, leak: float = 0.0) -> None:
        generator = np.random.default_rng(0)
        self.v, self.w = generator.normal(size=6), generator.normal(size=6)
        self.table = generator.normal(size=(6, 6))
        self.leak, self.rows = leak, 0

    def __len__(self) -> int:
        return 2

    def items(self, example: int) -> int:
        return 6

    def digest(self, example: int) -> bytes:
        return bytes([example])

    def lengths(self, example: int, kept: NDArray[np.bool_], operator: str) -> NDArray[np.int64]:
        return np.full(len(kept), 6)

    def policy(self, step: int, first: int) -> Floats:
        scores = self.v if step == 0 else self.table[first]
        p: Floats = np.exp(scores) / np.exp(scores).sum()
        return p

    def picked(self, row: Row) -> list[int]:
        made: list[int] = []
        for step in range(2):
            told = row.forced[step] if step < len(row.forced) else -1
            p = self.policy(step, made[0] if made else 0)
            if told >= 0:
                made.append(told)
            elif row.draw < 0:
                made.append(int(p.argmax()))
            else:
                noise = generator_of(0, row.example, row.draw, step).gumbel(size=6)
                made.append(int((np.log(p) + noise).argmax()))
        return made

    def run(self, rows: Sequence[Row]) -> Tensor:
        self.rows += len(rows)
        found = []
        for row in rows:
            there = np.ones(6, bool) if row.operator == WHOLE else row.mask
            v, w = self.v * there, self.w * there
            one, two = self.picked(row)
            found.append((row.example + 1) * v[one] + w[two] + self.leak * v.sum())
        return torch.tensor(found, dtype=torch.double).unsqueeze(-1)

    def choices(self, example: int) -> Choices:
        return self.remade(example, np.array([2, 4]))

    def remade(self, example: int, forced: NDArray[np.int64], draw: int = -1) -> Choices:
        made = self.picked(Row(example, b"", forced=tuple(forced.tolist()), draw=draw))
        p = np.stack([self.policy(0, 0), self.policy(1, made[0])])
        return Choices(p, np.array(made), np.ones(2, bool))

    def seen(self, example: int, candidate: int) -> NDArray[np.bool_]:
        return np.arange(6) == candidate


def picker(leak: float = 0.0) -> tuple[Picker, Engine]:
    subject = Picker(leak)
    return subject, Engine(subject, "value", {0: 0, 1: 0})


def test_forcing_another_item_changes_the_output_by_the_difference_of_their_values() -> None:
    subject, engine = picker()
    found = forced(engine, [0, 1], rest="pinned")
    for example in (0, 1):
        one = found[example]
        v = subject.v * (example + 1)
        np.testing.assert_allclose(one.values[0], v + subject.w[4])
        np.testing.assert_allclose(one.values[1], v[2] + subject.w)
        assert one.of_chosen[0] == pytest.approx(one.of_chosen[1])
        np.testing.assert_allclose(one.values[0] - one.of_chosen[0], v - v[2])
        np.testing.assert_allclose(one.regret, [v.max() - v[2], subject.w.max() - subject.w[4]])
        np.testing.assert_allclose(one.effect[0], v[2] - np.delete(v, 2).mean())
        p = subject.policy(0, 0)
        expected = p @ (v + subject.w[4])
        assert one.expected[0] == pytest.approx(expected)
        assert one.advantage[0] == pytest.approx(v[2] + subject.w[4] - expected)
        logits = torch.tensor(np.log(p), requires_grad=True)
        (logits.softmax(0) @ torch.tensor(v + subject.w[4])).backward()
        assert logits.grad is not None
        np.testing.assert_allclose(one.policy_gradient[0], logits.grad.numpy(), atol=1e-12)
        assert not one.spread.any()
    assert as_chosen(engine, [1])[0] == pytest.approx(2 * subject.v[2] + subject.w[4])


def test_what_comes_after_a_forced_choice_is_made_anew_with_the_same_draws() -> None:
    subject, engine = picker()
    greedy = forced(engine, [0], rest="replayed", draws=0)[0]
    after = subject.w[subject.table.argmax(1)]
    np.testing.assert_allclose(greedy.values[0], subject.v + after)
    drawn = forced(engine, [0], draws=1_500)[0]
    p = np.exp(subject.table) / np.exp(subject.table).sum(1, keepdims=True)
    error = np.sqrt(p @ subject.w**2 - (p @ subject.w) ** 2) / np.sqrt(1_500)
    assert (np.abs(drawn.values[0] - subject.v - p @ subject.w) < 5 * error).all()
    assert drawn.spread[0] == pytest.approx(error[2], rel=0.1)
    # Nothing is drawn after the last choice.
    assert drawn.spread[1] == 0
    np.testing.assert_allclose(drawn.values[1], subject.v[2] + subject.w)


def test_only_the_most_probable_are_tried_where_that_is_asked_for() -> None:
    subject, engine = picker()
    found = forced(engine, [0], rest="pinned", most=2)[0]
    best = np.argsort(-subject.v)[:2]
    assert set(np.flatnonzero(~np.isnan(found.values[0]))) == {*best.tolist(), 2}
    tried = ~np.isnan(found.values[0])
    p = subject.policy(0, 0)[tried]
    expected = (p / p.sum()) @ (subject.v[tried] + subject.w[4])
    assert found.expected[0] == pytest.approx(expected)


@pytest.mark.parametrize("leak", [0.0, 0.5])
def test_what_no_choice_saw_counts_for_nothing_unless_there_is_a_side_path(leak: float) -> None:
    subject, engine = picker(leak)
    one = contents(engine, "zero", [0])[0]
    np.testing.assert_allclose(one.chosen, [subject.v[2], subject.w[4]] + leak * subject.v[[2, 4]])
    unseen = [0, 1, 3, 5]
    assert one.unseen == pytest.approx(leak * subject.v[unseen].sum()) and one.removed == 4


def test_paths_drawn_from_the_policy_have_its_mean_and_variance() -> None:
    subject, engine = picker()
    one = paths(engine, [0], 1_500)[0]
    p = subject.policy(0, 0)
    q = np.exp(subject.table) / np.exp(subject.table).sum(1, keepdims=True)
    worth = subject.v[:, None] + subject.w
    mean = (p[:, None] * q * worth).sum()
    variance = (p[:, None] * q * worth**2).sum() - mean**2
    assert abs(one.mean - mean) < 5 * np.sqrt(variance / 1_500)
    assert one.deviation == pytest.approx(np.sqrt(variance), rel=0.08)
    with pytest.raises(ValueError, match="0 draws"):
        paths(engine, [0], 0)


def test_models_without_choices_say_so() -> None:
    engine = Engine(ArraySubject(lambda x: x.sum(-1), torch.ones(2, 3)), "value")
    with pytest.raises(UndefinedError, match="makes no choices"):
        forced(engine, [0])
    with pytest.raises(UndefinedError, match="no gradient"):
        why_chosen(engine, 0, 0)
    with pytest.raises(ValueError, match="pinned or replayed"):
        forced(picker()[1], [0], rest="left")


def glimpse(name: str = "glimpse-hard", count: int = 6) -> tuple[ZooPictures, Engine]:
    model = load_system(checkpoints()[name])
    batch = next(iter(load_task("mnist-small").batches("test", count, count)))
    subject = ZooPictures(model, batch)
    return subject, Engine(subject)


def test_a_glimpse_classifier_forced_to_look_elsewhere_is_the_one_run_by_hand() -> None:
    subject, engine = glimpse()
    found = forced(engine, [3], rest="pinned")[3]
    replayed = forced(engine, [3], rest="replayed", draws=0)[3]
    image = subject.batch.images[3:4]
    target = engine.target(3)
    for step in (0, 2, 5):
        for place in (0, 17, 48):
            told = [torch.tensor([one]) for one in found.chosen]
            told[step] = torch.tensor([place])
            with torch.no_grad():
                by_hand = subject.model(image, choose=Given(told)).logits.softmax(-1)[0, target]
            assert found.values[step, place] == pytest.approx(float(by_hand), abs=1e-6)

            class Replaying(Chooser):
                def _select(self, logits: Tensor, told: list[Tensor] = told, at: int = step):  # type: ignore[no-untyped-def]
                    now = len(self.steps)
                    if now <= at:
                        return Given([told[now]])(logits)
                    return Given([logits.argmax(-1)])(logits)

            with torch.no_grad():
                anew = subject.model(image, choose=Replaying("argmax")).logits.softmax(-1)
            assert replayed.values[step, place] == pytest.approx(float(anew[0, target]), abs=1e-6)


def test_recorded_choices_are_the_ones_that_are_pinned() -> None:
    model = load_system(checkpoints()["glimpse-hard"])
    batch = next(iter(load_task("mnist-small").batches("test", 4, 4)))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        episode = model(batch.images, generator)
    assert episode.index is not None
    subject = ZooPictures(model, batch, chosen=episode.index.numpy())
    for example in range(4):
        made = subject.choices(example)
        assert made.chosen.tolist() == episode.index[example].tolist()
        np.testing.assert_allclose(
            made.probabilities, episode.probabilities[example].numpy(), atol=1e-6
        )
    found = as_chosen(Engine(subject), range(4))
    np.testing.assert_allclose(found, episode.logits.softmax(-1).amax(-1).numpy(), atol=1e-5)


def test_draws_are_the_policys_own_and_the_same_in_any_batch() -> None:
    subject, engine = glimpse()
    many = paths(engine, [0, 1], 3)
    alone = paths(Engine(subject, rows=1), [1], 3)
    np.testing.assert_allclose(many[1].values, alone[1].values, atol=1e-6)
    drawn = np.array(
        [subject.remade(0, np.array([], np.int64), draw).chosen[0] for draw in range(400)]
    )
    p = subject.choices(0).probabilities[0]
    seen = np.bincount(drawn, minlength=49) / 400
    assert (np.abs(seen - p) < 5 * np.sqrt(p * (1 - p) / 400) + 1e-9).all()


def test_a_glimpse_classifier_has_no_side_path_and_its_first_look_is_blind() -> None:
    subject, engine = glimpse()
    for operator in ("grey", "noise"):
        found = contents(engine, operator, [0, 1, 2])
        assert max(abs(one.unseen) for one in found.values()) < 1e-6
        assert all(one.removed > 10 for one in found.values())
        assert max(np.abs(one.chosen).max() for one in found.values()) > 0.01
    with pytest.raises(UndefinedError, match="before any look"):
        why_chosen(engine, 0, 0)
    gradient, product = why_chosen(engine, 0, 3)
    saw = np.stack([subject.seen(0, int(one)) for one in subject.choices(0).chosen[:3]]).any(0)
    assert gradient.shape == product.shape == (49,)
    assert gradient[saw].max() > 0 and gradient[~saw].max() == 0


def test_a_blend_can_be_forced_to_a_single_item() -> None:
    _, engine = glimpse("glimpse-soft", 2)
    found = forced(engine, [0], rest="pinned")[0]
    whole = engine.whole([0])[0]
    # Nothing was chosen, so what stands for it is the most probable one, and the blend is no part.
    assert np.isfinite(found.values).all() and found.values.shape == (6, 49)
    assert whole > 0.5


def test_systems_of_every_kind_can_be_forced() -> None:
    for name, task in (
        ("memory-hard", "recall-16"),
        ("vqa-hard", "easy-vqa"),
        ("copier-hard", "names"),
    ):
        model = load_system(checkpoints()[name])
        batch = next(iter(load_task(task).batches("test", 3, 3)))
        engine = Engine(ZooSubject(model, batch))
        if len(engine.subject.outputs) == 1:
            engine.reading = "value"
        found = forced(engine, [0, 1, 2], rest="pinned")
        for example in range(3):
            one = found[example]
            assert np.isfinite(one.of_chosen).all() and (one.regret >= -1e-9).all()
    model = load_system(checkpoints()["alignment-hard"])
    batch = next(iter(load_task("new-testament").batches("test", 3, 3)))
    with pytest.raises(FaithfulnessError, match="several choices at once"):
        ZooSubject(model, batch)


def test_rows_of_a_batch_may_come_twice() -> None:
    batch = next(iter(load_task("recall-16").batches("test", 3, 3)))
    picked = rows_of(batch, 3, [2, 0, 2])
    assert torch.equal(picked.slots[0], batch.slots[2]) and torch.equal(
        picked.slots[1], batch.slots[0]
    )
    assert picked.entries[2] is batch.entries[2]


def test_what_cannot_be_forced_is_said() -> None:
    with pytest.raises(ValueError, match="not one candidate"):
        Forced("top-k", torch.zeros(1, 1, dtype=torch.long))
    with pytest.raises(ValueError, match="choice 0 has 3 candidates, not 7"):
        Forced("sampled", torch.tensor([[7]]))(torch.zeros(1, 3))
    _, engine = picker()
    (values,) = engine.values([Ask(0, np.ones((1, 6), bool), forced=np.array([[-1, 3]]))])
    assert np.isfinite(values).all()
