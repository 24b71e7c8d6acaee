"""What the app leaves in the user's data folder while it runs, so that a crash loses little."""

from __future__ import annotations

import faulthandler
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from platformdirs import user_data_path

from hardattn_viewer.app.session_folder import SessionFolder
from hardattn_viewer.app.sessions import Sessions
from hardattn_viewer.app.settings import Settings

# A fault that comes with every picture must not fill the disk.
LARGEST_LOG = 4_000_000


class Keeping:
    """The folder, the lock and the log of one running app.

    Args:
        say: shows a sentence, such as why nothing can be kept.
        folder: where; by default the user's own data folder of hardattn.
    """

    def __init__(self, say: Callable[[str], None], folder: Path | None = None) -> None:
        self._folder: SessionFolder | None = None
        self._log: TextIO | None = None
        self._size = 0
        place = folder or user_data_path("hardattn", appauthor=False) / "sessions"
        try:
            self._folder = SessionFolder(place)
            self._log = self._folder.log.open("a", encoding="utf-8")
        except OSError as error:
            why = error.strerror or type(error).__name__
            say(f"Sessions cannot be kept in {place}: {why}.")
            return
        # Written by the signal handler itself, so the file has to stay open.
        faulthandler.enable(self._log)

    def log(self, details: str) -> None:
        """Write a fault to standard error and to the log."""
        sys.stderr.write(details)
        sys.stderr.flush()
        self._size += len(details)
        if self._log is not None and self._size < LARGEST_LOG:
            self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{details}\n")
            self._log.flush()

    def begin(self, sessions: Sessions, settings: Settings, asked: bool) -> bool:
        """Keep the window's session, and bring the last one back where that is wanted.

        Args:
            sessions: the window's.
            settings: say whether the last session is restored at every start.
            asked: whether the app was asked to show certain runs; then nothing is restored.

        Returns:
            Whether a session is being restored.
        """
        if self._folder is None:
            return False
        ended = self._folder.claim_ended()
        sessions.begin(self._folder)
        if sessions.meet_ended(ended, restore=not asked):
            return True
        if asked or ended or not settings.restore_session or sessions.last is None:
            return False
        saved = sessions.read(sessions.last)
        if saved is None or not saved.runs:
            return False
        sessions.restore(saved)
        return True

    def end(self) -> None:
        """Close the log; the window has closed the rest."""
        if self._log is None:
            return
        if faulthandler.is_enabled():
            faulthandler.disable()
        self._log.close()
