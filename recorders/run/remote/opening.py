"""Opening a remote file, with what has to be installed for it."""

from __future__ import annotations

from recorders.run.address import Url
from recorders.run.errors import RunError
from recorders.run.remote.fetching import Fetcher, Waiter
from recorders.run.remote.options import Remote
from recorders.run.source import Source

# What pip installs for each kind of URL.
_NEEDS = {
    "https": '"hardattn[remote]"',
    "http": '"hardattn[remote]"',
    "s3": '"hardattn[remote]" s3fs',
    "ssh": '"hardattn[remote]" sshfs',
    "sftp": '"hardattn[remote]" sshfs',
    "memory": '"hardattn[remote]"',
}


def open_remote(url: Url, remote: Remote | None = None) -> Source:
    """Open a file on another machine.

    Args:
        url: the file.
        remote: how its server is asked.

    Raises:
        RunError: a package is missing, or the file cannot be read from there.
    """
    remote = remote or Remote()
    waiter = Waiter(url, remote.quiet_seconds, remote.cancelled)
    try:
        from recorders.run.remote.source import RemoteSource

        fetcher = _fetcher(url, waiter, remote)
    except ImportError as problem:
        raise RunError(
            f"{url} cannot be read, since a package is missing ({_missing(problem)}); "
            f"pip install {_NEEDS[url.scheme]}"
        ) from problem
    try:
        return RemoteSource(url, fetcher, waiter, remote)
    except BaseException:
        fetcher.close()
        raise


def _missing(problem: ImportError) -> str:
    # fsspec says it in words of its own, and keeps what was missing as the cause.
    cause = problem.__cause__
    name = problem.name or (cause.name if isinstance(cause, ImportError) else None)
    return name or "one that it needs"


def _fetcher(url: Url, waiter: Waiter, remote: Remote) -> Fetcher:
    if url.scheme in ("http", "https"):
        from recorders.run.remote.http import HttpFetcher

        return HttpFetcher(url, waiter, remote.options)
    from recorders.run.remote.files import FileFetcher

    return FileFetcher(url, waiter, remote.options)
