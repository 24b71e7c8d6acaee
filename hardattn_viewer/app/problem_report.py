"""What a report of a problem should hold: versions, what is open, and the log. Nothing is sent."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from hardattn_viewer.session.state import OpenRun, SessionState
from recorders.version import PRODUCER

PACKAGES = (
    *("PySide6-Essentials", "shiboken6", "pyqtgraph", "numpy", "h5py", "isal", "pillow", "psygnal"),
    *("torch", "transformers", "captum", "distributed", "fsspec", "aiohttp"),
)


def report_of(state: SessionState, log: str) -> str:
    """The text of a report, for a person to read before anybody else does.

    Args:
        state: what is open. Of runs it says kind and size, neither names nor what is in them.
        log: the end of the log of faults.
    """
    parts = (
        ("What I did, what I expected, what happened", ["(write it here)"]),
        ("Versions", list(_versions())),
        ("Screen", list(_screen())),
        ("Runs that are open", [_run(run) for run in state.runs] or ["none"]),
        ("View", [f"{state.view}, theme {state.theme}"]),
        ("Log of faults", [log.strip().replace(str(Path.home()), "~")]),
    )
    return "\n\n".join(f"## {title}\n\n" + "\n".join(lines) for title, lines in parts) + "\n"


def _versions() -> Iterator[str]:
    yield f"{PRODUCER}, Python {platform.python_version()} ({sys.implementation.name})"
    yield platform.platform()
    yield f"Qt {qVersion()}"
    found = {name: _installed(name) for name in PACKAGES}
    yield ", ".join(f"{name} {number}" for name, number in found.items() if number)
    missing = [name for name, number in found.items() if not number]
    if missing:
        yield f"not installed: {', '.join(missing)}"


def _screen() -> Iterator[str]:
    yield f"platform {QGuiApplication.platformName()}"
    for screen in QGuiApplication.screens():
        size = screen.size()
        yield f"{size.width()} × {size.height()} px, scale {screen.devicePixelRatio():g}"


def _run(run: OpenRun) -> str:
    facts = run.facts
    if facts is None:
        return f"{run.status}: {run.error}".replace(str(run.path), "RUN").rstrip(": ")
    counts = (
        f"{facts.examples} examples, {facts.steps} steps, {len(facts.sites)} sites, "
        f"{len(facts.snapshots)} snapshots"
    )
    return f"{run.status}: {counts}"


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
