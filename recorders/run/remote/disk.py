"""Blocks of remote files kept in a folder, for the next time that the same file is read.

Of each version of a file there are two: ``….data``, sparse, with every block where it lies in the
file, and ``….crc``, the CRC-32 of each block that is there. A block that does not match is not
there, so that programs may share the folder without locks, and a kill leaves nothing wrong.
"""

from __future__ import annotations

import hashlib
import os
import struct
import weakref
from pathlib import Path

from recorders.run.address import Url
from recorders.run.codec import crc32
from recorders.run.source import Identity

_CRC = struct.Struct("<I")


class DiskCache:
    """The blocks of one version of one file.

    Args:
        folder: where blocks are kept; made when it is not there.
        url: the file.
        identity: which version of it.
        block: bytes of a block.
        limit: most bytes in the folder; the files unused for longest are removed.

    Raises:
        OSError: the folder cannot be used.
    """

    def __init__(self, folder: Path, url: Url, identity: Identity, block: int, limit: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{_digest(url.shown)}-{_digest(repr((identity, block)))}"
        for other in folder.glob(f"{_digest(url.shown)}-*"):
            if other.stem != name:
                other.unlink(missing_ok=True)
        _make_room(folder, name, limit)
        self._block = block
        self._data = os.open(folder / f"{name}.data", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._checks = os.open(folder / f"{name}.crc", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # What is unused for longest goes first.
        os.utime(self._data)
        self._release = weakref.finalize(self, _close, self._data, self._checks)

    def get(self, number: int, size: int) -> bytes | None:
        """Block ``number`` of ``size`` bytes, or None where it is not there."""
        known = os.pread(self._checks, _CRC.size, number * _CRC.size)
        if len(known) < _CRC.size or known == bytes(_CRC.size):
            return None
        data = os.pread(self._data, size, number * self._block)
        return data if len(data) == size and crc32(data) == _CRC.unpack(known)[0] else None

    def put(self, number: int, data: bytes) -> None:
        """Keep a block.

        Raises:
            OSError: the disk takes no more.
        """
        os.pwrite(self._data, data, number * self._block)
        os.pwrite(self._checks, _CRC.pack(crc32(data)), number * _CRC.size)

    def close(self) -> None:
        """Close the files."""
        self._release()


def holds(folder: Path, url: Url) -> bool:
    """Whether anything of a file is kept, of whatever version."""
    return any(folder.glob(f"{_digest(url.shown)}-*.data"))


def _make_room(folder: Path, keep: str, limit: int) -> None:
    """Remove the files unused for longest until the others take at most ``limit`` bytes."""
    kept = []
    for path in folder.glob("*.data"):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        # Blocks of 512 bytes that are really there, whatever the length.
        kept.append((state.st_mtime_ns, state.st_blocks * 512, path))
    total = sum(size for _, size, _ in kept)
    for _, size, path in sorted(kept):
        if total <= limit:
            break
        if path.stem != keep:
            path.unlink(missing_ok=True)
            path.with_suffix(".crc").unlink(missing_ok=True)
            total -= size


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
