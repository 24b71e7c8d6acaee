"""Say everything that this machine lacks for hardattn at once, with the one command that mends it.

Standard library only. Run it alone (`python3 tools/doctor.py`) or through `./run` and `./test`,
which also install the missing packages when they run as root on Debian or Ubuntu.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Shared library -> the Debian/Ubuntu package that holds it.
_LIBRARIES = Path(__file__).resolve().parent.parent / "hardattn_viewer" / "system_libraries.json"
OFFSCREEN, WINDOW = (json.loads(_LIBRARIES.read_text())[kind] for kind in ("offscreen", "window"))
TEST_PROGRAMS = {"Xvfb": "xvfb", "xauth": "xauth"}
NEEDED_MEGABYTES = 1500


def has_display() -> bool:
    """Whether a window could be asked for at all."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def missing_packages(*, window: bool, tests: bool) -> list[str]:
    """Debian names of every system package that is missing, in a stable order."""
    if not sys.platform.startswith("linux"):
        return []
    libraries = {**OFFSCREEN, **(WINDOW if window else {})}
    packages = [package for name, package in libraries.items() if not _loads(name)]
    if tests:
        packages += [p for program, p in TEST_PROGRAMS.items() if shutil.which(program) is None]
    return packages


def other_problems(folder: Path) -> list[str]:
    """What no system package mends: one sentence each."""
    problems = []
    if sys.version_info < (3, 11):
        problems.append(
            f"Python 3.11 or newer is needed and this is {sys.version_info[0]}."
            f"{sys.version_info[1]}; name a newer one in HARDATTN_PYTHON"
        )
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free // 2**20
    if not (folder / "hardattn-setup.json").exists() and free < NEEDED_MEGABYTES:
        problems.append(
            f"{existing} has {free} MB free and a set-up needs about {NEEDED_MEGABYTES}; "
            "make room or name another place in HARDATTN_VENV"
        )
    return problems


def require(*, window: bool, tests: bool, folder: Path) -> None:
    """Install what is missing where that is possible; otherwise say it all and stop."""
    packages = missing_packages(window=window, tests=tests)
    if importlib.util.find_spec("ensurepip") is None:
        packages.append("python3-venv")
    problems = other_problems(folder)
    if packages and _may_install():
        _say(f"installing the missing system packages: {' '.join(packages)}")
        problems += _install(packages)
        packages = missing_packages(window=window, tests=tests)
    if packages:
        problems.append(
            "system packages are missing: "
            f"sudo apt-get install --no-install-recommends {' '.join(packages)}"
            " (other systems: the packages that hold the same libraries)"
        )
    if problems:
        for problem in problems:
            _say(problem)
        raise SystemExit(1)


def main(arguments: list[str]) -> int:
    """Report on everything, window and tests included; exit 1 if something is missing."""
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    packages = missing_packages(window=True, tests=True)
    problems = other_problems(Path(".venv").absolute())
    if importlib.util.find_spec("ensurepip") is None:
        packages.append("python3-venv")
    if packages:
        problems.append(f"sudo apt-get install --no-install-recommends {' '.join(packages)}")
    if not has_display():
        _say("note: no display here; ./run makes pictures instead of a window")
    for problem in problems:
        _say(problem)
    if not problems:
        _say("nothing is missing")
    return 1 if problems else 0


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _may_install() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(packages: list[str]) -> list[str]:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    )
    for step in steps:
        done = subprocess.run(step, env=quiet, capture_output=True, text=True)
        if done.returncode != 0:
            tail = (done.stderr or done.stdout).strip().splitlines()[-1:]
            return [f"`{' '.join(step)}` failed: {' '.join(tail) or 'no message'}"]
    return []


def _say(sentence: str) -> None:
    print(f"hardattn: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
