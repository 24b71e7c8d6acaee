"""Which part of a picture a model's input covers, and what the model's input looks like.

A processor resizes, crops and pads in its own way and order, which its configuration tells only in
part. So it is measured: a picture whose red is each pixel's column and whose green is its row goes
through the processor; in what comes out, a straight line through the reds says which column each
end of the input lies at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating]
Box = tuple[float, float, float, float]
Process = Callable[[Image.Image], Floats]

_PLAIN = 64
# Resampling bends the ends of a ramp within this many pixels of the picture's edge.
_BENT = 3
# A line that misses its points by more than this, in steps of 8 bits or pixels, is none.
_MISSES = 1.5
# Shades of one column that differ from each other by more than this belong to no column.
_SPREAD = 4.0
# An end this near to the picture's edge, in steps of 8 bits, is at the edge.
_AT_THE_EDGE = 1.0


@dataclass(frozen=True, eq=False)
class Scale:
    """What black and white become in a model's input.

    Attributes:
        black: float [3], one number a channel.
        white: float [3].
    """

    black: Floats
    white: Floats

    def undo(self, values: Floats) -> Floats:
        """Values [3, height, width] of an input, as 0 for black to 1 for white."""
        span = self.white - self.black
        return np.asarray((values - self.black[:, None, None]) / span[:, None, None])

    def picture(self, values: Floats) -> NDArray[np.uint8]:
        """An input [3, height, width] as uint8 [height, width, 3]."""
        shades = np.rint(self.undo(values).clip(0, 1) * 255).astype(np.uint8)
        return np.ascontiguousarray(shades.transpose(1, 2, 0))


def measured_scale(process: Process) -> Scale | None:
    """How a processor scales values, or None where its output is no picture [3, height, width]."""
    ends = []
    for shade in (0, 255):
        values = process(Image.new("RGB", (_PLAIN, _PLAIN), (shade, shade, shade)))
        if values.ndim != 3 or values.shape[0] != 3:
            return None
        middle = values[:, values.shape[1] // 2, values.shape[2] // 2].astype(np.float64)
        ends.append(middle)
    black, white = ends
    if not (np.isfinite([black, white]).all() and (np.abs(white - black) > 1e-6).all()):
        return None
    return Scale(black, white)


def measured_box(process: Process, scale: Scale, width: int, height: int) -> Box | None:
    """Which part of a picture of this size the processor's output covers.

    Args:
        process: gives the model's input [3, height, width] for a picture.
        scale: as measured before.
        width: of the picture in pixels.
        height: of the picture in pixels.

    Returns:
        x0, y0, x1, y1 in pixels of the picture, beyond it where the input is padded; None where
        the output is no upright, straight view of one part.
    """
    columns, column_step = _ramp(width)
    rows, row_step = _ramp(height)
    ramp = np.full((height, width, 3), 255, np.uint8)
    ramp[..., 0] = _dithered(columns, height)
    ramp[..., 1] = _dithered(rows, width).T
    values = scale.undo(process(Image.fromarray(ramp)).astype(np.float64)) * 255
    if values.ndim != 3 or not values.size:
        return None
    inside = values[2] > 254
    x = _ends(values[0], inside, width, column_step)
    y = _ends(values[1].T, inside.T, height, row_step)
    return None if x is None or y is None else (x[0], y[0], x[1], y[1])


def _ramp(length: int) -> tuple[Floats, float]:
    """Shades [length] that rise evenly within 0 to 255, and pixels to a shade."""
    step = max(length / 254, 1 / 64)
    return (np.arange(length) / step + 0.25).astype(np.float32), step


def _dithered(shades: Floats, lines: int) -> NDArray[np.uint8]:
    """Whole shades [lines, length] whose mean over all lines is the shade asked for."""
    # Multiples of the golden ratio fill the unit interval evenly.
    offsets = (np.arange(lines) * 0.6180339887 % 1).astype(np.float32)
    return (shades + offsets[:, None]).clip(0, 255).astype(np.uint8)


def _ends(
    shades: Floats, inside: NDArray[np.bool_], length: int, step: float
) -> tuple[float, float] | None:
    """Where the first and the last edge of an axis of the input lie in the picture."""
    counts = inside.sum(axis=0)
    full = counts > 0
    if full.sum() < 2:
        return None
    means = (shades * inside).sum(axis=0) / np.maximum(counts, 1)
    if np.abs(np.where(inside, shades - means, 0)).max() > _SPREAD:
        return None
    # Centre of a pixel, in pixels from the picture's edge.
    places = (means[full] - 0.25) * step + 0.5
    at = np.flatnonzero(full) + 0.5
    margin = min(_BENT, length / 4)
    straight = (places > margin) & (places < length - margin)
    if straight.sum() < 2:
        return None
    slope, first = np.polyfit(at[straight], places[straight], 1)
    missed = np.abs(first + slope * at[straight] - places[straight]).max()
    if slope <= 0 or missed > _MISSES * max(step, 1.0):
        return None
    last = first + slope * shades.shape[1]
    near = _AT_THE_EDGE * max(step, slope / 8)
    return (
        0.0 if abs(first) < near else float(first),
        float(length) if abs(last - length) < near else float(last),
    )
