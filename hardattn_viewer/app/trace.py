"""One line on standard error for every change that has settled, for tests that drive a window."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.wants import is_settled


def is_wanted() -> bool:
    """Whether ``HARDATTN_TRACE=1`` is set."""
    return os.environ.get("HARDATTN_TRACE") == "1"


class Trace:
    """Prints the session's state whenever it changed and all views show it.

    Args:
        session: what is traced.
        theme_name: gives the name of the theme in use.
    """

    def __init__(self, session: Session, theme_name: Callable[[], str]) -> None:
        self._theme_name = theme_name
        self._last = ""
        session.changed.connect(self._on_changed)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if not is_settled(new):
            return
        line = line_of(new, self._theme_name())
        if line != self._last:
            self._last = line
            print(line, file=sys.stderr, flush=True)


def line_of(state: SessionState, theme: str) -> str:
    """The state in one line of ``name=value``."""
    place = state.place
    values = {
        "example": place.example,
        "step": place.step,
        "head": "mean" if place.head is None else place.head,
        "view": state.view,
        "theme": theme,
        "focus": state.focus,
        "pinned": "none" if state.pinned is None else state.pinned,
        "playing": int(state.playing),
        "listed": len(state.order),
        "runs": len(state.runs),
    }
    return "state " + " ".join(f"{name}={value}" for name, value in values.items())
