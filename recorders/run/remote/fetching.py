"""What it takes to fetch bytes of one remote file, and to wait for them without hanging."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass
from typing import Protocol, TypeVar

from recorders.run.address import Url
from recorders.run.errors import RunError
from recorders.run.source import Identity

T = TypeVar("T")

_POLL_SECONDS = 0.05
_SLOWEST_BYTES_PER_SECOND = 32 << 10
TRIES = 3
PAUSE_SECONDS = 0.2


class DroppedError(Exception):
    """A server broke off, or asked to come again; the message says how, in a few words."""


class ChangedError(Exception):
    """The file is not the one that was opened."""


@dataclass(frozen=True)
class First:
    """What the first request brings to light.

    Attributes:
        size: bytes of the file.
        identity: by which a changed file is noticed; the size alone where the server says no more.
        data: the first bytes.
    """

    size: int
    identity: Identity
    data: bytes


class Fetcher(Protocol):
    """Asks for ranges of one remote file; used by one thread at a time."""

    def first(self, size: int) -> First:
        """The file's facts, and up to ``size`` bytes of its beginning.

        Raises:
            RunError: it is not there, forbidden, or the server cannot send parts of a file.
            DroppedError: the server broke off.
        """

    def fetch(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` up to ``stop``; fewer where the server broke off.

        Raises:
            RunError: as ``first``.
            ChangedError: the file is not the one that ``first`` has seen.
            DroppedError: the server broke off before the first byte.
        """

    def close(self) -> None:
        """Hang up."""


class Waiter:
    """Waits for answers, never for ever.

    Args:
        url: what is asked for.
        quiet_seconds: longest time that nothing may come.
        cancelled: whether to give up; asked all the time.
    """

    def __init__(self, url: Url, quiet_seconds: float, cancelled: Callable[[], bool]) -> None:
        self._url = url
        self.quiet_seconds = quiet_seconds
        self._cancelled = cancelled
        self.closed = False

    def result(self, future: Future[T], size: int) -> T:
        """What ``future`` brings, asked for ``size`` bytes.

        Raises:
            RunError: the run was closed or the wait given up meanwhile.
            DroppedError: it took too long.
        """
        limit = self.quiet_seconds + size / _SLOWEST_BYTES_PER_SECOND
        until = time.monotonic() + limit
        try:
            while not wait([future], _POLL_SECONDS).done:
                self.check()
                if time.monotonic() > until:
                    raise DroppedError(f"it took more than {limit:.3g} s")
            return future.result()
        except CancelledError:
            raise DroppedError("it was broken off") from None
        except TimeoutError:
            raise DroppedError(self.quiet) from None
        except Exception:
            # Closing pulls the connection from under a request, which may then say anything.
            self.check()
            raise
        finally:
            future.cancel()

    def pause(self, seconds: float) -> None:
        """Rest before the next try, unless given up."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _POLL_SECONDS))

    def check(self) -> None:
        """Raise RunError where the run was closed, or the wait given up."""
        if self.closed:
            raise RunError(f"{self._url} is closed; open it again to read on")
        if self._cancelled():
            raise RunError(f"{self._url} was given up; open it again to go on")

    @property
    def quiet(self) -> str:
        """In words, that a server says nothing."""
        return f"the server said nothing for {self.quiet_seconds:.3g} s"


def dropped(url: Url, problem: DroppedError) -> RunError:
    """The sentence for a server that broke off again and again."""
    return RunError(
        f"{url} cannot be read, tried {TRIES} times: {problem}; check the network and try again, "
        "or download the file"
    )


def changed(url: Url) -> RunError:
    """The sentence for a file that is another one by now."""
    return RunError(f"{url} was changed meanwhile; open it again")
