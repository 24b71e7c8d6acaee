"""Qt without a screen for every test of the viewer."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session", autouse=True)
def application(qapp: object) -> object:
    """The one QApplication of the session: fonts need it even where no window is shown."""
    return qapp
