"""Make the viewer a program that needs no Python: a folder with everything in it.

usage: build_app.py FOLDER

Makes an environment in FOLDER/environment with the viewer (no torch) and PyInstaller, builds
FOLDER/hardattn, and tries it: `FOLDER/hardattn/hardattn` opens the app. It runs on Linux systems
whose C library is not older than that of this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("recorders", "hardattn_viewer", "hardattn_models", "sample_runs")
# What the list of licences and the report tell the versions of.
TOLD = (
    *("hardattn", "PySide6_Essentials", "shiboken6", "pyqtgraph", "numpy", "h5py", "isal"),
    *("pillow", "psygnal", "platformdirs", "tqdm"),
)


def command_for(python: Path, folder: Path) -> list[str]:
    """The words that call PyInstaller."""
    words = [str(python), "-m", "PyInstaller", "--noconfirm", "--onedir", "--name", "hardattn"]
    work = folder / "work"
    words += ["--distpath", str(folder), "--workpath", str(work), "--specpath", str(work)]
    words += ["--log-level", "WARN", "--exclude-module", "tkinter", "--exclude-module", "torch"]
    words += ["--collect-submodules", "isal"]
    for package in PACKAGES:
        words += ["--collect-submodules", package, "--collect-data", package]
    for package in TOLD:
        words += ["--copy-metadata", package]
    return [*words, str(ROOT / "tools" / "frozen_main.py")]


def try_out(program: Path, folder: Path) -> None:
    """Open a sample run with the program, as its own reader and its own window do.

    Raises:
        SystemExit: it does not work; the message says what did not.
    """
    # Nothing of this checkout or environment may help it.
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen"}
    [sample] = program.parent.rglob("glimpse-hard.h5")
    picture = folder / "tried.png"
    for words in (
        ["--version"],
        ["info", str(sample), "--json"],
        ["validate", str(sample)],
        ["view", "--screenshot", str(picture)],
        ["export", str(sample), "--example", "8", "-o", str(folder / "tried.pdf")],
    ):
        done = subprocess.run(
            [str(program), *words], cwd=folder, env=bare, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"{program.name} {' '.join(words)} failed: {done.stderr.strip()}")
        if words[0] == "info" and json.loads(done.stdout)["examples"] is None:
            raise SystemExit(f"{program.name} reads no examples of {sample}")
    if shutil.which("xvfb-run"):
        # With a display, it finds the libraries of a window too.
        bare.pop("QT_QPA_PLATFORM")
        words = ["xvfb-run", "-a", str(program), "view", "--screenshot", str(picture)]
        done = subprocess.run(words, cwd=folder, env=bare, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)} failed: {done.stderr.strip()}")
    if picture.stat().st_size < 20_000:
        raise SystemExit(f"{picture} shows nothing")


def main(arguments: list[str]) -> int:
    """Build and try."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    started = time.monotonic()
    folder = Path(arguments[0]).resolve()
    environment = folder / "environment"
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = ["--constraint", str(ROOT / "constraints.txt"), str(ROOT), "pyinstaller"]
    quiet = {**os.environ, "PYTHONPATH": ""}
    for command in ([*pip, *wanted], command_for(python, folder)):
        if subprocess.run(command, cwd=folder, env=quiet).returncode != 0:
            return 1
    program = folder / "hardattn" / "hardattn"
    try_out(program, folder)
    size = sum(path.lstat().st_size for path in program.parent.rglob("*") if path.is_file())
    took = time.monotonic() - started
    print(f"{program}: {size / 1e6:.0f} MB, made and tried in {took:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
