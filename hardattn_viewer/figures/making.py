"""From a recipe and its runs to the figure: for the command, a notebook, and making it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hardattn_viewer.checks.report import Report
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.figures.checks_page import make_checks_figure
from hardattn_viewer.figures.curve_pages import make_timeline_figure, make_training_figure
from hardattn_viewer.figures.figure import Figure, make_figure
from hardattn_viewer.figures.heads import make_heads_figure
from hardattn_viewer.figures.options import FigureError, FigureOptions
from hardattn_viewer.figures.recipe import Recipe, RunPart, asked_place, told_by
from hardattn_viewer.session.atlas import Atlas
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame, Place, load_frame
from hardattn_viewer.session.head_atlas import numbers_at
from hardattn_viewer.session.head_numbers import HeadNumbers
from hardattn_viewer.session.state import SLOTS
from hardattn_viewer.session.training_course import Course, Side, TrainingCourse
from recorders.run.errors import RunError

if TYPE_CHECKING:
    from recorders.run.reader import Run


def figure_of(recipe: Recipe, runs: Sequence[Run], report: Report | None = None) -> Figure:
    """Read what a recipe names, and lay the figure out.

    Args:
        recipe: what it is made of.
        runs: those of the recipe, in its order; none is needed for a check.
        report: the checks, for the view of faithfulness.

    Raises:
        FigureError: a run does not hold what is named, or it cannot be drawn; one sentence.
    """
    return layout_of(recipe, runs, report)()


def layout_of(
    recipe: Recipe, runs: Sequence[Run], report: Report | None = None
) -> Callable[[], Figure]:
    """Read what a recipe names; what is returned lays it out, as often as wanted, without the runs.

    Args:
        recipe: what it is made of.
        runs: those of the recipe, in its order; none is needed for a check.
        report: the checks, for the view of faithfulness.

    Raises:
        FigureError: a run does not hold what is named; one sentence. Laying out may raise it, too.
    """
    view, options, display = recipe.options.view, recipe.options, recipe.display
    if view == "faithfulness":
        if report is None or recipe.checks is None:
            raise FigureError("a figure of faithfulness needs the checks that it shows")
        about = recipe.checks
        picture = ChecksPicture(report, about.operator, about.focus, turned=about.turned)
        name = recipe.runs[0].file.rpartition("/")[2].removesuffix(".h5")
        return lambda: with_recipe(make_checks_figure(picture, name, options), recipe)
    needed = {"compare": (2, 2), "heads": (1, 2), "timeline": (1, 2), "training": (1, 2)}
    least, most = needed.get(view, (1, 1))
    if not least <= len(recipe.runs) == len(runs) <= most:
        raise FigureError(f"the view {view!r} does not show {len(recipe.runs)} run(s)")
    left_out = left_out_of(runs)
    lay_out, recipe = _read(recipe, runs, options, display)
    return lambda: with_recipe(lay_out(), recipe, left_out)


def left_out_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """What the runs did not record, each sentence once."""
    return tuple(dict.fromkeys(sentence for run in runs for sentence in run.left_out))


def _read(
    recipe: Recipe, runs: Sequence[Run], options: FigureOptions, display: Display
) -> tuple[Callable[[], Figure], Recipe]:
    """What lays the figure out, and the recipe with sites and snapshots by name and number."""
    view, places = options.view, [part.place for part in recipe.runs]
    if view == "heads":
        numbers = heads_at(runs, places)
        atlas = recipe.atlas or Atlas()
        return lambda: make_heads_figure(numbers, atlas, options, display), recipe
    if view == "training":
        courses, film = training_of(runs, recipe.runs)
        return lambda: make_training_figure(courses, film, options, display), recipe
    frames = [read_frame(run, place) for run, place in zip(runs, places, strict=True)]
    parts = [
        replace(part, place=asked_place(frame))
        for part, frame in zip(recipe.runs, frames, strict=True)
    ]
    recipe = replace(recipe, runs=tuple(parts))
    if view == "timeline":
        by_slot: dict[str, Frame] = dict(zip(SLOTS, frames, strict=False))
        return lambda: make_timeline_figure(by_slot, options, display), recipe
    return lambda: make_figure(view, frames, options, display), recipe


def with_recipe(figure: Figure, recipe: Recipe, left_out: Sequence[str] = ()) -> Figure:
    """The figure with what it was made of, and what it says of itself.

    Args:
        figure: the figure.
        recipe: what it was made of.
        left_out: what the runs did not record, in sentences.
    """
    told = told_by(replace(recipe, options=figure.options), figure.page, left_out)
    return replace(figure, recipe=told)


def read_frame(run: Run, place: Place) -> Frame:
    """Read a place; a step or a query that is not there is said, not clamped.

    Raises:
        FigureError: the run does not hold the place, or is damaged there.
    """
    try:
        name = place.site or (run.sites[0].name if len(run.sites) else "")
        steps = run.steps(name, place.example, place.snapshot)
        if not 0 <= place.step < steps:
            raise IndexError(
                f"example {place.example} has no step {place.step}; it has {steps}, from 0"
            )
        frame = load_frame(run, place)
        asked = () if place.query is None else (place.query, *place.also)
        for query in asked:
            if not 0 <= query < frame.queries:
                raise IndexError(
                    f"step {place.step} has no query {query}; it has {frame.queries}, from 0"
                )
        return frame
    except (IndexError, KeyError, RunError) as error:
        raise FigureError(f"{run.path}: {error.args[0]}") from error


def heads_at(runs: Sequence[Run], places: Sequence[Place]) -> HeadNumbers:
    """The numbers of all heads of the first run, held against those of the second if there is one.

    Raises:
        FigureError: the run does not hold the example or the step, or is damaged.
    """
    run, place = runs[0], places[0]
    try:
        count = len(run.examples)
        if not 0 <= place.example < count:
            raise IndexError(f"there is no example {place.example}; it has {count}, from 0")
        steps = most_steps(run, place)
        if not 0 <= place.step < max(steps, 1):
            raise IndexError(
                f"example {place.example} has no step {place.step}; it has {steps}, from 0"
            )
        return numbers_at(runs, places)
    except (IndexError, RunError) as error:
        raise FigureError(f"{run.path}: {error.args[0]}") from error


def most_steps(run: Run, place: Place) -> int:
    """The most steps that an example has at any site."""
    counts = (run.steps(site, place.example, place.snapshot) for site in run.sites)
    return max(counts, default=0)


def training_of(
    runs: Sequence[Run], parts: Sequence[RunPart]
) -> tuple[tuple[Course, ...], Mapping[str, list[Frame]]]:
    """The course of training of one run or two, and an example at every snapshot of them.

    A step beyond the last of a snapshot stands for its last.

    Args:
        runs: one, or A and B.
        parts: the place in each.

    Raises:
        FigureError: a run holds no snapshots or not the place, or is damaged.
    """
    sides, known = [], []
    for at, (slot, run, part) in enumerate(zip(SLOTS, runs, parts, strict=False)):
        if len(run.snapshots) < 2:
            raise FigureError(
                f"{run.path} holds no snapshots of a training; record them with "
                "recorder.snapshot(step=…) or hardattn train --record"
            )
        sites = {site.name: site for site in run.sites}
        name = part.place.site or next(iter(sites), None)
        if name is not None and name not in sites:
            raise FigureError(f"{run.path} has no site {name}; it has {next(iter(sites), 'none')}")
        small = name is not None and not run.has_large_maps(sites[name])
        sides.append(Side(slot, at, 0, name, small))
        known.append(replace(part, place=replace(part.place, site=name)))
    courses: tuple[Course, ...] = ()
    film: dict[str, list[Frame]] = {}
    try:
        for found in TrainingCourse(tuple(sides)).results(dict(enumerate(runs))):
            courses = courses if found is None else found
        for slot, run, part in zip(SLOTS, runs, known, strict=False):
            film[slot] = _film(run, part.place) if part.has_example else []
    except (IndexError, RunError) as error:
        raise FigureError(f"{runs[0].path}: {error.args[0]}") from error
    return courses, {slot: frames for slot, frames in film.items() if frames}


def _film(run: Run, place: Place) -> list[Frame]:
    frames = []
    for snapshot in range(len(run.snapshots)):
        steps = run.steps(place.site, place.example, snapshot) if place.site else 0
        if steps:
            step = min(place.step, steps - 1)
            frames.append(load_frame(run, replace(place, snapshot=snapshot, step=step)))
    return frames
