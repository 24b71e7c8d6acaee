"""The captioner and its scenes: exact captions, one look a word, and where each word is seen."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hardattn_models import build_system, load_task
from hardattn_models.registry import system
from hardattn_models.tasks import load_task as load
from hardattn_models.tasks.scenes import WORDS, SceneBatch
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, train


@pytest.fixture(scope="module")
def batch() -> SceneBatch:
    made: SceneBatch = next(load_task("scenes").batches("test", 40))
    return made


def test_a_caption_names_the_digits_of_its_own_part_in_reading_order(batch: SceneBatch) -> None:
    known = load().split("test")
    labels = {
        image.tobytes(): int(label) for image, label in zip(known.images, known.labels, strict=True)
    }
    for image, words, boxes in zip(batch.images, batch.words, batch.boxes, strict=True):
        rest = image.clone()
        corners = []
        for at in (0, 2, 4):
            x0, y0, x1, y1 = (int(edge) for edge in boxes[at])
            cut = image[y0:y1, x0:x1]
            assert labels[cut.numpy().tobytes()] == words[at]
            rest[y0:y1, x0:x1] = 0
            corners.append((y0, x0))
        assert not rest.any()
        for at in (1, 3):
            (y, x), (below, right) = corners[(at - 1) // 2], corners[(at + 1) // 2]
            assert boxes[at].isnan().all()
            # Two zones of one row differ by at most four pixels in height.
            assert WORDS[words[at]] == ("left of" if abs(below - y) <= 4 else "above")
            assert below - y > 4 or right > x


@pytest.mark.parametrize("mechanism", system("captioner").mechanisms)
def test_the_tap_hears_each_look_and_changes_no_bit(mechanism: str, batch: SceneBatch) -> None:
    torch.manual_seed(0)
    model = build_system("captioner", mechanism=mechanism, features=8, hidden=16).eval()
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.look.listen(lambda tap, values: heard.append(values))
        with torch.no_grad():
            runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].loss, runs[1].loss)
    assert [values["probabilities"].shape for values in heard] == [(40, 96)] * 5
    for values in heard:
        torch.testing.assert_close(values["probabilities"].sum(-1), torch.ones(40))


def test_a_word_depends_on_nothing_but_what_was_looked_at(batch: SceneBatch) -> None:
    torch.manual_seed(0)
    model = build_system("captioner", features=8, hidden=16).eval()
    # The cell in row 3, column 5, five times; it is known from 32 × 32 pixels around its middle.
    looks = [torch.full((40,), 3 * 12 + 5)] * 5
    images = batch.images.clone()
    images[:, 12:44, 28:60] = 0
    other = SceneBatch(batch.images - images + (255 - images), batch.words, batch.boxes)
    other.images[:, 12:44, 28:60] = batch.images[:, 12:44, 28:60]
    assert not torch.equal(other.images, batch.images)
    with torch.no_grad():
        told = [model.outcome(one, Given(looks)).loss for one in (batch, other)]
        torch.testing.assert_close(told[0], told[1])
        other.images[:, 28, 44] = 255 - other.images[:, 28, 44]
        assert not torch.allclose(told[0], model.outcome(other, Given(looks)).loss)


def test_looks_are_counted_on_the_digit_that_is_named(batch: SceneBatch) -> None:
    torch.manual_seed(0)
    model = build_system("captioner", features=8, hidden=16).eval()
    centres = (batch.boxes[..., :2] + batch.boxes[..., 2:]) / 2
    cells = (centres[..., 1] // 8 * 12 + centres[..., 0] // 8).nan_to_num(0).long()
    name = "looks on the digit named"
    with torch.no_grad():
        right = model.outcome(batch, Given(list(cells.unbind(1)))).figures[name]
        # The third digit in place of the first: two of three words are looked for where they are.
        cells[:, 0] = cells[:, 4]
        wrong = model.outcome(batch, Given(list(cells.unbind(1)))).figures[name]
    torch.testing.assert_close(right, torch.ones(40))
    torch.testing.assert_close(wrong, torch.full((40,), 2 / 3))


def test_it_goes_on_from_its_own_words_once_it_has_learnt(batch: SceneBatch) -> None:
    torch.manual_seed(0)
    model = build_system("captioner", mechanism="argmax", features=8, hidden=16)
    other = SceneBatch(batch.images, (batch.words + 1) % 10, batch.boxes)
    said = {}
    for training in (True, False):
        model.train(training)
        with torch.no_grad():
            said[training] = [model.outcome(one, model.chooser()).words for one in (batch, other)]
    assert said[False][0] == said[False][1]
    assert said[True][0] != said[True][1]


def test_the_reward_of_a_look_is_what_was_said_from_there_on(batch: SceneBatch) -> None:
    torch.manual_seed(0)
    model = build_system("captioner", mechanism="argmax", features=8, hidden=16).eval()
    with torch.no_grad():
        outcome = model.outcome(batch, model.chooser())
    assert outcome.reward.shape == (40, 5)
    each = 5 * (outcome.reward - torch.cat([outcome.reward[:, 1:], torch.zeros(40, 1)], 1))
    torch.testing.assert_close(-each.log().mean(1), outcome.loss)


def test_images_that_are_no_whole_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="no whole cells of 8 × 8"):
        build_system("captioner", height=60)


@pytest.mark.campaign
def test_both_learn_to_look_where_the_digit_is_from_the_captions_alone() -> None:
    soft = train(default_plan("captioner", "soft")).test
    assert soft.error < 0.35
    hard = train(default_plan("captioner", "sampled")).test
    assert hard.error < 0.3
    assert hard.figures["looks on the digit named"] > 0.85
