"""Qt for drawing files: fonts and painters, no display, no window, nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtGui import QGuiApplication


@contextmanager
def drawing_application() -> Iterator[None]:
    """Hold a Qt application while figures are laid out and drawn; one that exists is used.

    Otherwise one is made that asks for no display, whatever the environment says, and taken down
    afterwards, so that a notebook may start windows of its own. What is laid out within must not
    be painted later.
    """
    if QGuiApplication.instance() is not None:
        yield
        return
    application = QGuiApplication(["hardattn", "-platform", "offscreen"])
    try:
        yield
    finally:
        application.shutdown()
