"""Remake the pictures of the docs from the sample runs: ``python docs/make_screenshots.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import sample_runs

FOLDER = Path(__file__).resolve().parent / "screenshots"
HARD, SOFT = map(str, sample_runs.paths())
EXAMPLE, STEP = "8", "3"
PLACE = ("--example", EXAMPLE, "--step", STEP)
WINDOW = ("view", HARD, SOFT, *PLACE)
TEXT = ("view", str(sample_runs.text_path()), "--example", "2")

PICTURES = {
    "main-dark.png": (*WINDOW, "--theme", "dark", "--screenshot"),
    "main-light.png": (*WINDOW, "--theme", "light", "--screenshot"),
    "small-dark.png": (*WINDOW, "--theme", "dark", "--size", "1100x700", "--screenshot"),
    "overlay-dark.png": ("view", HARD, *PLACE, "--theme", "dark", "--screenshot"),
    "overlay-light.png": ("view", HARD, *PLACE, "--theme", "light", "--screenshot"),
    "text-dark.png": (*TEXT, "--theme", "dark", "--screenshot"),
    "text-light.png": (*TEXT, "--theme", "light", "--screenshot"),
    "figure-regions.png": ("export", HARD, *PLACE, "--all-steps", "-o"),
    "figure-compare.png": ("export", HARD, "--view", "compare", "--with", SOFT, *PLACE, "-o"),
}


def main() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    for name, words in PICTURES.items():
        command = [sys.executable, "-m", "hardattn_viewer", *words, str(FOLDER / name)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        print(FOLDER / name)


if __name__ == "__main__":
    main()
