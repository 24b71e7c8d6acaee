"""What the window would show, as pictures in a folder, for machines without a display."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import CommandError

if TYPE_CHECKING:
    from recorders.run.address import Address

# (example, step) pairs that show a first look, a middle one and a verdict.
PLACES = ((0, 5), (3, 2), (8, 5))
THEMES = ("dark", "light")


def make_gallery(paths: Sequence[Address], folder: Path, *, theme: str | None) -> Path:
    """Write PNG pictures of the window and an ``index.html`` that shows them.

    Args:
        paths: runs to show; none means the sample runs.
        folder: where to; made if it is missing, files of the same names are replaced.
        theme: "light" or "dark", or None for both.

    Raises:
        CommandError: the folder cannot be written, or a run cannot be shown.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder} cannot be made: {error.strerror}; see --gallery") from error
    pictures = []
    for shade in (theme,) if theme else THEMES:
        for example, step in PLACES:
            picture = folder / f"window-{shade}-example-{example}-step-{step + 1}.png"
            _screenshot(paths, picture, shade, example, step)
            pictures.append(picture)
            print(picture, flush=True)
    (folder / "index.html").write_text(_page(pictures), encoding="utf-8")
    return folder


def _screenshot(
    paths: Sequence[Address], picture: Path, theme: str, example: int, step: int
) -> None:
    # A URL with everything that its server asks for; written out it goes without.
    runs = [str(path) if isinstance(path, Path) else path.full for path in paths]
    command = [sys.executable, "-m", "hardattn_viewer", "view", *runs]
    command += ["--screenshot", str(picture), "--theme", theme]
    command += ["--example", str(example), "--step", str(step)]
    offscreen = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, env=offscreen, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CommandError(reason.removeprefix("hardattn view: "))


def _page(pictures: list[Path]) -> str:
    figures = "\n".join(
        f'<figure><img src="{html.escape(p.name)}" alt="{html.escape(p.stem)}" width="100%">'
        f"<figcaption>{html.escape(p.stem)}</figcaption></figure>"
        for p in pictures
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>hardattn: sample runs</title>'
        "<style>body{font:15px system-ui;max-width:1400px;margin:2em auto;background:#14171c;"
        "color:#d8dee9}figure{margin:0 0 2em}</style>"
        f"<h1>hardattn: what the window would show</h1>\n{figures}\n</html>\n"
    )
