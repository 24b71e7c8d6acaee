"""What became of a run since it was read: it grew, or was joined into one file."""

from __future__ import annotations

import time
from pathlib import Path

from recorders.run.contents import Contents, load, sealed_path
from recorders.run.errors import RunError
from recorders.run.guard import inspect
from recorders.run.longer import longer

_TRIES = 3
_PAUSE = 0.02


def newer(contents: Contents, joined: Path | None = None) -> Contents:
    """A run as it is by now.

    Args:
        contents: as it was read.
        joined: the file that its parts are joined into; None for that of the usual name.

    Returns:
        The run with what was recorded since, or the file that its parts were joined into; the
        same object where nothing changed.

    Raises:
        RunError: the folder of parts is gone, another recording's, or damaged.
    """
    if contents.facts.sealed or not isinstance(contents.path, Path):
        return contents
    for _ in range(_TRIES - 1):
        try:
            return _now(contents, joined)
        except RunError:
            # Parts come while their folder is listed, and go when they were joined.
            time.sleep(_PAUSE)
    return _now(contents, joined)


def _now(contents: Contents, joined: Path | None) -> Contents:
    usual = sealed_path(contents.path) if isinstance(contents.path, Path) else None
    return _whole(contents, joined or usual) or longer(contents)


def _whole(contents: Contents, path: Path | None) -> Contents | None:
    """The sealed file of the same recording, where there is one by now."""
    if path is None:
        return None
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    newest = newest_change(contents)
    # An older run of that name stays until this one is joined, and is not read for nothing.
    if changed < newest or not _is_whole(contents, path):
        return None
    return load(path)


def newest_change(contents: Contents) -> int:
    """When the newest part of a folder was written, in nanoseconds since 1970."""
    # The last item of the identity of a file on this machine.
    return max(int(identity[-1]) for identity in contents.identities)


def _is_whole(contents: Contents, path: Path) -> bool:
    ours = contents.facts
    try:
        (file,) = inspect([path])
    except RunError:
        return False
    # Parts of format 1.0 have no name of their recording.
    facts = file.facts
    return facts.sealed and facts.created == ours.created and ours.run in ("", facts.run)
