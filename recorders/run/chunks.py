"""Reading bulk values: whole chunks, checked, decompressed and kept in a cache bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.bulks import BulkIndex
from recorders.run.codec import crc32, unpack
from recorders.run.contents import Contents
from recorders.run.errors import DamagedError, RunError
from recorders.run.source import Source, open_source
from recorders.run.workers import each

Key = tuple[Hashable, ...]


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
        self._cache: OrderedDict[Key, NDArray[Any]] = OrderedDict()
        self._lock = Lock()
        self._closed = False
        self._source = contents.source

    def read(self, path: str, start: int, count: int) -> NDArray[Any]:
        """``count`` values of the bulk dataset ``path`` from ``start`` on; not to be changed.

        Raises:
            RunError: the run is closed, gone from the disk, or damaged there (DamagedError).
        """
        if path in self._contents.broken:
            raise DamagedError(self._contents.broken[path])
        index = self._contents.bulks[path]
        first, last = start // index.chunk, -(-(start + count) // index.chunk)
        chunks = self._read(path, index, range(first, last))
        if not chunks:
            return np.zeros(0, index.dtype)
        values = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
        offset = start - first * index.chunk
        return values[offset : offset + count]

    def remembered(self, key: Key, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """What was made before under ``key``, if it is still in the cache; not to be changed."""
        with self._lock:
            found = self._cache.get(key)
            if found is not None:
                self._cache.move_to_end(key)
                return found
        values = make()
        values.setflags(write=False)
        with self._lock:
            self._keep(key, values)
        return values

    def take_over(self, earlier: ChunkReader) -> None:
        """Keep what was read of the same run when there was less of it."""
        same = {path for path in self._contents.bulks if self.continues(earlier, path)}
        with earlier._lock:
            known = list(earlier._cache.items())
        with self._lock:
            for key, values in known:
                if key[0] in same:
                    self._keep(key, values)

    def continues(self, earlier: ChunkReader, path: str) -> bool:
        """Whether a bulk dataset begins with all that was in it earlier."""
        return self._contents.bulks[path].continues(earlier._contents.bulks[path])

    def close(self) -> None:
        """Let go of the file and of the cache."""
        with self._lock:
            self._closed = True
            self._cache.clear()
        # Outside the lock, so that whoever waits for a server in there gives up.
        if self._source is not None:
            self._source.close()

    def _read(self, path: str, index: BulkIndex, numbers: range) -> list[NDArray[Any]]:
        """Whole chunks, in order; what is not in the cache is unpacked by several threads."""
        found = {number: self._known((path, number)) for number in numbers}
        missing = [number for number, values in found.items() if values is None]
        # Never on those threads: a disk that hangs would keep the program from ending.
        stored = list(zip(missing, self._stored(index, missing), strict=True))
        unpacked = each(lambda one: self._unpacked(path, index, *one), stored)
        with self._lock:
            for number, values in zip(missing, unpacked, strict=True):
                found[number] = values
                self._keep((path, number), values)
        return [values for values in found.values() if values is not None]

    def _known(self, key: Key) -> NDArray[Any] | None:
        with self._lock:
            if self._closed:
                raise RunError(f"{self._contents.path} is closed; open it again to read on")
            found = self._cache.get(key)
            if found is not None:
                self._cache.move_to_end(key)
            return found

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

    def _keep(self, key: Key, values: NDArray[Any]) -> None:
        if key in self._cache or self._closed:
            return
        self._cache[key] = values
        self._kept += values.nbytes
        while self._kept > self._limit and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._kept -= dropped.nbytes

    def _stored(self, index: BulkIndex, numbers: list[int]) -> Iterator[bytes]:
        offsets, sizes = index.offset[numbers].tolist(), index.size[numbers].tolist()
        if self._source is not None:
            yield from self._source.preads(offsets, sizes)
            return
        for number, offset, size in zip(numbers, offsets, sizes, strict=True):
            with closing(self._file(int(index.file[number]))) as source:
                yield source.pread(size, offset)

    def _file(self, number: int) -> Source:
        """One of the run's files, the same as the guard has seen."""
        path = self._contents.files[number]
        if isinstance(path, Path) and not path.exists():
            raise RunError(
                f"{path} is gone; if the recording was sealed meanwhile, open the whole run"
            )
        source = open_source(path)
        if source.identity != self._contents.identities[number]:
            source.close()
            raise RunError(f"{path} was replaced meanwhile; open the run again")
        return source
