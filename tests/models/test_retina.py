"""What a glimpse of several scales sees, held against pixels that are cut and averaged by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hardattn_models import build_system
from hardattn_models.retina import Retina
from hardattn_models.zoo.glimpse import GlimpseClassifier, GlimpseConfig

MARGIN = 128


def pictures(size: int, count: int = 3) -> torch.Tensor:
    return torch.rand(count, size, size, generator=torch.Generator().manual_seed(2))


def by_hand(images: torch.Tensor, box: tuple[int, int, int, int], window: int) -> torch.Tensor:
    """The pixels in a box, black outside the image, averaged to ``window`` a side."""
    x0, y0, x1, y1 = (edge + MARGIN for edge in box)
    around = np.pad(images.numpy(), ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
    times = (x1 - x0) // window
    cut = around[:, y0:y1, x0:x1].reshape(-1, window, times, window, times)
    return torch.from_numpy(cut.mean((2, 4)).reshape(len(images), -1))


@pytest.mark.parametrize(
    ("size", "stride", "window", "scales"),
    [(28, 4, 8, 1), (28, 4, 8, 3), (60, 4, 12, 3), (60, 2, 6, 2), (32, 8, 8, 4)],
)
def test_each_position_sees_its_windows_and_a_cut_sees_what_all_see(
    size: int, stride: int, window: int, scales: int
) -> None:
    retina, images = Retina(size, stride, window, scales), pictures(size)
    every = retina.windows(images.unsqueeze(1))
    assert every.shape == (3, retina.grid**2, scales * window**2)
    for position, box in enumerate(retina.regions().tolist()):
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        parts = []
        for times in retina.times:
            half = times * window // 2
            around = (int(x) - half, int(y) - half, int(x) + half, int(y) + half)
            parts.append(by_hand(images, around, window))
        torch.testing.assert_close(every[:, position], torch.cat(parts, 1))
    at = torch.tensor([[0, 5], [retina.grid**2 - 1, 3], [2, 2]])
    cut = retina.cut(retina.levels(images.unsqueeze(1)), at)
    assert torch.equal(cut, every.gather(1, at.unsqueeze(-1).expand(-1, -1, every.shape[-1])))


def test_around_a_place_on_the_plane_is_what_a_position_there_sees() -> None:
    retina, images = Retina(60, 4, 12, 3), pictures(60).unsqueeze(1)
    positions = torch.tensor([0, 7, 224])
    x0, y0, x1, y1 = retina.regions()[positions].unbind(-1)
    place = torch.stack([x0 + x1, y0 + y1], -1) / 60 - 1
    seen = retina.around(images, place, retina.offsets())
    expected = retina.windows(images)[torch.arange(3), positions]
    torch.testing.assert_close(seen, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("mechanism", ["sampled", "gaussian", "soft"])
def test_a_classifier_of_three_scales_sees_far_around_its_glimpse(mechanism: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = build_system(
            "glimpse", mechanism=mechanism, size=60, window=12, scales=3, glimpses=1
        )
    assert isinstance(model, GlimpseClassifier)
    black = torch.zeros(1, 60, 60)
    if mechanism == "gaussian":
        with torch.no_grad():
            model.policy[-1].weight.zero_()
            model.policy[-1].bias.zero_()
        # Around the middle: 24 pixels to each side, and no more.
        near, far = black.clone(), black.clone()
        near[0, 30, 30 + 20] = far[0, 1, 1] = 1
        model.config = GlimpseConfig(**{**vars(model.config), "std": 1e-6})
        told = [model(one, torch.Generator().manual_seed(0)).logits for one in (black, near, far)]
        assert not torch.equal(told[0], told[1])
        assert torch.equal(told[0], told[2])
        return
    one = model(black, torch.Generator().manual_seed(0))
    assert one.probabilities.shape == (1, 1, 225)
    assert not torch.equal(one.logits, model(black + 0.5, torch.Generator().manual_seed(0)).logits)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scales": 0}, "scales must be a whole number from 1"),
        ({"scales": 4}, "stride of 4 pixels is no multiple of 8, which 4 scales ask for"),
        ({"window": 9}, "window of 9 must exceed stride 4 by an even number"),
        ({"size": 30}, "size of 30 is not a multiple of stride 4"),
    ],
)
def test_scales_that_do_not_come_out_even_are_refused_in_words(
    options: dict[str, int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        build_system("glimpse", **options)
