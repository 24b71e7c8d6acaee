"""Build the documentation as a site and look for what is wrong with it.

usage: build_docs.py FOLDER

Needs the extra `docs`. Ends with 1 where mkdocs warns of anything (a page outside of the
navigation, a link or an anchor that leads nowhere), where a page has a link or a picture that is
not there, or where a page would load anything from another server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
# What a browser fetches by itself when it shows a page.
LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}


class Page(HTMLParser):
    """What one page names: anchors of its own, and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect from one tag."""
        known = {name: value or "" for name, value in attrs}
        self.anchors |= {known[name] for name in ("id", "name") if name in known}
        for name in ("href", "src"):
            if name in known:
                related = known.get("rel") in ("next", "prev", "canonical")
                loaded = (tag, name) in LOADED and not related
                (self.loaded if loaded else self.links).append(known[name])


def faults_of(site: Path) -> list[str]:
    """One sentence for everything that is wrong with the pages of a site."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        if path.name == "404.html":  # its addresses begin at the server's root
            continue
        name = path.relative_to(site)
        remote = [address for address in page.loaded if urlsplit(address).netloc]
        found += [f"{name} would load {address}" for address in remote]
        for address in page.links + page.loaded:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                found.append(f"{name} leads to {address}, which is not there")
                continue
            anchor = unquote(parts.fragment)
            # Those with two underscores are of the theme's own scripts.
            wanted = anchor and target in pages and "__" not in anchor
            if wanted and anchor not in pages[target].anchors:
                found.append(f"{name} leads to {address}, and there is no such anchor")
    return found


def main(arguments: list[str]) -> int:
    """Build and check."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    site = Path(arguments[0]).resolve()
    # Not --quiet: what is not logged does not count as a warning.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    if done.returncode != 0:
        told = [line for line in done.stderr.splitlines() if not line.startswith("INFO")]
        print("\n".join(told), file=sys.stderr)
        return 1
    faults = faults_of(site)
    for fault in faults:
        print(f"docs: {fault}", file=sys.stderr)
    if faults:
        return 1
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"docs: {len(list(site.rglob('*.html')))} pages, {size / 1e6:.0f} MB, nothing wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
