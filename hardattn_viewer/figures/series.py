"""Figures that belong together: one scale for all of them, and a short label for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from hardattn_viewer.drawing.heads import shared_scale
from hardattn_viewer.drawing.text import amount, plain
from hardattn_viewer.figures.curve_pages import make_timeline_figure, timeline_ranges
from hardattn_viewer.figures.figure import Figure, make_figure
from hardattn_viewer.figures.heads import make_heads_figure
from hardattn_viewer.figures.options import FigureError, FigureOptions, View
from hardattn_viewer.session.atlas import Atlas
from hardattn_viewer.session.display import Display, together
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.series import Item, Series
from hardattn_viewer.session.state import SLOTS

SHEETS: tuple[View, ...] = ("regions", "tokens", "matrix", "compare")
"""Views that a contact sheet is drawn of."""
VIEWS: tuple[View, ...] = (*SHEETS, "heads", "timeline")
"""Views that an animation is drawn of."""


def check_view(view: str, *, sheet: bool = False) -> None:
    """Refuse views of which no series is drawn.

    Args:
        view: what is drawn of each place.
        sheet: whether they are to lie beside each other.

    Raises:
        FigureError: the view is one of those.
    """
    if view in (SHEETS if sheet else VIEWS):
        return
    known = ", ".join(SHEETS if sheet else VIEWS)
    what = "shows several places already" if view in get_args(View) else "is unknown"
    kind = "a contact sheet" if sheet else "a series"
    more = "; save it as .gif or .mp4" if view in VIEWS else ""
    raise FigureError(f"the view {view!r} {what}; {kind} is drawn of one of {known}{more}")


def figures_of(
    view: View, series: Series, options: FigureOptions, display: Display, atlas: Atlas
) -> tuple[Figure, ...]:
    """The figure of each place, with one scale for all of them.

    Args:
        view: what is drawn of each.
        series: the places.
        options: of each figure.
        display: how a single one would be drawn.
        atlas: how all heads are shown, for their view.

    Raises:
        FigureError: the view cannot show an item.
    """
    check_view(view)
    if view == "heads":
        if series.over == "heads":
            raise FigureError(
                "the view 'heads' shows all heads at every place: export steps, snapshots or "
                "examples of it"
            )
        numbers = [item.heads for item in series.items if item.heads is not None]
        scale = shared_scale(numbers, atlas, series.words)
        return tuple(make_heads_figure(one, atlas, options, display, scale) for one in numbers)
    if view == "timeline":
        several: list[dict[str, Frame]] = [
            dict(zip(SLOTS, item.frames, strict=False)) for item in series.items
        ]
        ranges = timeline_ranges(several)
        return tuple(make_timeline_figure(one, options, display, ranges) for one in several)
    shared = one_scale(view, series, options, display)
    return tuple(series_figure(view, item, options, shared) for item in series.items)


def series_figure(view: View, item: Item, options: FigureOptions, display: Display) -> Figure:
    """The figure of one item: the same as of its place alone, but for the scale.

    Raises:
        FigureError: the view cannot show the item.
    """
    return make_figure(view, item.frames, options, display)


def one_scale(
    view: View, series: Series, options: FigureOptions, display: Display, *, sheet: bool = False
) -> Display:
    """How a series is drawn so that a colour means the same everywhere in it.

    The scale of one example's steps is that of all its steps already, as in a single figure;
    frames whose scale is asked to be that of their own step keep it.

    Args:
        view: what is drawn of each item.
        series: what is drawn.
        options: of the figures.
        display: how a single one would be drawn.
        sheet: whether one bar of colours stands for all.

    Raises:
        FigureError: the view cannot show an item.
    """
    if not sheet and display.scale == "step":
        return display
    if series.over == "steps" and display.scale != "step":
        return display
    own = replace(display, scale="step")
    pages = [series_figure(view, item, options, own).page for item in series.items]
    top = max(scale for page in pages for scale in page.scales)
    difference = max((page.difference or 0.0 for page in pages), default=0.0)
    return together(display, top, difference, series.words)


def label_choices(item: Item, series: Series) -> tuple[str, ...]:
    """What an item is called beside others, the longest wording first."""
    frame = item.frames[0]
    match series.over:
        case "steps":
            return (f"step {item.at + 1} of {frame.steps}", f"step {item.at + 1}", str(item.at + 1))
        case "heads":
            return (f"head {item.at}", str(item.at))
        case "snapshots" if frame.training_step is not None:
            return (f"training step {frame.training_step:,}", f"{frame.training_step:,}")
        case "snapshots":
            return (f"snapshot {item.at + 1}", str(item.at + 1))
    return (plain(frame.example_name),)


def outcome_choices(frames: Sequence[Frame]) -> tuple[str, ...]:
    """What came out of an example, the longest wording first; empty where that is not known."""
    found = [_outcome(frame) for frame in frames]
    if not any(found):
        return ()
    if len(frames) == 1:
        return found[0]
    slots = [
        f"{slot}: {words[-1] if words else '–'}" for slot, words in zip("AB", found, strict=True)
    ]
    return (" · ".join(slots), " ".join(slots))


def _outcome(frame: Frame) -> tuple[str, ...]:
    if frame.prediction is None:
        return () if frame.label is None else (f"true {frame.label}",)
    sure = "" if frame.confidence is None else f" ({amount(frame.confidence)})"
    if frame.label is None:
        return (f"predicted {frame.prediction}{sure}", f"predicted {frame.prediction}")
    right = frame.prediction == frame.label
    mark, word = ("✓", "right") if right else ("✗", "wrong")
    both = f"true {frame.label}, predicted {frame.prediction}"
    return (
        f"{both}{sure} {mark} {word}",
        f"{both} {mark} {word}",
        f"{both} {mark}",
        f"{frame.label} as {frame.prediction} {mark} {word}",
        f"{frame.label} as {frame.prediction} {mark}",
    )
