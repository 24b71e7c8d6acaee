"""Where the bars of a distribution stand, which key each shows, and how high it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.session.draws import Draws

# Bars closer together than this merge: a bar and a gap that can still be seen.
PITCH = 2.0
HEADER = 16.0
TRIANGLE = 9.0
AXIS = 14.0
# Below this height the ends of the axis are left out.
TALL = 62.0
# Below this height the largest keys are not named; above it they have so much room over the bars.
NAMED = 80.0
NAMES = 14.0


@dataclass(frozen=True, eq=False)
class DistributionPicture:
    """Everything to paint of one distribution; made by ``distribution_picture``.

    Attributes:
        values: float32 [keys].
        marks: ``Mark`` of each key.
        chosen: the selected keys; empty where attention is soft.
        hard: whether items are selected at this site.
        kind: what a key is, for example ``"region"`` or ``"token"``.
        scale_max: probability of a bar of full height.
        hover: key under the mouse.
        hover_text: its name and value.
        pinned: key held by a click.
        order: int64 [keys], the key at each place from left to right; None for their own order.
        low: probability at the foot of a logarithmic axis; 0 for a linear one.
        cumulative: whether the mass of the bars so far is drawn as a line.
        names: the largest keys with their names.
        draws: how often each key was drawn, or None.
        left_out: share of the mass on keys that have no bar, in [0, 1].
    """

    values: NDArray[np.float32]
    marks: NDArray[np.uint8]
    chosen: tuple[int, ...]
    hard: bool
    kind: str
    scale_max: float
    hover: int | None
    hover_text: str
    pinned: int | None
    order: NDArray[np.int64] | None = None
    low: float = 0.0
    cumulative: bool = False
    names: tuple[tuple[int, str], ...] = ()
    draws: Draws | None = None
    left_out: float = 0.0

    def in_order(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Numbers of all keys from left to right, float64 [keys]."""
        ordered = values if self.order is None else values[self.order]
        return np.asarray(ordered, dtype=np.float64)

    def place_of(self, key: int) -> int:
        """The place of a key, from 0 at the left."""
        return key if self.order is None else int(np.flatnonzero(self.order == key)[0])

    def share(self, value: float) -> float:
        """Height of a bar of a probability, as a share of a full one, in [0, 1]."""
        if not value > 0:
            return 0.0
        if not self.low:
            return min(1.0, value / self.scale_max)
        decades = math.log(self.scale_max / self.low)
        return min(1.0, max(0.0, math.log(value / self.low) / decades))

    def shares(self, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """``share`` of the probabilities of many keys, float64 [keys]."""
        values = self.values[keys].astype(np.float64)
        above = values > 0
        if self.low:
            decades = math.log(self.scale_max / self.low)
            found = np.log(values / self.low, out=np.zeros_like(values), where=above) / decades
        else:
            found = values / self.scale_max
        return np.where(above, np.clip(found, 0.0, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class Bars:
    """Where bars stand.

    Attributes:
        area: between the baseline and the tip of a full bar.
        first: int64 [bars], the first place of each bar; its key, where keys are in their order.
        peak: int64 [bars], the key whose value each bar shows.
        merged: the most keys that share a bar; 1 where every key has its own.
    """

    area: QRectF
    first: NDArray[np.int64]
    peak: NDArray[np.int64]
    merged: int

    @property
    def pitch(self) -> float:
        """Logical px from bar to bar."""
        return self.area.width() / max(1, len(self.first))

    def bar_of(self, place: int) -> int:
        """The bar that a place belongs to."""
        return int(np.searchsorted(self.first, place, side="right")) - 1

    def column(self, bar: int) -> QRectF:
        """Where bar number ``bar`` may stand, full height."""
        gap = 1.0 if self.pitch < 5 else 0.2 * self.pitch
        left = self.area.left() + bar * self.pitch + gap / 2
        return QRectF(left, self.area.top(), self.pitch - gap, self.area.height())


def bars_in(picture: DistributionPicture, rect: QRectF) -> Bars:
    """Where the bars stand when the picture is painted into ``rect``."""
    below = AXIS if rect.height() >= TALL else 2.0
    above = NAMES if picture.names and rect.height() >= NAMED else 0.0
    area = rect.adjusted(0, HEADER + TRIANGLE + above, 0, -below)
    count = len(picture.values)
    bars = max(1, min(count, int(area.width() / PITCH)))
    first = np.arange(bars, dtype=np.int64) * count // bars
    last = np.append(first[1:], count)
    peak = np.arange(count, dtype=np.int64)
    if bars < count:
        strength = np.nan_to_num(picture.in_order(picture.values), nan=-1.0)
        highest = np.repeat(np.maximum.reduceat(strength, first), last - first)
        at_peak = np.flatnonzero(strength == highest)
        # Of equal ones the first.
        peak = at_peak[np.searchsorted(at_peak, first)]
    if picture.order is not None:
        peak = picture.order[peak]
    return Bars(area, first, peak, int((last - first).max()))


def bar_at(picture: DistributionPicture, rect: QRectF, point: QPointF) -> int | None:
    """The key whose bar is under a point, also above a short bar.

    Args:
        picture: what was painted.
        rect: the rectangle it was painted into.
        point: in the painter's coordinates.

    Returns:
        The key (of a merged bar the one it shows), or None beside the bars.
    """
    bars = bars_in(picture, rect)
    if not len(bars.peak) or bars.area.height() <= 0:
        return None
    reach = bars.area.adjusted(0, -TRIANGLE, 0, 0)
    if not (reach.left() <= point.x() < reach.right()):
        return None
    if not (reach.top() <= point.y() <= reach.bottom()):
        return None
    index = int((point.x() - reach.left()) / bars.pitch)
    return int(bars.peak[min(index, len(bars.peak) - 1)])
