"""A cache bounded in bytes, that forgets what was used longest ago."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteCache(Generic[K, V]):
    """Least recently used values up to a number of bytes; owned by one thread.

    Args:
        limit: the most bytes that are held. A value larger than that is not kept at all.
        size: how many bytes a value holds.
    """

    def __init__(self, limit: int, size: Callable[[V], int]) -> None:
        self._limit = limit
        self._size = size
        # With the size that each had when it came: a value may grow while it is held.
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.bytes = 0

    def get(self, key: K) -> V | None:
        """The value, now the most recently used one, or None."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key][0]
        return None

    def put(self, key: K, value: V) -> None:
        """Keep a value, and forget the oldest ones until the bound holds again."""
        self.forget(lambda known: known == key)
        size = self._size(value)
        if size > self._limit:
            return
        self._values[key] = value, size
        self.bytes += size
        while self.bytes > self._limit:
            _, (_, oldest) = self._values.popitem(last=False)
            self.bytes -= oldest

    def forget(self, which: Callable[[K], bool]) -> None:
        """Drop every value whose key ``which`` names."""
        for key in [key for key in self._values if which(key)]:
            self.bytes -= self._values.pop(key)[1]

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
