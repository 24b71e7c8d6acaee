"""Bookmarks with notes: places in a run that a person wants to come back to."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

FORMAT = "hardattn-notes"
VERSION = 1
MAX_NOTE = 100_000


class NotesError(Exception):
    """A file of notes cannot be read.

    Args:
        sentence: why, in words.
        newer: whether another hardattn can read it.
    """

    def __init__(self, sentence: str, newer: bool = False) -> None:
        super().__init__(sentence)
        self.newer = newer


@dataclass(frozen=True)
class Bookmark:
    """One place, and what was noted of it.

    Attributes:
        id: random, and the bookmark's own for ever.
        example: name of the example.
        step: from 0.
        snapshot: training step of the snapshot; None for the last one.
        site: name of the attention site; None for the run's first.
        head: head, from 0; None for the mean over heads.
        query: query, from 0; None for the usual one.
        note: plain text; may be empty.
        created: when it was set, in seconds since 1970.
        changed: when it was last changed, or deleted.
        deleted: whether it was deleted; it is kept so that another window learns of it.
    """

    id: str
    example: str
    step: int = 0
    snapshot: int | None = None
    site: str | None = None
    head: int | None = None
    query: int | None = None
    note: str = ""
    created: float = 0.0
    changed: float = 0.0
    deleted: bool = False

    def at_same_place(self, other: Bookmark) -> bool:
        """Whether another bookmark is set at the very same place."""
        return _place(self) == _place(other)


@dataclass(frozen=True)
class Notebook:
    """The bookmarks of one run.

    Attributes:
        entries: every bookmark by its id, deleted ones too.
        kept_in: the file that they are kept in, for people; empty before the first is set.
        problem: what is wrong with a file of notes, in one sentence; empty where nothing is.
    """

    entries: Mapping[str, Bookmark]
    kept_in: str = ""
    problem: str = ""

    @property
    def bookmarks(self) -> tuple[Bookmark, ...]:
        """Those that were not deleted, the oldest first."""
        there = [one for one in self.entries.values() if not one.deleted]
        return tuple(sorted(there, key=lambda one: (one.created, one.id)))


def new_bookmark(**place: Any) -> Bookmark:
    """A bookmark with an id of its own, set now."""
    now = time.time()
    return Bookmark(id=secrets.token_hex(8), created=now, changed=now, **place)


def merged(*books: Iterable[Bookmark]) -> dict[str, Bookmark]:
    """All bookmarks by their ids; of one that was changed in several places the latest."""
    entries: dict[str, Bookmark] = {}
    for bookmark in (one for book in books for one in book):
        known = entries.get(bookmark.id)
        if known is None or _newness(bookmark) > _newness(known):
            entries[bookmark.id] = bookmark
    return entries


def changed_now(bookmark: Bookmark, before: Bookmark | None, **changes: Any) -> Bookmark:
    """A bookmark with changes, newer than it was, whatever the clock says."""
    least = max(bookmark.changed, before.changed if before is not None else 0.0)
    now = max(time.time(), math.nextafter(least, math.inf))
    return replace(bookmark, changed=now, **changes)


def to_json(entries: Iterable[Bookmark], run: str) -> str:
    """A file of notes; ``run`` is the run's name, for people who open the file."""
    rows = [asdict(one) for one in sorted(entries, key=lambda one: (one.created, one.id))]
    held = {"format": FORMAT, "version": VERSION, "run": run, "bookmarks": rows}
    # Names of files may hold bytes that are no UTF-8; they come as lone surrogates.
    return json.dumps(held, indent=1, ensure_ascii=True) + "\n"


def from_json(data: bytes) -> dict[str, Bookmark]:
    """The bookmarks of a file of notes.

    Raises:
        NotesError: it is damaged, or of a newer hardattn.
    """
    try:
        held = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise NotesError("is damaged: it is not the JSON that hardattn writes") from None
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise NotesError("is damaged: it does not say that it holds notes of hardattn")
    version = held.get("version")
    if isinstance(version, int) and version > VERSION:
        raise NotesError(f"is of a newer hardattn (version {version} of its format)", newer=True)
    rows = held.get("bookmarks")
    if version != VERSION or not isinstance(rows, list):
        raise NotesError("is damaged: it holds no list of bookmarks")
    found = [_bookmark(row) for row in rows]
    if not all(found):
        raise NotesError("is damaged: one of its bookmarks cannot be understood")
    return merged(one for one in found if one is not None)


_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str | None": (str, type(None)),
    "int | None": (int, type(None)),
}


def _bookmark(row: object) -> Bookmark | None:
    """A bookmark as it was written; None where that cannot be understood."""
    if not isinstance(row, dict):
        return None
    values: dict[str, Any] = {}
    for one in fields(Bookmark):
        if one.name not in row:
            continue
        value = row[one.name]
        is_flag = isinstance(value, bool)
        if not isinstance(value, _KINDS[str(one.type)]) or is_flag != (one.type == "bool"):
            return None
        if isinstance(value, float) and not math.isfinite(value):
            return None
        values[one.name] = value
    if not values.get("id") or "example" not in values or len(values.get("note", "")) > MAX_NOTE:
        return None
    found = Bookmark(**values)
    numbers = (found.step, found.head, found.query)
    return None if any(one is not None and not 0 <= one < 1 << 40 for one in numbers) else found


def _place(bookmark: Bookmark) -> tuple[object, ...]:
    b = bookmark
    return (b.example, b.step, b.snapshot, b.site, b.head, b.query)


def _newness(bookmark: Bookmark) -> tuple[float, bool, str]:
    # Two windows may have changed it in the same instant: both must then come to the same end.
    return bookmark.changed, bookmark.deleted, repr(bookmark)
