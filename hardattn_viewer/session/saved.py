"""A session as a file: which runs are open, where and how they are looked at. JSON, and no code."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hardattn_viewer.session.history import ViewState, view_of
from hardattn_viewer.session.plain import Json, UnfitError, plain, value_of
from hardattn_viewer.session.state import SessionState, ThemeChoice
from recorders.version import PRODUCER

FORMAT = "hardattn session"
VERSION = 1
# A session of a hundred runs has 30 kB; nobody needs to read a gigabyte to refuse it.
LARGEST_BYTES = 2**20
MOST_RUNS = 1_000
# These name runs by numbers that belong to one process.
_OF_PROCESS = ("slot_a", "slot_b")


class SavedSessionError(Exception):
    """A session file cannot be read; the text is one sentence."""


@dataclass(frozen=True)
class SavedSession:
    """What of a session outlives its process.

    Attributes:
        runs: where the open runs lie, without what is secret of a URL.
        a: index into ``runs`` of the one in slot A, or None.
        b: the same for slot B.
        example: name of the example that is shown; its row may be another by now.
        view: what undo brings back, as JSON; read by what knows its fields.
        theme: the chosen theme.
        speed: playback speed.
        docks: where the docks are, as base64; empty where that is not known.
        restoring: whether it was about to be restored when it was written.
        saved: when it was written, in ISO 8601.
    """

    runs: tuple[str, ...] = ()
    a: int | None = None
    b: int | None = None
    example: str = ""
    view: Mapping[str, Json] = field(default_factory=dict)
    theme: ThemeChoice = "system"
    speed: float = 1.0
    docks: str = ""
    restoring: bool = False
    saved: str = ""


def saved_of(state: SessionState, docks: str = "") -> SavedSession:
    """What a state would be restored from."""
    keys = [run.key for run in state.runs]
    rows, row = state.rows, state.place.example
    a, b = (keys.index(key) if key in keys else None for key in (state.slot_a, state.slot_b))
    return SavedSession(
        runs=tuple(str(run.path) for run in state.runs),
        a=a,
        b=b,
        example=rows.names[row] if rows is not None and row < len(rows) else "",
        view=_plain_view(view_of(state)),
        theme=state.theme,
        speed=state.speed,
        docks=docks,
    )


def _plain_view(view: ViewState) -> dict[str, Json]:
    names = [one.name for one in fields(view) if one.name not in _OF_PROCESS]
    return {name: plain(getattr(view, name)) for name in names}


def text_of(saved: SavedSession) -> str:
    """The text of a session file."""
    head = {"format": FORMAT, "version": VERSION, "producer": PRODUCER}
    body = plain(replace(saved, saved=datetime.now(UTC).isoformat(timespec="seconds")))
    return json.dumps(head | body, indent=1) + "\n"


def write_session(path: Path, text: str) -> None:
    """Write a session file so that whoever reads it finds the old one or the new one, whole.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_session(path: Path) -> SavedSession:
    """Read a session file, whoever wrote it.

    Raises:
        SavedSessionError: it is no session, damaged, or of a newer hardattn.
    """
    try:
        # A pipe or a device would never end.
        if not path.is_file():
            raise SavedSessionError(f"{path.name} is not a file; choose a session (.session.json).")
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SavedSessionError(f"The session {path.name} cannot be read: {why}.") from None
    if len(data) > LARGEST_BYTES:
        raise SavedSessionError(f"{path.name} is larger than any session (1 MB); it is not read.")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise SavedSessionError(
            f"{path.name} is no session of hardattn, or only a part of one."
        ) from None
    return parsed(found, path.name)


def parsed(found: Json, name: str) -> SavedSession:
    """The session that JSON stands for.

    Raises:
        SavedSessionError: none that this version understands.
    """
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise SavedSessionError(f"{name} is no session of hardattn.")
    version = found.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SavedSessionError(f"{name} does not say which version of session it is.")
    if version > VERSION:
        raise SavedSessionError(
            f"{name} was saved by a newer hardattn (sessions of version {version}; this one "
            f"reads up to {VERSION}). Update hardattn to open it."
        )
    try:
        for step in range(version, VERSION):
            found = MIGRATIONS[step](dict(found))
        known = {one.name: found[one.name] for one in fields(SavedSession) if one.name in found}
        view = known.pop("view", {})
        saved: SavedSession = value_of(SavedSession, known)
    except (UnfitError, KeyError, TypeError) as error:
        raise SavedSessionError(f"The session {name} is damaged ({error!s:.80}).") from None
    if not isinstance(view, dict) or len(saved.runs) > MOST_RUNS:
        raise SavedSessionError(f"The session {name} is damaged.")
    return replace(saved, view=view)


# From each version to the next one: what was read, changed.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
