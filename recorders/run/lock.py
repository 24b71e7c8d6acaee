"""Locks between processes that the kernel lets go of when their holder dies."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

# Whoever asks whether a lock is held holds it himself for an instant.
_TRIES = 20
_PAUSE = 0.01
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK})
_mine: set[int] = set()


def take(path: Path) -> int | None:
    """Lock a file, which is made where it is missing, together with its folder.

    On a file system without locks this succeeds always.

    Returns:
        A descriptor of it, to be given to ``release``; None where somebody else holds the lock,
        in this process or in another.
    """
    for _ in range(_TRIES):
        path.parent.mkdir(exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            # Another recording ended meanwhile, and took the folder along.
            continue
        try:
            if _locked(descriptor, fcntl.LOCK_EX) and is_of(descriptor, path):
                _mine.add(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        time.sleep(_PAUSE)
    return None


def hold(descriptor: int) -> None:
    """Lock an open file that nobody else has, until it is closed."""
    _locked(descriptor, fcntl.LOCK_EX)


def held(path: Path) -> bool:
    """Whether somebody, in this process or another, holds the lock of a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _locked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def release(descriptor: int) -> None:
    """Let go of a lock."""
    _mine.discard(descriptor)
    try:
        # Closing alone would leave it with a process that was forked meanwhile.
        _flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _disown() -> None:
    """Give up the locks of the process that this one was forked from.

    Closing does not unlock; but kept open, they would outlive their holder's death here.
    """
    for descriptor in _mine:
        os.close(descriptor)
    _mine.clear()


os.register_at_fork(after_in_child=_disown)


def is_of(descriptor: int, path: Path) -> bool:
    """Whether the descriptor is of the file that has this name now."""
    try:
        named = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    mine = os.fstat(descriptor)
    return (mine.st_dev, mine.st_ino) == (named.st_dev, named.st_ino)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        _flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _flock(descriptor: int, operation: int) -> None:
    try:
        fcntl.flock(descriptor, operation)
    except OSError as problem:
        if problem.errno not in _UNSUPPORTED:
            raise
