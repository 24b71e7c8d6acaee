"""How another machine is asked for the bytes of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CACHE_FOLDER = "HARDATTN_REMOTE_CACHE"
"""Environment variable that names the folder of the cache on disk."""


def _folder_of_user() -> Path | None:
    named = os.environ.get(CACHE_FOLDER, "")
    return Path(named).expanduser() if named else None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Remote:
    """How a run on another machine is read.

    Attributes:
        cache_bytes: most bytes of the file that are kept in memory, as they are stored.
        cache_folder: folder where what was read is kept for the next time; None keeps nothing. By
            default what the environment variable ``HARDATTN_REMOTE_CACHE`` says.
        cache_folder_bytes: most bytes in that folder; the files unused for longest go first.
        quiet_seconds: longest wait for a server that says nothing.
        cancelled: asked several times a second while a server is waited for; True gives up.
        options: keyword arguments for the file system of fsspec, as ``{"anon": True}`` for s3.
    """

    cache_bytes: int = 64 << 20
    cache_folder: Path | None = field(default_factory=_folder_of_user)
    cache_folder_bytes: int = 4 << 30
    quiet_seconds: float = 20.0
    cancelled: Callable[[], bool] = _never
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
