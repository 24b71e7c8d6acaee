"""What is drawn over training: panels of curves, made from the courses of one or two runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.training_course import Course

Floats = NDArray[np.float64]
Style = Literal["solid", "dashed", "dotted"]

NAMES = {
    "loss": ("loss", "nat"),
    "reward": ("reward", ""),
    "accuracy": ("accuracy", ""),
    "entropy": ("entropy", "bit"),
    "hardness": ("hardness", ""),
    "gradient_variance": ("gradient variance", ""),
    "gradient_norm": ("gradient norm", ""),
    "baseline": ("baseline", ""),
    "temperature": ("temperature τ", ""),
    "p_true": ("p(true class)", ""),
    "log_prob": ("log π", "nat"),
    "advantage": ("advantage", ""),
}
"""Name and unit of the numbers that have a meaning of their own, in the order of their panels."""

_IN_UNITS = ("reward", "accuracy", "hardness", "p_true", "baseline")
"""Numbers from 0 to 1, drawn on that axis where they lie within it."""


@dataclass(frozen=True, eq=False)
class Line:
    """One curve.

    Attributes:
        slot: the run that it is about.
        hard: whether that run is hard, for the colour.
        x: float64 [points], rising.
        y: float64 [points]; NaN where there is no value.
        half_width: float64 [points], half a 95 % interval of ``y``; None where there is none.
        style: solid for means over examples, dashed for what training told.
        words: what it is, for legends.
    """

    slot: str
    hard: bool
    x: Floats
    y: Floats
    half_width: Floats | None
    style: Style
    words: str


@dataclass(frozen=True, eq=False)
class Panel:
    """Curves on one pair of axes.

    Attributes:
        id: the number's name in the run.
        name: what it is called.
        unit: its unit, or empty.
        lines: what is drawn.
        low: bottom of the axis.
        high: top of the axis.
        log: whether the axis is logarithmic.
    """

    id: str
    name: str
    unit: str
    lines: tuple[Line, ...]
    low: float
    high: float
    log: bool = False

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit}s)" if self.unit == "bit" else self._with_unit()

    def _with_unit(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name


def numbers_in(courses: Iterable[Course]) -> tuple[str, ...]:
    """The names of all numbers that there are curves of, well-known ones first."""
    held: dict[str, None] = {}
    for course in courses:
        held |= dict.fromkeys([*course.told, *course.means])
    known = [name for name in NAMES if name in held]
    return (*known, *sorted(name for name in held if name not in NAMES))


def panels_of(courses: Sequence[Course], shown: Sequence[str], *, log: bool) -> tuple[Panel, ...]:
    """The panels of the numbers in ``shown`` that the courses hold, in the order of ``NAMES``.

    Args:
        courses: of A, of B, or of both.
        shown: names of numbers.
        log: whether axes of which every value is positive are logarithmic.
    """
    return tuple(
        panel_of(name, lines, log=log)
        for name in numbers_in(courses)
        if name in shown and (lines := _lines(name, courses))
    )


def panel_of(name: str, lines: tuple[Line, ...], *, log: bool = False) -> Panel:
    """A panel whose axis holds every value and every interval of its lines."""
    words, unit = NAMES.get(name, (name.replace("_", " "), ""))
    low, high = _ends([line.y for line in lines])
    if not log and name in _IN_UNITS and low >= 0 and high <= 1:
        # An interval may reach beyond, where no value can be.
        return Panel(name, words, unit, lines, 0.0, 1.0)
    low, high = _ends([part for line in lines for part in _extent(line)])
    if log and low > 0:
        room = (high / low) ** 0.06 if high > low else 2.0
        return Panel(name, words, unit, lines, low / room, high * room, log=True)
    # From zero where that does not flatten the curve: an amount is then seen as one.
    if 0 <= low < 0.6 * high or low == high:
        low, high = min(low, 0.0), max(high, 0.0)
    span = high - low or 1.0
    below, above = (0.06 * span if end else 0.0 for end in (low, high))
    return Panel(name, words, unit, lines, low - below, high + (above or 0.06 * span * (not low)))


def _ends(parts: Sequence[Floats]) -> tuple[float, float]:
    values = np.concatenate(parts)
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def snapshot_near(course: Course, step: float) -> int:
    """The snapshot whose training step is nearest to ``step``; the earlier of two."""
    return int(np.abs(course.steps - step).argmin())


def _lines(name: str, courses: Sequence[Course]) -> tuple[Line, ...]:
    lines = []
    for course in courses:
        x = course.steps.astype(np.float64)
        means, told = course.means.get(name), course.told.get(name)
        if told is not None:
            lines.append(
                Line(course.slot, course.hard, x, told, None, "dashed", "told by training")
            )
        if means is not None:
            lines.append(
                Line(
                    course.slot,
                    course.hard,
                    x,
                    means.mean,
                    means.half_width,
                    "solid",
                    "mean over examples",
                )
            )
    return tuple(line for line in lines if bool(np.isfinite(line.y).any()))


def _extent(line: Line) -> tuple[Floats, ...]:
    if line.half_width is None:
        return (line.y,)
    around = np.nan_to_num(line.half_width)
    return line.y - around, line.y + around
