"""Say what this machine has and lacks, and how to mend it; exit 1 if something must be mended."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from hardattn_viewer.cli.errors import FAILED
from hardattn_viewer.cli.runs import printed_json
from recorders.version import PRODUCER

State = Literal["ok", "note", "problem"]
# Seconds that a package may take to be tried in a process of its own.
PATIENCE = 60.0
# What is needed for more than viewing: package, what it is for, and the extra that brings it.
OPTIONAL = (
    ("captum", "faithfulness checks", "faithfulness"),
    ("transformers", "recording folders of Hugging Face models", "transformers"),
    ("safetensors", "models of the zoo", "models"),
    ("fsspec", "runs on servers", "remote"),
)
# Starts Qt as the app does, without showing anything.
_QT = (
    "from PySide6.QtWidgets import QApplication; from PySide6.QtCore import qVersion; "
    "app = QApplication([]); print(app.platformName(), qVersion())"
)
_TORCH = (
    "import torch; n = torch.cuda.device_count() if torch.cuda.is_available() else 0; "
    "print(torch.__version__, '|', ', '.join(torch.cuda.get_device_name(i) for i in range(n)))"
)
# Where the driver of a GPU tells its version.
_NVIDIA = "/proc/driver/nvidia/version"
_READING = (
    "import sample_runs; from recorders import read_run; run = read_run(sample_runs.paths()[0]); "
    "print(len(run.examples), '|', '; '.join(run.notices))"
)
_HDF5 = "import h5py; print(h5py.version.hdf5_version)"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: the thing.
        state: whether it is as it should be.
        words: what was found.
        mend: what to do about it; empty where nothing is to be done.
    """

    what: str
    state: State
    words: str
    mend: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(arguments: argparse.Namespace) -> int:
    found = list(findings())
    problems = sum(one.state == "problem" for one in found)
    if arguments.json:
        print(printed_json({"problems": problems, "findings": [asdict(one) for one in found]}))
    else:
        width = max(len(one.what) for one in found)
        for one in found:
            mark = {"ok": "✓", "note": "·", "problem": "✗"}[one.state]
            print(f"{mark} {one.what:{width}}  {one.words}")
            if one.mend:
                print(f"  {'':{width}}  → {one.mend}")
        print(f"{problems} to mend" if problems else "nothing has to be mended")
    return FAILED if problems else 0


def findings() -> Iterator[Finding]:
    """Everything that is looked at, in the order in which it is needed."""
    yield Finding("hardattn", "ok", f"{PRODUCER}, Python {platform.python_version()}")
    yield from _qt()
    yield _libraries()
    yield _hdf5()
    yield _reading()
    yield _keeping()
    yield _torch()
    for package, purpose, extra in OPTIONAL:
        yield _optional(package, purpose, extra)


def flaw_of_pyside(found: str, python: tuple[int, int]) -> str:
    """What is known to go wrong with a version of PySide6; empty for none."""
    numbers = _numbers(found)
    if numbers in ((6, 11, 0), (6, 11, 1)):
        return "docks of this version lose their place"
    if numbers[:2] == (6, 12) and python < (3, 12):
        return "this version ends the program after a while on Python 3.11"
    if numbers < (6, 10, 3):
        return "this version is older than what hardattn is tested with"
    return ""


def flaw_of_h5py(found: str) -> str:
    """What is known to go wrong with a version of h5py; empty for none."""
    return "pieces read in several threads get mixed up" if _numbers(found) < (3, 16) else ""


def _qt() -> Iterator[Finding]:
    found = _installed("PySide6-Essentials") or _installed("PySide6")
    if found is None:
        words = "the app needs PySide6, which is not installed"
        yield Finding("PySide6", "problem", words, "pip install hardattn")
        return
    flaw = flaw_of_pyside(found, sys.version_info[:2])
    mend = 'pip install "PySide6-Essentials>=6.10.3,!=6.11.0,!=6.11.1,<6.12"' if flaw else ""
    said = f"{found}: {flaw}" if flaw else found
    yield Finding("PySide6", "problem" if flaw else "ok", said, mend)
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    wanted = os.environ.get("QT_QPA_PLATFORM")
    if not shown and not wanted:
        words = "no display: pictures can be made, a window cannot be shown"
        yield Finding("display", "note", words, "hardattn view --screenshot FILE.png")
    where = {} if shown or wanted else {"QT_QPA_PLATFORM": "offscreen"}
    code, said, error = _tried(_QT, {**os.environ, **where})
    if code == 0:
        name, _, number = said.partition(" ")
        yield Finding("Qt", "ok", f"{number} starts on the platform {name}")
    else:
        mend = "install the libraries named below, or set QT_QPA_PLATFORM=offscreen for pictures"
        yield Finding("Qt", "problem", f"does not start: {error}", mend)


def _libraries() -> Finding:
    if not sys.platform.startswith("linux"):
        return Finding("system libraries", "ok", "those of Linux are not needed here")
    table = json.loads(Path(__file__).parents[1].joinpath("system_libraries.json").read_text())
    shown = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    missing = {
        kind: [package for name, package in known.items() if not _loads(name)]
        for kind, known in table.items()
    }
    packages = [*missing["offscreen"], *missing["window"]]
    if not packages:
        return Finding("system libraries", "ok", "all are there")
    needed = missing["offscreen"] or (shown and missing["window"])
    words = f"{len(packages)} missing" + ("" if needed else ", for a window only")
    mend = f"sudo apt-get install --no-install-recommends {' '.join(packages)}"
    return Finding("system libraries", "problem" if needed else "note", words, mend)


def _hdf5() -> Finding:
    found = _installed("h5py")
    if found is None:
        return Finding("h5py", "problem", "not installed", "pip install hardattn")
    code, said, error = _tried(_HDF5)
    if code != 0:
        return Finding("h5py", "problem", f"{found} does not load: {error}", "pip install -U h5py")
    flaw = flaw_of_h5py(found)
    words = f"{found} with HDF5 {said}" + (f": {flaw}" if flaw else "")
    return Finding(
        "h5py", "problem" if flaw else "ok", words, 'pip install "h5py>=3.16"' if flaw else ""
    )


def _reading() -> Finding:
    """Whether a run is read as the app does it: HDF5 in a process of its own."""
    code, said, error = _tried(_READING)
    if code != 0:
        mend = "pip install --force-reinstall hardattn"
        return Finding("reading", "problem", f"a sample run cannot be read: {error}", mend)
    examples, _, notices = said.partition("|")
    if notices.strip():
        # A run is opened all the same where no process can be started, and says so.
        mend = "allow this user more processes (ulimit -u)"
        return Finding("reading", "note", notices.strip(), mend)
    return Finding("reading", "ok", f"a sample run of {examples.strip()} examples was read")


def _keeping() -> Finding:
    """Whether sessions and notes can be kept."""
    from platformdirs import user_data_path

    folder = user_data_path("hardattn", appauthor=False)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(there, os.W_OK):
        return Finding("sessions", "ok", f"kept in {folder}")
    words = f"cannot be kept in {folder}: {there} cannot be written"
    return Finding("sessions", "note", words, "name another folder in XDG_DATA_HOME")


def _torch() -> Finding:
    if _installed("torch") is None:
        words = "not installed: runs can be viewed, models cannot be recorded or trained"
        return Finding("torch", "note", words, 'pip install "hardattn[models]"')
    code, said, error = _tried(_TORCH)
    if code != 0:
        return Finding("torch", "problem", f"does not load: {error}", "pip install -U torch")
    number, _, devices = said.partition("|")
    if devices.strip():
        return Finding("torch", "ok", f"{number.strip()} on {devices.strip()}")
    if Path(_NVIDIA).exists():
        words = f"{number.strip()} on the processor alone, though there is an NVIDIA driver"
        mend = "install the build of torch for it: https://pytorch.org/get-started/locally"
        return Finding("torch", "note", words, mend)
    return Finding("torch", "ok", f"{number.strip()} on the processor alone")


def _optional(package: str, purpose: str, extra: str) -> Finding:
    found = _installed(package)
    if found is None:
        mend = f'pip install "hardattn[{extra}]"'
        return Finding(package, "note", f"not installed; it is for {purpose}", mend)
    return Finding(package, "ok", found)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _numbers(found: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", found)[:3])


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _tried(code: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit status of Python code in a process of its own, what it said, and why it failed.

    A library that is broken may end the process that loads it.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"it took more than {PATIENCE:.0f} s"
    lines = done.stdout.strip().splitlines()
    wrong = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    # Qt says first what is missing; Python says last what went wrong.
    reason = next((line for line in wrong if "xcb" in line or "platform plugin" in line), wrong[-1])
    return done.returncode, lines[-1] if lines else "", reason
