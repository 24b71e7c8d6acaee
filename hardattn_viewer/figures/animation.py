"""Animations: the still figure of every place in a series, one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter

from hardattn_viewer.drawing.text import Words, draw_text
from hardattn_viewer.figures.blocks import MARGIN
from hardattn_viewer.figures.figure import Figure
from hardattn_viewer.figures.gif import GifWriter
from hardattn_viewer.figures.mp4 import Mp4Writer, find_ffmpeg
from hardattn_viewer.figures.options import FigureError, FigureOptions, View
from hardattn_viewer.figures.series import figures_of, label_choices
from hardattn_viewer.figures.series_part import Timing
from hardattn_viewer.session.atlas import Atlas
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.series import Series

SUFFIXES = (".gif", ".mp4")
DPI = 150
MOST_WIDTH = 3_840
# Logical px below a figure, for what changes from frame to frame.
STRIP_PX = 24.0
# Of all frames together; about a minute of work, and half a gigabyte while a GIF is made.
MOST_PIXELS = 400_000_000


class Writer(Protocol):
    """Takes frames, gives the bytes of a file."""

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Take the next frame, uint8 [height, width, 3]."""

    def finish(self) -> bytes:
        """The file."""

    def close(self) -> None:
        """Let go of everything, also where it was not finished."""


@dataclass(frozen=True, eq=False)
class Animation:
    """A series laid out as frames of one size; made by ``make_animation``.

    Attributes:
        figures: the still figure of each place.
        width: of every frame, px, even.
        height: of every frame, px, even: that of the tallest.
        labels: what each frame is of, where its heading does not say so; written below.
    """

    figures: tuple[Figure, ...]
    width: int
    height: int
    labels: tuple[str, ...] = ()

    @property
    def caption(self) -> str:
        """What the file says of itself: the title and the caption of the first frame."""
        first = self.figures[0]
        count = len(self.figures)
        return f"{first.title}, and {count - 1:,} more frames. {first.caption}"

    def frame(self, at: int, width: int | None = None) -> QImage:
        """One frame.

        Args:
            at: which one.
            width: px; None is that of the file. The height follows.
        """
        figure = self.figures[at]
        wide = self.width if width is None else width
        tall = self.height if width is None else max(1, round(self.height * wide / self.width))
        image = QImage(wide, tall, QImage.Format.Format_RGB32)
        image.fill(QColor(figure.options.theme.panel))
        painter = QPainter(image)
        figure.paint(painter, QRectF(0, 0, wide, _height(figure, wide)))
        if self.labels:
            self._paint_label(painter, at, wide, tall)
        painter.end()
        return image

    def _paint_label(self, painter: QPainter, at: int, wide: int, tall: int) -> None:
        """Write what the frame is of at the lower edge, which no frame moves."""
        figure = self.figures[at]
        theme, page = figure.options.theme, figure.page
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.scale(wide / page.width, wide / page.width)
        bottom = tall * page.width / wide
        line = QRectF(MARGIN, bottom - STRIP_PX, page.width - 2 * MARGIN, STRIP_PX - 4)
        draw_text(painter, line, [Words(self.labels[at], bold=True)], theme)
        count = f"{at + 1:,} / {len(self.figures):,}"
        draw_text(painter, line, count, theme, colour=theme.muted, align="right")

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Every frame, uint8 [height, width, 3]."""
        for at in range(len(self.figures)):
            yield rgb(self.frame(at))


def make_animation(
    view: View,
    series: Series,
    options: FigureOptions,
    display: Display,
    width_px: int | None = None,
    atlas: Atlas | None = None,
) -> Animation:
    """Lay out an animation.

    Args:
        view: what is drawn of each place.
        series: the places, in their order.
        options: of each figure.
        display: how it is drawn.
        width_px: width of the frames; None is that of the figure at 150 dots per inch. Odd widths
            are made even, as films need it.
        atlas: how all heads are shown, for their view.

    Raises:
        FigureError: the view cannot show a place, or the frames are too large or too many.
    """
    if QGuiApplication.instance() is None:
        raise FigureError("no QGuiApplication is running; create one before making figures")
    width = round(options.width_mm / 25.4 * DPI) if width_px is None else width_px
    if not 32 <= width <= MOST_WIDTH:
        raise FigureError(f"frames {width:,} px wide cannot be made; choose 32 … {MOST_WIDTH:,} px")
    width = _even(width)
    figures = figures_of(view, series, options, display, atlas or Atlas())
    height = _even(max(_height(figure, width) for figure in figures))
    labels: tuple[str, ...] = ()
    if series.over != "steps":
        labels = tuple(label_choices(item, series)[0] for item in series.items)
        height = _even(height + STRIP_PX * width / options.width)
    if len(figures) * width * height > MOST_PIXELS:
        fit = max(1, MOST_PIXELS // (width * height))
        raise FigureError(
            f"{len(figures):,} frames of {width:,} × {height:,} px are more than can be written "
            f"in one file; choose at most {fit:,} of them, or smaller frames"
        )
    return Animation(figures, width, height, labels)


def check_suffix(path: Path) -> None:
    """Say at once, before anything is drawn, where a file cannot be made.

    Raises:
        FigureError: it is no animation's, or it needs a program that is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise FigureError(f"{path} is no animation; it is saved as one of {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".mp4":
        find_ffmpeg()


def writer_for(path: Path, animation: Animation, timing: Timing) -> Writer:
    """What writes an animation, by the suffix of ``path``.

    Raises:
        FigureError: the suffix is unknown, or ffmpeg is missing or does not start.
    """
    check_suffix(path)
    size = (animation.width, animation.height)
    words = (animation.figures[0].title, animation.caption)
    if path.suffix.lower() == ".mp4":
        return Mp4Writer(size, timing.fps, timing.hold, *words)
    return GifWriter(size, durations(len(animation.figures), timing), words[1])


def durations(count: int, timing: Timing) -> tuple[int, ...]:
    """How long each frame is shown, in hundredths of a second: GIF knows no other unit."""
    ends = [round(100 * (at + 1) / timing.fps) for at in range(count)]
    each = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    each[-1] += round(100 * timing.hold)
    return tuple(each)


def rgb(image: QImage) -> NDArray[np.uint8]:
    """The colours of an image, uint8 [height, width, 3]."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def _height(figure: Figure, width: int) -> int:
    """Of a figure in whole px, as wide as asked."""
    width_mm, height_mm = figure.size_mm
    return max(1, round(width * height_mm / width_mm))


def _even(length: float) -> int:
    return 2 * math.ceil(length / 2)
