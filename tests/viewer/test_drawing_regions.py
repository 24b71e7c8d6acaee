"""Attention over image regions, checked pixel by pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing_samples import make_frame, near, painted, window_boxes
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.drawing.colours import amount_rgba, amount_table, rgb
from hardattn_viewer.drawing.distribution import distribution_picture
from hardattn_viewer.drawing.regions import (
    SMOOTH_LABEL,
    RegionsPicture,
    image_rect,
    paint_regions,
    region_at,
    regions_picture,
)
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.session.display import Display

ONLY_HEAT = Display(boxes=False, path=False)
WHOLE = QRectF(0, 0, 280, 280)


def shown(
    picture: RegionsPicture, rect: QRectF = WHOLE, theme: Theme = DARK, **more: object
) -> np.ndarray:
    width, height = int(rect.right()) + 10, int(rect.bottom()) + 10
    return painted(width, height, lambda p: paint_regions(p, rect, picture, theme), **more)  # type: ignore[arg-type]


def test_the_strongest_heat_at_full_opacity_is_the_last_entry_of_the_table() -> None:
    values = np.full(49, 0.4, dtype=np.float32)
    display = replace(ONLY_HEAT, opacity=1.0)
    picture = regions_picture(make_frame(values), display, scale_max=float(values[0]))
    assert shown(picture)[140, 140].tolist() == amount_table("viridis")[255].tolist()


@pytest.mark.parametrize("colours", ["viridis", "cividis"])
def test_each_cell_has_the_table_colour_of_its_share_laid_over_the_image(colours: str) -> None:
    values = np.linspace(0.0, 0.5, 49, dtype=np.float32)
    image = np.full((28, 28), 200, dtype=np.uint8)
    display = replace(ONLY_HEAT, colours=colours)  # type: ignore[arg-type]
    picture = regions_picture(make_frame(values, image=image), display, scale_max=0.5)
    found = shown(picture)
    expected = amount_rgba(values, 0.5, 0.65, display.colours).astype(float)
    for key in range(49):
        row, column = divmod(key, 7)
        alpha = expected[key, 3] / 255
        mixed = expected[key, :3] * alpha + 200 * (1 - alpha)
        for dy, dx in ((20, 20), (2, 2), (37, 37)):
            assert near(found[40 * row + dy, 40 * column + dx], mixed), key


def test_zero_leaves_the_image_bare_and_tiny_does_not() -> None:
    values = np.zeros(49, dtype=np.float32)
    values[1] = 1e-7
    found = shown(regions_picture(make_frame(values), ONLY_HEAT, scale_max=0.5))
    assert found[20, 20].tolist() == [0, 0, 0]
    assert found[20, 60].tolist() != [0, 0, 0]


def test_missing_clipped_and_masked_cells_differ_in_form_and_not_only_in_colour() -> None:
    values = np.full(49, 0.3, dtype=np.float32)
    values[8], values[10] = np.nan, 0.9
    masked = np.zeros(49, dtype=bool)
    masked[12] = True
    picture = regions_picture(make_frame(values), ONLY_HEAT, scale_max=0.3, masked=masked)
    found = shown(picture)

    def shades(key: int) -> int:
        row, column = divmod(key, 7)
        cell = found[40 * row + 2 : 40 * row + 38, 40 * column + 2 : 40 * column + 38]
        return len(np.unique(cell.reshape(-1, 3), axis=0))

    assert shades(0) == 1
    assert shades(8) > 1 and shades(12) > 1 and shades(10) > 1
    # The notch of a clipped cell is white, in its upper right corner.
    assert near(found[42, 40 * 3 + 38], (255, 255, 255), 30)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_the_selected_region_is_outlined_where_its_window_ends(theme: Theme) -> None:
    frame = make_frame(selections=[[24]])
    display = Display(heat=False, path=False)
    found = shown(regions_picture(frame, display, scale_max=1.0), theme=theme)
    x0, y0, x1, y1 = (10 * float(v) for v in window_boxes()[24])
    middle = int((x0 + x1) / 2)
    for x, y in ((x0, middle), (x1 - 1, middle), (middle, y0), (middle, y1 - 1)):
        assert near(found[int(y), int(x)], rgb(theme.hard), 3)
    assert near(found[middle, middle], (0, 0, 0), 0)
    assert found[int(y0) - 6, middle].tolist() == [0, 0, 0]


def test_a_window_that_reaches_outside_is_clipped_with_a_dashed_side() -> None:
    frame = make_frame(selections=[[3]])
    display = Display(heat=False, path=False)
    rect = QRectF(20, 20, 280, 280)
    found = shown(regions_picture(frame, display, scale_max=1.0), rect)
    background = (0x12, 0x34, 0x56)
    assert near(found[:20].reshape(-1, 3), background, 0)
    x0, x1 = 20 + 100, 20 + 180
    along_top = found[21, x0 + 4 : x1 - 4].astype(int)
    orange = np.abs(along_top - np.array(rgb(DARK.hard)) * [1, 1, 1]).max(axis=1) < 90
    assert 0.2 < orange.mean() < 0.9
    along_left = found[24 : 20 + 56, x0].astype(int)
    assert (np.abs(along_left - rgb(DARK.hard)).max(axis=1) < 4).all()


def test_image_pixels_stay_sharp_squares_at_every_device_ratio() -> None:
    checks = ((np.indices((28, 28)).sum(axis=0) % 2) * 255).astype(np.uint8)
    frame = make_frame(np.zeros(49), image=checks)
    for ratio in (1.0, 1.25, 2.0, 3.0):
        found = painted(
            300,
            300,
            lambda p: paint_regions(
                p, WHOLE, regions_picture(frame, ONLY_HEAT, scale_max=1.0), DARK
            ),
            ratio=ratio,
        )
        size = round(280 * ratio)
        inside = found[1 : size - 1, 1 : size - 1]
        assert set(np.unique(inside).tolist()) == {0, 255}, ratio


def test_colour_images_keep_their_channels() -> None:
    image = np.zeros((28, 28, 3), dtype=np.uint8)
    image[:, :14] = (250, 10, 20)
    image[:, 14:] = (1, 2, 240)
    picture = regions_picture(make_frame(np.zeros(49), image=image), ONLY_HEAT, scale_max=1.0)
    found = shown(picture)
    assert found[140, 70].tolist() == [250, 10, 20]
    assert found[140, 210].tolist() == [1, 2, 240]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 48),
    st.floats(-40, 40),
    st.floats(-40, 40),
    st.floats(60, 700),
    st.floats(60, 700),
)
def test_the_region_under_the_middle_of_a_painted_cell_is_that_cell(
    key: int, left: float, top: float, width: float, height: float
) -> None:
    picture = regions_picture(make_frame(), ONLY_HEAT, scale_max=1.0)
    rect = QRectF(left, top, width, height)
    where = image_rect(picture, rect)
    row, column = divmod(key, 7)
    point = QPointF(
        where.left() + (column + 0.5) / 7 * where.width(),
        where.top() + (row + 0.5) / 7 * where.height(),
    )
    assert region_at(picture, rect, point) == key
    assert where.width() / where.height() == pytest.approx(1.0, rel=0.02)
    assert rect.adjusted(-1, -1, 1, 1).contains(where)


def test_outside_the_image_there_is_no_region() -> None:
    picture = regions_picture(make_frame(), ONLY_HEAT, scale_max=1.0)
    rect = QRectF(0, 0, 400, 280)
    assert region_at(picture, rect, QPointF(30, 100)) is None
    assert region_at(picture, rect, QPointF(200, 100)) is not None


def test_what_is_hovered_is_outlined_in_white_and_what_is_pinned_in_the_accent() -> None:
    picture = regions_picture(make_frame(np.zeros(49)), ONLY_HEAT, scale_max=1.0, hover=0, pinned=6)
    found = shown(picture)
    assert near(found[20, 39], (255, 255, 255), 3)
    assert near(found[20, 279], rgb(DARK.accent), 3)


def test_a_cursor_left_from_another_example_is_ignored() -> None:
    picture = regions_picture(make_frame(), Display(), scale_max=1.0, hover=49, pinned=-1)
    assert (picture.hover, picture.pinned) == (None, None)
    assert distribution_picture(make_frame(), 1.0, 400, pinned=49).hover is None


def test_smooth_heat_says_so_and_nearest_does_not() -> None:
    smooth = regions_picture(make_frame(), Display(interpolation="smooth"), scale_max=1.0)
    assert smooth.note == SMOOTH_LABEL
    assert regions_picture(make_frame(), Display(), scale_max=1.0).note == ""
    boxes = np.array([[0, 0, 9, 9], [5, 5, 20, 26], [3, 20, 28, 28]], dtype=np.float32)
    off_grid = make_frame([0.2, 0.3, 0.5], boxes=boxes)
    note = regions_picture(off_grid, Display(interpolation="smooth"), scale_max=1.0).note
    assert "no grid" in note


def test_boxes_off_a_grid_on_a_large_image_show_their_colours() -> None:
    boxes = np.array([[-50, -50, 200, 300], [400, 100, 900, 700]], dtype=np.float32)
    image = np.zeros((800, 1000, 3), dtype=np.uint8)
    frame = make_frame([0.3, 0.6], boxes=np.vstack([boxes, [[0, 790, 7, 799]]]), image=image)
    frame = replace(frame, probabilities=np.float32([0.3, 0.6, 0.1]))
    picture = regions_picture(frame, replace(ONLY_HEAT, opacity=1.0), scale_max=0.6)
    found = shown(picture, QRectF(0, 0, 500, 400))
    assert found[200, 300].tolist() == amount_table("viridis")[255].tolist()
    assert near(found[100, 50], picture.rgba[0, :3] * (picture.rgba[0, 3] / 255.0), 2)
    assert found[390, 450].tolist() == [0, 0, 0]


def test_keys_that_are_no_regions_are_said_in_words_and_hit_nothing() -> None:
    frame = replace(make_frame(), boxes=None)
    picture = regions_picture(frame, Display(), scale_max=1.0)
    assert region_at(picture, WHOLE, QPointF(10, 10)) is None
    assert len(np.unique(shown(picture)[:280, :280].reshape(-1, 3), axis=0)) > 5


def test_a_picture_that_cannot_be_drawn_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="scale_max is 0"):
        regions_picture(make_frame(), Display(), scale_max=0.0)
    with pytest.raises(ValueError, match="3 probabilities but 49 region boxes"):
        regions_picture(
            replace(make_frame(), probabilities=np.float32([1, 0, 0])), Display(), scale_max=1.0
        )


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("width", [24, 60, 97, 200, 333])
def test_nothing_is_painted_outside_the_rectangle(theme: Theme, width: int) -> None:
    visits = [[0], [6], [48], [42], [0], [0], [24], [24], [24]]
    frame = make_frame(selections=visits, step=4)
    display = Display(interpolation="smooth")
    rect = QRectF(30, 30, width, width)
    picture = regions_picture(frame, display, scale_max=0.2, hover=6, pinned=42)
    canvas = painted(
        width + 60, width + 60, lambda p: paint_regions(p, rect, picture, theme), ratio=2
    )
    canvas[60 : 60 + 2 * width, 60 : 60 + 2 * width] = (0x12, 0x34, 0x56)
    assert near(canvas.reshape(-1, 3), (0x12, 0x34, 0x56), 0)
