"""A few threads that decode chunks: inflating and numpy leave Python's lock to others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST = 8
"""More threads than this wait for memory, not for a processor."""

_FEW = 3


class _Workers:
    """The threads of this process, started when first needed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def pool(self) -> ThreadPoolExecutor:
        """The threads."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(count(), thread_name_prefix="hardattn-decode")
            return self._pool

    def forget(self) -> None:
        """Start over: of a forked process's threads only the one that forked is there."""
        self._lock = Lock()
        self._pool = None


def count() -> int:
    """How many threads decode at once."""
    return min(MOST, os.cpu_count() or 1)


_workers = _Workers()
os.register_at_fork(after_in_child=_workers.forget)


def each(task: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``task`` of every item, in order; of more than a few items several at once.

    Never call it from within a task: the threads would wait for each other.
    """
    listed = list(items)
    if len(listed) < _FEW or count() == 1:
        return [task(item) for item in listed]
    # A few pieces a thread: handing over every item alone costs more than some items do.
    size = max(1, len(listed) // (4 * count()))
    pieces = [listed[start : start + size] for start in range(0, len(listed), size)]
    done = _workers.pool().map(lambda piece: [task(item) for item in piece], pieces)
    return [result for piece in done for result in piece]
