"""B − A over the image, and the scales that pictures share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing_samples import make_frame, near, painted, window_boxes
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.drawing.colours import amount_table, rgb, signed_rgba
from hardattn_viewer.drawing.difference import (
    difference_picture,
    difference_scale,
    paint_difference,
)
from hardattn_viewer.drawing.matrix_difference import strongest
from hardattn_viewer.drawing.regions import region_at
from hardattn_viewer.drawing.scale import (
    paint_scale_bar,
    scale_for,
    scope_words,
    shared_scale,
)
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.session.display import Display

RECT = QRectF(0, 0, 280, 280)


def one(key: int, value: float, rest: float = 0.0) -> np.ndarray:
    row = np.full(49, rest, dtype=np.float32)
    row[key] = value
    return row


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_more_in_a_is_orange_more_in_b_is_blue_and_equal_is_clear(theme: Theme) -> None:
    a, b = make_frame(one(0, 0.4, 0.1)), make_frame(one(48, 0.4, 0.1))
    picture = difference_picture(a, b, Display())
    assert picture.scale_max == pytest.approx(0.3)
    found = painted(280, 280, lambda p: paint_difference(p, RECT, picture, theme))
    assert near(found[20, 20], 0.9 * np.array(rgb(theme.hard)), 2)
    assert near(found[260, 260], 0.9 * np.array(rgb(theme.soft)), 2)
    assert found[140, 140].tolist() == [0, 0, 0]


def test_each_cell_has_the_signed_colour_of_its_share() -> None:
    rng = np.random.default_rng(3)
    a, b = make_frame(rng.dirichlet(np.ones(49))), make_frame(rng.dirichlet(np.ones(49)))
    picture = difference_picture(a, b, Display())
    assert np.array_equal(picture.values, b.probabilities - a.probabilities)
    colours = signed_rgba(picture.values, picture.scale_max, DARK.hard, DARK.soft).astype(float)
    found = painted(280, 280, lambda p: paint_difference(p, RECT, picture, DARK))
    for key in range(49):
        row, column = divmod(key, 7)
        expected = colours[key, :3] * colours[key, 3] / 255
        assert near(found[40 * row + 20, 40 * column + 20], expected), key


def test_the_scale_spans_all_steps_unless_one_step_is_asked_for() -> None:
    a = make_frame(seed=1, selections=[[0], [1], [2]])
    b = make_frame(seed=2, selections=[[0], [1]], hard=False)
    gaps = np.abs(b.distributions.astype(float) - a.distributions[:2])
    assert difference_scale(a, b, Display()) == pytest.approx(gaps.max())
    assert difference_scale(a, b, Display(scale="step")) == pytest.approx(gaps[0].max())


def test_runs_over_other_regions_get_words_instead_of_a_picture() -> None:
    a = make_frame()
    fewer = make_frame([0.5, 0.5], boxes=window_boxes()[:2])
    shifted = make_frame(boxes=window_boxes() + 3)
    assert "A has 49 regions, B has 2" in difference_picture(a, fewer, Display()).note
    assert "different regions" in difference_picture(a, shifted, Display()).note
    tokens = replace(a, boxes=None)
    assert "not regions" in difference_picture(tokens, tokens, Display()).note
    painted(
        100,
        60,
        lambda p: paint_difference(
            p, QRectF(0, 0, 100, 60), difference_picture(a, fewer, Display()), DARK
        ),
    )


def test_missing_values_of_either_run_are_hatched() -> None:
    a, b = make_frame(one(3, np.nan, 0.1)), make_frame(one(5, 0.3, 0.1))
    picture = difference_picture(a, b, Display())
    found = painted(280, 280, lambda p: paint_difference(p, RECT, picture, DARK))
    cell = found[4:36, 124:156].reshape(-1, 3)
    assert len(np.unique(cell, axis=0)) > 1
    assert picture.scale_max == pytest.approx(0.2)


def test_bright_images_are_dimmed_further_than_dark_ones() -> None:
    bright = np.full((28, 28), 250, dtype=np.uint8)
    for image in (bright, 255 - bright):
        a, b = make_frame(one(0, 0.2), image=image), make_frame(one(0, 0.2), image=image)
        picture = difference_picture(a, b, Display())
        found = painted(280, 280, lambda p, shown=picture: paint_difference(p, RECT, shown, DARK))
        assert found[140, 140].max() <= 60


def test_the_region_under_a_point_is_that_of_the_other_pictures() -> None:
    picture = difference_picture(make_frame(seed=1), make_frame(seed=2), Display())
    assert region_at(picture, RECT, QPointF(279, 279)) == 48


def test_smooth_differences_keep_their_values_at_the_centres() -> None:
    a, b = make_frame(seed=1), make_frame(seed=2)
    picture = difference_picture(a, b, Display(interpolation="smooth"))
    samples = picture.raster.shape[0] // 7
    assert "bilinear" in picture.note
    assert samples > 8
    middle = picture.raster[samples // 2 :: samples, samples // 2 :: samples]
    assert np.abs(middle.ravel() - picture.values).max() < 0.1 * np.abs(picture.values).max()


def test_a_shared_scale_is_the_largest_probability_of_all_frames_and_steps() -> None:
    a, b = make_frame(seed=1, selections=[[0], [1], [2]]), make_frame(seed=2)
    assert shared_scale([a, b]) == max(a.distributions.max(), b.distributions.max())
    assert scale_for(a, [a, b], Display()) == shared_scale([a, b])
    assert scale_for(a, [a, b], Display(scale="example")) == a.distributions.max()
    assert scale_for(a, [a, b], Display(scale="step")) == a.probabilities.max()


def test_a_scale_of_nothing_recorded_is_one() -> None:
    assert shared_scale([make_frame(np.full(49, np.nan))]) == 1.0
    assert shared_scale([make_frame(np.zeros(49))]) == 1.0
    assert shared_scale([]) == 1.0


def test_the_scope_of_a_scale_is_said_in_words() -> None:
    assert scope_words(Display(), ("A", "B")) == "this example, all steps, A and B"
    assert scope_words(Display()) == "this example, all steps"
    assert scope_words(Display(scale="example"), ("A", "B")).endswith("each run its own")
    assert scope_words(Display(scale="step")) == "this step only"


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("on_surface", [False, True])
def test_no_difference_has_the_colour_of_what_lies_below_it(theme: Theme, on_surface: bool) -> None:
    rect = QRectF(10, 10, 400, 20)
    found = painted(
        420,
        40,
        lambda p: paint_scale_bar(p, rect, 0.42, "", theme, signed=True, on_surface=on_surface),
    )
    ground = rgb(theme.panel if on_surface else "#101216")
    assert any(near(pixel, ground, 16) for pixel in found[20])


@pytest.mark.parametrize("signed", [False, True])
def test_the_scale_bar_runs_from_the_first_colour_to_the_last(signed: bool) -> None:
    rect = QRectF(10, 10, 400, 20)
    found = painted(420, 40, lambda p: paint_scale_bar(p, rect, 0.42, "all", DARK, signed=signed))
    row = found[20, 10:-10].astype(int)
    ends = (
        (0.9 * np.array(rgb(DARK.hard)) + 0.1 * 0x11, 0.9 * np.array(rgb(DARK.soft)) + 0.1 * 0x13)
        if signed
        else (amount_table("viridis")[0], amount_table("viridis")[255])
    )
    for end in ends:
        assert (np.abs(row - end).max(axis=1) < 8).any()


@pytest.mark.parametrize("width", [20, 60, 200])
def test_the_scale_bar_keeps_to_its_rectangle(width: int) -> None:
    rect = QRectF(20, 20, width, 18)
    canvas = painted(
        width + 40,
        58,
        lambda p: paint_scale_bar(p, rect, 0.42, "this example, all steps, A and B", LIGHT),
        ratio=2,
    )
    canvas[38:78, 38 : 42 + 2 * width] = (0x12, 0x34, 0x56)
    assert near(canvas.reshape(-1, 3), (0x12, 0x34, 0x56), 0)


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        elements=st.sampled_from([0.0, 0.25, -0.25, 0.5, -1.0, np.float32(np.nan)]),
    ),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_pooling_takes_the_strongest_of_each_block(
    values: np.ndarray, rows: int, columns: int
) -> None:
    pooled = strongest(values, rows, columns)
    down, across = (-(-n // most) for n, most in zip(values.shape, (rows, columns), strict=True))
    assert pooled.shape == (-(-values.shape[0] // down), -(-values.shape[1] // across))
    for (row, column), found in np.ndenumerate(pooled):
        block = values[row * down : (row + 1) * down, column * across : (column + 1) * across]
        known = block[~np.isnan(block)]
        assert np.isnan(found) if not known.size else abs(found) == np.abs(known).max()
        assert not known.size or found in known
