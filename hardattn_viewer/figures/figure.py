"""Figures for papers: what the painters paint on screen, on a page of exact size."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter

from hardattn_viewer.drawing.text import plain
from hardattn_viewer.figures.blocks import Page
from hardattn_viewer.figures.compare_text import compare_matrix_page, compare_tokens_page
from hardattn_viewer.figures.compose import compare_page, regions_page
from hardattn_viewer.figures.embedding import as_element, in_npz, in_png, in_svg
from hardattn_viewer.figures.files import png_bytes, svg_bytes, write_whole
from hardattn_viewer.figures.fonts import with_fonts
from hardattn_viewer.figures.numbers import csv_bytes, matrix_csv_bytes, npz_bytes
from hardattn_viewer.figures.options import POINTS_PER_MM, FigureError, FigureOptions, View
from hardattn_viewer.figures.pdf_pages import pdf_bytes
from hardattn_viewer.figures.provenance import title
from hardattn_viewer.figures.recipe import Recipe
from hardattn_viewer.figures.text_pages import matrix_page, tokens_page
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame
from recorders.version import PRODUCER

__all__ = ["Figure", "FigureError", "FigureOptions", "View", "make_figure", "usual_view"]

SUFFIXES = (".svg", ".pdf", ".png", ".csv", ".npz")


@dataclass(frozen=True, eq=False)
class Written:
    """What a figure that is not of frames writes about itself.

    Attributes:
        title: one line.
        csv: the numbers behind it as a table.
        npz: the numbers behind it as arrays, with a caption.
    """

    title: str
    csv: Callable[[], bytes]
    npz: Callable[[str], bytes]


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure, laid out; made by ``make_figure``.

    Attributes:
        options: what was asked for.
        frames: the numbers behind it.
        page: where everything is.
        written: title and numbers where they are not those of the frames.
        recipe: what it was made of, which its files then carry; None where that is not known.
    """

    options: FigureOptions
    frames: tuple[Frame, ...]
    page: Page
    written: Written | None = None
    recipe: Recipe | None = None

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height on paper, to the hundredth of a millimetre."""
        height = self.page.height * self.options.unit_pt / POINTS_PER_MM
        return (round(self.options.width_mm, 2), round(height, 2))

    @property
    def caption(self) -> str:
        """What is shown and where it comes from, also when it is not painted."""
        return self.page.caption

    @property
    def title(self) -> str:
        """One line for the file's description of itself."""
        return title(self.frames) if self.written is None else self.written.title

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the page into ``rect``, scaled to its width; every format goes through here."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.fillRect(rect, QColor(self.options.theme.panel))
        painter.translate(rect.topLeft())
        scale = rect.width() / self.page.width
        painter.scale(scale, scale)
        for block in self.page.blocks:
            painter.save()
            block.paint(painter, block.rect)
            painter.restore()
        painter.restore()

    def image(self, width_px: int) -> QImage:
        """A preview.

        Args:
            width_px: its width; the height follows.
        """
        width_mm, height_mm = self.size_mm
        height_px = max(1, round(width_px * height_mm / width_mm))
        image = QImage(width_px, height_px, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(QColor(self.options.theme.panel))
        painter = QPainter(image)
        self.paint(painter, QRectF(0, 0, width_px, height_px))
        painter.end()
        return image

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the figure, or the numbers behind it, by the suffix of ``path``.

        The file is there whole or not at all. ``.svg``, ``.pdf`` and ``.png`` hold the figure,
        ``.csv`` and ``.npz`` the numbers of all steps; all but ``.csv`` what it was made of, too.
        The same figure gives the same bytes.

        Args:
            path: where; an existing file is replaced.

        Raises:
            FigureError: unknown suffix, or the place cannot be written.
        """
        target = Path(path)
        write_whole(target, self._bytes(target))

    def svg(self) -> bytes:
        """The bytes of the SVG that ``save`` writes."""
        fallback = ", ".join(self.options.theme.family[1:])
        page = svg_bytes(self.paint, *self.size_mm, self.title, self.caption, fallback)
        made = with_fonts(page)
        return made if self.recipe is None else in_svg(made, self.recipe.as_json())

    def _pdf(self) -> bytes:
        more = "" if self.recipe is None else as_element(self.recipe.as_json())
        pages = [(self.paint, *self.size_mm)]
        return pdf_bytes(pages, self.title, self.caption, PRODUCER, more)

    def _png(self) -> bytes:
        words = f"{self.title}. {self.caption}"
        made = png_bytes(self.paint, *self.size_mm, self.options.dpi, words)
        return made if self.recipe is None else in_png(made, self.recipe.as_json())

    def _npz(self, names: Sequence[str]) -> bytes:
        if self.written is not None:
            return self.written.npz(self.caption)
        scales, difference = self.page.scales, self.page.difference
        return npz_bytes(self.frames, names, self.caption, scales, difference)

    def _bytes(self, target: Path) -> bytes:
        names = ("A", "B")[: len(self.frames)]
        match target.suffix.lower():
            case ".svg":
                return self.svg()
            case ".pdf":
                return self._pdf()
            case ".png":
                return self._png()
            case ".csv" if self.written is not None:
                return self.written.csv()
            case ".npz":
                made = self._npz(names)
                return made if self.recipe is None else in_npz(made, self.recipe.as_json())
            case ".csv" if self.options.view == "matrix":
                return matrix_csv_bytes(self.frames[0], names[0])
            case ".csv":
                return csv_bytes(self.frames, names)
            case other:
                known = ", ".join(SUFFIXES)
                shown = f"the suffix {plain(other)!r}" if other else "no suffix"
                raise FigureError(f"{target} has {shown}; a figure is saved as one of {known}")


def make_figure(
    view: View, frames: Sequence[Frame], options: FigureOptions, display: Display
) -> Figure:
    """Lay out a figure.

    Args:
        view: ``"compare"`` takes two frames (A, B) of the same example, any other one.
        frames: one run at one place each.
        options: size, type and theme; ``view`` here counts, not the one in the options.
        display: what is drawn, as on screen.

    Raises:
        FigureError: the wrong number of frames for the view, or frames without image regions.
    """
    if QGuiApplication.instance() is None:
        raise FigureError("no QGuiApplication is running; create one before making figures")
    if view not in get_args(View):
        known = ", ".join(get_args(View))
        raise FigureError(f"there is no view {view!r}; choose one of {known}")
    if view in ("heads", "training", "timeline", "faithfulness"):
        name = "checks" if view == "faithfulness" else view
        raise FigureError(f"make_{name}_figure draws the view {view!r}")
    needed = 2 if view == "compare" else 1
    if len(frames) != needed:
        raise FigureError(f"the view {view!r} shows {needed} run(s), but {len(frames)} were given")
    options = replace(options, view=view)
    for frame in frames:
        if view == "regions" and (frame.boxes is None or not len(frame.boxes)):
            raise FigureError(
                f"{plain(frame.run_name)} holds no image regions at site "
                f"{plain(frame.place.site or 'first')}; the view {view!r} draws only those"
            )
    page = _page(view, frames, options, display)
    return Figure(options, tuple(frames), page)


def usual_view(frame: Frame) -> View:
    """The view that shows a frame as the window does at first: by what its keys are."""
    return "regions" if frame.boxes is not None and len(frame.boxes) else "tokens"


def _page(view: View, frames: Sequence[Frame], options: FigureOptions, display: Display) -> Page:
    match view:
        case "regions":
            return regions_page(frames[0], options, display)
        case "tokens":
            return tokens_page(frames[0], options, display)
        case "matrix":
            return matrix_page(frames[0], options, display)
        case "compare" if display.maps:
            return compare_matrix_page(frames[0], frames[1], options, display)
        case "compare" if any(frame.boxes is None or not len(frame.boxes) for frame in frames):
            return compare_tokens_page(frames[0], frames[1], options, display)
        case _:
            return compare_page(frames[0], frames[1], options, display)
