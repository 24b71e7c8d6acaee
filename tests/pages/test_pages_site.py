"""The site: every page is in its navigation, and what is wrong with it is found."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from reading_pages import ROOT


@pytest.fixture(scope="module")
def build_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "tools" / "build_docs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation_once() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = re.findall(r"[\w./-]+\.md", navigation)
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")]
    own = [name for name in named if not name.startswith("project/")]
    assert sorted(own) == sorted(pages)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">x</a>', "gone.html, which is not there"),
        ('<img src="gone.png">', "gone.png, which is not there"),
        ('<a href="b.html#part">x</a>', "no such anchor"),
        ('<a href="#here">x</a>', "no such anchor"),
        ('<script src="https://example.org/a.js"></script>', "would load https://example.org/a.js"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "would load //example.org/a.css"),
    ],
)
def test_what_is_wrong_with_a_page_is_found(
    body: str, fault: str, build_docs: ModuleType, tmp_path: Path
) -> None:
    good = '<a href="b.html#there">x</a><a href="https://example.org">y</a><h1 id="top"></h1>'
    (tmp_path / "b.html").write_text('<h2 id="there"></h2><a href="a.html#top">z</a>')
    (tmp_path / "a.html").write_text(good)
    assert build_docs.faults_of(tmp_path) == []
    (tmp_path / "a.html").write_text(good + body)
    (found,) = build_docs.faults_of(tmp_path)
    assert fault in found and found.startswith("a.html")
