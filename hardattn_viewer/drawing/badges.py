"""Where the numbers of a scan path stand: one badge a place, and none on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF

# More steps of one place than this show the nearest in time and how many more there are.
_MOST_NUMBERS = 3
# More places than this would leave no picture to look at; those far in time get dots.
_MOST_BADGES = 32
# Width of a digit as a share of the size of type.
_DIGIT = 0.66


@dataclass(frozen=True)
class Visit:
    """One selected region of one step.

    Attributes:
        step: counted from zero.
        key: the region.
        x: centre of the region, px of the image.
        y: the same downwards.
    """

    step: int
    key: int
    x: float
    y: float


@dataclass(frozen=True)
class Badge:
    """The steps that looked at one place, as one number or several.

    Attributes:
        text: step numbers counted from one, ``"2·5"``; ``"2·5+3"`` leaves three out.
        steps: the steps that it stands for, also those that its text leaves out.
        centre: where, in the painter's coordinates.
        anchor: the centre of the region.
        width: from end to end; twice the radius for a single number.
        radius: half its height.
        future: whether every step it stands for is still to come.
        current: whether the current step is among them.
    """

    text: str
    steps: tuple[int, ...]
    centre: QPointF
    anchor: QPointF
    width: float
    radius: float
    future: bool
    current: bool

    @property
    def rect(self) -> QRectF:
        """What it covers."""
        half = self.width / 2
        return QRectF(
            self.centre.x() - half, self.centre.y() - self.radius, self.width, 2 * self.radius
        )


@dataclass(frozen=True)
class Labels:
    """The numbers of a path, placed.

    Attributes:
        badges: in the order to paint: the future below the past, the current one on top.
        dots: places that had no room for a number, each with whether it is still to come.
        unnumbered: how many steps that can be seen have no number.
    """

    badges: tuple[Badge, ...]
    dots: tuple[tuple[QPointF, bool], ...]
    unnumbered: int


def badge_radius(rect: QRectF) -> float:
    """Half the height of badges on an image shown in ``rect``: 2.8 % of its side, 6.5 to 10 px."""
    return min(10.0, max(6.5, 0.028 * min(rect.width(), rect.height())))


def place_badges(
    visits: Sequence[Visit],
    step: int,
    points: Sequence[QPointF],
    bounds: QRectF,
    kept_free: float = 0.0,
) -> Labels:
    """Place one badge for each place; where there is no room for all, the nearest in time have one.

    Args:
        visits: in the order of the steps.
        step: the current step.
        points: centre of each visit in the painter's coordinates; those outside ``bounds`` cannot
            be seen and are left out.
        bounds: badges stay inside it.
        kept_free: height at its bottom where no badge stands, for words.
    """
    where = tuple((point.x(), point.y()) for point in points)
    edges = (bounds.left(), bounds.top(), bounds.width(), bounds.height())
    return _placed(tuple(visit.step for visit in visits), step, where, edges, kept_free)


@lru_cache(maxsize=16)
def _placed(
    steps: tuple[int, ...],
    step: int,
    points: tuple[tuple[float, float], ...],
    edges: tuple[float, float, float, float],
    kept_free: float,
) -> Labels:
    bounds = QRectF(*edges)
    room = bounds.adjusted(0, 0, 0, -kept_free)
    radius = badge_radius(bounds)
    seen = [
        at
        for at, (x, y) in enumerate(points)
        if bounds.left() <= x <= bounds.right() and bounds.top() <= y <= bounds.bottom()
    ]
    places = _places(seen, points, 0.75 * radius)
    order = sorted(places, key=lambda place: min((abs(steps[at] - step), at) for at in place))
    badges: list[Badge] = []
    dots: list[tuple[QPointF, bool]] = []
    missing: set[int] = set()
    taken: list[QRectF] = []
    for place in order:
        here = tuple(sorted({steps[at] for at in place}))
        anchor = QPointF(*points[place[0]])
        text = _text(here, step)
        width = max(2 * radius, _DIGIT * 1.2 * radius * len(text) + 0.9 * radius)
        centre = None
        if len(badges) < _MOST_BADGES:
            centre = _free(anchor, width, radius, room, taken)
        future = min(here) > step
        if centre is None:
            dots.append((anchor, future))
            missing |= set(here)
            continue
        badge = Badge(text, here, centre, anchor, width, radius, future, step in here)
        badges.append(badge)
        taken.append(badge.rect)
    badges.sort(key=lambda badge: (not badge.future, badge.current))
    numbered = {one for badge in badges for one in badge.steps}
    return Labels(tuple(badges), tuple(dots), len(missing - numbered))


def _places(
    seen: list[int], points: tuple[tuple[float, float], ...], near: float
) -> list[list[int]]:
    """Visits by place: those nearer than ``near`` px to the first one of a place are of it."""
    places: list[list[int]] = []
    firsts = np.empty((len(seen), 2))
    for at in seen:
        apart = np.hypot(*(firsts[: len(places)] - points[at]).T)
        nearest = int(apart.argmin()) if len(places) else -1
        if nearest >= 0 and apart[nearest] < near:
            places[nearest].append(at)
        else:
            firsts[len(places)] = points[at]
            places.append([at])
    return places


def _text(steps: tuple[int, ...], step: int) -> str:
    """Numbers of the steps of one place, counted from one; of many the nearest in time."""
    shown = sorted(sorted(steps, key=lambda one: abs(one - step))[:_MOST_NUMBERS])
    more = len(steps) - len(shown)
    numbers = "·".join(str(one + 1) for one in shown)
    return f"{numbers}+{more}" if more else numbers


def _free(
    anchor: QPointF, width: float, radius: float, bounds: QRectF, taken: list[QRectF]
) -> QPointF | None:
    """The nearest place for a badge around ``anchor`` that no other one covers, or None."""
    half = width / 2 + 1.0
    inner = bounds.adjusted(half, radius + 1.0, -half, -radius - 1.0)
    if inner.width() < 0 or inner.height() < 0:
        return None
    for reach in (0.0, 2.1, 3.4):
        turns = 1 if reach == 0 else 8
        for turn in range(turns):
            angle = math.pi * (turn / 4 - 0.25)
            x = anchor.x() + reach * math.cos(angle) * max(radius, 0.7 * half)
            y = anchor.y() + reach * math.sin(angle) * radius
            x = min(max(x, inner.left()), inner.right())
            y = min(max(y, inner.top()), inner.bottom())
            room = QRectF(x - half, y - radius - 0.5, 2 * half, 2 * radius + 1.0)
            if not any(room.intersects(other) for other in taken):
                return QPointF(x, y)
    return None
