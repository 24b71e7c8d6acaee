"""Where a run lies: a path on this machine, or the URL of a file on another.

A URL may carry a password or a token. Whatever is shown, stored or said goes without them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from recorders.run.errors import RunError

SCHEMES = ("https", "http", "s3", "ssh", "sftp", "memory")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


@dataclass(frozen=True)
class Url:
    """The address of one file on another machine.

    Attributes:
        full: the whole URL, secrets included; only for asking the server.
        shown: the URL without user, password, query and fragment.
    """

    full: str = field(repr=False)
    shown: str

    def __str__(self) -> str:
        return self.shown

    @property
    def scheme(self) -> str:
        """How the server is asked: ``https``, ``s3`` …"""
        return self.shown.partition("://")[0]

    @property
    def name(self) -> str:
        """The file's name."""
        return unquote(self.shown.rstrip("/").rpartition("/")[2])

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return Path(self.name).stem

    @property
    def parent(self) -> str:
        """The folder that the file lies in, for people."""
        return self.shown.rstrip("/").rpartition("/")[0]


Address = Path | Url


def address_of(text: str | os.PathLike[str] | Url) -> Address:
    """The address that a person or a program wrote.

    Args:
        text: a path, or a URL with one of ``SCHEMES``; ``file://`` is a path.

    Raises:
        RunError: it is a URL that cannot be read, such as ``ftp://``.
    """
    if isinstance(text, Url):
        return text
    text = os.fspath(text)
    found = _SCHEME.match(text)
    if found is None:
        return Path(text)
    scheme = found[1].lower()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise RunError(f"{scheme}://… is no URL that can be read; check it") from None
    if scheme == "file" and host in ("", "localhost"):
        return Path(unquote(parts.path))
    if scheme not in SCHEMES:
        raise RunError(
            f"{scheme}:// URLs cannot be read; use one of {', '.join(SCHEMES[:-1])}, "
            "or download the file"
        )
    # A colon may stand in an IPv6 address, and upper case in the name of a bucket.
    host = parts.netloc.rpartition("@")[2] if port is None else f"{_bracketed(host)}:{port}"
    shown = "".join(c for c in f"{scheme}://{host}{parts.path}" if c.isprintable())
    if not host or not parts.path.strip("/"):
        raise RunError(f"{shown} names no file; give the whole URL of a run (.h5)")
    if parts.path.rstrip("/").endswith(".parts") or parts.path.endswith("/"):
        raise RunError(
            f"{shown} is a folder, and parts cannot be read from another machine; "
            "seal the run there (hardattn recover), or copy the folder here"
        )
    return Url(text, shown)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
