"""Commands that draw run in this process: they find the QApplication that later tests need."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session", autouse=True)
def application(qapp: object) -> object:
    """The one QApplication of the session."""
    return qapp
