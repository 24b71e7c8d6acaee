"""Probabilities of regions as one picture to lay over an image, as far as it can be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from hardattn_viewer.drawing.colours import amount_rgba
from hardattn_viewer.drawing.layout import (
    RegionLayout,
    box_raster,
    heat_grid,
    smooth_grid,
)
from hardattn_viewer.drawing.pixels import to_qimage
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.image_view import Box, ImageView

# Samples along the longer side of a smooth heat picture, and for each region at least: between them
# colours are blended by the painter, which is not seen when they are so near.
SAMPLES = 256
_LEAST = 4
SMOOTH_LABEL = "smooth: bilinear between region centres"
NO_GRID_LABEL = "not smoothed: regions form no grid"


def window_of(view: ImageView | None, layout: RegionLayout) -> Box:
    """The part of the image, in px, that a pane of any usual shape can show of a view."""
    if view is None:
        return (0.0, 0.0, layout.width, layout.height)
    reach = max(view.size) / view.zoom
    return (
        max(0.0, view.x - reach),
        max(0.0, view.y - reach),
        min(layout.width, view.x + reach),
        min(layout.height, view.y + reach),
    )


def heat_picture(
    layout: RegionLayout,
    values: NDArray[np.float32],
    rgba: NDArray[np.uint8],
    scale_max: float,
    display: Display,
    view: ImageView | None,
    samples: int = SAMPLES,
) -> tuple[QImage, Box, str]:
    """The picture, what it fills in px of the image, and what the reader must know about it."""
    window = window_of(view, layout)
    if display.interpolation == "nearest":
        return *lay_out_colours(layout, values, rgba, window), ""
    if layout.grid is None:
        return *lay_out_colours(layout, values, rgba, window), NO_GRID_LABEL
    smooth, box = smooth_part(layout, values, window, samples)
    colours = amount_rgba(smooth, scale_max, display.opacity, display.colours)
    return to_qimage(colours), box, SMOOTH_LABEL


def lay_out_colours(
    layout: RegionLayout,
    values: NDArray[np.floating],
    rgba: NDArray[np.uint8],
    window: Box | None = None,
) -> tuple[QImage, Box]:
    """One picture of all regions, each in its own colour.

    Args:
        layout: the regions.
        values: float [keys]; where boxes overlap the largest shows.
        rgba: uint8 [keys, 4].
        window: the part of the image, in px, that is needed; None is all of it.

    Returns:
        The picture and the x0, y0, x1, y1 in px of the image that it fills: one px a cell where
        cells tile the image, else the window sampled.
    """
    if is_tiled(layout):
        return to_qimage(rgba[layout.order]), layout.extent
    window = (0.0, 0.0, layout.width, layout.height) if window is None else window
    raster = box_raster(layout, values, window)
    # Index −1, no region, is the clear colour appended last.
    colours = np.concatenate([rgba, np.zeros((1, 4), dtype=np.uint8)])
    whole = colours.view(np.uint32)[:, 0][raster]
    return to_qimage(whole.view(np.uint8).reshape(*raster.shape, 4)), window


def is_tiled(layout: RegionLayout) -> bool:
    """Whether the cells form a grid that does not reach beyond the image."""
    x0, y0, x1, y1 = layout.extent
    slack = 1e-6 * max(layout.width, layout.height)
    fits = min(x0, y0, layout.width - x1, layout.height - y1) >= -slack
    return layout.grid is not None and fits


def smooth_part(
    layout: RegionLayout, values: NDArray[np.floating], window: Box, samples: int = SAMPLES
) -> tuple[NDArray[np.float64], Box]:
    """The part of the interpolated grid in a window, and the box in px that it fills."""
    grid = heat_grid(layout, values)
    x0, y0, x1, y1 = layout.extent
    rows, columns = grid.shape
    left, right = _cells(window[0], window[2], x0, x1, columns)
    top, bottom = _cells(window[1], window[3], y0, y1, rows)
    part = grid[top:bottom, left:right]
    each = max(_LEAST, min(64, samples // max(part.shape)))
    wide, high = (x1 - x0) / columns, (y1 - y0) / rows
    box = (x0 + left * wide, y0 + top * high, x0 + right * wide, y0 + bottom * high)
    return smooth_grid(part, each), box


def _cells(low: float, high: float, start: float, end: float, count: int) -> tuple[int, int]:
    """First and last cell along one axis that a window needs, and one more for its neighbour."""
    size = (end - start) / count
    first = min(max(int((low - start) // size) - 1, 0), count - 1)
    last = min(max(int((high - start) // size) + 2, first + 1), count)
    return first, last
