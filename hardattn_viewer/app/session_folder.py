"""Where sessions are kept: one file, lock and log for each running window, and what crashed.

running/ID.session.json   what the window of a running app shows; written while it runs
running/ID.lock           held by that app; let go of by the kernel, however it ends
running/ID.log            its faults: Python's, and what faulthandler writes when it is killed
ended/TIME-ID.…           the files of apps that ended without closing, the newest few
last.session.json         of the app that was closed last
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from hardattn_viewer.session.saved import write_session
from recorders.run import lock

ENDING = ".session.json"
# So many sessions that ended without closing are kept.
KEPT = 10
# Of a log that grew without end, this much is shown.
SHOWN_BYTES = 64_000


@dataclass(frozen=True)
class Ended:
    """What an app left that ended without closing.

    Attributes:
        session: its session file; it may be missing or damaged.
        log: its log; it may be missing.
        at: when it was last written, in seconds since 1970.
    """

    session: Path
    log: Path
    at: float


class SessionFolder:
    """The part of the user's data folder that holds sessions.

    Args:
        folder: it; made where it is missing.

    Raises:
        OSError: it cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = folder / "running"
        self._ended = folder / "ended"
        self._running.mkdir(parents=True, exist_ok=True)
        self._ended.mkdir(exist_ok=True)
        self.last = folder / f"last{ENDING}"
        self._id = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        self.session = self._running / f"{self._id}{ENDING}"
        self.log = self._running / f"{self._id}.log"
        self._lock = lock.take(self._running / f"{self._id}.lock")

    def claim_ended(self) -> list[Ended]:
        """Take over what apps left that ended without closing, newest first.

        Each is handed to one app only, and stays in ``ended`` for File › Open session….
        """
        found = []
        for path in sorted(self._running.glob("*.lock"), reverse=True):
            # Where a file system knows no locks, nobody can tell who still runs.
            if path.stem == self._id or not lock.works(path) or lock.held(path):
                continue
            held = lock.take(path)
            if held is None:
                continue
            try:
                ended = self._set_aside(path.stem)
                path.unlink(missing_ok=True)
            finally:
                lock.release(held)
            if ended is not None:
                found.append(ended)
        self._forget_oldest()
        return found

    def _set_aside(self, id_: str) -> Ended | None:
        session, log = self._running / f"{id_}{ENDING}", self._running / f"{id_}.log"
        times = [path.stat().st_mtime for path in (session, log) if path.exists()]
        if not session.exists() and not (log.exists() and log.stat().st_size):
            log.unlink(missing_ok=True)
            return None
        for path in (session, log):
            if path.exists():
                path.replace(self._ended / path.name)
        return Ended(self._ended / session.name, self._ended / log.name, max(times))

    def _forget_oldest(self) -> None:
        ids = sorted({path.name.partition(".")[0] for path in self._ended.iterdir()}, reverse=True)
        for id_ in ids[KEPT:]:
            for path in self._ended.glob(f"{id_}.*"):
                path.unlink(missing_ok=True)

    def end(self, text: str) -> None:
        """Say that this app was closed in an orderly way, with its last session.

        Raises:
            OSError: the session cannot be written.
        """
        try:
            write_session(self.last, text)
        finally:
            self.session.unlink(missing_ok=True)
            if self.log.exists():
                if self.log.stat().st_size:
                    self.log.replace(self.folder / "last.log")
                else:
                    self.log.unlink()
            (self._running / f"{self._id}.lock").unlink(missing_ok=True)
            if self._lock is not None:
                lock.release(self._lock)

    def last_log(self) -> Path | None:
        """The newest log that says anything: of this app, of one that ended, of the last one."""
        ended = sorted(self._ended.glob("*.log"), reverse=True)
        candidates = [self.log, *ended, self.folder / "last.log"]
        return next((path for path in candidates if path.exists() and path.stat().st_size), None)


def tail(path: Path) -> str:
    """The end of a log, as text.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - SHOWN_BYTES))
        text = file.read(SHOWN_BYTES).decode("utf-8", "replace")
    return text if size <= SHOWN_BYTES else f"… {size - SHOWN_BYTES:,} bytes before this …\n{text}"
