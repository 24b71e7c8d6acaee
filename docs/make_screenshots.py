"""Remake the pictures of the docs from the sample runs.

usage: python docs/make_screenshots.py [WORD]

Only pictures whose name holds WORD are made, where one is given. Of every main view there are six:
dark and light, at 1100 × 700, 1600 × 1000 and 1100 × 700 at 200 % scale (``views/``).
"""

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


SIZES = {
    "1100x700": ((1100, 700), "1"),
    "1600x1000": ((1600, 1000), "1"),
    "200": ((1100, 700), "2"),
}
# What a main view is shown with; the others are shown with the run of a text model.
VIEW_RUNS = {
    "overlay": ([HARD, SOFT], 8, 3),
    "compare": ([HARD, SOFT], 8, 3),
    "training": (list(map(str, sample_runs.training_paths())), 3, 2),
}
ONE_VIEW = """
import sys
from pathlib import Path
from hardattn_viewer.app import start
target, theme, view, width, height, example, step, *paths = sys.argv[1:]
sys.exit(start.main([Path(p) for p in paths], Path(target), theme=theme, view=view,
    size=(int(width), int(height)), example=int(example), step=int(step)))
"""


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(FOLDER.parent.parent),
    }
    make_views(environment, wanted)
    for name, words in PICTURES.items():
        if wanted not in name:
            continue
        command = [sys.executable, "-m", "hardattn_viewer", *words, str(FOLDER / name)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        print(FOLDER / name)


def make_views(environment: dict[str, str], wanted: str) -> None:
    from hardattn_viewer.app.main_views import MAIN_VIEWS

    (FOLDER / "views").mkdir(exist_ok=True)
    text = ([str(sample_runs.text_path())], 2, 0)
    for view in MAIN_VIEWS:
        paths, example, step = VIEW_RUNS.get(view.id, text)
        for theme in ("dark", "light"):
            for size, ((width, height), scale) in SIZES.items():
                target = FOLDER / "views" / f"{view.id}-{theme}-{size}.png"
                if wanted not in target.name:
                    continue
                place = map(str, (width, height, example, step))
                words = [str(target), theme, view.id, *place, *paths]
                subprocess.run(
                    [sys.executable, "-c", ONE_VIEW, *words],
                    env={**environment, "QT_SCALE_FACTOR": scale},
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
                print(target)


if __name__ == "__main__":
    main()
