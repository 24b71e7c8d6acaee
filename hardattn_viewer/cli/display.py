"""Whether a window can be shown here, found out before Qt aborts the process over it."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

ANSWER_SECONDS = 2.0


def why_no_display() -> str | None:
    """None where a window can open; otherwise the reason, as half a sentence."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return None
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if wayland:
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        if _answers_at(str(Path(runtime, wayland))):
            return None
    if x11:
        return None if _x_server_answers(x11) else f"the display {x11} does not answer"
    return f"the display {wayland} does not answer" if wayland else "there is no display"


def _x_server_answers(display: str) -> bool:
    match = re.fullmatch(r"(?:unix)?([^:/]*|/.*):(\d+)(?:\.\d+)?", display)
    if match is None:
        return False
    host, number = match[1], int(match[2])
    if host.startswith("/"):
        return _answers_at(f"{host}:{number}")
    if host in ("", "localhost"):
        path = f"/tmp/.X11-unix/X{number}"
        if _answers_at("\0" + path) or _answers_at(path):
            return True
    try:
        with socket.create_connection((host or "localhost", 6000 + number), ANSWER_SECONDS):
            return True
    except OSError:
        return False


def _answers_at(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(path)
        except OSError:
            return False
        return True
