"""``hardattn export --again FIGURE``: make a figure again from what it says that it was made of."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.figure_options import with_colours, with_options
from hardattn_viewer.cli.runs import open_run
from recorders.run.text import visible
from recorders.version import PRODUCER

if TYPE_CHECKING:
    from hardattn_viewer.figures.recipe import Recipe, RunPart
    from hardattn_viewer.figures.series_part import SeriesPart
    from recorders import Run

# What says where a figure looks, and what it is when nobody says it.
_PLACE = {
    "path": None, "view": None, "example": 0, "step": None, "site": None, "head": None,
    "query": None, "queries": None, "specials": "shown", "subwords": "pieces",
    "raw_tokens": False, "arcs": None, "smooth": False, "all_steps": False, "measure": "entropy",
    "sort": None, "cells": False, "one_scale": False, "keep": "", "operator": None,
    "explainer": None, "steps": None, "snapshots": None, "heads": None, "examples": None,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("again")
    group.add_argument(
        "--again",
        metavar="FIGURE",
        help="make a figure again, or with -o as another file; size and looks may change",
    )
    group.add_argument(
        "--run",
        dest="run_path",
        metavar="RUN",
        help="the run of that figure, where it is not beside it (the second: --with RUN_B)",
    )


def run(arguments: argparse.Namespace) -> int:
    from hardattn_viewer.figures.embedding import recipe_in
    from hardattn_viewer.figures.options import FigureError

    for name, usual in _PLACE.items():
        if getattr(arguments, name) != usual:
            word = "a RUN" if name == "path" else f"--{name.replace('_', '-')}"
            remedy = "name the run after --run" if name == "path" else "export it without --again"
            raise CommandError(
                f"--again makes the figure as it was, without {word}: {remedy}", WRONG_USAGE
            )
    figure = Path(arguments.again)
    try:
        recipe = recipe_in(figure)
    except FigureError as error:
        raise CommandError(str(error)) from error
    if recipe.obstacle:
        raise CommandError(f"{figure} cannot be made again: {recipe.obstacle}")
    if recipe.producer != PRODUCER:
        _warn(f"{recipe.producer or 'another program'} made {figure}, and this is {PRODUCER}")
    recipe = replace(
        recipe,
        options=with_options(recipe.options, arguments),
        display=with_colours(recipe.display, arguments),
        producer=PRODUCER,
    )
    output = arguments.output or str(figure)
    if recipe.options.view == "faithfulness":
        _make_checks(recipe, figure, arguments, Path(output))
    elif recipe.series is not None:
        _make_series(recipe, recipe.series, figure, arguments, Path(output))
    else:
        _make(recipe, figure, arguments, output)
    print(output)
    return 0


def _make(recipe: Recipe, figure: Path, arguments: argparse.Namespace, output: str) -> None:
    from hardattn_viewer.cli.export import write_figure

    with ExitStack() as stack:
        runs, parts = _runs(recipe, figure, arguments, stack)
        write_figure(replace(recipe, runs=tuple(parts)), runs, output)


def _make_series(
    recipe: Recipe, series: SeriesPart, figure: Path, arguments: argparse.Namespace, output: Path
) -> None:
    from hardattn_viewer.cli.series import arranged, draw, read_at
    from hardattn_viewer.figures.options import FigureError
    from hardattn_viewer.figures.series_file import check_path
    from hardattn_viewer.session.series import SeriesError
    from recorders import RunError

    try:
        check_path(recipe.options.view, output)
        with ExitStack() as stack:
            runs, parts = _runs(recipe, figure, arguments, stack)
            at = _examples_of(series, recipe.runs[0], parts[0], runs[0], figure)
            heads = recipe.options.view == "heads"
            read = read_at(runs, [part.place for part in parts], series.over, at, heads=heads)
            arrangement = arranged(replace(series, at=at), arguments)
            draw(output, read, replace(recipe, runs=tuple(parts), series=arrangement), runs)
    except (FigureError, SeriesError, IndexError, KeyError, RunError) as error:
        raise CommandError(f"{figure} cannot be made again: {error.args[0]}") from error


def _examples_of(
    series: SeriesPart, was: RunPart, part: RunPart, opened: Run, figure: Path
) -> tuple[int, ...]:
    """The places of a series; examples of a run that changed are found by their names."""
    if series.over != "examples" or was.fingerprint == part.fingerprint:
        return series.at
    names = [example.name for example in opened.examples]
    missing = [name for name in series.names if name not in names]
    if missing:
        raise CommandError(f"{opened.path} does not hold the example “{missing[0]}” of {figure}")
    return tuple(names.index(name) for name in series.names) or series.at


def _runs(
    recipe: Recipe, figure: Path, arguments: argparse.Namespace, stack: ExitStack
) -> tuple[list[Run], list[RunPart]]:
    """The runs of a figure, opened, and its parts as they are by now."""
    if arguments.other is not None and len(recipe.runs) == 1:
        raise CommandError(f"{figure} shows one run: --with names a second one", WRONG_USAGE)
    runs, parts = [], []
    for part, path in zip(recipe.runs, (arguments.run_path, arguments.other), strict=False):
        opened = _find(part, path, figure, stack)
        runs.append(opened)
        parts.append(_as_it_is(part, opened, figure))
    return runs, parts


def places_of(file: str, figure: Path) -> list[Path]:
    """Where a file that a figure names may lie: beside the figure, then in the current folder."""
    name = Path(file).name
    found = [figure.parent / file, figure.parent / name, Path(file), Path(name)]
    return list(dict.fromkeys(path for path in found if path.exists()))


def _find(part: RunPart, path: str | None, figure: Path, stack: ExitStack) -> Run:
    if path is not None:
        return stack.enter_context(open_run(path))
    first = None
    for place in places_of(part.file, figure):
        opened = stack.enter_context(open_run(str(place)))
        if opened.fingerprint == part.fingerprint:
            return opened
        first = first or opened
    if first is None:
        raise CommandError(
            f"the run {part.file} of {figure} is neither beside it nor in this folder: "
            "name it after --run (the second of two after --with)"
        )
    return first


def _as_it_is(part: RunPart, opened: Run, figure: Path) -> RunPart:
    """The part of the recipe as the run is by now; a run that changed is warned of."""
    if opened.fingerprint == part.fingerprint:
        return part
    same = part.recording and opened.recording == part.recording
    what = "the same recording with other content" if same else "another recording"
    _warn(
        f"{opened.path} is not as it was when {figure} was made, but {what}: "
        "the new figure may show other numbers"
    )
    names = [example.name for example in opened.examples]
    example = part.place.example
    if part.has_example and (example >= len(names) or names[example] != part.example_name):
        if part.example_name not in names:
            raise CommandError(
                f"{opened.path} does not hold the example “{part.example_name}” of {figure}"
            )
        example = names.index(part.example_name)
    place = replace(part.place, example=example)
    return replace(part, recording=opened.recording, fingerprint=opened.fingerprint, place=place)


def _make_checks(recipe: Recipe, figure: Path, arguments: argparse.Namespace, output: Path) -> None:
    from hardattn_viewer.checks.file import ChecksError, checks_path, read_checks
    from hardattn_viewer.cli.checks_figure import write_checks_figure
    from hardattn_viewer.figures.recipe import digest_of

    about = recipe.checks
    if about is None:
        raise CommandError(f"{figure} does not say which checks it shows")
    if arguments.checks is not None:
        path = Path(arguments.checks)
    elif arguments.run_path is not None:
        path = checks_path(Path(arguments.run_path))
    else:
        beside = (Path(recipe.runs[0].file).parent / Path(about.file).name).as_posix()
        found = [*places_of(about.file, figure), *places_of(beside, figure)]
        if not found:
            raise CommandError(
                f"the checks {about.file} of {figure} are neither beside it nor in this folder: "
                "name them after --checks"
            )
        path = next((one for one in found if digest_of(one) == about.fingerprint), found[0])
    try:
        report = read_checks(path)
    except ChecksError as error:
        raise CommandError(str(error)) from error
    digest = digest_of(path)
    if digest != about.fingerprint:
        _warn(
            f"{path} is not as it was when {figure} was made: the new figure may show other numbers"
        )
    write_checks_figure(replace(recipe, checks=replace(about, fingerprint=digest)), report, output)


def _warn(sentence: str) -> None:
    print(visible(f"hardattn export: {sentence}"), file=sys.stderr)
