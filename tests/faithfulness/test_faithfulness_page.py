"""The page about checks says what its code does, and names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hardattn_viewer.checks.verdict import LEVELS
from hardattn_viewer.faithfulness.subjects.tokens import OPERATORS

PAGE = Path(__file__).parents[2] / "docs" / "faithfulness.md"


def test_the_code_of_the_page_runs_from_top_to_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert "weight × input: supported" in capsys.readouterr().out


def test_every_verdict_and_every_operator_of_texts_is_on_the_page() -> None:
    page = PAGE.read_text()
    for level in LEVELS:
        assert f"\n| {level} |" in page
    for operator in OPERATORS:
        assert f"`{operator}`" in page


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE.read_text()):
        assert (PAGE.parent / link).exists(), link
