"""What docs/record.md says of flags is so; that its commands record is tested with all pages."""

from __future__ import annotations

import re
from pathlib import Path

from hardattn_viewer.cli.main import build_parser

PAGE = Path(__file__).parents[2] / "docs" / "record.md"


def test_every_flag_that_the_page_names_exists() -> None:
    subparsers = next(a for a in build_parser()._actions if a.dest == "command")
    assert subparsers.choices is not None
    known = set(subparsers.choices["record"]._option_string_actions)  # type: ignore[index]
    page = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page)) <= known
