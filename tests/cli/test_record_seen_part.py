"""Which part of a picture a processor shows the model is measured, against known geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hugging_face_folders import clip_processor, picture_processor
from numpy.typing import NDArray
from PIL import Image

from hardattn_viewer.cli.recording.seen_part import measured_box, measured_scale

SIZES = [(50, 40), (640, 480), (333, 1000), (28, 28), (224, 224), (2000, 1500)]


def process_with(processor: Any) -> Any:
    def process(picture: Image.Image) -> NDArray[Any]:
        return np.asarray(processor(images=[picture], return_tensors="np")["pixel_values"][0])

    return process


def box_of(process: Any, size: tuple[int, int]) -> Any:
    scale = measured_scale(process)
    assert scale is not None
    return measured_box(process, scale, *size)


@pytest.mark.parametrize("size", SIZES)
def test_resizing_alone_shows_the_whole_picture(size: tuple[int, int]) -> None:
    process = process_with(picture_processor("ViTImageProcessor", size=(64, 48)))
    assert box_of(process, size) == (0, 0, *size)


@pytest.mark.parametrize("size", SIZES)
def test_a_centre_crop_is_where_its_arithmetic_says(size: tuple[int, int]) -> None:
    box = box_of(process_with(clip_processor()), size)
    width, height = size
    short = min(size)
    resized = (int(32 * width / short), int(32 * height / short))
    lengths = [32 * side / new for side, new in zip(size, resized, strict=True)]
    starts = [(new - 32) // 2 * side / new for side, new in zip(size, resized, strict=True)]
    expected = (*starts, *(start + n for start, n in zip(starts, lengths, strict=True)))
    # A tenth of what one pixel of the input covers.
    np.testing.assert_allclose(box, expected, atol=0.1 * short / 32)


@pytest.mark.parametrize("size", SIZES)
def test_a_crop_that_no_field_of_the_configuration_names_is_found(size: tuple[int, int]) -> None:
    process = process_with(
        picture_processor("ConvNextImageProcessor", size={"shortest_edge": 224}, crop_pct=0.875)
    )
    box = box_of(process, size)
    short = min(size)
    for start, end, side in zip(box[:2], box[2:], size, strict=True):
        assert end - start == pytest.approx(0.875 * short, rel=0.01)
        assert (start + end) / 2 == pytest.approx(side / 2, abs=0.01 * short)


def test_padding_lies_beyond_the_picture() -> None:
    process = process_with(
        picture_processor(
            "CLIPImageProcessor",
            size={"shortest_edge": 32},
            crop_size={"height": 64, "width": 32},
        )
    )
    x0, y0, x1, y1 = box_of(process, (100, 100))
    assert (x0, x1) == (0, 100)
    assert (y0, y1) == pytest.approx((-50, 150), abs=1)


@pytest.mark.parametrize(
    "turned",
    [
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSPOSE,
    ],
)
def test_a_turned_view_is_no_straight_one(turned: Image.Transpose) -> None:
    def process(picture: Image.Image) -> NDArray[Any]:
        return np.asarray(picture.transpose(turned)).transpose(2, 0, 1) / 255

    assert box_of(process, (60, 60)) is None


def test_pieces_side_by_side_are_no_straight_view() -> None:
    def process(picture: Image.Image) -> NDArray[Any]:
        pixels = np.asarray(picture).transpose(2, 0, 1) / 255
        return np.concatenate([pixels, pixels], axis=2)

    assert box_of(process, (60, 60)) is None


def test_what_is_no_picture_has_no_scale() -> None:
    assert measured_scale(lambda picture: np.zeros((196, 768))) is None
    assert measured_scale(lambda picture: np.zeros((3, 8, 8))) is None
    assert measured_scale(lambda picture: np.zeros((1, 8, 8))) is None


def test_the_model_input_can_be_shown_as_the_picture_it_was() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    process = process_with(clip_processor())
    scale = measured_scale(process)
    assert scale is not None
    shown = scale.picture(process(Image.fromarray(pixels)))
    np.testing.assert_array_equal(shown, pixels)
