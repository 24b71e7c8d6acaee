"""The bytes of one file of a run, wherever it lies.

``LocalSource`` reads a descriptor, ``remote.source.RemoteSource`` asks a server; guard, tables and
maps read either without knowing which.
"""

from __future__ import annotations

import os
import stat
import weakref
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from recorders.run.address import Address, Url
from recorders.run.errors import RunError

if TYPE_CHECKING:
    from recorders.run.remote.options import Remote

Identity = tuple[int | str, ...]
"""What tells a file from another that took its name."""


class Source(Protocol):
    """One open file of a run; safe from several threads.

    Attributes:
        address: where it lies.
        size: its bytes.
        identity: by which a file replaced meanwhile is noticed.
        descriptor: of a file on this machine; None for any other.
    """

    address: Address
    size: int
    identity: Identity
    descriptor: int | None

    def pread(self, size: int, offset: int) -> bytes:
        """``size`` bytes from ``offset`` on, fewer only at the end of the file.

        Raises:
            RunError: the file is closed, gone, changed or out of reach.
        """

    def preads(self, offsets: Iterable[int], sizes: Iterable[int]) -> Iterator[bytes]:
        """The bytes of many ranges, in order; neighbours are read together where that is faster.

        Raises:
            RunError: as ``pread``.
        """

    def ahead(self, offsets: Iterable[int], sizes: Iterable[int]) -> AbstractContextManager[None]:
        """Have these ranges at hand until the context ends, since all of them will be read.

        Raises:
            RunError: as ``pread``.
        """

    def close(self) -> None:
        """Let go of the file; reading then raises RunError."""


class LocalSource:
    """A regular file on this machine.

    Args:
        path: the file.

    Attributes:
        address: as given.
        size: its bytes.
        identity: device, inode and time of change.
        descriptor: of the open file.

    Raises:
        RunError: it is missing, forbidden, or a pipe, folder or device.
    """

    def __init__(self, path: Path) -> None:
        self.address: Address = path
        with regular_file(path) as descriptor:
            # Held open, so that a run replaced by a new recording stays readable.
            own = os.dup(descriptor)
        self.descriptor: int | None = own
        # A run that nobody closes must not keep its file open for ever.
        self._release = weakref.finalize(self, os.close, own)
        self._own = own
        state = os.fstat(own)
        self.size = state.st_size
        self.identity: Identity = (state.st_dev, state.st_ino, state.st_mtime_ns)
        # The number of a closed descriptor may already be another file's.
        self._lock = Lock()

    def pread(self, size: int, offset: int) -> bytes:
        """``size`` bytes from ``offset`` on."""
        with self._lock:
            if not self._release.alive:
                raise RunError(f"{self.address} is closed; open it again to read on")
            try:
                return os.pread(self._own, size, offset)
            except OSError as problem:
                raise RunError(f"{self.address} cannot be read: {problem.strerror}") from problem

    def preads(self, offsets: Iterable[int], sizes: Iterable[int]) -> Iterator[bytes]:
        """One read a range; the kernel reads ahead by itself."""
        for offset, size in zip(offsets, sizes, strict=True):
            yield self.pread(size, offset)

    def ahead(self, offsets: Iterable[int], sizes: Iterable[int]) -> AbstractContextManager[None]:
        """Nothing: the kernel reads ahead by itself."""
        return nullcontext()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._release()


@contextmanager
def regular_file(path: Path) -> Iterator[int]:
    """A descriptor of ``path``, which is a regular file.

    Raises:
        RunError: it is missing, forbidden, or a pipe, folder or device.
    """
    try:
        # A pipe without a writer would block a plain open for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as problem:
        raise RunError(f"{path} does not exist; check the name") from problem
    except OSError as problem:
        raise RunError(f"{path} cannot be opened: {problem.strerror}") from problem
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RunError(f"{path} is not a regular file; choose a run (.h5) or its parts folder")
        yield descriptor
    finally:
        os.close(descriptor)


def open_source(address: Address, remote: Remote | None = None) -> Source:
    """Open one file of a run.

    Args:
        address: where it lies.
        remote: how another machine is asked.

    Raises:
        RunError: it cannot be opened; the sentence says why and the remedy.
    """
    if isinstance(address, Url):
        # Nothing of the network is loaded for a file that lies here.
        from recorders.run.remote.opening import open_remote

        return open_remote(address, remote)
    return LocalSource(address)
