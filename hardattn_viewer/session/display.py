"""How attention is to be drawn: the choices that a person makes, without any drawing in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Interpolation = Literal["nearest", "smooth"]
Scale = Literal["shared", "example", "step"]


Option = Literal["heat", "boxes", "path"]


@dataclass(frozen=True)
class DisplayOptions:
    """The drawing choices that are part of the session, and so undone and restored with it.

    Attributes:
        heat: whether probabilities are laid over the image as colour.
        boxes: whether the outlines of selected regions are drawn.
        path: whether the numbered scan path is drawn.
        opacity: opacity of the heat, in [0, 1].
        interpolation: ``"nearest"`` draws each region as it is, ``"smooth"`` blends them.
        scale: what the top of the colour scale is the largest probability of: every step of
            both runs (``"shared"``), every step of one run (``"example"``), or one step.
    """

    heat: bool = True
    boxes: bool = True
    path: bool = True
    opacity: float = 0.65
    interpolation: Interpolation = "nearest"
    scale: Scale = "shared"


def toggled(options: DisplayOptions, option: Option) -> DisplayOptions:
    """The options with one of them switched."""
    match option:
        case "heat":
            return replace(options, heat=not options.heat)
        case "boxes":
            return replace(options, boxes=not options.boxes)
        case "path":
            return replace(options, path=not options.path)
