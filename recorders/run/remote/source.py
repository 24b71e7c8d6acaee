"""A remote file as a source: blocks fetched in few and large requests, and kept.

Latency is what reading from far costs. So neighbours are fetched together, structure is read ahead
in steps that grow, and what is known to be needed is fetched in one go.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TypeVar

from recorders.run.address import Address, Url
from recorders.run.errors import RunError
from recorders.run.remote.disk import DiskCache, holds
from recorders.run.remote.fetching import (
    PAUSE_SECONDS,
    TRIES,
    ChangedError,
    DroppedError,
    Fetcher,
    Waiter,
    changed,
    dropped,
)
from recorders.run.remote.options import Remote
from recorders.run.source import Identity

T = TypeVar("T")

BLOCK = 64 << 10
_HEAD = 1 << 20
_TAIL = 1 << 20
_GROWTH = 4
_LARGEST_STEP = 64 << 20
_LARGEST_REQUEST = 64 << 20
_GROUP = 16 << 20
_GAP = 256 << 10
_LARGEST_AHEAD = 4 << 20
_STREAMS = 8


class RemoteSource:
    """One file on another machine, read through a cache.

    Args:
        url: the file.
        fetcher: asks for its bytes.
        waiter: how long to wait.
        remote: sizes and folder of the cache.

    Attributes:
        address: the URL.
        size: bytes of the file.
        identity: by which a changed file is noticed.
        descriptor: None, since the file is not on this machine.
        requests: how often the server was asked.

    Raises:
        RunError: the file cannot be read from there.
    """

    def __init__(self, url: Url, fetcher: Fetcher, waiter: Waiter, remote: Remote) -> None:
        self.address: Address = url
        self._url = url
        self._fetcher = fetcher
        self._waiter = waiter
        self._limit = max(remote.cache_bytes // BLOCK, 1)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._pinned: list[tuple[int, bytes]] = []
        self._lock = Lock()
        # One request at a time; who wanted the same finds it in the cache afterwards.
        self._asking = Lock()
        self._step = _HEAD
        self._read_to = 0
        # Where the last fetches ended, and how much they were.
        self._streams: OrderedDict[int, int] = OrderedDict()
        self.descriptor: int | None = None
        self.requests = 0
        folder = remote.cache_folder
        known = folder is not None and holds(folder, url)
        first = self._tried(partial(fetcher.first, BLOCK if known else _HEAD))
        self.size = first.size
        self.identity: Identity = first.identity
        self._disk: DiskCache | None = None
        # Without a mark the same size may hide another file.
        if folder is not None and first.identity[-1]:
            try:
                self._disk = DiskCache(
                    folder, url, first.identity, BLOCK, remote.cache_folder_bytes
                )
            except OSError as problem:
                raise RunError(
                    f"{folder} cannot keep what is read of {url}: {problem.strerror}; name another "
                    "folder for the cache, or none"
                ) from problem
        self._keep(0, first.data[: self.size])
        self._read_to = len(first.data)

    def pread(self, size: int, offset: int) -> bytes:
        """``size`` bytes from ``offset`` on; what follows is fetched with them."""
        return self._bytes(offset, min(offset + size, self.size), explore=True)

    def preads(self, offsets: Iterable[int], sizes: Iterable[int]) -> Iterator[bytes]:
        """The bytes of many ranges, in order, neighbours in one request."""
        for group in _groups(zip(offsets, sizes, strict=True), _GROUP):
            start = group[0][0]
            stop = min(max(offset + size for offset, size in group), self.size)
            data = memoryview(self._bytes(start, stop, explore=False))
            for offset, size in group:
                yield bytes(data[offset - start : offset - start + size])

    @contextmanager
    def ahead(self, offsets: Iterable[int], sizes: Iterable[int]) -> Iterator[None]:
        """Fetch these ranges, neighbours in one request, and hold them until the context ends."""
        wanted = sorted((int(o), int(s)) for o, s in zip(offsets, sizes, strict=True))
        spans = []
        for group in _groups(wanted, _LARGEST_REQUEST):
            stop = min(max(offset + size for offset, size in group), self.size)
            spans.append((group[0][0], self._bytes(group[0][0], stop, explore=False)))
        with self._lock:
            self._pinned = spans
        try:
            yield
        finally:
            with self._lock:
                self._pinned = []

    def close(self) -> None:
        """Hang up and forget what was read; who waits for an answer gives up."""
        self._waiter.closed = True
        self._fetcher.close()
        # Whoever waits in there gives up soon, and reads from the disk no more.
        with self._asking:
            if self._disk is not None:
                self._disk.close()
        with self._lock:
            self._blocks.clear()
            self._pinned = []

    def _bytes(self, start: int, stop: int, *, explore: bool) -> bytes:
        """The bytes from ``start`` up to ``stop``; ``explore`` fetches more than these."""
        self._waiter.check()
        if start >= stop:
            return b""
        held = self._held(start, stop)
        if held is not None:
            return held
        with self._asking:
            self._waiter.check()
            first, last = start // BLOCK, -(-stop // BLOCK)
            found = {number: self._known(number) for number in range(first, last)}
            for low, high in _runs(number for number, data in found.items() if data is None):
                begin, end = low * BLOCK, min(high * BLOCK, self.size)
                begin, end = (self._explored if explore else self._followed)(begin, end)
                data = self._fetched(begin, end)
                self._keep(begin // BLOCK, data)
                for number in range(low, high):
                    at = number * BLOCK - begin
                    found[number] = data[at : at + BLOCK]
        whole = b"".join(data for data in found.values() if data is not None)
        return whole[start - first * BLOCK : stop - first * BLOCK]

    def _held(self, start: int, stop: int) -> bytes | None:
        """The bytes where ``ahead`` has fetched them."""
        with self._lock:
            at = bisect.bisect_right(self._pinned, start, key=lambda span: span[0]) - 1
            if at < 0:
                return None
            begin, data = self._pinned[at]
        return data[start - begin : stop - begin] if stop <= begin + len(data) else None

    def _known(self, number: int) -> bytes | None:
        with self._lock:
            data = self._blocks.get(number)
            if data is not None:
                self._blocks.move_to_end(number)
                return data
        if self._disk is None:
            return None
        try:
            return self._disk.get(number, min(BLOCK, self.size - number * BLOCK))
        except OSError as problem:
            raise RunError(
                f"the cache of {self._url} on disk cannot be read: {problem.strerror}; name "
                "another folder or none"
            ) from problem

    def _keep(self, number: int, data: bytes) -> None:
        """Keep whole blocks from block ``number`` on."""
        for at in range(0, len(data), BLOCK):
            block = data[at : at + BLOCK]
            index = number + at // BLOCK
            if len(block) < min(BLOCK, self.size - index * BLOCK):
                break
            with self._lock:
                self._blocks[index] = block
                self._blocks.move_to_end(index)
                while len(self._blocks) > self._limit:
                    self._blocks.popitem(last=False)
            if self._disk is not None:
                self._to_disk(index, block)

    def _to_disk(self, index: int, block: bytes) -> None:
        if self._disk is None or self._disk.get(index, len(block)) is not None:
            return
        try:
            self._disk.put(index, block)
        except OSError as problem:
            raise RunError(
                f"the cache of {self._url} on disk cannot be written: {problem.strerror}; make "
                "room, or name another folder or none"
            ) from problem

    def _explored(self, begin: int, end: int) -> tuple[int, int]:
        """How much to fetch of a file's structure: what follows is probably asked for next."""
        if self.size - begin <= _TAIL:
            tail = max(self.size - _TAIL, 0) // BLOCK * BLOCK
            return min(begin, max(tail, self._read_to // BLOCK * BLOCK)), self.size
        if begin <= self._read_to:
            self._step = min(self._step * _GROWTH, _LARGEST_STEP)
            wanted = begin + self._step
            self._read_to = max(self._read_to, min(wanted, self.size))
        else:
            wanted = begin + _GAP
        return begin, min(max(wanted, end), self.size)

    def _followed(self, begin: int, end: int) -> tuple[int, int]:
        """How much to fetch of the data: who reads on where it stopped will read on."""
        before = self._streams.pop(begin, 0)
        if before:
            end = min(max(end, begin + min(2 * before, _LARGEST_AHEAD)), self.size)
        self._streams[end] = end - begin
        while len(self._streams) > _STREAMS:
            self._streams.popitem(last=False)
        return begin, end

    def _fetched(self, start: int, stop: int) -> bytes:
        """The bytes from a server that may break off: what has come is not asked for again."""
        data = b""
        while start + len(data) < stop:
            data += self._tried(partial(self._fetcher.fetch, start + len(data), stop))
        return data

    def _tried(self, work: Callable[[], T]) -> T:
        """The result of ``work``, tried again after a pause where the server broke off."""
        for attempt in range(1, TRIES + 1):
            self._waiter.check()
            self.requests += 1
            try:
                return work()
            except ChangedError:
                raise changed(self._url) from None
            except DroppedError as problem:
                if attempt == TRIES:
                    raise dropped(self._url, problem) from None
            self._waiter.pause(PAUSE_SECONDS * 4 ** (attempt - 1))
        raise AssertionError


def _groups(ranges: Iterable[tuple[int, int]], largest: int) -> Iterator[list[tuple[int, int]]]:
    """Ranges (offset, size) that follow each other closely, as lists of them."""
    group: list[tuple[int, int]] = []
    for offset, size in ((int(offset), int(size)) for offset, size in ranges):
        if group:
            end = group[-1][0] + group[-1][1]
            if not end <= offset <= end + _GAP or offset + size - group[0][0] > largest:
                yield group
                group = []
        group.append((offset, size))
    if group:
        yield group


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Stretches of numbers that follow each other, as (first, last + 1)."""
    low = high = -1
    for number in numbers:
        if number != high:
            if high >= 0:
                yield low, high
            low = number
        high = number + 1
    if high >= 0:
        yield low, high
