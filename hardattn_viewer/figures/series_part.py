"""What a file of several places is: which places, and how they follow or lie beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from hardattn_viewer.figures.options import FigureError
from hardattn_viewer.session.series import MOST_ITEMS, Over

PAGE_MM = 240.0
# What programs that read SVG and PNG still take well.
TALLEST_MM = 1_000.0


@dataclass(frozen=True)
class Timing:
    """How fast an animation goes.

    Attributes:
        fps: frames a second, in 0.1 … 50.
        hold: seconds that the last frame stays for after its turn, in 0 … 60.
    """

    fps: float = 2.0
    hold: float = 1.0

    def __post_init__(self) -> None:
        if not 0.1 <= self.fps <= 50:
            raise FigureError(
                f"{self.fps:g} frames a second cannot be shown everywhere; choose 0.1 … 50"
            )
        if not 0 <= self.hold <= 60:
            raise FigureError(f"the last frame cannot stay for {self.hold:g} s; choose 0 … 60")


@dataclass(frozen=True)
class Grid:
    """How a sheet is arranged.

    Attributes:
        columns: cells beside each other; None is as many as can be read.
        page_mm: how tall a page of a PDF becomes at most, 60 to 1000 mm.
    """

    columns: int | None = None
    page_mm: float = PAGE_MM

    def __post_init__(self) -> None:
        if self.columns is not None and not 1 <= self.columns <= 40:
            raise FigureError(f"{self.columns} columns cannot be drawn; choose 1 … 40")
        if not 60 <= self.page_mm <= TALLEST_MM:
            raise FigureError(
                f"a page cannot be {self.page_mm:g} mm tall; choose 60 … {TALLEST_MM:g} mm"
            )


@dataclass(frozen=True)
class SeriesPart:
    """Several places instead of the one that a recipe's run part names.

    Attributes:
        over: what they differ in; that part of the run's place does not count, and nor does the
            name of its example where it is examples. A step of -1 is the last one of each.
        at: the steps, snapshots, heads or examples of the first run, from 0, in their order.
        names: of the examples, by which they are found in a run that was recorded anew; may be
            empty.
        timing: of an animation.
        seconds: how long it goes without the last frame's hold; None leaves it to ``timing``.
        width_px: of an animation's frames; None is 150 dots per inch.
        grid: of a sheet.
    """

    over: Over = "steps"
    at: tuple[int, ...] = (0,)
    names: tuple[str, ...] = ()
    timing: Timing = field(default_factory=Timing)
    seconds: float | None = None
    width_px: int | None = None
    grid: Grid = field(default_factory=Grid)

    def __post_init__(self) -> None:
        if not 1 <= len(self.at) <= MOST_ITEMS or min(self.at) < 0:
            raise FigureError(f"a series is of 1 … {MOST_ITEMS:,} places, counted from 0")
        if len(self.names) not in (0, len(self.at)):
            raise FigureError("a series has a name for each of its examples, or none")

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
