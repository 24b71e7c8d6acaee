"""Ranges of a file over http and https, every answer checked before it is believed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
import yarl
from fsspec.implementations.http import HTTPFileSystem

from recorders.run.address import Url
from recorders.run.errors import RunError
from recorders.run.remote.fetching import ChangedError, DroppedError, First, Waiter
from recorders.run.source import Identity

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")
_NOTHING_THERE = re.compile(r"bytes \*/(\d{1,19})")
_MAX_REDIRECTS = 5
# What a server says when it has too much to do; the same request may well do a second later.
_COME_AGAIN = {408, 425, 429, 500, 502, 503, 504}
# What another server says when the permission in a redirect has run out.
_EXPIRED = {400, 401, 403, 404, 410}
_OWN_HEADERS = ("authorization", "cookie", "proxy-authorization")


class HttpFetcher:
    """Asks a web server for ranges of one file.

    Args:
        url: the file.
        waiter: how long to wait.
        options: keyword arguments for fsspec's HTTPFileSystem.
    """

    def __init__(self, url: Url, waiter: Waiter, options: Mapping[str, Any]) -> None:
        self._url = url
        self._waiter = waiter
        quiet = waiter.quiet_seconds
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=quiet, sock_read=quiet)
        client = {"timeout": timeout, "trust_env": True} | dict(options.get("client_kwargs", {}))
        rest = {name: value for name, value in options.items() if name != "client_kwargs"}
        self._system = HTTPFileSystem(skip_instance_cache=True, client_kwargs=client, **rest)
        try:
            self._target = yarl.URL(url.full)
            self._origin = self._target.origin()
        except ValueError:
            raise RunError(f"{url} is no URL that can be asked for; check it") from None
        self._identity: Identity | None = None

    def first(self, size: int) -> First:
        """The file's facts and its beginning."""
        total, identity, data = self._ask(0, size)
        self._identity = identity
        return First(total, identity, data)

    def fetch(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` up to ``stop``."""
        return self._ask(start, stop)[2]

    def close(self) -> None:
        """Close the connections."""
        self._waiter.closed = True
        session, self._system._session = self._system._session, None
        if session is not None:
            HTTPFileSystem.close_session(self._system.loop, session)

    def _ask(self, start: int, stop: int) -> tuple[int, Identity, bytes]:
        future = asyncio.run_coroutine_threadsafe(self._asked(start, stop), self._system.loop)
        try:
            return self._waiter.result(future, stop - start)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            # Its own words may hold the whole URL.
            raise self._refused(problem) from None

    def _refused(self, problem: Exception) -> Exception:
        url = self._url
        if isinstance(problem, aiohttp.ClientConnectorCertificateError):
            return RunError(
                f"{url} cannot be trusted: its server has no valid certificate; check the address"
            )
        if isinstance(problem, aiohttp.ClientSSLError):
            return RunError(
                f"{url} cannot be read: its server does not speak https there; check host and port"
            )
        if isinstance(problem, aiohttp.ClientConnectorDNSError):
            return RunError(f"{url} cannot be reached: there is no such host; check the address")
        if isinstance(problem, aiohttp.InvalidURL | ValueError):
            return RunError(f"{url} is no URL that can be asked for; check it")
        if isinstance(problem, aiohttp.TooManyRedirects):
            return RunError(f"{url} is redirected without end; ask for the file itself")
        if isinstance(problem, aiohttp.ServerTimeoutError):
            return DroppedError(self._waiter.quiet)
        if isinstance(problem, aiohttp.ClientConnectorError):
            reason = problem.os_error.strerror or "no connection"
            return DroppedError(f"the server cannot be reached ({reason})")
        return DroppedError("the connection was dropped")

    async def _asked(self, start: int, stop: int) -> tuple[int, Identity, bytes]:
        session = await self._system.set_session()
        whole = yarl.URL(self._url.full)
        try:
            return await self._answered(session, start, stop)
        except _ExpiredError:
            # The server that we were sent to lets us in no more: ask the first one again.
            self._target = whole
            return await self._answered(session, start, stop)

    async def _answered(
        self, session: aiohttp.ClientSession, start: int, stop: int
    ) -> tuple[int, Identity, bytes]:
        settings = dict(self._system.kwargs)
        headers = dict(settings.pop("headers", {}))
        redirected = self._target != yarl.URL(self._url.full)
        if redirected and self._target.origin() != self._origin:
            # What is secret between us and the first server is none of the second one's business.
            headers = {k: v for k, v in headers.items() if k.lower() not in _OWN_HEADERS}
        # A compressed answer has other bytes, and other positions, than the file.
        headers |= {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        settings |= {"headers": headers, "max_redirects": _MAX_REDIRECTS}
        async with session.get(self._target, **settings) as response:
            if redirected and response.status in _EXPIRED:
                raise _ExpiredError
            if self._origin.scheme == "https" and response.url.scheme != "https":
                raise RunError(
                    f"{self._url} is redirected to a server without encryption; "
                    "ask for the file itself"
                )
            total, identity = self._checked(response, start, stop)
            if response.history:
                self._target = self._next(response.url)
            data = await self._body(response, min(stop, total) - start)
        return total, identity, data

    def _next(self, redirected: yarl.URL) -> yarl.URL:
        """Where to ask from now on, with the user and password only for the server they are of."""
        if redirected.origin() != self._origin:
            return redirected
        own = yarl.URL(self._url.full)
        return redirected.with_user(own.user).with_password(own.password)

    def _checked(
        self, response: aiohttp.ClientResponse, start: int, stop: int
    ) -> tuple[int, Identity]:
        """Size and identity of the file, where the answer is what was asked for."""
        headers = response.headers
        if response.status == 416:
            nothing = _NOTHING_THERE.fullmatch(headers.get("Content-Range", ""))
            if self._identity is None and (nothing is None or nothing[1] == "0"):
                raise RunError(f"{self._url} is empty and so not a run; choose another file")
            raise ChangedError
        if response.status != 206:
            raise self._wrong_status(response.status)
        if headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
            raise RunError(
                f"{self._url} comes compressed ({headers['Content-Encoding'][:20]}), so that no "
                "part of it can be found; switch that off on the server, or download the file"
            )
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if found is None:
            raise self._wrong_part()
        first, last, total = (int(number) for number in found.groups())
        mark = headers.get("ETag") or headers.get("Last-Modified") or ""
        identity: Identity = (total, mark)
        if self._identity is not None and identity != self._identity:
            raise ChangedError
        length = response.content_length
        expected = min(stop, total) - start
        if first != start or last - first + 1 != expected:
            raise self._wrong_part()
        if length is not None and length != expected:
            raise self._wrong_part()
        return total, identity

    def _wrong_part(self) -> RunError:
        return RunError(
            f"{self._url} comes in other parts than were asked for; its server cannot be used, "
            "so download the file"
        )

    def _wrong_status(self, status: int) -> Exception:
        url = self._url
        if status == 200:
            return RunError(
                f"{url} can only be sent whole, since its server knows no ranges; "
                "download the file, or put it on a server that does"
            )
        if status in (404, 410):
            return RunError(f"{url} is not there (HTTP {status}); check the address")
        if status in (401, 403, 407):
            return RunError(
                f"{url} may not be read (HTTP {status}); give the URL with its token or "
                "user:password@, or ask its owner"
            )
        if status in _COME_AGAIN:
            return DroppedError(f"the server has trouble (HTTP {status})")
        return RunError(f"{url} is not answered with the file (HTTP {status}); check the address")

    async def _body(self, response: aiohttp.ClientResponse, expected: int) -> bytes:
        """The bytes that came, never more than expected; fewer where the server broke off."""
        data = bytearray()
        try:
            async for piece in response.content.iter_any():
                data += piece
                if len(data) > expected:
                    raise self._wrong_part()
        except (aiohttp.ClientError, TimeoutError):
            if not data:
                raise
        return bytes(data)


class _ExpiredError(Exception):
    """A redirect that was followed before is not valid any more."""
