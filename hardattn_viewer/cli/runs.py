"""Opening runs for the commands, with errors as one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import CommandError

if TYPE_CHECKING:
    from recorders import Run


def open_run(path: str) -> Run:
    """Open a run file or a folder of parts.

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
