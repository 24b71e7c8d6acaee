"""The part of ``hardattn export`` that draws all heads of a run."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.runs import open_run

if TYPE_CHECKING:
    from hardattn_viewer.session.head_numbers import HeadNumbers
    from recorders import Run

# As in session.atlas, which imports numpy: the command line is built without it.
MEASURES = (
    "entropy", "margin", "first", "special", "diagonal", "previous", "hardness", "distance",
    "disagreement",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("all heads (--view heads)")
    group.add_argument("--measure", choices=MEASURES, default="entropy", help="default: entropy")
    group.add_argument(
        "--sort", choices=("smallest", "largest"), help="by the measure, not layers × heads"
    )
    group.add_argument("--cells", action="store_true", help="coloured by the measure, not maps")
    group.add_argument("--one-scale", action="store_true", help="one scale for all maps")
    group.add_argument(
        "--keep",
        metavar="EXPR",
        default="",
        help='"entropy < 1 & layer >= 3"; with other views: examples, "wrong & entropy > 2"',
    )


def run(arguments: argparse.Namespace) -> int:
    with ExitStack() as opened:
        first = opened.enter_context(open_run(arguments.path))
        second = None
        if arguments.other is not None:
            second = opened.enter_context(open_run(arguments.other))
        numbers = read_heads(first, second, arguments)
    write_figure(numbers, arguments)
    print(arguments.output)
    return 0


def read_heads(run: Run, other: Run | None, arguments: argparse.Namespace) -> HeadNumbers:
    """The numbers of all heads at the example and step that are named."""
    from hardattn_viewer.session.head_atlas import HeadStudy, Side
    from recorders import RunError

    example = arguments.example
    try:
        if not 0 <= example < len(run.examples):
            count = len(run.examples)
            raise IndexError(f"there is no example {example}; it has {count}, from 0")
        steps = max((run.steps(site, example) for site in run.sites), default=0)
        step = max(steps - 1, 0) if arguments.step is None else arguments.step
        if not 0 <= step < max(steps, 1):
            raise IndexError(f"example {example} has no step {step}; it has {steps}, from 0")
        beside = None
        if other is not None:
            beside = Side(1, _same_example(other, run.examples[example].name))
        study = HeadStudy(Side(0, example), step, beside)
        runs = {0: run} if other is None else {0: run, 1: other}
        found = [numbers for numbers in study.results(runs) if numbers is not None]
        return found[-1]
    except (IndexError, RunError) as error:
        raise CommandError(f"{run.path}: {error.args[0]}") from error


def write_figure(numbers: HeadNumbers, arguments: argparse.Namespace) -> None:
    """Draw and save; the file appears whole or not at all."""
    from hardattn_viewer.cli.drawing_only import drawing_application
    from hardattn_viewer.drawing.theme import DARK, LIGHT
    from hardattn_viewer.figures.figure import FigureError, FigureOptions
    from hardattn_viewer.figures.heads import make_heads_figure
    from hardattn_viewer.session.atlas import Atlas
    from hardattn_viewer.session.display import Display

    atlas = Atlas(
        mode="cells" if arguments.cells else "maps",
        measure=arguments.measure,
        by_measure=arguments.sort is not None,
        descending=arguments.sort == "largest",
        scale="all" if arguments.one_scale else "each",
        filter=arguments.keep,
    )
    with drawing_application():
        try:
            options = FigureOptions(
                view="heads",
                width_mm=arguments.width_mm,
                font_pt=arguments.font_pt,
                theme=DARK if arguments.theme == "dark" else LIGHT,
                caption=not arguments.no_caption,
            )
            figure = make_heads_figure(numbers, atlas, options, Display())
            figure.save(Path(arguments.output))
        except FigureError as error:
            raise CommandError(str(error)) from error


def _same_example(run: Run, name: str) -> int:
    """The index of the example of that name."""
    names = run.example_names
    if name not in names:
        raise CommandError(
            f"{run.path} does not hold the example “{name}”; compare runs over the same examples"
        )
    return names.index(name)
