"""Digits that lie anywhere in a larger image: where they lie, and that learning sees them anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hardattn_models import load_task
from hardattn_models.tasks.loading import at_hand

NAMES = ("mnist-small-translated", "mnist-small-cluttered")


def found_in(image: np.ndarray, digit: np.ndarray) -> list[tuple[int, int]]:
    """Every place at which all ink of the digit is at least as bright in the image."""
    side, room = digit.shape[0], image.shape[0] - digit.shape[0] + 1
    views = np.lib.stride_tricks.sliding_window_view(image, (side, side))
    assert views.shape == (room, room, side, side)
    return list(zip(*np.nonzero((views >= digit).all((2, 3))), strict=True))


def test_a_translated_digit_is_whole_somewhere_and_nothing_else_is_there() -> None:
    before, task = load_task("mnist-small"), load_task(NAMES[0])
    for part in ("train", "validation", "test"):
        small, large = before.split(part), task.split(part)
        assert large.images.shape == (len(small), 60, 60)
        assert np.array_equal(small.labels, large.labels)
        places = set()
        for row in range(40):
            assert large.images[row].sum(dtype=int) == small.images[row].sum(dtype=int)
            places.add(found_in(large.images[row], small.images[row])[0])
        # All over the image: 33 × 33 places are possible.
        assert len(places) > 35
        assert max(y for y, _ in places) > 24 > 8 > min(y for y, _ in places)
        assert max(x for _, x in places) > 24 > 8 > min(x for _, x in places)


def test_clutter_adds_four_pieces_of_others_and_hides_no_ink_of_the_digit() -> None:
    before, task = load_task("mnist-small").test, load_task(NAMES[1]).test
    more = []
    for row in range(40):
        assert found_in(task.images[row], before.images[row])
        more.append(np.count_nonzero(task.images[row]) - np.count_nonzero(before.images[row]))
    assert min(more) >= 0
    assert max(more) <= 4 * 64
    assert 40 < np.mean(more) < 160


@pytest.mark.parametrize("name", NAMES)
def test_what_is_learnt_from_lies_elsewhere_each_time_and_the_rest_stays(name: str) -> None:
    one, other = load_task(name), load_task(name)
    assert np.array_equal(one.test.images, other.test.images)
    first, second = one.feed(0), other.feed(0)
    begun = first.state()
    for _ in range(3):
        a, b = first.next(16), second.next(16)
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.labels, b.labels)
        assert a.images.shape == (16, 60, 60)
    again = one.feed(0)
    again.restore(begun)
    assert torch.equal(again.next(16).images, other.feed(0).next(16).images)
    assert not torch.equal(one.feed(1).next(16).images, other.feed(0).next(16).images)
    # The same digit in two epochs, found by its label and ink.
    rounds = one.feed(3)
    epochs = [[rounds.next(1_000) for _ in range(9)] for _ in range(2)]
    ink = [torch.cat([batch.images for batch in epoch]).sum((1, 2)) for epoch in epochs]
    if name == NAMES[0]:
        assert torch.allclose(ink[0].sort().values, ink[1].sort().values, atol=1e-2)
    pictures = [{batch.images[0].numpy().tobytes() for batch in epoch} for epoch in epochs]
    assert not pictures[0] & pictures[1]
    measured = next(iter(one.measured(0, 2, 16)))
    assert measured.images.shape == (16, 60, 60)


def test_all_of_mnist_has_a_bundled_counterpart() -> None:
    assert at_hand("mnist") == "mnist-small"
    assert at_hand("mnist-cluttered") == "mnist-small-cluttered"
    for name in ("mnist-small", "mnist-small-translated", "scenes", "no such task"):
        assert at_hand(name) == name
