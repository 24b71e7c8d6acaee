"""Figures as other programs see them: poppler reads and draws the PDF, librsvg the SVG.

What they draw is held against the pixels that this program's own painters put on the screen.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from drawing_samples import pixels
from PIL import Image
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from hardattn_viewer.cli import main
from hardattn_viewer.figures.embedding import recipe_in
from hardattn_viewer.figures.making import figure_of
from recorders import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"
# Other programs set letters on whole px: drawn finer and made smaller, that is a third of one.
DPI, FINER = 144, 3
FIGURES: dict[str, list[str]] = {
    "regions": ["glimpse-hard.h5", "--example", "8", "--step", "3", "--all-steps"],
    "tokens": ["minilm-text.h5", "--arcs", "5"],
    "matrix": ["minilm-text.h5", "--view", "matrix", "--head", "1"],
    "heads": ["minilm-text.h5", "--view", "heads"],
    "compare": ["glimpse-hard.h5", "--view", "compare", "--with", "glimpse-soft.h5"],
    "translated": ["alignment-hard.h5", "--view", "compare", "--with", "alignment-soft.h5"],
    "timeline": ["glimpse-hard.h5", "--view", "timeline", "--with", "glimpse-soft.h5"],
    "faithfulness": ["glimpse-hard.h5", "--view", "faithfulness", "--width-mm", "180"],
}
# Largest mean difference of a channel, of 255, and largest share of pixels that differ by more
# than a quarter: every program smooths letters and lines in a way of its own.
MEAN, SHARE = 4.5, 0.035

poppler = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("pdffonts", "pdftotext", "pdftoppm")),
    reason="poppler-utils is not installed (apt-get install poppler-utils)",
)
librsvg = pytest.mark.skipif(
    shutil.which("rsvg-convert") is None,
    reason="rsvg-convert is not installed (apt-get install librsvg2-bin)",
)


def export(name: str, path: Path, *words: str) -> None:
    named = [str(SAMPLES / word) if word.endswith(".h5") else word for word in FIGURES[name]]
    assert main(["export", *named, *words, "-o", str(path)]) == 0


def ran(*words: str | Path) -> str:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
    # Both say what is wrong with a file, and go on.
    assert done.stderr == ""
    return done.stdout


def on_screen(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The figure in a file, drawn anew by this program's painters, uint8 [height, width, 3]."""
    recipe = recipe_in(path)
    report = None
    if recipe.checks is not None:
        from hardattn_viewer.checks.file import read_checks

        report = read_checks(SAMPLES / recipe.checks.file)
    runs = [] if report else [read_run(SAMPLES / part.file) for part in recipe.runs]
    figure = figure_of(recipe, runs, report)
    for run in runs:
        run.close()
    width, height = (mm / 25.4 * DPI for mm in figure.size_mm)
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    figure.paint(painter, QRectF(0, 0, width, height))
    painter.end()
    return pixels(image)


def assert_alike(drawn: Path, figure: Path) -> None:
    with Image.open(drawn) as image:
        # Of the outermost px the page may cover a part alone.
        size = (image.width // FINER, image.height // FINER)
        whole = image.convert("RGB").crop((0, 0, size[0] * FINER, size[1] * FINER))
        found = np.asarray(whole.reduce(FINER)).astype(int)
    expected = on_screen(figure, (found.shape[1], found.shape[0])).astype(int)
    gap = np.abs(found - expected)
    assert gap.mean() < MEAN
    assert (gap.max(axis=2) > 64).mean() < SHARE
    # Nothing is shifted by as much as a pixel.
    for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        moved = np.roll(found, (down, right), (0, 1))
        assert gap[1:-1, 1:-1].mean() < 0.9 * np.abs(moved - expected)[1:-1, 1:-1].mean()


@poppler
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", list(FIGURES))
def test_poppler_draws_what_the_window_draws(
    name: str, theme: str, tmp_path: Path, qapp: object
) -> None:
    figure = tmp_path / "figure.pdf"
    export(name, figure, "--theme", theme)
    ran("pdftoppm", "-r", str(FINER * DPI), "-png", "-singlefile", figure, tmp_path / "drawn")
    assert_alike(tmp_path / "drawn.png", figure)


@librsvg
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", list(FIGURES))
def test_librsvg_draws_what_the_window_draws(
    name: str, theme: str, tmp_path: Path, qapp: object
) -> None:
    figure = tmp_path / "figure.svg"
    export(name, figure, "--theme", theme)
    drawn = tmp_path / "drawn.png"
    ran("rsvg-convert", "-d", str(FINER * DPI), "-p", str(FINER * DPI), figure, "-o", drawn)
    assert_alike(drawn, figure)


@poppler
@pytest.mark.parametrize("name", list(FIGURES))
def test_all_type_of_a_pdf_is_embedded_and_can_be_read(
    name: str, tmp_path: Path, qapp: object
) -> None:
    figure = tmp_path / "figure.pdf"
    export(name, figure)
    fonts = ran("pdffonts", figure).splitlines()[2:]
    assert fonts
    for line in fonts:
        embedded, _, unicode = re.findall(r"\b(yes|no)\b", line)
        assert (embedded, unicode) == ("yes", "yes"), line
    text = " ".join(ran("pdftotext", figure, "-").split())
    caption = " ".join(recipe_in(figure).shown["caption"].split())
    for sentence in re.split(r"(?<=[.;]) ", caption):
        assert sentence in text


@poppler
def test_a_pdf_says_its_size_and_what_it_is(tmp_path: Path, qapp: object) -> None:
    figure = tmp_path / "figure.pdf"
    export("compare", figure, "--preset", "icml-page")
    about = dict(re.findall(r"^([\w ]+): +(.*)$", ran("pdfinfo", figure), re.MULTILINE))
    assert about["Title"].startswith("Attention of glimpse-hard and glimpse-soft")
    assert about["Creator"].startswith("hardattn ")
    assert "CreationDate" not in about and "ModDate" not in about
    width = float(about["Page size"].split()[0]) / 72 * 25.4
    assert width == pytest.approx(171.45, abs=0.01)
    assert "<hardattn:figure" in ran("pdfinfo", "-meta", figure)


@librsvg
def test_letters_of_an_svg_are_letters(tmp_path: Path, qapp: object) -> None:
    figure = tmp_path / "figure.svg"
    export("translated", figure)
    words = set(re.findall(r">([^<]+)</text>", figure.read_text(encoding="utf-8")))
    assert {"Hezekiah", "Ἑζεκίαν"} <= words
