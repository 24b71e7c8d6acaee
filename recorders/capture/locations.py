"""Attention that chooses a place on a plane: a Normal distribution, told over boxes of an image.

A run knows attention over keys. Where a model draws its place from Normal(mean, std), the keys are
boxes: the probability of a box is the Normal's mass in it, Φ((x1 - μx) / σx) - Φ((x0 - μx) / σx)
times the same of y, and the selected box is the one whose centre is nearest to the place. The exact
place, the density there and the mass outside of all boxes are kept beside as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recorders.capture.values import as_array

Box = tuple[float, float, float, float]
Floats = NDArray[np.float64]

DEFAULT_CELLS = 14
"""Boxes along the longer side of an image whose regions nobody told."""

NAMES = frozenset({"location", "mean", "std"})


@dataclass(frozen=True, eq=False)
class Located:
    """What a place on a plane is over the boxes of some rows, all with the same boxes.

    Attributes:
        rows: int64 [n], rows of the batch.
        values: probabilities [n, 1, 1, boxes] and selection [n, 1, 1, 1], as of a tap.
        boxes: float32 [boxes, 4] where they are not the examples' own; else None.
    """

    rows: NDArray[np.int64]
    values: dict[str, Any]
    boxes: NDArray[np.float32] | None


def located(
    values: Mapping[str, Any],
    input_boxes: Sequence[Box | None],
    regions: Sequence[NDArray[np.floating[Any]] | None],
) -> tuple[list[Located], dict[str, Floats]]:
    """Bring places drawn from a Normal distribution to probabilities over boxes.

    Args:
        values: location [batch, 2], x and y as ``grid_sample`` has them with
            ``align_corners=False``: -1 and 1 are the edges of what the model sees; mean [batch, 2];
            std, one number, [batch] or [batch, 2].
        input_boxes: what the model sees of each example's image, in pixels of the image.
        regions: boxes [n, 4] of each example in pixels of its image; None makes a grid.

    Returns:
        Probabilities and selections, apart by boxes; and by name, [batch] each: ``location_x``,
        ``location_y``, ``log_density`` (of the location, per unit of the coordinates) and
        ``outside`` (mass outside of all boxes).

    Raises:
        ValueError: a value is missing or of another shape, or an example has no image.
    """
    location, mean, std = _checked(values, len(input_boxes))
    groups: dict[bytes, list[int]] = {}
    known: dict[bytes, tuple[Floats, NDArray[np.float32] | None]] = {}
    frames = np.empty((len(input_boxes), 4))
    for row, frame in enumerate(input_boxes):
        if frame is None:
            raise ValueError(
                "it gave a location, but the example has no image to look at; describe it with "
                "recorder.example(image=...)"
            )
        frames[row] = frame
        own = regions[row]
        grid = default_grid(frame) if own is None else None
        boxes = np.asarray(own if grid is None else grid, np.float64)
        key = boxes.tobytes() + bytes([grid is None])
        known[key] = boxes, grid
        groups.setdefault(key, []).append(row)
    places, centres = _in_pixels(location, frames), _in_pixels(mean, frames)
    spread = std * (frames[:, 2:] - frames[:, :2]) / 2
    outside = np.empty(len(frames))
    found = []
    for key, rows in groups.items():
        boxes, grid = known[key]
        at = np.array(rows, np.int64)
        masses = box_masses(centres[at], spread[at], boxes)
        outside[at] = 1 - covered_mass(centres[at], spread[at], boxes)
        chosen = nearest_box(places[at], boxes)
        shares = _shares(masses, nearest_box(centres[at], boxes))
        found.append(
            Located(
                at,
                {
                    "probabilities": shares[:, None, None],
                    "selection": chosen[:, None, None, None],
                },
                grid,
            )
        )
    numbers = {
        "location_x": location[:, 0],
        "location_y": location[:, 1],
        "log_density": log_density(location, mean, std),
        "outside": outside.clip(0, 1),
    }
    return found, numbers


def box_masses(mean: Floats, std: Floats, boxes: Floats) -> Floats:
    """Mass of Normal distributions with independent x and y in boxes.

    Args:
        mean: [batch, 2].
        std: [batch, 2], above 0.
        boxes: [n, 4], x0, y0, x1, y1 in the units of ``mean``.

    Returns:
        [batch, n]; boxes that overlap count what they share twice.
    """
    across = _interval(mean[:, :1], std[:, :1], boxes[None, :, 0], boxes[None, :, 2])
    return across * _interval(mean[:, 1:], std[:, 1:], boxes[None, :, 1], boxes[None, :, 3])


def covered_mass(mean: Floats, std: Floats, boxes: Floats) -> Floats:
    """Mass of Normal distributions in the union of boxes, however these overlap.

    Args:
        mean: [batch, 2].
        std: [batch, 2], above 0.
        boxes: [n, 4], x0, y0, x1, y1 in the units of ``mean``.

    Returns:
        [batch].
    """
    xs, ys = np.unique(boxes[:, [0, 2]]), np.unique(boxes[:, [1, 3]])
    covered = np.zeros((len(ys) - 1, len(xs) - 1), bool)
    for x0, y0, x1, y1 in boxes:
        rows = slice(np.searchsorted(ys, y0), np.searchsorted(ys, y1))
        covered[rows, np.searchsorted(xs, x0) : np.searchsorted(xs, x1)] = True
    across = _interval(mean[:, :1], std[:, :1], xs[None, :-1], xs[None, 1:])
    down = _interval(mean[:, 1:], std[:, 1:], ys[None, :-1], ys[None, 1:])
    mass: Floats = np.einsum("by,yx,bx->b", down, covered.astype(np.float64), across)
    return mass


def nearest_box(places: Floats, boxes: Floats) -> NDArray[np.int64]:
    """The box whose centre is nearest to each place, the first of several.

    Args:
        places: [batch, 2].
        boxes: [n, 4].
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    distances = ((places[:, None] - centres[None]) ** 2).sum(-1)
    nearest: NDArray[np.int64] = distances.argmin(axis=1)
    return nearest


def log_density(location: Floats, mean: Floats, std: Floats) -> Floats:
    """Logarithm of the density of Normal(mean, std) at a location, x and y independent.

    -((l - μ) / σ)² / 2 - ln σ - ln(2π) / 2, summed over x and y; a density, which may be above 1.

    Args:
        location: [batch, 2].
        mean: [batch, 2].
        std: [batch, 2], above 0.
    """
    each = -(((location - mean) / std) ** 2) / 2 - np.log(std) - math.log(2 * math.pi) / 2
    total: Floats = each.sum(axis=1)
    return total


def default_grid(frame: Box) -> NDArray[np.float32]:
    """About square boxes that tile a part of an image, row by row, as float32 [n, 4].

    Args:
        frame: x0, y0, x1, y1 in pixels.
    """
    x0, y0, x1, y1 = frame
    longer = max(x1 - x0, y1 - y0)
    columns = max(1, round(DEFAULT_CELLS * (x1 - x0) / longer))
    rows = max(1, round(DEFAULT_CELLS * (y1 - y0) / longer))
    xs, ys = np.linspace(x0, x1, columns + 1), np.linspace(y0, y1, rows + 1)
    left, top = np.meshgrid(xs[:-1], ys[:-1])
    right, bottom = np.meshgrid(xs[1:], ys[1:])
    return np.stack([left, top, right, bottom], -1).reshape(-1, 4).astype(np.float32)


def _interval(mean: Floats, std: Floats, low: Floats, high: Floats) -> Floats:
    """Mass of Normal distributions between two bounds."""
    first, second = (low - mean) / std, (high - mean) / std
    # Far above the mean both are about 1, and their difference would be lost; mirrored it is not.
    flip = first > 0
    lower, upper = np.where(flip, -second, first), np.where(flip, -first, second)
    mass: Floats = (_below(upper) - _below(lower)).clip(0)
    return mass


def _below(values: Floats) -> Floats:
    """Φ: the mass of the standard Normal distribution below each value."""
    below: Floats = torch.special.ndtr(torch.from_numpy(np.ascontiguousarray(values))).numpy()
    return below


def _shares(masses: Floats, nearest: NDArray[np.int64]) -> Floats:
    """Masses over their sum; all on the nearest box where the boxes have no mass in float64."""
    sums = masses.sum(axis=1, keepdims=True)
    alone = np.eye(masses.shape[1])[nearest]
    shares: Floats = np.where(sums > 0, masses / np.where(sums > 0, sums, 1), alone)
    return shares


def _in_pixels(places: Floats, frames: Floats) -> Floats:
    pixels: Floats = frames[:, :2] + (places + 1) / 2 * (frames[:, 2:] - frames[:, :2])
    return pixels


def _checked(values: Mapping[str, Any], batch: int) -> tuple[Floats, Floats, Floats]:
    """Location, mean and std as float64 [batch, 2]."""
    unknown = sorted(set(values) - NAMES)
    missing = sorted(name for name in NAMES if values.get(name) is None)
    if unknown or missing:
        raise ValueError(
            f"it gave a location and {unknown[0]!r}; give location, mean and std"
            if unknown
            else f"it gave a location and no {missing[0]}; give location, mean and std"
        )
    return (
        _pairs("location", values["location"], batch),
        _pairs("mean", values["mean"], batch),
        _spread(values["std"], batch),
    )


def _pairs(name: str, value: Any, batch: int) -> Floats:
    array = as_array(value).astype(np.float64)
    array = array[None] if array.shape == (2,) and batch == 1 else array
    if array.shape != (batch, 2):
        raise ValueError(f"{name} has shape {list(array.shape)}; pass [{batch}, 2], x and y")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is NaN or infinite; look for a diverged model")
    return array


def _spread(value: Any, batch: int) -> Floats:
    array = as_array(value).astype(np.float64)
    if array.shape == (batch,):
        array = array[:, None]
    if array.size != 1 and array.shape not in ((batch, 2), (batch, 1)):
        raise ValueError(
            f"std has shape {list(array.shape)}; pass one number, [{batch}] or [{batch}, 2]"
        )
    if not (np.isfinite(array) & (array > 0)).all():
        raise ValueError("std is not above 0 and finite; pass the Normal's standard deviation")
    flat = array.reshape(1, 1) if array.size == 1 else array
    return np.broadcast_to(flat, (batch, 2)).copy()
