"""Remake the pictures of the docs.

usage: python docs/make_screenshots.py [WORD …]

Only pictures whose name holds one of the words are made, where any is given. Of every main view
there are six: dark and light, at 1100 × 700, 1600 × 1000 and 1100 × 700 at 200 % scale; what else
there is to see is in ``screenshot_scenes.py``.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops
from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screenshots"
VIEWS = FOLDER / "views"
sys.path.insert(0, str(ROOT))

import screenshot_scenes as scenes  # noqa: E402

import sample_runs  # noqa: E402
from hardattn_viewer.app import start  # noqa: E402
from hardattn_viewer.app.main_window import MainWindow  # noqa: E402
from hardattn_viewer.app.settings import Settings, Unkept  # noqa: E402
from hardattn_viewer.session.session import Session  # noqa: E402
from hardattn_viewer.session.state import ThemeChoice  # noqa: E402

THEMES: tuple[ThemeChoice, ...] = ("dark", "light")
HARD, SOFT = map(str, sample_runs.paths())
PLACE = ("--example", "8", "--step", "3")
FIGURES = {
    "figure-regions.png": (HARD, *PLACE, "--all-steps"),
    "figure-compare.png": (HARD, "--view", "compare", "--with", SOFT, *PLACE),
}
# Distance of the values, of 0 … 255, that a colour of a picture may have, and how many pixels are
# many.
FINE, COARSE, MANY = 4, 8, 1_500_000
# Colours of a palette, those of them that are the picture's own, and how wrong the worst pixel of a
# picture with a palette may be: of one with few pixels, and of one with many.
COLOURS, KEPT, WORST, BEST = 256, 12, 14, 9
HEAD = (
    "Made by `python docs/make_screenshots.py`, from the sample runs and from small runs that are "
    "made\nby formula (`docs/screenshot_runs.py`)."
)
WORDS = {"1100x700": "1100 × 700", "1600x1000": "1600 × 1000", "200": "1100 × 700 at 200 %"}
SCALE, RUNS = "QT_SCALE_FACTOR", "SCREENSHOT_RUNS"
# Seconds that a window may take to come to rest.
REST = 20.0


def main() -> None:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    words = sys.argv[1:] or [""]
    if SCALE in os.environ:
        make_pictures(Path(os.environ[RUNS]), words, int(os.environ[SCALE]))
        return
    VIEWS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scenes.write_runs(Path(folder))
        for scale in (1, 2):
            # Qt takes its scale once for each process.
            again = {**os.environ, SCALE: str(scale), RUNS: folder}
            subprocess.run([sys.executable, __file__, *words], env=again, check=True)
    (FOLDER / "README.md").write_text(gallery(), encoding="utf-8")
    for name, options in FIGURES.items():
        if any(word in name for word in words):
            make_figure(FOLDER / name, options)


def gallery() -> str:
    """The page that shows all pictures."""
    lines = ["# Pictures of every view", "", HEAD]
    for scene in scenes.scenes():
        lines += ["", f"## {scene.title}", ""]
        shown = f"views/{scene.name}-dark-{scene.sizes[0]}.png"
        lines += [f"![{scene.title}]({shown})", ""]
        links = [
            f"[{theme}, {WORDS[size]}](views/{scene.name}-{theme}-{size}.png)"
            for size in scene.sizes
            for theme in THEMES
        ]
        lines.append(" · ".join(links))
    lines += ["", "## Figures", ""]
    lines += [
        f"[{name}]({name}): `hardattn export {name_of(words)}`\n" for name, words in FIGURES.items()
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def name_of(words: tuple[str, ...]) -> str:
    """The words of a command line, with files by their names in this repository."""
    return " ".join(
        f"sample_runs/{Path(one).name}" if one.endswith(".h5") else one for one in words
    )


def make_figure(target: Path, options: tuple[str, ...]) -> None:
    """Export a figure as the command line does."""
    command = [sys.executable, "-m", "hardattn_viewer", "export", *options, "-o", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    shrink(target)


def make_pictures(runs: Path, words: list[str], scale: int) -> None:
    """Make all pictures of one scale whose name holds one of ``words``."""
    start.application()
    for scene in scenes.scenes():
        for size in scene.sizes:
            for theme in THEMES:
                target = VIEWS / f"{scene.name}-{theme}-{size}.png"
                wanted = any(word in target.name for word in words)
                if scenes.SIZES[size][2] == scale and wanted:
                    # Notes are written beside a run: those of one picture are in no other.
                    with tempfile.TemporaryDirectory() as folder:
                        paths = [Path(shutil.copy(runs / f"{n}.h5", folder)) for n in scene.runs]
                        for checks in (runs / f"{n}.checks.npz" for n in scene.runs):
                            if checks.is_file():
                                shutil.copy(checks, folder)
                        make_picture(scene, paths, theme, scenes.SIZES[size][:2], target)


def make_picture(
    scene: scenes.Scene, paths: list[Path], theme: ThemeChoice, size: tuple[int, int], target: Path
) -> None:
    """Open a window, do what the scene does, and save how it looks."""
    session = Session()
    session.set_theme(theme)
    window = MainWindow(session, Settings(Unkept()), [], QSize(*size))
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.show()
    session.open(paths)
    rest(window)
    start.go_to(session, scene.view, scene.example, scene.step)
    scene.act(window)
    rest(window)
    # The time of a frame that is shown is that of a step, not that of opening a run.
    for step in (scene.step + 1, scene.step):
        session.go_to_step(step)
        rest(window)
    picture = grabbed(window)
    if not picture.save(str(target)):
        sys.exit(f"{target} cannot be written")
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    shrink(target)
    print(target)


def rest(window: MainWindow) -> None:
    """Wait until nothing is left that is made bit by bit."""
    window.examples.table.ask_now()
    until = time.monotonic() + REST
    while time.monotonic() < until:
        QApplication.processEvents()
        soon = [timer for timer in window.findChildren(QTimer) if timer.isActive()]
        if not any(timer.isSingleShot() for timer in soon):
            break
    for _ in range(5):
        QApplication.processEvents()


def grabbed(window: MainWindow) -> QPixmap:
    """The window, with the dialog that is open over its middle."""
    picture = window.grab()
    dialog = scenes.dialog_of(window)
    if dialog is None:
        return picture
    above = dialog.grab()
    middle = window.rect().center() - QPoint(dialog.width() // 2, dialog.height() // 2)
    painter = QPainter(picture)
    painter.fillRect(window.rect(), QColor(0, 0, 0, 110))
    painter.drawPixmap(middle, above)
    painter.setPen(QColor(window.theme.faint))
    painter.drawRect(middle.x() - 1, middle.y() - 1, dialog.width() + 1, dialog.height() + 1)
    painter.end()
    return picture


def shrink(path: Path) -> None:
    """Save a PNG in fewer bytes, with colours that nobody can tell from what they were."""
    with Image.open(path) as opened:
        whole = opened.convert("RGB")
    large = whole.width * whole.height >= MANY
    rounded = of_fewer_colours(whole, COARSE if large else FINE)
    few = of_few_colours(rounded)
    difference = ImageChops.difference(rounded, few.convert("RGB"))
    worst = max(high for _, high in difference.getextrema())
    (few if worst <= (BEST if large else WORST) else rounded).save(path, optimize=True)


def of_fewer_colours(picture: Image.Image, each: int) -> Image.Image:
    """A picture whose colours are multiples of a number; the commonest stay as they are."""
    colours = np.asarray(picture).astype(np.int32)
    codes = colours @ (1 << 16, 1 << 8, 1)
    found, counts = np.unique(codes, return_counts=True)
    kept = np.isin(codes, found[np.argsort(-counts)[:KEPT]])
    rounded = np.minimum((colours + each // 2) // each * each, 255)
    rounded[kept] = colours[kept]
    return Image.fromarray(rounded.astype(np.uint8))


def of_few_colours(picture: Image.Image) -> Image.Image:
    """A picture with a palette; the commonest colours stay as they are."""
    counted = picture.getcolors(picture.width * picture.height) or []
    common = [colour for _, colour in sorted(counted, reverse=True)]
    kept, rest = common[:KEPT], common[KEPT:]
    if len(common) > COLOURS:
        strip = Image.new("RGB", (len(rest), 1))
        strip.putdata(rest)
        found = strip.quantize(COLOURS - KEPT, Image.Quantize.MAXCOVERAGE).getpalette() or []
    else:
        found = [value for colour in rest for value in colour]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(value for colour in kept for value in colour), *found])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
