"""Where regions lie on an image: the cells that share it out, and which one is under a point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
# Rasters of overlapping boxes hold at most this many samples.
_SAMPLES = 1_000_000
# So many are set while the boxes are laid over each other.
_PAINTED = 8_000_000


@dataclass(frozen=True, eq=False)
class RegionLayout:
    """Regions on an image.

    Attributes:
        width: image width in px.
        height: image height in px.
        boxes: float64 [n, 4] as x0, y0, x1, y1: what each region really covers, in px.
        cells: float64 [n, 4]: what each region is painted as. The tile between the midlines to the
            neighbouring centres where centres form a regular grid, else the box itself.
        grid: (rows, columns) where the centres form a regular grid, else None.
        order: int64 [rows, columns], the region of each grid cell; empty without a grid.
    """

    width: float
    height: float
    boxes: Boxes
    cells: Boxes
    grid: tuple[int, int] | None
    order: NDArray[np.int64]

    @property
    def centres(self) -> Boxes:
        """float64 [n, 2], x and y of the box centres in px."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 in px of all cells together."""
        if not len(self.cells):
            return (0.0, 0.0, self.width, self.height)
        low, high = self.cells[:, :2].min(axis=0), self.cells[:, 2:].max(axis=0)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    def at(self, x: float, y: float) -> int | None:
        """The region at a point of the image.

        Cells of a grid do not overlap. Of overlapping boxes the smallest counts, then the one
        whose centre is nearest.

        Args:
            x: px from the left edge of the image.
            y: px from its top edge.

        Returns:
            Index of the region, or None.
        """
        if not len(self.cells):
            return None
        c = self.cells
        inside = (c[:, 0] <= x) & (x < c[:, 2]) & (c[:, 1] <= y) & (y < c[:, 3])
        found = np.flatnonzero(inside)
        if not len(found):
            return None
        area = (c[found, 2] - c[found, 0]) * (c[found, 3] - c[found, 1])
        distance = ((self.centres[found] - (x, y)) ** 2).sum(axis=1)
        return int(found[np.lexsort((distance, area))[0]])


def region_layout(boxes: NDArray[np.floating], width: float, height: float) -> RegionLayout:
    """Work out how regions share an image.

    Args:
        boxes: [n, 4] as x0, y0, x1, y1 in px; may reach outside the image.
        width: image width in px.
        height: image height in px.

    Raises:
        ValueError: not an [n, 4] array of finite numbers.
    """
    own = np.array(boxes, dtype=np.float64)
    if own.ndim != 2 or own.shape[1] != 4 or not bool(np.isfinite(own).all()):
        raise ValueError(f"regions must be finite [n, 4] boxes, got shape {own.shape}")
    centres = (own[:, :2] + own[:, 2:]) / 2
    columns, rows = _levels(centres[:, 0]), _levels(centres[:, 1])
    none = np.empty((0, 0), dtype=np.int64)
    if columns is None or rows is None or len(columns) * len(rows) != len(own) or len(own) < 2:
        return RegionLayout(width, height, own, own, None, none)
    column = np.abs(centres[:, :1] - columns).argmin(axis=1)
    row = np.abs(centres[:, 1:] - rows).argmin(axis=1)
    order = np.full((len(rows), len(columns)), -1, dtype=np.int64)
    order[row, column] = np.arange(len(own))
    if bool((order < 0).any()):
        return RegionLayout(width, height, own, own, None, none)
    # A single row or column has no spacing of its own: there the box tells the size.
    half_x = (columns[1] - columns[0]) / 2 if len(columns) > 1 else np.ptp(own[0, ::2]) / 2
    half_y = (rows[1] - rows[0]) / 2 if len(rows) > 1 else np.ptp(own[0, 1::2]) / 2
    middle = np.stack([columns[column], rows[row]], axis=1)
    half = np.array([half_x, half_y])
    cells = np.concatenate([middle - half, middle + half], axis=1)
    return RegionLayout(width, height, own, cells, (len(rows), len(columns)), order)


def _levels(values: Boxes) -> Boxes | None:
    """Equally spaced levels that ``values`` fall on, or None."""
    ordered = np.sort(values)
    if not len(ordered):
        return None
    span = float(ordered[-1] - ordered[0])
    starts = np.concatenate([[True], np.diff(ordered) > max(1e-6 * span, 1e-6)])
    levels: Boxes = ordered[starts]
    if len(levels) < 3:
        return levels
    steps = np.diff(levels)
    return levels if float(np.ptp(steps)) <= 1e-3 * float(steps.mean()) else None


def heat_grid(layout: RegionLayout, values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Values arranged as the grid, float64 [rows, columns]."""
    return np.asarray(values, dtype=np.float64)[layout.order]


def smooth_grid(grid: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """Bilinear interpolation between cell centres; beyond the outer centres values hold.

    Args:
        grid: float64 [rows, columns].
        samples: samples per cell along each axis.

    Returns:
        float64 [rows · samples, columns · samples]; NaN wherever a neighbour used is NaN.
    """
    result, missing = grid, bool(np.isnan(grid).any())
    for axis in (0, 1):
        size = result.shape[axis]
        at = np.clip((np.arange(size * samples) + 0.5) / samples - 0.5, 0, size - 1)
        low = np.floor(at).astype(np.int64)
        high = np.minimum(low + 1, size - 1)
        weight = (at - low).reshape((-1, 1) if axis == 0 else (1, -1))
        first, second = result.take(low, axis=axis), result.take(high, axis=axis)
        mixed = first + (second - first) * weight
        # A neighbour of no weight that is missing must not spread.
        result = np.where(weight == 0, first, mixed) if missing else mixed
    return result


def box_raster(
    layout: RegionLayout,
    values: NDArray[np.floating],
    window: tuple[float, float, float, float] | None = None,
) -> NDArray[np.int32]:
    """Which region shows at each sample of a window when boxes overlap: the largest value.

    Args:
        layout: the regions.
        values: float [regions].
        window: x0, y0, x1, y1 of the part of the image in px; None is all of it.

    Returns:
        int32 [height · k, width · k] of region indices, −1 where no region lies; k is at most 8,
        a whole number where it is above 1, and as large as a million samples of the window, and
        a few million of all boxes together, allow.
    """
    x0, y0, x1, y1 = (0.0, 0.0, layout.width, layout.height) if window is None else window
    inside = np.clip(layout.boxes, [x0, y0, x0, y0], [x1, y1, x1, y1]) - [x0, y0, x0, y0]
    painted = float(np.prod(inside[:, 2:] - inside[:, :2], axis=1).sum())
    scale = float(np.sqrt(min(_SAMPLES / ((x1 - x0) * (y1 - y0)), _PAINTED / max(1.0, painted))))
    scale = min(8.0, float(int(scale)) if scale >= 1 else scale)
    shape = (max(1, round((y1 - y0) * scale)), max(1, round((x1 - x0) * scale)))
    raster = np.full(shape, -1, dtype=np.int32)
    limits = np.array([shape[1], shape[0]] * 2)
    edges = np.clip(np.rint(inside * scale), 0, limits).astype(np.int64).tolist()
    # Missing values first: a number always wins over a hole.
    strength = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=-np.inf)
    for index in np.argsort(strength, kind="stable").tolist():
        left, top, right, bottom = edges[index]
        raster[top:bottom, left:right] = index
    return raster
