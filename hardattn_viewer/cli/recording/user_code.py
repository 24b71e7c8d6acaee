"""Where somebody else's code failed, in one sentence."""

from __future__ import annotations

import traceback
from pathlib import Path

from hardattn_viewer.cli.recording.notes import one_line


def failure(error: BaseException, user_file: str = "") -> str:
    """``model.py, line 12: ValueError: what it says``.

    Args:
        error: what was raised.
        user_file: a file of the person's own: the innermost line in its folder is named. Without
            one, or where the error never went through it, the innermost line of all is.
    """
    if isinstance(error, SyntaxError) and error.filename:
        place: tuple[str, int | None] = (error.filename, error.lineno)
    else:
        frames = list(traceback.extract_tb(error.__traceback__))
        own = [frame for frame in frames if user_file and _beside(frame.filename, user_file)]
        named = own or frames
        place = (named[-1].filename, named[-1].lineno) if named else ("", None)
    where = f"{_short(place[0])}, line {place[1]}: " if place[0] else ""
    says = one_line(error)
    kind = type(error).__name__
    return f"{where}{kind}" + (f": {says}" if says != kind else "")


def _beside(filename: str, user_file: str) -> bool:
    """Whether a file lies in or below the folder of another, and not among installed packages."""
    folder = Path(user_file).resolve().parent
    try:
        below = Path(filename).resolve().relative_to(folder)
    except ValueError:
        return False
    return "site-packages" not in below.parts


def _short(filename: str) -> str:
    try:
        return str(Path(filename).resolve().relative_to(Path.cwd()))
    except ValueError:
        return filename
