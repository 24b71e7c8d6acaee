"""A series as a file: an animation, a contact sheet or numbers, by the suffix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hardattn_viewer.figures import animation
from hardattn_viewer.figures.animation import Animation, make_animation, rgb, writer_for
from hardattn_viewer.figures.embedding import as_element, in_gif, in_mp4
from hardattn_viewer.figures.figure import SUFFIXES
from hardattn_viewer.figures.files import write_whole
from hardattn_viewer.figures.options import FigureError, View
from hardattn_viewer.figures.recipe import Recipe, RunPart, asked_place, run_part, told_by
from hardattn_viewer.figures.series import check_view
from hardattn_viewer.figures.series_part import SeriesPart, Timing
from hardattn_viewer.figures.sheet import make_sheet
from hardattn_viewer.figures.xmp import xmp_packet
from hardattn_viewer.session.frames import Frame, Place
from hardattn_viewer.session.series import Over, Series
from recorders.version import PRODUCER

Tell = Callable[[int, int], None]
MOST_NAMES = 1 << 16
"""Letters of the names of all examples, more than which a recipe does without them."""


def check_path(view: View, path: Path) -> None:
    """Say at once what cannot be written, before anything is read or drawn.

    Raises:
        FigureError: the view shows no single place, the suffix is unknown, or ffmpeg is missing.
    """
    moves = path.suffix.lower() in animation.SUFFIXES
    check_view(view, sheet=not moves)
    if moves:
        animation.check_suffix(path)
    elif path.suffix.lower() not in SUFFIXES:
        known = ", ".join((*animation.SUFFIXES, *SUFFIXES))
        raise FigureError(f"{path} has an unknown suffix; a series is saved as one of {known}")


def write_series(
    path: Path,
    series: Series,
    recipe: Recipe,
    left_out: Sequence[str] = (),
    tell: Tell = lambda done, total: None,
) -> None:
    """Write a series; the file is there whole or not at all, and the same for the same series.

    Args:
        path: ``.gif`` and ``.mp4`` become animations, ``.svg``, ``.pdf`` and ``.png`` a contact
            sheet, ``.csv`` and ``.npz`` the numbers of all places.
        series: what is written.
        recipe: how, and what the file says that it was made of; ``recipe_of_series`` makes it.
        left_out: what the runs did not record, in sentences.
        tell: called with how many frames are drawn, of how many.

    Raises:
        FigureError: it cannot be drawn, or the place cannot be written.
    """
    view, part = recipe.options.view, recipe.series or SeriesPart(series.over)
    check_path(view, path)
    if path.suffix.lower() not in animation.SUFFIXES:
        paged = path.suffix.lower() == ".pdf"
        sheet = make_sheet(view, series, recipe.options, recipe.display, part.grid, paged=paged)
        sheet.with_recipe(recipe, left_out).save(path)
        tell(1, 1)
        return
    timing = part.timing_of(len(series.items))
    made = make_animation(view, series, recipe.options, recipe.display, part.width_px, recipe.atlas)
    write_whole(path, _film(path, made, timing, recipe, left_out, tell))


def recipe_of_series(
    series: Series, places: Sequence[Place], files: Sequence[str], how: Recipe
) -> Recipe:
    """What a series is made of.

    Args:
        series: as it was read.
        places: where that was in each run, as it was asked for.
        files: of the runs, as they were named.
        how: options, display and arrangement, which stay; the runs and places of it do not count.
    """
    first = series.items[0].frames
    runs = tuple(
        _run_part(series.over, frame, place, file)
        for frame, place, file in zip(first, places, files, strict=True)
    )
    names: tuple[str, ...] = ()
    if series.over == "examples":
        names = tuple(item.frames[0].example_name for item in series.items)
    if sum(map(len, names)) > MOST_NAMES:
        names = ()
    at = tuple(item.at for item in series.items)
    part = replace(how.series or SeriesPart(), over=series.over, at=at, names=names)
    return replace(how, runs=runs, series=part)


def _run_part(over: Over, frame: Frame, place: Place, file: str) -> RunPart:
    """What a recipe says of a run; of what changes, always the same."""
    place = replace(asked_place(frame), step=place.step)
    match over:
        case "steps":
            place = replace(place, step=-1)
        case "snapshots":
            place = replace(place, snapshot=None)
        case "heads":
            place = replace(place, head=None)
        case "examples":
            part = run_part(frame.source, replace(place, example=0), "", file)
            return replace(part, has_example=False)
    return run_part(frame.source, place, frame.example_name, file)


def _film(
    path: Path,
    made: Animation,
    timing: Timing,
    recipe: Recipe,
    left_out: Sequence[str],
    tell: Tell,
) -> bytes:
    writer = writer_for(path, made, timing)
    try:
        for at in range(len(made.figures)):
            writer.add(rgb(made.frame(at)))
            tell(at + 1, len(made.figures))
        data = writer.finish()
    finally:
        writer.close()
    first = made.figures[0]
    told = told_by(recipe, replace(first.page, caption=made.caption), left_out)
    packet = xmp_packet(first.title, made.caption, PRODUCER, as_element(told.as_json()))
    return (in_gif if path.suffix.lower() == ".gif" else in_mp4)(data, packet)
