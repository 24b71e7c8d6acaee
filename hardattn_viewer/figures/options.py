"""What a figure should be, and the one error that making or saving it raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from hardattn_viewer.drawing.theme import LIGHT, Theme

View = Literal[
    "regions", "tokens", "matrix", "heads", "compare", "timeline", "faithfulness", "training"
]
POINTS_PER_MM = 72 / 25.4


class FigureError(Exception):
    """A figure cannot be made or saved; the message is one sentence for the reader."""


@dataclass(frozen=True)
class FigureOptions:
    """What a figure should be.

    Attributes:
        view: ``"regions"``, ``"tokens"`` or ``"matrix"`` (one run), ``"heads"`` (all heads of it),
            ``"compare"`` (A, B and B − A), ``"timeline"`` or ``"training"`` (one run or two),
            ``"faithfulness"`` (the checks of one run).
        width_mm: width on paper, 20 to 1000 mm; journals' columns are about 85 and 175.
        font_pt: size of body text on paper, 3 to 72 points; captions are one twelfth smaller.
        theme: palette.
        caption: write below what is shown: run, site, head, step, scale, version.
        all_steps: add a row of small pictures, one a step (view ``"regions"``).
        dpi: resolution of PNG files, 30 to 1200.
        notes: sentences that the caption of a comparison ends with, on what could not be aligned.
        facts: further numbers to put beside a comparison, one chip each: plain words, or words and
            a number set in bold, ``("over all examples: agree", "72.4 ± 0.9 %")``.
    """

    view: View = "regions"
    width_mm: float = 85.0
    font_pt: float = 8.0
    theme: Theme = LIGHT
    caption: bool = True
    all_steps: bool = False
    dpi: int = 300
    facts: tuple[str | tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.view not in get_args(View):
            known = ", ".join(get_args(View))
            raise FigureError(f"there is no view {self.view!r}; choose one of {known}")
        for name, low, high, unit in (
            ("width_mm", 20, 1000, "mm"),
            ("font_pt", 3, 72, "pt"),
            ("dpi", 30, 1200, "dots per inch"),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise FigureError(f"{name} is {value:g}; it must lie in {low} … {high} {unit}")

    @property
    def unit_pt(self) -> float:
        """Points on paper of one logical px, so that body text gets ``font_pt``."""
        return self.font_pt / self.theme.size

    @property
    def width(self) -> float:
        """Width in logical px."""
        return self.width_mm * POINTS_PER_MM / self.unit_pt
