"""Qt for drawing files: fonts and painters, no display and no window."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def drawing_application() -> Iterator[None]:
    """Hold a Qt application while figures are drawn; reuses one that exists already."""
    from PySide6.QtGui import QGuiApplication

    application = QGuiApplication.instance()
    if application is None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        application = QGuiApplication(["hardattn"])
    yield
    del application
