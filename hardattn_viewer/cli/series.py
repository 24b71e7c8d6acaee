"""The part of ``hardattn export`` that draws several places: animations and contact sheets."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli import figure_options, heads_figure
from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.progress import progress_bar
from hardattn_viewer.cli.runs import address, open_run

if TYPE_CHECKING:
    from hardattn_viewer.figures.options import FigureOptions
    from hardattn_viewer.figures.recipe import Recipe
    from hardattn_viewer.figures.series_part import SeriesPart
    from hardattn_viewer.session.display import Display
    from hardattn_viewer.session.frames import Place
    from hardattn_viewer.session.series import Over, Series
    from recorders import Run

OVER: tuple[Over, ...] = ("steps", "snapshots", "heads", "examples")
FILMS = (".gif", ".mp4")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "several places: an animation (-o FILE.gif or FILE.mp4), or a contact sheet (other files)"
    )
    which = group.add_mutually_exclusive_group()
    for over in OVER:
        which.add_argument(
            f"--{over}",
            metavar="A:B",
            help=_HELP[over],
        )
    group.add_argument("--fps", type=float, metavar="F", help="frames a second (default: 2)")
    group.add_argument("--seconds", type=float, metavar="S", help="how long it goes, instead")
    group.add_argument(
        "--hold",
        type=float,
        metavar="S",
        help="how much longer the last frame stays (default: 1 s)",
    )
    group.add_argument("--pixels", type=int, metavar="W", help="width of frames (default: 150 dpi)")
    group.add_argument("--columns", type=int, metavar="C", help="of a sheet (default: what fits)")
    group.add_argument(
        "--page-mm", type=float, metavar="H", help="height of a PDF's pages (default: 240)"
    )


_HELP = {
    "steps": "a range 2:8 (without its end), a list 3,5,8, or all; from 0 (default of .gif, .mp4)",
    "snapshots": "moments of training, at the step that --step names or the last one",
    "heads": "heads of the site",
    "examples": "examples, at the step that --step names or their last one; see also --keep",
}


def is_asked(arguments: argparse.Namespace) -> bool:
    """Whether the arguments are about several places."""
    if Path(arguments.output).suffix.lower() in FILMS:
        return True
    return _keeps_examples(arguments) or _over(arguments) is not None


def _keeps_examples(arguments: argparse.Namespace) -> bool:
    """Whether ``--keep`` is about examples: with all heads, it is about those."""
    return bool(arguments.keep.strip()) and arguments.view != "heads"


def _over(arguments: argparse.Namespace) -> Over | None:
    return next((over for over in OVER if getattr(arguments, over) is not None), None)


def run(arguments: argparse.Namespace, display: Display) -> int:
    """Read the places, draw them and save the file."""
    from hardattn_viewer.figures.options import FigureError
    from hardattn_viewer.figures.series_file import check_path, recipe_of_series
    from hardattn_viewer.figures.series_part import SeriesPart
    from hardattn_viewer.session.series import SeriesError
    from recorders import RunError

    path = Path(arguments.output)
    over: Over = _over(arguments) or ("examples" if _keeps_examples(arguments) else "steps")
    _check(arguments, over)
    with ExitStack() as stack:
        try:
            # What cannot be written is said before anything is read.
            check_path(arguments.view or "tokens", path)
            part = arranged(SeriesPart(), arguments)
            opened = [arguments.path, *([arguments.other] if arguments.other is not None else [])]
            runs = [stack.enter_context(open_run(one)) for one in opened]
            series, places = read(runs, arguments, over)
            recipe = recipe_of_series(
                series, places, opened, _how(arguments, series, display, part)
            )
            draw(path, series, recipe, runs)
        except FigureError as error:
            raise CommandError(str(error)) from error
        except SeriesError as error:
            raise CommandError(f"{arguments.path}: {error}") from error
        except (IndexError, KeyError, RunError) as error:
            raise CommandError(f"{arguments.path}: {error.args[0]}") from error
    print(arguments.output)
    return 0


def draw(path: Path, series: Series, recipe: Recipe, runs: Sequence[Run]) -> None:
    """Write what was read, and show how far that is.

    Raises:
        FigureError: it cannot be drawn, or the place cannot be written.
    """
    from hardattn_viewer.cli.drawing_only import drawing_application
    from hardattn_viewer.figures.making import left_out_of
    from hardattn_viewer.figures.series_file import write_series

    bar = progress_bar(len(series.items), "drawing", "frame")
    with drawing_application(), bar:
        write_series(
            path, series, recipe, left_out_of(runs), lambda done, _: bar.update(done - bar.n)
        )


def _check(arguments: argparse.Namespace, over: Over) -> None:
    if _keeps_examples(arguments) and over != "examples":
        raise CommandError(
            f"--keep chooses examples, and --{over} stays at one; use --examples, or no --keep",
            WRONG_USAGE,
        )
    if over == "steps" and arguments.step is not None:
        raise CommandError("--step is one of --steps; use one of them", WRONG_USAGE)
    if over == "heads" and arguments.head is not None:
        raise CommandError("--head is one of --heads; use one of them", WRONG_USAGE)
    if arguments.all_steps:
        raise CommandError("--all-steps is for a single figure; use --steps all", WRONG_USAGE)


def read(
    runs: Sequence[Run], arguments: argparse.Namespace, over: Over
) -> tuple[Series, list[Place]]:
    """The places that the arguments name, read, and where they are in each run."""
    from hardattn_viewer.cli.export import same_example_name
    from hardattn_viewer.session.series import how_many, indices

    places = [_place(arguments, over, arguments.site if run is runs[0] else None) for run in runs]
    count = how_many(runs[0], places[0], over)
    if over == "snapshots" and count < 2:
        raise CommandError(f"{runs[0].path} holds no snapshots of a training; use --steps instead")
    asked = getattr(arguments, over) or "all"
    wanted = _kept(arguments, indices(asked, count, over))
    if over != "examples":
        for which in range(1, len(runs)):
            name = runs[0].examples[arguments.example].name
            example = same_example_name(runs[which], name)
            places[which] = _with_example(places[which], example)
    if over != "examples":
        places = [_at_step(run, place, over) for run, place in zip(runs, places, strict=True)]
    return read_at(runs, places, over, wanted, heads=arguments.view == "heads"), places


def read_at(
    runs: Sequence[Run],
    places: Sequence[Place],
    over: Over,
    at: Sequence[int],
    *,
    heads: bool = False,
) -> Series:
    """The frames of a series, or the numbers of all heads too, and how far that is meanwhile."""
    from hardattn_viewer.session.series import read_series

    with progress_bar(len(at), "reading", over.removesuffix("s")) as bar:
        return read_series(
            runs, places, over, at, lambda done: bar.update(done - bar.n), heads=heads
        )


def _place(arguments: argparse.Namespace, over: Over, site: str | None) -> Place:
    from hardattn_viewer.cli.export import queries_of
    from hardattn_viewer.session.frames import Place

    asked = queries_of(arguments)
    return Place(
        example=arguments.example,
        # A negative step is the last one, whichever that is.
        step=-1 if arguments.step is None else arguments.step,
        site=site,
        head=None if over == "heads" else arguments.head,
        query=asked[0] if asked else None,
        also=asked[1:],
        words=arguments.subwords == "words",
    )


def _with_example(place: Place, example: int) -> Place:
    return replace(place, example=example)


def _at_step(run: Run, place: Place, over: Over) -> Place:
    """The place, at its last step where none was named."""
    from hardattn_viewer.session.series import how_many

    if place.step >= 0 or over == "snapshots":
        return place
    return replace(place, step=max(how_many(run, place, "steps") - 1, 0))


def _kept(arguments: argparse.Namespace, wanted: Sequence[int]) -> Sequence[int]:
    """The examples that pass ``--keep``, as the app's filter would let them through."""
    if not _keeps_examples(arguments):
        return wanted
    from hardattn_viewer.session.session import Session

    session = Session()
    try:
        paths = [arguments.path, *([arguments.other] if arguments.other is not None else [])]
        session.open([address(path) for path in paths])
        session.set_filter(arguments.keep)
        state = session.state
        if state.filter_error:
            raise CommandError(f"--keep {arguments.keep!r}: {state.filter_error}", WRONG_USAGE)
        passed = {state.rows.index("A", row) for row in state.order} if state.rows else set()
    finally:
        session.close()
    found = [at for at in wanted if at in passed]
    if not found:
        raise CommandError(f"--keep {arguments.keep!r}: no example passes; widen it")
    return found


def _how(
    arguments: argparse.Namespace, series: Series, display: Display, part: SeriesPart
) -> Recipe:
    """How the places are drawn, and how they follow or lie beside each other."""
    from hardattn_viewer.figures.recipe import Recipe

    atlas = heads_figure.atlas_of(arguments) if arguments.view == "heads" else None
    return Recipe((), _figure_options(arguments, series), display, atlas, series=part)


def arranged(part: SeriesPart, arguments: argparse.Namespace) -> SeriesPart:
    """A series with what the arguments say of how it follows or lies beside itself.

    Raises:
        CommandError: two ways are named of how fast it goes.
        FigureError: a number is out of its range.
    """
    if arguments.fps is not None and arguments.seconds is not None:
        raise CommandError("--fps and --seconds say the same; use one of them", WRONG_USAGE)

    def told(**values: float | None) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value is not None}

    seconds = part.seconds if arguments.seconds is None else arguments.seconds
    if arguments.fps is not None:
        seconds = None
    timing = replace(part.timing, **told(fps=arguments.fps, hold=arguments.hold))
    grid = replace(part.grid, **told(columns=arguments.columns, page_mm=arguments.page_mm))
    changed = told(width_px=arguments.pixels)
    return replace(part, timing=timing, seconds=seconds, grid=grid, **changed)


def _figure_options(arguments: argparse.Namespace, series: Series) -> FigureOptions:
    """What each figure should be."""
    from hardattn_viewer.figures.figure import usual_view

    view = arguments.view or usual_view(series.items[0].frames[0])
    return figure_options.options_of(arguments, view)
