"""Where notes are kept: beside the run, or with the user's own data where that cannot be.

Nothing that another program wrote is ever overwritten. Whoever keeps notes first reads what is
there, and writes both; a lock keeps two windows from doing that at once.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from hardattn_viewer.session.bookmarks import (
    Bookmark,
    Notebook,
    NotesError,
    from_json,
    merged,
    to_json,
)
from recorders.run import lock
from recorders.run.address import Address
from recorders.run.durable import replacing, write_all
from recorders.run.parts import PARTS_SUFFIX

SUFFIX = ".notes.json"
MOST_BYTES = 1 << 26
_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Places:
    """The files that may hold notes of a run.

    Attributes:
        beside: beside the run; None where that is another machine.
        own: in the folder of the user's own data.
    """

    beside: Path | None
    own: Path

    @property
    def all(self) -> tuple[Path, ...]:
        """Both, the one beside the run first."""
        return (self.own,) if self.beside is None else (self.beside, self.own)


@dataclass(frozen=True)
class _Found:
    """What was in the files."""

    entries: dict[str, Bookmark]
    problems: tuple[str, ...] = ()
    damaged: frozenset[Path] = frozenset()
    newer: frozenset[Path] = field(default_factory=frozenset)
    there: tuple[Path, ...] = ()


def places_of(address: Address) -> Places:
    """Where the notes of a run are; a folder of parts has those of the run that it becomes."""
    name = address.name.removesuffix(PARTS_SUFFIX)
    whole = address.absolute() if isinstance(address, Path) else address
    digest = hashlib.sha256(os.fsencode(str(whole)).removesuffix(PARTS_SUFFIX.encode())).hexdigest()
    home = platformdirs.user_data_path("hardattn", appauthor=False) / "notes"
    own = home / f"{digest[:16]}{SUFFIX}"
    beside = whole.with_name(name + SUFFIX) if isinstance(whole, Path) else None
    return Places(beside, own)


def signature(address: Address) -> tuple[object, ...]:
    """What changes when somebody writes one of the files."""
    found: list[object] = []
    for path in places_of(address).all:
        try:
            status = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def read_notes(address: Address) -> Notebook:
    """The notes of a run; what is wrong with a file of them is said in the notebook."""
    places = places_of(address)
    found = _read(places)
    return Notebook(found.entries, str(found.there[0]) if found.there else "", _sentence(found))


def keep_notes(address: Address, run: str, changes: Iterable[Bookmark]) -> Notebook:
    """Add to the notes of a run what was changed, and what other windows wrote meanwhile.

    Args:
        address: where the run lies.
        run: its name, for people who open the file.
        changes: bookmarks that were set, changed or deleted.

    Raises:
        OSError: they could not be written anywhere; nothing was lost on disk.
    """
    places = places_of(address)
    with _alone(places.own):
        found = _read(places)
        entries = merged(found.entries.values(), changes)
        problem = _sentence(found)
        refused: OSError | None = None
        for path in places.all:
            if path in found.newer:
                continue
            try:
                if path == places.own:
                    path.parent.mkdir(parents=True, exist_ok=True)
                if path in found.damaged:
                    aside = _set_aside(path)
                    problem = f"{path} was damaged; it is kept as {aside.name}."
                _write(path, entries, run)
            except OSError as error:
                # The folder of the run may only be read.
                refused = error
                continue
            return Notebook(entries, str(path), problem)
    raise refused if refused is not None else OSError(f"{places.own} is of a newer hardattn")


def _sentence(found: _Found) -> str:
    return " ".join(found.problems)


def _read(places: Places) -> _Found:
    entries: dict[str, Bookmark] = {}
    problems: list[str] = []
    damaged: set[Path] = set()
    newer: set[Path] = set()
    there: list[Path] = []
    for path in places.all:
        try:
            if path.stat().st_size > MOST_BYTES:
                raise NotesError("is damaged: no notes are that long")
            data = path.read_bytes()
            entries = merged(entries.values(), from_json(data).values())
            there.append(path)
        except FileNotFoundError:
            continue
        except NotesError as problem:
            (newer if problem.newer else damaged).add(path)
            remedy = "it stays as it is, and other notes are kept apart"
            problems.append(f"{path} {problem}; {remedy}.")
        except OSError as problem:
            newer.add(path)
            problems.append(f"{path} cannot be read ({problem.strerror}).")
    return _Found(entries, tuple(problems), frozenset(damaged), frozenset(newer), tuple(there))


def _set_aside(path: Path) -> Path:
    """Give a damaged file a name that nothing else has."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return path.rename(aside)


def _write(path: Path, entries: Mapping[str, Bookmark], run: str) -> None:
    data = to_json(entries.values(), run).encode()
    with replacing(path) as descriptor:
        write_all(descriptor, memoryview(data))


@contextmanager
def _alone(own: Path) -> Iterator[None]:
    """Keep other windows on this machine from writing the same notes."""
    own.parent.mkdir(parents=True, exist_ok=True)
    guard = own.with_suffix(".lock")
    until = time.monotonic() + _WAIT_SECONDS
    while (descriptor := lock.take(guard)) is None:
        if time.monotonic() > until:
            raise OSError(f"another program has been keeping notes for {_WAIT_SECONDS:.0f} s")
        time.sleep(0.01)
    try:
        yield
    finally:
        lock.release(descriptor)
