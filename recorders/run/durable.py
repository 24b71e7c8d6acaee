"""Bytes that stay: plain system calls, fsync and rename, with errors that are never lost.

HDF5 that meets a full disk was seen to accept data, read zeros back and crash at exit. So it never
meets one: it writes to memory, or through ``DiskFile``, and the disk's errors come out here.
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recorders.run import lock

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


def write_all(descriptor: int, data: memoryview) -> None:
    """Write all of ``data``; OSError where the disk takes no more."""
    done = 0
    while done < len(data):
        done += _progress(os.write(descriptor, data[done:]))


def _progress(written: int) -> int:
    """Bytes that a write took, which is at least one."""
    if written < 1:
        raise OSError(errno.EIO, "the disk took nothing and did not say why")
    return written


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[int]:
    """A descriptor to write a new ``path`` with; it appears whole at the end or not at all.

    Yields:
        A descriptor, open for reading and writing, of a temporary file in the same folder.

    Raises:
        OSError: the disk refused; nothing is left behind and an older ``path`` is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o666)
    try:
        try:
            lock.hold(descriptor)
            yield descriptor
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove_abandoned(path: Path) -> None:
    """Remove what a killed process had begun to write as ``path``; nothing that is being written.

    Raises:
        OSError: the folder cannot be read, or the disk refused.
    """
    shape = re.compile(rf"\.{re.escape(path.name)}\.\d+\.tmp")
    for entry in path.parent.iterdir():
        if shape.fullmatch(entry.name) and not lock.held(entry):
            entry.unlink(missing_ok=True)


class SourceFile(io.RawIOBase):
    """A file that HDF5 reads through: one descriptor, so it cannot become another file meanwhile.

    Args:
        descriptor: an open regular file.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        """HDF5 reads."""
        return True

    def seekable(self) -> bool:
        """HDF5 seeks."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; past the end is fine."""
        if whence == os.SEEK_CUR:
            offset += self._position
        elif whence == os.SEEK_END:
            offset += os.fstat(self._descriptor).st_size
        self._position = offset
        return offset

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read at the position; zeros past the end, as HDF5 expects of its drivers."""
        view = memoryview(buffer).cast("B")
        data = os.pread(self._descriptor, len(view), self._position)
        view[: len(data)] = data
        view[len(data) :] = bytes(len(view) - len(data))
        self._position += len(view)
        return len(view)


class DiskFile(SourceFile):
    """A file that HDF5 writes through, and that keeps the first error of the disk.

    HDF5 is not told of a failed write, since it does not come back from one. After the first the
    rest is discarded, ``failure`` says so, and whoever writes must look at it and give up.

    Attributes:
        failure: the first OSError met, or None.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.failure: OSError | None = None

    def check(self) -> None:
        """Raise the OSError that a write met before, if any."""
        if self.failure is not None:
            raise self.failure

    def writable(self) -> bool:
        """HDF5 writes."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Write at the position; after a failure, only pretend to."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view) and self.failure is None:
            try:
                written = os.pwrite(self._descriptor, view[done:], self._position + done)
                done += _progress(written)
            except OSError as problem:
                self.failure = problem
        self._position += len(view)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the length of the file."""
        length = self._position if size is None else size
        if self.failure is None:
            try:
                os.ftruncate(self._descriptor, length)
            except OSError as problem:
                self.failure = problem
        return length

    def flush(self) -> None:
        """Nothing is held back here."""

    # HDF5 goes on calling while an interrupt that came out of one call is under way, and a name
    # that Python must then look for among the bases is not found, nor the interrupt seen again.
    tell, seek, readinto = SourceFile.tell, SourceFile.seek, SourceFile.readinto
