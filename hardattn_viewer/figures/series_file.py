"""A series as a file: an animation, a contact sheet or numbers, by the suffix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hardattn_viewer.figures import animation
from hardattn_viewer.figures.animation import Animation, Timing, make_animation, rgb, writer_for
from hardattn_viewer.figures.figure import SUFFIXES
from hardattn_viewer.figures.files import write_whole
from hardattn_viewer.figures.options import FigureError, FigureOptions, View
from hardattn_viewer.figures.series import check_view
from hardattn_viewer.figures.sheet import Grid, make_sheet
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.series import Series

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class SeriesOptions:
    """What is made of a series.

    Attributes:
        figure: of each figure, or of the sheet.
        display: how attention is drawn.
        timing: of an animation.
        seconds: how long it goes without the last frame's hold; None leaves it to ``timing``.
        width_px: of an animation's frames; None is 150 dots per inch.
        grid: of a sheet.
    """

    figure: FigureOptions
    display: Display = field(default_factory=Display)
    timing: Timing = field(default_factory=Timing)
    seconds: float | None = None
    width_px: int | None = None
    grid: Grid = field(default_factory=Grid)

    def timing_of(self, count: int) -> Timing:
        """The timing of ``count`` frames.

        Raises:
            FigureError: ``seconds`` is not a time that so many frames can take.
        """
        if self.seconds is None:
            return self.timing
        if not self.seconds > 0 or not 0.1 <= count / self.seconds <= 50:
            raise FigureError(
                f"{count:,} frames in {self.seconds:g} s cannot be shown everywhere; choose "
                f"{max(count / 50, 0.1):.2g} … {10 * count:,} s, or fewer frames"
            )
        return Timing(count / self.seconds, self.timing.hold)


def check_path(view: View, path: Path) -> None:
    """Say at once what cannot be written, before anything is read or drawn.

    Raises:
        FigureError: the view shows no single place, the suffix is unknown, or ffmpeg is missing.
    """
    check_view(view)
    if path.suffix.lower() in animation.SUFFIXES:
        animation.check_suffix(path)
    elif path.suffix.lower() not in SUFFIXES:
        known = ", ".join((*animation.SUFFIXES, *SUFFIXES))
        raise FigureError(f"{path} has an unknown suffix; a series is saved as one of {known}")


def write_series(
    path: Path,
    series: Series,
    options: SeriesOptions,
    tell: Tell = lambda done, total: None,
) -> None:
    """Write a series; the file is there whole or not at all.

    Args:
        path: ``.gif`` and ``.mp4`` become animations, ``.svg``, ``.pdf`` and ``.png`` a contact
            sheet, ``.csv`` and ``.npz`` the numbers of all places.
        series: what is written.
        options: how; the view is that of its figure.
        tell: called with how many frames are drawn, of how many.

    Raises:
        FigureError: it cannot be drawn, or the place cannot be written.
    """
    view = options.figure.view
    check_path(view, path)
    if path.suffix.lower() not in animation.SUFFIXES:
        paged = path.suffix.lower() == ".pdf"
        make_sheet(view, series, options.figure, options.display, options.grid, paged=paged).save(
            path
        )
        tell(1, 1)
        return
    timing = options.timing_of(len(series.items))
    made = make_animation(view, series, options.figure, options.display, options.width_px)
    write_whole(path, _film(path, made, timing, tell))


def _film(path: Path, made: Animation, timing: Timing, tell: Tell) -> bytes:
    writer = writer_for(path, made, timing)
    try:
        for at in range(len(made.figures)):
            writer.add(rgb(made.frame(at)))
            tell(at + 1, len(made.figures))
        return writer.finish()
    finally:
        writer.close()
