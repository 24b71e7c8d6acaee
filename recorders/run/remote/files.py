"""Ranges of a file of any file system that fsspec knows: s3, ssh, memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import fsspec

from recorders.run.address import Url
from recorders.run.errors import RunError
from recorders.run.remote.fetching import ChangedError, DroppedError, First, Waiter
from recorders.run.source import Identity

T = TypeVar("T")

# What file systems call a file's version, the surest first; a time of last access is none.
_MARKS = ("ETag", "etag", "md5", "generation", "mtime", "LastModified", "last_modified", "created")


class FileFetcher:
    """Asks a file system of fsspec for ranges of one file.

    Args:
        url: the file.
        waiter: how long to wait.
        options: keyword arguments for the file system.
    """

    def __init__(self, url: Url, waiter: Waiter, options: Mapping[str, Any]) -> None:
        self._url = url
        self._waiter = waiter
        self._kind = _kind(url.scheme)
        self._options = dict(options)
        self._file: Any = None
        self._size = 0

    def first(self, size: int) -> First:
        """The file's facts and its beginning."""
        facts, data = self._within(size, lambda: self._opened(size))
        if facts.get("type") == "directory":
            raise RunError(f"{self._url} is a folder; give the URL of a run (.h5)")
        self._size = int(facts["size"])
        if not self._size:
            raise RunError(f"{self._url} is empty and so not a run; choose another file")
        return First(self._size, _identity(facts), data)

    def fetch(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` up to ``stop``."""
        data = self._within(stop - start, lambda: self._read(start, stop - start))
        if not data:
            raise ChangedError
        return data[: stop - start]

    def close(self) -> None:
        """Close the file."""
        self._waiter.closed = True
        file, self._file = self._file, None
        if file is not None:
            # A server that hangs must not hold up whoever closes.
            threading.Thread(target=file.close, name="hardattn-hang-up", daemon=True).start()

    def _opened(self, size: int) -> tuple[dict[str, Any], bytes]:
        whole = self._url.full
        options = self._kind._get_kwargs_from_urls(whole)
        if self._url.scheme in ("ssh", "sftp"):
            # Its own default trusts every host; an empty tuple means ~/.ssh/known_hosts.
            options["known_hosts"] = ()
        system = self._kind(**(options | self._options | {"skip_instance_cache": True}))
        path = self._kind._strip_protocol(whole)
        facts: dict[str, Any] = system.info(path)
        if facts.get("type") == "directory":
            return facts, b""
        # One handle, so that a file replaced meanwhile is not mixed with this one.
        self._file = system.open(path, "rb", cache_type="none")
        return facts, self._read(0, min(size, int(facts["size"])))

    def _read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        data: bytes = self._file.read(size)
        return data

    def _within(self, size: int, work: Callable[[], T]) -> T:
        """Do ``work`` on a thread of its own, which may be left behind when it hangs."""
        future: Future[T] = Future()
        threading.Thread(
            target=_run, args=(future, work), name="hardattn-fetch", daemon=True
        ).start()
        try:
            return self._waiter.result(future, size)
        except (RunError, DroppedError, ChangedError):
            raise
        except Exception as problem:
            # Whatever it is, it comes from outside, and its own words may hold a secret.
            raise self._in_words(problem) from None

    def _in_words(self, problem: Exception) -> Exception:
        url, name = self._url, type(problem).__name__
        if isinstance(problem, FileNotFoundError):
            return RunError(f"{url} is not there; check the address")
        if isinstance(problem, PermissionError) or "Credential" in name or "Denied" in name:
            return RunError(
                f"{url} may not be read; set up the keys for {url.scheme}, or ask its owner"
            )
        if name == "HostKeyNotVerifiable":
            return RunError(
                f"{url} cannot be trusted: its host is not among the known ones; connect once "
                "with ssh, and check its key"
            )
        if name == "FileExpired":
            return ChangedError()
        if isinstance(problem, OSError):
            return DroppedError(problem.strerror or name)
        return RunError(f"{url} cannot be read ({name}); check the address and the keys")


def _run(future: Future[T], work: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as problem:
        future.set_exception(problem)
    else:
        future.set_result(result)


def _kind(scheme: str) -> Any:
    """The class of file system that reads URLs of a scheme; ImportError where it is missing."""
    if scheme in ("ssh", "sftp"):
        from sshfs import SSHFileSystem

        return SSHFileSystem
    return fsspec.get_filesystem_class(scheme)


def _identity(facts: Mapping[str, Any]) -> Identity:
    mark = next((str(facts[name]) for name in _MARKS if facts.get(name)), "")
    return int(facts["size"]), mark
