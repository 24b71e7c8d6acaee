"""Opening runs for the commands, with errors as one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli.errors import CommandError
from recorders.run.text import visible

if TYPE_CHECKING:
    from recorders import Run
    from recorders.run.address import Address


def address(text: str) -> Address:
    """Where a run lies that was named on the command line.

    Raises:
        CommandError: it is a URL that cannot be read.
    """
    from recorders.run.address import address_of
    from recorders.run.errors import RunError

    try:
        return address_of(text)
    except RunError as error:
        raise CommandError(str(error)) from error


def open_run(path: str) -> Run:
    """Open a run file, a folder of parts or a URL.

    Raises:
        CommandError: it is not a readable run; the sentence says why and what to do.
    """
    from recorders import RunError, read_run

    try:
        return read_run(path)
    except RunError as error:
        raise CommandError(str(error)) from error


def words_for_bytes(count: int) -> str:
    """A size for people: 812 B, 41 kB, 1.8 MB (powers of 1000)."""
    if count < 1000:
        return f"{count} B"
    size, units = count / 1000, ("kB", "MB", "GB", "TB")
    for unit in units[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} {units[-1]}"


def printed_json(facts: dict[str, Any]) -> str:
    """JSON for a terminal or a program: what a terminal would obey is escaped, the rest readable.

    A path keeps its true name in it, which no text with code points made visible would.
    """
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    if visible(text, "\n") == text:
        return text
    return "".join(c if visible(c, "\n") == c else json.dumps(c)[1:-1] for c in text)
