"""Writes docs/estimators.md and its picture: ``python docs/make_estimators_page.py`` (in no time).

What is shown stands in ``estimators.json``, which ``measure_estimators.py`` writes.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from curves_svg import Curve, Panel, picture  # noqa: E402
from measure_estimators import FAMILIES, FIGURES, STEPS  # noqa: E402

PAGE = ROOT / "docs" / "estimators.md"
PICTURE = ROOT / "docs" / "pictures" / "estimators.svg"
BEGIN, END = "<!-- estimators -->", "<!-- end of estimators -->"
COLOURS = ("#4e9bd1", "#e0812f", "#3f9f6b", "#b065c9", "#8a8d93", "#c2493d")


def table(known: dict[str, list[dict[str, Any]]]) -> str:
    """One row for each way to train it: what it reached, and what that cost."""
    heads = (
        "`hardattn train glimpse --mechanism` …",
        "test error",
        f"validation error at {STEPS // 3:,} updates",
        "entropy, nats",
        "gradient variance, first",
        "last",
        "CPU minutes",
        "minutes to 10 %",
        "seeds",
    )
    rows = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for family, ways in FAMILIES.items():
        rows.append(f"| **{family}** |{' |' * (len(heads) - 1)}")
        rows += [_row(words, known[words]) for words in ways if known.get(words)]
    return "\n".join(rows)


def _row(words: str, runs: list[dict[str, Any]]) -> str:
    curves = [run["curve"] for run in runs]
    third = [
        min(curve, key=lambda moment: abs(moment["updates"] - STEPS // 3))["error"]
        for curve in curves
    ]
    cells = [
        f"`{words}`",
        _spread([100 * run["test"]["error"] for run in runs], " %"),
        _spread([100 * error for error in third], " %"),
        _spread([run["test"]["entropy"] for run in runs]),
        _variance([curve[0]["gradient_variance"] for curve in curves]),
        _variance([curve[-1]["gradient_variance"] for curve in curves]),
        f"{_mean([curve[-1]['cpu_minutes'] for curve in curves]):.2g}",
        _minutes_to(curves, 0.1),
        ", ".join(str(run["seed"]) for run in runs),
    ]
    return f"| {' | '.join(cells)} |"


def _minutes_to(curves: Sequence[list[dict[str, float]]], error: float) -> str:
    """Mean processor minutes until the error is first that small, of the seeds that reach it."""
    found = [
        next((moment["cpu_minutes"] for moment in curve if moment["error"] <= error), None)
        for curve in curves
    ]
    reached = [minutes for minutes in found if minutes is not None]
    if not reached:
        return "–"
    few = "" if len(reached) == len(found) else f" ({len(reached)} of {len(found)})"
    return f"{_mean(reached):.2g}{few}"


def _variance(values: list[float]) -> str:
    known = [value for value in values if value > 0]
    return f"{math.exp(_mean([math.log(value) for value in known])):.2g}" if known else "0"


def _spread(values: list[float], unit: str = "") -> str:
    digits = 2 if max(values) < 10 else 1
    mean = f"{_mean(values):.{digits}f}{unit}"
    if len(values) == 1:
        return mean
    # A dash between figures below zero would read as a sign.
    to = " to " if min(values) < 0 else "–"
    return f"{mean} ({min(values):.{digits}f}{to}{max(values):.{digits}f})"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def panels(known: dict[str, list[dict[str, Any]]]) -> list[Panel]:
    """A row for each family: error against processor time, variance against updates."""
    made = []
    for family, ways in FAMILIES.items():
        shown = [words for words in ways if known.get(words)]
        sides: list[list[Curve]] = [[], []]
        for colour, words in zip(COLOURS, shown, strict=False):
            curves = [run["curve"] for run in known[words]]
            name = words.replace("--gradient ", "").replace("--baseline ", "")
            for side, across, up in (
                (0, "cpu_minutes", "error"),
                (1, "updates", "gradient_variance"),
            ):
                # The first moment of an error is that of an untrained model: no news.
                at = range(1 if side == 0 else 0, min(len(curve) for curve in curves))
                points = [[curve[i][up] for curve in curves] for i in at]
                sides[side].append(
                    Curve(
                        name,
                        colour,
                        [_mean([curve[i][across] for curve in curves]) for i in at],
                        [_mean(values) for values in points],
                        [min(values) for values in points],
                        [max(values) for values in points],
                    )
                )
        made.append(Panel(family, "validation error", "CPU minutes", sides[0], percent=True))
        made.append(Panel("", "gradient variance", "updates", sides[1]))
    return made


def main() -> None:
    """Write the picture, and the table between its marks."""
    known = json.loads(FIGURES.read_text())
    PICTURE.write_text(picture(panels(known), columns=2))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(known)}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
