"""Regions on an image: cells, hit-testing, rasters, interpolation."""

from __future__ import annotations

import numpy as np
import pytest
from drawing_samples import window_boxes
from hypothesis import given
from hypothesis import strategies as st

from hardattn_viewer.drawing.layout import box_raster, heat_grid, region_layout, smooth_grid


def test_windows_on_a_grid_are_painted_as_the_tiles_between_their_centres() -> None:
    layout = region_layout(window_boxes(), 28, 28)
    assert layout.grid == (7, 7)
    tiles = [[x, y, x + 4, y + 4] for y in range(0, 28, 4) for x in range(0, 28, 4)]
    assert layout.cells.tolist() == tiles
    assert layout.boxes[0].tolist() == [-2, -2, 6, 6]


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.floats(1.5, 50),
    st.floats(1.5, 50),
    st.floats(0.5, 3),
    st.randoms(use_true_random=False),
)
def test_cells_of_any_grid_tile_without_gap_or_overlap(
    rows: int, columns: int, dx: float, dy: float, size: float, random: object
) -> None:
    if rows * columns < 2:
        return
    centres = [((c + 0.5) * dx, (r + 0.5) * dy) for r in range(rows) for c in range(columns)]
    random.shuffle(centres)  # type: ignore[attr-defined]
    half = np.array([dx, dy]) * size / 2
    boxes = np.array([[*(np.array(c) - half), *(np.array(c) + half)] for c in centres])
    layout = region_layout(boxes, columns * dx, rows * dy)
    assert layout.grid == (rows, columns)
    for key, (x, y) in enumerate(centres):
        assert layout.at(x, y) == key
    if rows > 1 and columns > 1:
        area = (layout.cells[:, 2] - layout.cells[:, 0]) * (layout.cells[:, 3] - layout.cells[:, 1])
        assert area.sum() == pytest.approx(columns * dx * rows * dy)
        assert layout.extent == pytest.approx((0, 0, columns * dx, rows * dy), abs=1e-6)


def test_boxes_off_a_grid_are_painted_as_they_are() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 5, 30, 30], [40, 2, 50, 9]])
    layout = region_layout(boxes, 60, 40)
    assert layout.grid is None
    assert layout.cells.tolist() == boxes.tolist()


def test_of_overlapping_boxes_the_smallest_is_under_the_mouse() -> None:
    layout = region_layout(np.array([[0, 0, 100, 100], [10, 10, 30, 30], [20, 20, 41, 40]]), 99, 99)
    assert layout.at(50, 50) == 0
    assert layout.at(25, 25) == 1
    assert layout.at(35, 35) == 2
    assert layout.at(200, 5) is None


def test_overlapping_boxes_show_the_larger_value_and_never_a_hole_over_a_number() -> None:
    boxes = np.array([[0, 0, 20, 20], [10, 0, 30, 20], [0, 0, 30, 10], [50, 50, 60, 60]])
    layout = region_layout(boxes, 40, 40)
    raster = box_raster(layout, np.array([0.2, 0.5, np.nan, 0.9]))
    scale = raster.shape[0] // 40
    assert raster[5 * scale, 5 * scale] == 0
    assert raster[5 * scale, 15 * scale] == 1
    assert raster[5 * scale, 25 * scale] == 1
    assert raster[30 * scale, 30 * scale] == -1
    assert 3 not in raster


def test_smooth_heat_is_exact_at_centres_and_linear_between_them() -> None:
    grid = np.array([[0.0, 1.0, 0.5]])
    smooth = smooth_grid(grid, 5)
    assert smooth.shape == (5, 15)
    assert smooth[2, [2, 7, 12]].tolist() == [0.0, 1.0, 0.5]
    assert np.allclose(np.diff(smooth[0, 2:8]), 0.2)
    assert smooth[0, 0] == 0.0 and smooth[0, -1] == 0.5
    assert smooth.max() == grid.max() and smooth.min() == grid.min()


def test_smooth_heat_spreads_no_number_into_a_hole() -> None:
    smooth = smooth_grid(np.array([[0.2, np.nan], [0.4, 0.6]]), 3)
    assert np.isnan(smooth[1, 4])
    assert not np.isnan(smooth[1, 1])


def test_a_grid_is_found_whatever_the_order_of_its_boxes() -> None:
    order = np.random.default_rng(0).permutation(49)
    layout = region_layout(window_boxes()[order], 28, 28)
    values = np.arange(49.0)
    assert heat_grid(layout, values[order]).ravel().tolist() == values.tolist()


def test_broken_boxes_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"finite \[n, 4\]"):
        region_layout(np.zeros((3, 2)), 10, 10)
    with pytest.raises(ValueError, match="finite"):
        region_layout(np.full((3, 4), np.nan), 10, 10)
