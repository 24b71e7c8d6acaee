"""Reading bulk values: whole chunks, checked, decompressed and kept in a cache bounded in bytes."""

from __future__ import annotations

import os
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.codec import crc32, unpack
from recorders.run.contents import BulkIndex, Contents
from recorders.run.errors import RunError
from recorders.run.guard import regular_file


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
        self._descriptor: int | None = None
        self._closed = False

    def read(self, path: str, start: int, count: int) -> NDArray[Any]:
        """``count`` values of the bulk dataset ``path`` from ``start`` on; not to be changed.

        Raises:
            RunError: the run is closed, gone from the disk, or damaged there.
        """
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
                os.close(self._descriptor)
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
            raise RunError(f"{where} does not match its checksum; hardattn validate lists all")
        try:
            values = unpack(stored, index.dtype, index.chunk)
        except RunError as problem:
            raise RunError(f"{where}: {problem}") from problem
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
        file = self._contents.files[index.file[number]]
        size, offset = int(index.size[number]), int(index.offset[number])
        try:
            if self._contents.facts.sealed:
                # Held open, so that a run replaced by a new recording stays readable.
                if self._descriptor is None:
                    with regular_file(file) as descriptor:
                        self._descriptor = os.dup(descriptor)
                return os.pread(self._descriptor, size, offset)
            with regular_file(file) as descriptor:
                return os.pread(descriptor, size, offset)
        except OSError as problem:
            raise RunError(f"{file} cannot be read: {problem.strerror}") from problem
        except RunError as problem:
            raise RunError(
                f"{problem}; if the recording was sealed meanwhile, open the whole run"
            ) from problem
