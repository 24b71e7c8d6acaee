"""Reading bulk values: whole chunks, checked, decompressed and kept in a cache bounded in bytes."""

from __future__ import annotations

import os
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.codec import crc32, unpack
from recorders.run.contents import BulkIndex, Contents
from recorders.run.errors import DamagedError, RunError
from recorders.run.guard import identity, regular_file


class ChunkReader:
    """Reads ranges of a run's bulk datasets; safe from several threads.

    Args:
        contents: the run.
        cache_bytes: most decompressed bytes to keep.
    """

    def __init__(self, contents: Contents, cache_bytes: int) -> None:
        self._contents = contents
        self._limit = cache_bytes
        self._kept = 0
        self._cache: OrderedDict[tuple[str, int], NDArray[Any]] = OrderedDict()
        self._lock = Lock()
        self._closed = False
        # Held open, so that a run replaced by a new recording stays readable.
        self._descriptor: int | None = None
        if contents.facts.sealed:
            with self._file(0) as descriptor:
                self._descriptor = os.dup(descriptor)
            # A run that nobody closes must not keep its file open for ever.
            self._release = weakref.finalize(self, os.close, self._descriptor)

    def read(self, path: str, start: int, count: int) -> NDArray[Any]:
        """``count`` values of the bulk dataset ``path`` from ``start`` on; not to be changed.

        Raises:
            RunError: the run is closed, gone from the disk, or damaged there (DamagedError).
        """
        if path in self._contents.broken:
            raise DamagedError(self._contents.broken[path])
        index = self._contents.bulks[path]
        first, last = start // index.chunk, -(-(start + count) // index.chunk)
        chunks = [self._chunk(path, index, number) for number in range(first, last)]
        if not chunks:
            return np.zeros(0, index.dtype)
        values = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
        offset = start - first * index.chunk
        return values[offset : offset + count]

    def close(self) -> None:
        """Let go of the file and of the cache."""
        with self._lock:
            self._closed = True
            self._cache.clear()
            if self._descriptor is not None:
                self._release()
                self._descriptor = None

    def _chunk(self, path: str, index: BulkIndex, number: int) -> NDArray[Any]:
        with self._lock:
            if self._closed:
                raise RunError(f"{self._contents.path} is closed; open it again to read on")
            found = self._cache.get((path, number))
            if found is not None:
                self._cache.move_to_end((path, number))
                return found
            stored = self._stored(index, number)
        values = self._unpacked(path, index, number, stored)
        with self._lock:
            self._keep((path, number), values)
        return values

    def _unpacked(self, path: str, index: BulkIndex, number: int, stored: bytes) -> NDArray[Any]:
        where = f"{self._contents.files[index.file[number]]} is damaged: chunk {number} of /{path}"
        if crc32(stored) != index.crc32[number]:
            raise DamagedError(f"{where} does not match its checksum; hardattn validate lists all")
        try:
            values = unpack(stored, index.dtype, index.chunk)
        except RunError as problem:
            raise DamagedError(f"{where}: {problem}") from problem
        values.setflags(write=False)
        return values

    def _keep(self, key: tuple[str, int], values: NDArray[Any]) -> None:
        if key in self._cache or self._closed:
            return
        self._cache[key] = values
        self._kept += values.nbytes
        while self._kept > self._limit and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._kept -= dropped.nbytes

    def _stored(self, index: BulkIndex, number: int) -> bytes:
        size, offset = int(index.size[number]), int(index.offset[number])
        file = int(index.file[number])
        try:
            if self._descriptor is not None:
                return os.pread(self._descriptor, size, offset)
            with self._file(file) as descriptor:
                return os.pread(descriptor, size, offset)
        except OSError as problem:
            path = self._contents.files[file]
            raise RunError(f"{path} cannot be read: {problem.strerror}") from problem

    @contextmanager
    def _file(self, number: int) -> Iterator[int]:
        """A descriptor of one of the run's files, the same as the guard has seen."""
        path = self._contents.files[number]
        if not path.exists():
            raise RunError(
                f"{path} is gone; if the recording was sealed meanwhile, open the whole run"
            )
        with regular_file(path) as descriptor:
            if identity(os.fstat(descriptor)) != self._contents.identities[number]:
                raise RunError(f"{path} was replaced meanwhile; open the run again")
            yield descriptor
