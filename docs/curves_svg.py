"""Draws curves with bands as an SVG of plain shapes and text, for the pages of docs/."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 470.0, 230.0
_LEFT, _TOP, _RIGHT, _BOTTOM = 58.0, 26.0, 24.0, 38.0
_LEGEND = 15.0
_INK, _FAINT, _PAPER = "#33363b", "#d9dbdf", "#ffffff"


@dataclass(frozen=True)
class Curve:
    """One line and the band around it.

    Attributes:
        name: in the legend.
        colour: ``#rrggbb``.
        x: where each point lies.
        y: how high; both axes that are logarithmic leave out what is not above zero.
        low: lower edge of the band.
        high: upper edge.
    """

    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """Curves on one pair of axes; the upright one is logarithmic.

    Attributes:
        title: above it; may be empty.
        up: what the upright axis is.
        across: what the other one is.
        curves: on it.
        percent: whether the upright axis is a share, told in per cent.
    """

    title: str
    up: str
    across: str
    curves: Sequence[Curve]
    percent: bool = False


def picture(panels: Sequence[Panel], *, columns: int) -> str:
    """The panels row by row, each row with the legend of its first one below it."""
    rows = [panels[at : at + columns] for at in range(0, len(panels), columns)]
    heights = [HEIGHT + _LEGEND * math.ceil(len(row[0].curves) / 2) + 16 for row in rows]
    wide, high = WIDTH * columns, sum(heights)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}" height="{high:g}" '
        f'viewBox="0 0 {wide:g} {high:g}" font-family="sans-serif" font-size="11">',
        f'<rect width="{wide:g}" height="{high:g}" fill="{_PAPER}"/>',
    ]
    top = 0.0
    for row, height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            parts.append(f'<g transform="translate({column * WIDTH:g} {top:g})">')
            parts += [*_panel(panel), "</g>"]
        parts.append(f'<g transform="translate(0 {top + HEIGHT:g})">')
        parts += [*_legend(row[0].curves, wide), "</g>"]
        top += height
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel) -> list[str]:
    wide, high = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    drawn = [
        (curve, [at for at, value in enumerate(curve.low) if value > 0]) for curve in panel.curves
    ]
    values = [
        value
        for curve, kept in drawn
        for edge in (curve.low, curve.high)
        for value in (edge[at] for at in kept)
    ]
    low, high_value = math.log10(min(values)), math.log10(max(values))
    low, high_value = low - 0.04 * (high_value - low), high_value + 0.04 * (high_value - low)
    end = max(max(curve.x) for curve in panel.curves)

    def x(value: float) -> float:
        return _LEFT + value / end * wide

    def y(value: float) -> float:
        share = (math.log10(value) - low) / ((high_value - low) or 1)
        return _TOP + (1 - share) * high

    parts = [
        f'<text x="{_LEFT:g}" y="14" font-weight="bold" fill="{_INK}">{escape(panel.title)}</text>'
    ]
    for value in _levels(10**low, 10**high_value):
        words = f"{100 * value:g} %" if panel.percent else f"{value:g}"
        parts.append(_line(_LEFT, y(value), _LEFT + wide, y(value), _FAINT))
        parts.append(_text(_LEFT - 6, y(value) + 4, words, "end"))
    for value in _marks(end):
        parts.append(_line(x(value), _TOP + high, x(value), _TOP + high + 4, _INK))
        parts.append(_text(x(value), _TOP + high + 16, f"{value:,g}", "middle"))
    parts.append(_line(_LEFT, _TOP + high, _LEFT + wide, _TOP + high, _INK))
    parts.append(_text(_LEFT + wide, _TOP + high + 31, panel.across, "end"))
    parts.append(_text(_LEFT + wide, 14, panel.up, "end"))
    for curve, kept in drawn:
        if not kept:
            continue
        upper = [f"{x(curve.x[at]):.1f},{y(curve.high[at]):.1f}" for at in kept]
        lower = [f"{x(curve.x[at]):.1f},{y(curve.low[at]):.1f}" for at in reversed(kept)]
        middle = [f"{x(curve.x[at]):.1f},{y(max(curve.y[at], 1e-300)):.1f}" for at in kept]
        parts.append(
            f'<polygon points="{" ".join(upper + lower)}" fill="{curve.colour}" opacity="0.16"/>'
        )
        parts.append(
            f'<polyline points="{" ".join(middle)}" fill="none" stroke="{curve.colour}" '
            f'stroke-width="1.8"/>'
        )
    return parts


def _legend(curves: Sequence[Curve], wide: float) -> list[str]:
    parts = []
    for number, curve in enumerate(curves):
        left = _LEFT + number % 2 * (wide - _LEFT) / 2
        y = 12 + number // 2 * _LEGEND
        parts.append(
            f'<rect x="{left:g}" y="{y - 6:g}" width="14" height="3" fill="{curve.colour}"/>'
        )
        parts.append(_text(left + 20, y, curve.name, "start"))
    return parts


def _levels(low: float, high: float) -> list[float]:
    """Round values between two, few enough to be read."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [
            float(f"{step * 10.0**power:.6g}")
            for power in powers
            for step in steps
            if low <= step * 10.0**power <= high
        ]
        if len(found) <= 6:
            return found
    return found[:: math.ceil(len(found) / 6)]


def _marks(end: float) -> list[float]:
    """Round values from 0 to ``end``."""
    step = 10.0 ** math.floor(math.log10(end))
    while end / step < 4:
        step /= 2
    return [number * step for number in range(int(end / step * 1.0001) + 1)]


def _line(x0: float, y0: float, x1: float, y1: float, colour: str) -> str:
    return (
        f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" '
        f'stroke-width="1"/>'
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}">{escape(words)}</text>'
    )
