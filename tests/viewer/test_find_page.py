"""docs/viewer/find.md lists every name of the language, with the help that the app shows."""

from __future__ import annotations

import re
from pathlib import Path

from hardattn_viewer.session.expressions.fields import FIELDS
from hardattn_viewer.session.expressions.parsing import MAX_DEPTH, MAX_LENGTH, OVER_STEPS, parse
from hardattn_viewer.session.long_examples import BLOCK_STEPS, LONG_STEPS

PAGE = Path(__file__).parents[2] / "docs" / "viewer" / "find.md"


def test_the_table_is_that_of_the_language() -> None:
    lines = ["| name | of | what it is |", "|---|---|---|"]
    lines += [f"| `{field.name}` | {field.level} | {field.note} |" for field in FIELDS]
    lines += [f"| `{name}(…)` | all steps | {note} |" for name, note in OVER_STEPS.items()]
    found = re.search(r"<!-- names: .*? -->\n(.*?)\n<!-- end of names -->", PAGE.read_text(), re.S)
    assert found is not None
    assert found[1].split("\n") == lines


def test_the_examples_of_the_page_can_be_read() -> None:
    examples = re.findall(r"^    (\S.*)$", PAGE.read_text(), re.M)
    assert len(examples) == 4
    for text in examples:
        parse(text)


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    text = " ".join(PAGE.read_text().split())
    assert f"{MAX_LENGTH:,} characters and {MAX_DEPTH} levels" in text
    assert f"more than {LONG_STEPS:,} steps only the {2 * BLOCK_STEPS} around" in text
