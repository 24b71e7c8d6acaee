"""Lending a file to the process that inspects it, also one that lies on another machine.

That process can open nothing and ask no server. So it is handed one descriptor: the file's own, or
a socket through which it asks this process for bytes of that one file and nothing else.
"""

from __future__ import annotations

import io
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from recorders.run.durable import SourceFile
from recorders.run.errors import RunError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from recorders.run.source import Source

_ASKED = struct.Struct("<QQ")
_ANSWER = struct.Struct("<q")
_REFUSED = -1
_LARGEST = 16 << 20


class Lent:
    """A source in the hands of another process.

    Attributes:
        descriptor: what to hand over.
        failure: why reading failed on this side, or None.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.failure: RunError | None = None


@contextmanager
def lent(source: Source) -> Iterator[Lent]:
    """Serve ``source`` until the context ends."""
    if source.descriptor is not None:
        yield Lent(source.descriptor)
        return
    ours, theirs = socket.socketpair()
    with theirs:
        loan = Lent(theirs.fileno())
        thread = Thread(target=_serve, args=(ours, source, loan), name="hardattn-lend", daemon=True)
        thread.start()
        try:
            yield loan
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            # A server may still be waited for; what it says then goes nowhere.
            thread.join(1.0)


def borrowed(descriptor: int) -> io.RawIOBase:
    """The file behind a descriptor that was handed over, for HDF5."""
    if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return BorrowedFile(descriptor)
    return SourceFile(descriptor)


class BorrowedFile(SourceFile):
    """A file whose bytes another process is asked for.

    Args:
        descriptor: a socket to that process.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        (self._size,) = _ANSWER.unpack(self._received(_ANSWER.size))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; past the end is fine."""
        if whence == os.SEEK_END:
            return super().seek(self._size + offset)
        return super().seek(offset, whence)

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read at the position; zeros past the end."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view):
            data = self._asked(self._position + done, min(len(view) - done, _LARGEST))
            if not data:
                break
            view[done : done + len(data)] = data
            done += len(data)
        view[done:] = bytes(len(view) - done)
        self._position += len(view)
        return len(view)

    def _asked(self, offset: int, size: int) -> bytes:
        if offset >= self._size:
            return b""
        os.write(self._descriptor, _ASKED.pack(offset, size))
        (length,) = _ANSWER.unpack(self._received(_ANSWER.size))
        if length == _REFUSED:
            raise OSError("it cannot be read")
        return self._received(length)

    def _received(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = os.read(self._descriptor, count - len(data))
            if not part:
                raise OSError("nobody lends it any more")
            data += part
        return bytes(data)


def _serve(channel: socket.socket, source: Source, loan: Lent) -> None:
    with channel:
        try:
            channel.sendall(_ANSWER.pack(source.size))
            while len(asked := channel.recv(_ASKED.size, socket.MSG_WAITALL)) == _ASKED.size:
                offset, size = _ASKED.unpack(asked)
                try:
                    data = source.pread(min(size, _LARGEST), min(offset, source.size))
                except RunError as problem:
                    loan.failure = loan.failure or problem
                    channel.sendall(_ANSWER.pack(_REFUSED))
                else:
                    channel.sendall(_ANSWER.pack(len(data)) + data)
        except OSError:
            # The other process has ended; whoever waits for its answer notices and says so.
            return
