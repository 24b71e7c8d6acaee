"""How attention is to be drawn: the choices that a person makes, without any drawing in them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from hardattn_viewer.session.image_view import ImageView

Interpolation = Literal["nearest", "smooth"]
Scope = Literal["shared", "example", "step"]
AmountTable = Literal["viridis", "cividis"]
Option = Literal["heat", "boxes", "path", "maps"]
BarOption = Literal["sorted_bars", "log_bars", "cumulative", "bar_names"]
CurveOption = Literal["log_curves", "filtered_curves"]
USUAL_CURVES = (
    "loss",
    "reward",
    "accuracy",
    "entropy",
    "hardness",
    "gradient_variance",
    "baseline",
    "temperature",
)
Specials = Literal["shown", "dimmed", "hidden"]
Subwords = Literal["pieces", "words"]
MOST_ARCS = 50


@dataclass(frozen=True)
class Display:
    """Options of the pictures of attention.

    Attributes:
        heat: tint regions by their probability.
        boxes: outline the pixels that the selected region really covers.
        path: number the selected regions in the order of the steps.
        maps: in Compare, subtract all queries × keys instead of the row of one query.
        opacity: of the strongest heat, in [0, 1].
        interpolation: ``"nearest"`` fills each region with one colour; ``"smooth"`` is bilinear
            between region centres, and is labelled so in the picture.
        scale: what the largest colour stands for: the largest probability of all runs shown and
            all steps (``"shared"``), of one run and all its steps (``"example"``), or of one step.
        colours: table of amounts.
        image_view: the part of the image that is shown; None is all of it.
        sorted_bars: order a distribution's keys by falling probability.
        log_bars: draw its probabilities on a logarithmic axis.
        cumulative: draw its cumulative mass as a line.
        bar_names: name its largest keys.
        curves: numbers drawn over training, where a run holds them.
        log_curves: draw those that are all positive on a logarithmic axis.
        filtered_curves: take means over training from the examples that pass the filter only.
        specials: special tokens of a text are ``"shown"`` as others, ``"dimmed"`` (without colour,
            and not part of the scale) or ``"hidden"``.
        subwords: the tokens of a text are shown as ``"pieces"``, or as ``"words"`` that have the
            sum of their pieces; a query is then the mean over the pieces of its word.
        raw_tokens: write tokens with the marks of their tokenizer.
        arcs: draw lines from the query to the keys that get most.
        arc_count: to how many, 1 to 50.
    """

    heat: bool = True
    boxes: bool = True
    path: bool = True
    maps: bool = False
    opacity: float = 0.65
    interpolation: Interpolation = "nearest"
    scale: Scope = "shared"
    colours: AmountTable = "viridis"
    image_view: ImageView | None = None
    sorted_bars: bool = False
    log_bars: bool = False
    cumulative: bool = False
    bar_names: bool = True
    curves: tuple[str, ...] = USUAL_CURVES
    log_curves: bool = False
    filtered_curves: bool = False
    specials: Specials = "shown"
    subwords: Subwords = "pieces"
    raw_tokens: bool = False
    arcs: bool = False
    arc_count: int = 5

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity is {self.opacity}; it must lie in 0 … 1")
        if not 1 <= self.arc_count <= MOST_ARCS:
            raise ValueError(f"arc_count is {self.arc_count}; it must lie in 1 … {MOST_ARCS}")
        for name, allowed in (
            ("interpolation", Interpolation),
            ("scale", Scope),
            ("colours", AmountTable),
            ("specials", Specials),
            ("subwords", Subwords),
        ):
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; it must be one of "
                    + ", ".join(get_args(allowed))
                )


@dataclass(frozen=True)
class Together(Display):
    """How pictures are drawn that belong together: frames of an animation, cells of a sheet.

    Attributes:
        top: the probability that the strongest colour of all of them stands for.
        difference: the same for B − A; 0 leaves it to each picture.
        over: what ``top`` is the largest of, in words.
    """

    top: float = 1.0
    difference: float = 0.0
    over: str = ""


def together(options: Display, top: float, difference: float, over: str) -> Together:
    """The options, with one scale for all pictures of a series."""
    own = {field.name: getattr(options, field.name) for field in fields(Display)}
    return Together(**own, top=top, difference=difference, over=over)


def toggled(options: Display, option: Option | BarOption | CurveOption) -> Display:
    """The options with one of them switched."""
    switched: dict[str, Any] = {option: not getattr(options, option)}
    return replace(options, **switched)


def with_curve(options: Display, name: str) -> Display:
    """The options with the curve of a number added, or taken away."""
    shown = options.curves
    left = tuple(one for one in shown if one != name)
    return replace(options, curves=left if name in shown else (*shown, name))


def is_other_part(new: Display, old: Display) -> bool:
    """Whether two ways to draw differ in the part of the image alone."""
    return old.image_view != new.image_view and replace(old, image_view=new.image_view) == new
