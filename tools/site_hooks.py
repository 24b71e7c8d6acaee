"""Hooks of mkdocs: pages from outside of docs/ are on the site too, and links lead there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
# Where a page of the checkout is on the site.
OUTSIDE = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "sample_runs/README.md": "project/sample-runs.md",
    "sample_runs/LICENSES.md": "project/sample-licences.md",
}
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    logo = ROOT / "hardattn_viewer" / "app" / "images" / "hardattn.svg"
    files.append(File.generated(config, "logo.svg", abs_src_path=str(logo)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links at the pages of the site; what is no page of it stays as words."""
    sources = {page: source for source, page in OUTSIDE.items()}
    own = page.file.src_uri
    source = ROOT / sources.get(own, f"docs/{own}")

    def moved(match: re.Match[str]) -> str:
        target = match["target"]
        if re.match(r"[a-z]+:", target):
            return match[0]
        path = Path(os.path.normpath(source.parent / target))
        try:
            inside = path.relative_to(ROOT).as_posix()
        except ValueError:
            return match[0]
        there = "README.md" if inside == "docs" else OUTSIDE.get(inside, "")
        if inside.startswith("docs/"):
            there = inside.removeprefix("docs/")
        if not there:
            # Code and data are no pages of the site: the words stay.
            return match["text"] if path.exists() else match[0]
        link = os.path.relpath(there, Path(own).parent).replace(os.sep, "/")
        return f"[{match['text']}]({link}{match['anchor'] or ''})"

    return _LINK.sub(moved, markdown)
