"""A run, and how one is made: record where a neural network looks, and read it back.

Names are bound when they are first used, so that reading a run never loads torch. Their types are
in ``__init__.pyi``, where a checker finds them and an import does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "AttentionTap": "recorders.capture.tap",
    "Example": "recorders.run.records",
    "Recorder": "recorders.capture.recorder",
    "Remote": "recorders.run.remote.options",
    "Run": "recorders.run.reader",
    "RunError": "recorders.run.errors",
    "Site": "recorders.run.records",
    "Snapshot": "recorders.run.records",
    "read_run": "recorders.run.reader",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
