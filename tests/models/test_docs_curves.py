"""The picture and the table of docs/estimators.md, from figures that are made up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))

from curves_svg import Curve, Panel, picture  # noqa: E402
from make_estimators_page import panels, table  # noqa: E402
from measure_estimators import FAMILIES, plan_of  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def run(seed: int, error: float) -> dict[str, Any]:
    curve = [
        {
            "updates": 150 * at,
            "cpu_minutes": 0.1 * at,
            "error": 0.9 if not at else error / at,
            "entropy": 1.0,
            "gradient_variance": 2.0 / (at + 1),
        }
        for at in range(11)
    ]
    return {"seed": seed, "curve": curve, "test": {"error": error / 10, "entropy": 0.5}}


def test_every_way_has_a_plan_of_its_own() -> None:
    ways = [words for family in FAMILIES.values() for words in family]
    plans = [plan_of(words, 1) for words in ways]
    assert len(set(ways)) == len(ways)
    assert {plan.seed for plan in plans} == {1} and {plan.steps for plan in plans} == {1_500}
    told = {(plan.mechanism, plan.gradient, plan.baseline) for plan in plans}
    assert len(told) == len(ways)


def test_the_table_says_when_ten_per_cent_were_reached() -> None:
    words = "sampled --gradient rloo"
    row = next(
        line for line in table({words: [run(0, 0.4), run(1, 2.0)]}).split("\n") if words in line
    )
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == "12.0 % (4.0–20.0)"
    # 0.4 / 4 at the fourth moment; the other seed comes to 20 % at the last.
    assert cells[7] == "0.4 (1 of 2)"
    assert cells[8] == "0, 1"
    assert cells[4] == "2" and cells[5] == f"{2 / 11:.2g}"


def test_the_picture_is_well_formed_and_holds_every_curve() -> None:
    known = {words: [run(0, 0.4), run(1, 0.6)] for family in FAMILIES.values() for words in family}
    drawn = ElementTree.fromstring(picture(panels(known), columns=2))
    lines = drawn.findall(f".//{SVG}polyline")
    assert len(lines) == 2 * len(known)
    wide, high = (float(drawn.attrib[name]) for name in ("width", "height"))
    texts = [text.text for text in drawn.findall(f".//{SVG}text")]
    assert {"validation error", "gradient variance", "CPU minutes", "updates"} <= set(texts)
    for line in lines:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= wide and 0 <= y <= high


def test_names_are_escaped_and_what_is_not_above_zero_is_left_out() -> None:
    values = [1.0, 0.0, 4.0]
    curve = Curve("a < b & c", "#123456", [0.0, 1.0, 2.0], values, values, values)
    drawn = ElementTree.fromstring(picture([Panel("", "up", "across", [curve])], columns=1))
    (line,) = drawn.findall(f".//{SVG}polyline")
    assert len(line.attrib["points"].split()) == 2
    assert "a < b & c" in [text.text for text in drawn.findall(f".//{SVG}text")]
