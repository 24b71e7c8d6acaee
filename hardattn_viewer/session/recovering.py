"""Recovering a run beside everything else that is read, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from hardattn_viewer.session.requests import RecoverRequest
from hardattn_viewer.session.state import Recovery
from recorders.run.errors import RunError
from recorders.run.recovery import StoppedError, recover_cut_off

# Seconds between two words about how far it is.
TELL_SECONDS = 0.1

Tell = Callable[[RecoverRequest, Recovery | None], None]


class Recoverer:
    """Does one recovery at a time.

    Args:
        tell: called on the recovering thread with how far it is, how it ended, or None where it
            was given up.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self, request: RecoverRequest) -> None:
        """Begin; nothing happens while another one goes on."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._stopped.clear()
        # A daemon, so that a disk that hangs cannot keep the program from ending.
        self._thread = threading.Thread(
            target=self._do, args=(request,), name="hardattn-recovery", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Give it up, and leave nothing of it behind."""
        self._stopped.set()

    def close(self, timeout: float) -> None:
        """Give it up, and wait until that is done."""
        self.stop()
        if self._thread is not None:
            self._thread.join(timeout)

    def _do(self, request: RecoverRequest) -> None:
        told = 0.0

        def tell(recovery: Recovery) -> None:
            nonlocal told
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                self._tell(request, recovery)

        self._tell(request, recovered(request, tell, lambda: not self._stopped.is_set()))


def recovered(
    request: RecoverRequest, told: Callable[[Recovery], None], wanted: Callable[[], bool]
) -> Recovery | None:
    """Recover a run; how that ended, or None where it was no longer wanted.

    Args:
        request: what is to be recovered, and into which file.
        told: called again and again with how far it is.
        wanted: whether to go on.
    """
    recovery = Recovery(request.key, request.into)
    try:
        made = recover_cut_off(
            request.parts,
            request.into,
            lambda done: told(replace(recovery, done=done)),
            wanted,
        )
    except StoppedError:
        return None
    except (RunError, OSError) as error:
        words = " ".join(str(error).split())
        return replace(recovery, state="failed", error=words or type(error).__name__)
    return replace(recovery, state="done", done=1.0, lost=made.lost)
