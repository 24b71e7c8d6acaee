"""What lies in a folder of parts, which rank it is of, and who may write there.

Beside its segments every rank has a lock, held while it records, and in the end a marker that says
how many segments it wrote. Both hold the random name of the recording, so that the parts of two
are never mixed; a lock also names its host, since not every file system shares locks.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from recorders.run import lock
from recorders.run.durable import replacing, sync_folder, write_all
from recorders.run.errors import RunError

PARTS_SUFFIX = ".parts"

State = Literal["absent", "recording", "ended", "cut off", "unknown"]
"""What a rank is doing: it never came, it records, it ended, it was killed, or it was on another
host whose locks may not be seen from here."""

_SEGMENT = re.compile(r"seg-(\d{1,9})-(\d{1,9})\.h5")
_LOCK = re.compile(r"lock-(\d{1,9})")
_ENDING = re.compile(r"end-(\d{1,9})")
_TEMPORARY = re.compile(r"\.(?:seg|end)-(\d{1,9})\D.*\.tmp")
_OPENING_SECONDS = 1.0
_PAUSE = 0.01


def segments(folder: Path) -> dict[int, list[Path]]:
    """The finished segments of a folder of parts, of each rank in the order they were recorded.

    Raises:
        RunError: there are none, or one is missing between others.
    """
    found = found_segments(folder)
    if not found:
        raise RunError(f"{folder} holds no finished part of a run; nothing was flushed to it yet")
    for rank, own in found.items():
        for place, number in enumerate(own):
            if number != place:
                raise RunError(
                    f"{folder} lacks part {place} of rank {rank}; put it back, or let hardattn "
                    f"recover {folder} keep what comes before it"
                )
    return {rank: list(own.values()) for rank, own in found.items()}


def found_segments(folder: Path) -> dict[int, dict[int, Path]]:
    """The finished segments that are there, by rank and by number, both ascending."""
    ranks: dict[int, dict[int, Path]] = {}
    for rank, number, name in sorted(
        (int(match[1]), int(match[2]), match[0]) for match in _names(folder, _SEGMENT)
    ):
        ranks.setdefault(rank, {})[number] = folder / name
    return ranks


def recordings(folder: Path) -> dict[int, str]:
    """Name of the recording that each rank with a lock or an end marker is of, by rank."""
    names: dict[int, str] = {}
    for pattern in (_LOCK, _ENDING):
        for match in _names(folder, pattern):
            names[int(match[1])] = _owner(folder / match[0])[0]
    return names


def state(folder: Path, rank: int, run: str) -> State:
    """What a rank of the recording ``run`` is doing."""
    # Asked in this order, since a rank sets its marker before it lets go of its lock.
    records = lock.held(_lock(folder, rank))
    if ending(folder, rank, run) is not None:
        return "ended"
    owner, host = _owner(_lock(folder, rank))
    if owner != run:
        return "absent"
    if records:
        return "recording"
    return "cut off" if host == platform.node() else "unknown"


def ending(folder: Path, rank: int, run: str) -> int | None:
    """Number of segments that a rank of the recording ``run`` had at its end, None before it."""
    name, _, count = _text(folder / f"end-{rank:04d}").partition(" ")
    return int(count) if name == run and count.isdecimal() else None


class Place:
    """One rank's place in a folder of parts, locked until ``leave``.

    Args:
        folder: the folder of parts.
        rank: number of this process among those that record together.
        world: how many these are.
        run: random name of the recording.

    Attributes:
        folder: as given.

    Raises:
        FileExistsError: a killed recording left parts there, or another one is writing them.
        OSError: the folder cannot be made, or several ranks would write where there are no locks.
    """

    def __init__(self, folder: Path, rank: int, world: int, run: str) -> None:
        self.folder = folder
        self._rank = rank
        self._world = world
        self._run = run
        descriptor = lock.take(_lock(folder, rank))
        if descriptor is None:
            raise self._busy()
        # A recorder that nobody closes must not keep the name for ever.
        self._descriptor = descriptor
        self._release = weakref.finalize(self, _let_go, descriptor, os.getpid())
        # The kernel does it at exit.
        self._release.atexit = False
        try:
            if any(int(match[1]) == rank for match in _names(folder, _SEGMENT)):
                raise self._left()
            os.truncate(descriptor, 0)
            write_all(descriptor, memoryview(f"{run} {platform.node()}".encode()))
            if world > 1 and not lock.held(_lock(folder, rank)):
                raise OSError(
                    f"the file system of {folder} has no file locks, which several ranks need; "
                    "record to another disk, or under a name of its own in each rank"
                )
            self._check_others()
        except BaseException:
            self._abandon()
            raise
        for match in _names(folder, _TEMPORARY):
            # A rank that lives may be writing this very file.
            if int(match[1]) == rank or not lock.held(_lock(folder, int(match[1]))):
                (folder / match[0]).unlink(missing_ok=True)

    def add(self, number: int, content: memoryview) -> None:
        """Write a segment; when this returns it survives a kill."""
        self._check_place()
        with replacing(self.folder / f"seg-{self._rank:04d}-{number:06d}.h5") as descriptor:
            write_all(descriptor, content)

    def end(self, count: int) -> None:
        """Mark that this rank has written all it will, in ``count`` segments."""
        self._check_place()
        with replacing(self.folder / f"end-{self._rank:04d}") as descriptor:
            write_all(descriptor, memoryview(f"{self._run} {count}".encode()))

    def others(self) -> dict[int, State]:
        """What every other rank of the recording is doing."""
        return {
            rank: state(self.folder, rank, self._run)
            for rank in range(self._world)
            if rank != self._rank
        }

    def clear(self) -> None:
        """Remove everything of this recording, whose ranks have all ended, the lock included.

        Segments go in their order: a folder without a first one was being removed.

        Raises:
            OSError: the disk refused; it can be tried again.
        """
        if self._is_here():
            for pattern in (_SEGMENT, _TEMPORARY, _ENDING):
                for match in _names(self.folder, pattern):
                    (self.folder / match[0]).unlink(missing_ok=True)
            for match in _names(self.folder, _LOCK):
                if int(match[1]) != self._rank:
                    self._remove_lock(int(match[1]))
            # The last, since from here on the name is free for another recorder.
            _lock(self.folder, self._rank).unlink()
        self._remove_folder()
        self._release()

    def leave(self) -> None:
        """Let go of the lock, if it is still held; what was written stays."""
        if not self._release.alive:
            return
        if not self._is_here():
            self._release()
            return
        wrote = any(int(match[1]) == self._rank for match in _names(self.folder, _SEGMENT))
        if wrote:
            self._release()
        else:
            self._abandon()

    def _is_here(self) -> bool:
        """Whether the folder is still there, and not that of a later recording."""
        return lock.is_of(self._descriptor, _lock(self.folder, self._rank))

    def _check_place(self) -> None:
        if not self._is_here():
            raise FileNotFoundError(
                f"{self.folder} was removed or replaced while it was recorded into; what was in it "
                "is gone, so close this recorder and record again"
            )

    def _check_others(self) -> None:
        """Refuse where another recording writes here, or left something."""
        for match in _names(self.folder, _LOCK):
            if int(match[1]) != self._rank and self._of_another(int(match[1])):
                raise self._busy()
        for match in _names(self.folder, _SEGMENT):
            if _owner(_lock(self.folder, int(match[1])))[0] != self._run:
                raise self._left()

    def _of_another(self, rank: int) -> bool:
        """Whether a rank of another recording is writing here."""
        path = _lock(self.folder, rank)
        until = time.monotonic() + _OPENING_SECONDS
        while lock.held(path) and _owner(path)[0] != self._run:
            if time.monotonic() > until:
                return True
            # It may have taken its place in this very moment, and not signed yet.
            time.sleep(_PAUSE)
        return False

    def _remove_lock(self, rank: int) -> None:
        path = _lock(self.folder, rank)
        # Only a lock that is held may go, or its holder would lock a file without a name.
        descriptor = lock.take(path)
        if descriptor is not None:
            try:
                path.unlink()
            finally:
                lock.release(descriptor)

    def _abandon(self) -> None:
        """Leave no lock file and no folder behind of a recording that wrote nothing."""
        path = _lock(self.folder, self._rank)
        if _owner(path)[0] in (self._run, ""):
            path.unlink(missing_ok=True)
            self._remove_folder()
        self._release()

    def _remove_folder(self) -> None:
        # Somebody's notes in that folder are not ours to remove.
        try:
            self.folder.rmdir()
        except OSError as problem:
            if problem.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise
        else:
            sync_folder(self.folder.parent)

    def _busy(self) -> FileExistsError:
        return FileExistsError(
            f"{self.folder} is being written by another recorder; close that one, or record under "
            "another name"
        )

    def _left(self) -> FileExistsError:
        return FileExistsError(
            f"{self.folder} holds what a killed recording left; "
            f"recover it (hardattn recover {self.folder}) or remove it"
        )


def _let_go(descriptor: int, process: int) -> None:
    # In a process that was forked meanwhile, the number may be that of another file by now.
    if os.getpid() == process:
        lock.release(descriptor)


def _lock(folder: Path, rank: int) -> Path:
    return folder / f"lock-{rank:04d}"


def _names(folder: Path, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as problem:
        raise RunError(f"{folder} cannot be read: {problem.strerror}") from problem
    return (match for name in names if (match := pattern.fullmatch(name)))


def _owner(path: Path) -> tuple[str, str]:
    """Name of the recording and host that a lock file was last written by."""
    run, _, host = _text(path).partition(" ")
    return run, host


def _text(path: Path) -> str:
    """What a small file holds; empty where it is not there."""
    try:
        return path.read_text("ascii", "replace")
    except FileNotFoundError:
        return ""
