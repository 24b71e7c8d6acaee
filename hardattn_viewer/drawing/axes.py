"""Axes: round numbers to mark, how a value is written, and curves that keep their peaks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
# Four points a column draw what all of its points would: where it begins and ends, and how far it
# reaches.
_POINTS_A_COLUMN = 4


def reading(value: float, digits: int = 3) -> str:
    """A number with three digits that count: 0.0123, 1.20, 12,300, 4.20×10⁻⁶; "–" for NaN."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if 1e-3 <= size < 999.5:
        text = f"{value:.{max(0, digits - 1 - math.floor(math.log10(size)))}f}"
    elif 999.5 <= size < 1e6:
        text = f"{value:,.0f}"
    else:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return text.replace("-", "−")


def tick_words(value: float) -> str:
    """A mark of an axis, as short as it can be said."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        mantissa, exponent = f"{value:.0e}".split("e")
        lead = "" if mantissa == "1" else f"{mantissa}·"
        text = f"{lead}10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    else:
        text = f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", "−")


def ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """At most ``most`` round numbers in [low, high], equally far apart: 1, 2 or 5 times 10ⁿ."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or most < 1:
        return ()
    span = high - low
    exponent = math.floor(math.log10(span / most)) - 1
    for step in (m * 10.0**e for e in range(exponent, exponent + 5) for m in (1, 2, 5)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return tuple(at * step for at in range(first, last + 1))
    return ()


def log_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Powers of ten in [low, high]; every second, third … of them where there are more."""
    if not 0 < low < high or most < 1:
        return ()
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last < first:
        return ticks(low, high, most)
    every = max(1, -(-(last - first + 1) // most))
    return tuple(10.0**at for at in range(first, last + 1, every))


def peak_points(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """A curve with few points that looks like all of them: in each column its first, smallest,
    largest and last value.

    Args:
        x: float64 [points], rising.
        y: float64 [points]; NaN where there is no value.
        columns: of pixels that the curve is drawn across.

    Returns:
        x and y of at most four points a column; as they are where there are not more.
    """
    if x.size <= _POINTS_A_COLUMN * columns or columns < 1:
        return x, y
    place = (x - x[0]) / (x[-1] - x[0]) * columns
    starts = np.flatnonzero(np.diff(np.floor(place), prepend=-1.0))
    ends = np.append(starts[1:], x.size) - 1
    low, high = np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)
    thin_y = np.stack([y[starts], low, high, y[ends]], axis=1).ravel()
    middle = (x[starts] + x[ends]) / 2
    thin_x = np.stack([x[starts], middle, middle, x[ends]], axis=1).ravel()
    return thin_x, thin_y
