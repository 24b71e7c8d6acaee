"""The code blocks of README and docs, with what stands beside them in HTML comments.

A block runs as it stands unless a comment in front of it says otherwise; readers see none of these:

    <!-- not run: REASON -->                    it cannot run in a test; it is still read
    <!-- run with COMMAND WORDS: REASON -->     words that are added to its `hardattn COMMAND` lines
    <!-- before this block (lines of Python) --> what a part of a program needs
    <!-- after this block (lines of Python) -->  what must be true then; `printed` holds its lines
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LANGUAGES = ("python", "sh")
_COMMENT = r"<!-- *(?P<{0}>{1})(?P<{0}_text>.*?)-->\s*"
_BLOCK = re.compile(
    rf"(?:{_COMMENT.format('first', 'not run|run with|before this block')})?"
    rf"(?:{_COMMENT.format('second', 'before this block')})?"
    r"^```(?P<info>\S[^\n]*)\n(?P<text>.*?)^```\n"
    rf"(?:\n?{_COMMENT.format('last', 'after this block')})?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: the page's path from the root of the checkout.
        line: of its first line of code, from 1.
        language: "python" or "sh".
        title: the file that it is the text of; empty where it is none.
        text: the code.
        skipped: why it does not run; None where it does.
        added: words that are added to commands of that name, the first of them.
        before: Python that runs in front of it.
        after: Python that runs after it.
    """

    page: str
    line: int
    language: str
    title: str
    text: str
    skipped: str | None
    added: tuple[str, ...]
    before: str
    after: str

    @property
    def place(self) -> str:
        """Page and line, as editors open them."""
        return f"{self.page}:{self.line}"

    def commands(self) -> list[list[str]]:
        """The words of each command of a shell block."""
        lines = self.text.replace("\\\n", " ").splitlines()
        found = (shlex.split(line, comments=True) for line in lines)
        return [words for words in found if words]


def pages() -> list[str]:
    """Every page with its path from the root of the checkout."""
    docs = sorted(ROOT.glob("docs/**/*.md"))
    others = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "sample_runs" / "README.md"]
    return [str(path.relative_to(ROOT)) for path in (*others, *docs)]


def text_of(page: str) -> str:
    """A page as it stands."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str, text: str | None = None) -> list[Block]:
    """The blocks of a page (or of ``text``) in their order, whatever their language.

    Raises:
        ValueError: a comment that keeps a block from running gives no reason.
    """
    text = text_of(page) if text is None else text
    found = []
    for match in _BLOCK.finditer(text):
        info = match["info"].split(maxsplit=1)
        title = re.fullmatch(r'title="([^"]+)"', info[1]) if len(info) > 1 else None
        line = text.count("\n", 0, match.start("text")) + 1
        parts = {match[name]: match[f"{name}_text"] for name in ("first", "second", "last")}
        skipped, added = None, ()
        if "not run" in parts:
            skipped = _reason(parts["not run"], f"{page}:{line}")
        if "run with" in parts:
            words, _, reason = parts["run with"].partition(": ")
            _reason(f": {reason}", f"{page}:{line}")
            added = tuple(words.split())
        found.append(
            Block(
                page, line, info[0], title[1] if title else "", match["text"], skipped, added,
                parts.get("before this block", ""), parts.get("after this block", ""),
            )
        )  # fmt: skip
    fences = len(re.findall(r"^ *(?:```|~~~)", text, re.MULTILINE))
    if fences != 2 * len(found):
        raise ValueError(f"{page}: a fence is not closed, is indented, or names no language")
    return found


def _reason(text: str, place: str) -> str:
    reason = text.removeprefix(":").strip()
    if not text.startswith(":") or len(reason.split()) < 3:
        raise ValueError(f"{place}: say why, in more than two words, after a colon")
    return reason
