"""Writing the session down while it is used, on a thread of its own: disks may be slow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from hardattn_viewer.session.saved import write_session

# How long the end of the app waits for a disk that does not answer.
PATIENCE_SECONDS = 5.0


class Autosave:
    """Writes the newest text into a file; texts that are older when their turn comes are skipped.

    Args:
        path: the file.
        failed: called on the thread, once, with why the file cannot be written.
    """

    def __init__(self, path: Path, failed: Callable[[OSError], None]) -> None:
        self._path = path
        self._failed = failed
        self._has_failed = False
        self._condition = threading.Condition()
        self._text: str | None = None
        self._closing = False
        # A daemon, so that a disk that hangs cannot keep the program from ending.
        self._thread = threading.Thread(target=self._serve, name="hardattn-autosave", daemon=True)
        self._thread.start()

    def save(self, text: str) -> None:
        """Write a text soon."""
        with self._condition:
            self._text = text
            self._condition.notify()

    def close(self) -> None:
        """Write what waits, and end."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(PATIENCE_SECONDS)

    def _serve(self) -> None:
        while (text := self._next()) is not None:
            try:
                write_session(self._path, text)
                self._has_failed = False
            except OSError as error:
                if not self._has_failed:
                    self._has_failed = True
                    self._failed(error)

    def _next(self) -> str | None:
        with self._condition:
            while self._text is None and not self._closing:
                self._condition.wait()
            text, self._text = self._text, None
            return text
