"""Recordings that are still open when the process ends: sealed, in a sentence, without a hang."""

from __future__ import annotations

import atexit
import sys
import warnings
from typing import TYPE_CHECKING

from recorders.capture.ranks import close_writer

if TYPE_CHECKING:
    from recorders.capture.recording import Recording

_LOCK_SECONDS = 5.0

# Kept until they are closed, so that a recorder which is dropped without that still loses nothing.
_open: dict[int, Recording] = {}


def remember(recording: Recording) -> None:
    """Seal a recording at exit, unless it is forgotten before."""
    _open[id(recording)] = recording


def forget(recording: Recording) -> None:
    """No longer seal a recording at exit: it is closed."""
    _open.pop(id(recording), None)


@atexit.register
def _seal_all() -> None:
    for recording in list(_open.values()):
        if recording.writer.is_mine:
            _tell(_sealed(recording))
    _open.clear()


def _sealed(recording: Recording) -> str:
    """Seal a recording and say how that went."""
    writer = recording.writer
    if not recording.seize(_LOCK_SECONDS):
        return (
            f"{writer.path} was left open and a thread still records into it; what was flushed is "
            f"in {writer.parts}, recover it (hardattn recover {writer.parts})"
        )
    try:
        recording.conclude()
        # Other ranks may be waiting for this process in vain, so it does not wait for them.
        close_writer(writer, seconds=0)
    except Exception as problem:
        # Nobody is left to catch it, and a traceback at exit would hide the exit's own reason.
        return (
            f"{writer.path} was left open and could not be sealed at exit: {problem}; what was "
            f"flushed is in {writer.parts}"
        )
    return (
        f"{writer.path} was left open and is sealed at exit; use it as "
        "`with Recorder(...) as recorder:` or call recorder.close()"
    )


def _tell(sentence: str) -> None:
    try:
        warnings.warn(sentence, RuntimeWarning, stacklevel=1)
    except RuntimeWarning:
        print(sentence, file=sys.stderr)
