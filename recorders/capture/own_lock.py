"""A lock of the process that made it, which a process forked from that never waits for."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from types import TracebackType


class OwnLock:
    """A re-entrant lock between threads.

    A fork copies it as it is, and nobody in the child would ever let go of it.

    Args:
        check: raises in another process than the one that made the lock.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._lock = RLock()

    def __enter__(self) -> None:
        self._check()
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def acquire(self, seconds: float) -> bool:
        """Take the lock within this time; False where another thread keeps it."""
        self._check()
        return self._lock.acquire(timeout=seconds)
