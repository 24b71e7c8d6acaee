"""The page about checks names what there is."""

from __future__ import annotations

from pathlib import Path

from hardattn_viewer.checks.verdict import LEVELS
from hardattn_viewer.faithfulness.subjects.tokens import OPERATORS

PAGE = Path(__file__).parents[2] / "docs" / "faithfulness.md"


def test_every_verdict_and_every_operator_of_texts_is_on_the_page() -> None:
    page = PAGE.read_text()
    for level in LEVELS:
        assert f"\n| {level} |" in page
    for operator in OPERATORS:
        assert f"`{operator}`" in page
