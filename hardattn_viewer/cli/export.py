"""Write the figure that the app exports, the numbers behind it, or the report of a check."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hardattn_viewer.cli import (
    again,
    checks_figure,
    curve_figures,
    figure_options,
    heads_figure,
    series,
)
from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.runs import open_run

if TYPE_CHECKING:
    from hardattn_viewer.figures.recipe import Recipe
    from hardattn_viewer.session.display import Display
    from hardattn_viewer.session.frames import Frame
    from recorders import Run

VIEWS = (
    "tokens",
    "regions",
    "matrix",
    "heads",
    "compare",
    "faithfulness",
    "report",
    *curve_figures.VIEWS,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", metavar="RUN", nargs="?", help="a run file, its .parts folder, or a URL"
    )
    parser.add_argument(
        "--view",
        choices=VIEWS,
        help="default: regions where keys are, or tokens; report: of its checks, as HTML or PDF",
    )
    parser.add_argument("--with", dest="other", metavar="RUN_B", help="the run to compare with")
    parser.add_argument("--example", type=int, default=0, metavar="I", help="counting from 0")
    parser.add_argument("--step", type=int, metavar="T", help="counting from 0 (default: the last)")
    parser.add_argument("--site", metavar="S", help="default: the run's first")
    parser.add_argument("--head", type=int, metavar="H", help="default: the mean over heads")
    parser.add_argument(
        "--query", type=int, metavar="Q", help="look from it, counting from 0 (default: the usual)"
    )
    parser.add_argument(
        "--queries", metavar="Q,Q,…", help="the mean over several queries instead, such as 3,4,5"
    )
    parser.add_argument(
        "--specials",
        choices=("shown", "dimmed", "hidden"),
        default="shown",
        help="tokens such as [CLS] and </s>; what they hold is said (default: %(default)s)",
    )
    parser.add_argument(
        "--subwords",
        choices=("pieces", "words"),
        default="pieces",
        help="words have the sum of their pieces (default: %(default)s)",
    )
    parser.add_argument("--raw-tokens", action="store_true", help="with the tokenizer’s marks")
    parser.add_argument("--arcs", type=int, metavar="K", help="lines to the K strongest tokens")
    parser.add_argument("--smooth", action="store_true", help="smooth heat, and say so")
    parser.add_argument("--all-steps", action="store_true", help="a small picture of every step")
    figure_options.add_arguments(parser)
    heads_figure.add_arguments(parser)
    checks_figure.add_arguments(parser)
    series.add_arguments(parser)
    again.add_arguments(parser)
    parser.add_argument("-o", "--output", metavar="FILE.{svg,pdf,png,gif,mp4,csv,npz,html}")


def run(arguments: argparse.Namespace) -> int:
    if arguments.again is not None:
        return again.run(arguments)
    if arguments.path is None or arguments.output is None:
        what = "a RUN" if arguments.path is None else "where the figure goes, with -o FILE"
        raise CommandError(f"name {what}", WRONG_USAGE)
    if series.is_asked(arguments):
        _check_pair(arguments)
        return series.run(arguments, display_of(arguments))
    if arguments.view in ("faithfulness", "report"):
        return checks_figure.run(arguments)
    _check_pair(arguments)
    with ExitStack() as stack:
        paths = [path for path in (arguments.path, arguments.other) if path is not None]
        runs = [stack.enter_context(open_run(path)) for path in paths]
        write_figure(recipe_of(runs, paths, arguments), runs, arguments.output)
    print(arguments.output)
    return 0


def _check_pair(arguments: argparse.Namespace) -> None:
    alone = arguments.view != "compare" and arguments.other is not None
    if (arguments.view == "compare" and arguments.other is None) or (
        alone and arguments.view not in (*curve_figures.VIEWS, "heads")
    ):
        raise CommandError(
            "--view compare and --with RUN_B go together: name the second run", WRONG_USAGE
        )


def recipe_of(runs: list[Run], paths: list[str], arguments: argparse.Namespace) -> Recipe:
    """What the figure that the arguments name is made of."""
    from hardattn_viewer.figures.figure import usual_view
    from hardattn_viewer.figures.recipe import Recipe, frame_part

    display = display_of(arguments)
    if arguments.view == "heads":
        return heads_figure.recipe_of(runs, paths, arguments, display)
    if arguments.view == "training":
        return curve_figures.recipe_of(runs, paths, arguments, display)
    frames = [read_frame(runs[0], arguments, arguments.example, arguments.site)]
    for run in runs[1:]:
        frames.append(
            read_frame(run, arguments, same_example_name(run, frames[0].example_name), None)
        )
    parts = tuple(frame_part(frame, path) for frame, path in zip(frames, paths, strict=True))
    view = arguments.view or usual_view(frames[0])
    options = figure_options.options_of(arguments, view, all_steps=arguments.all_steps)
    return Recipe(parts, options, display)


def display_of(arguments: argparse.Namespace) -> Display:
    """How attention is drawn, by the arguments."""
    from hardattn_viewer.session.display import MOST_ARCS, Display

    if arguments.arcs is not None and not 1 <= arguments.arcs <= MOST_ARCS:
        raise CommandError(
            f"--arcs {arguments.arcs} is not in 1 … {MOST_ARCS}; more could not be told apart",
            WRONG_USAGE,
        )
    display = Display(
        interpolation="smooth" if arguments.smooth else "nearest",
        specials=arguments.specials,
        subwords=arguments.subwords,
        raw_tokens=arguments.raw_tokens,
        arcs=arguments.arcs is not None,
        arc_count=arguments.arcs or Display.arc_count,
    )
    return figure_options.with_colours(display, arguments)


def read_frame(run: Run, arguments: argparse.Namespace, example: int, site: str | None) -> Frame:
    """Read the place that the arguments name; without a step, the example's last one."""
    from hardattn_viewer.figures import making
    from hardattn_viewer.figures.options import FigureError
    from hardattn_viewer.session.frames import Place
    from recorders import RunError

    asked = queries_of(arguments)
    try:
        step = arguments.step
        if step is None:
            name = site or (run.sites[0].name if len(run.sites) else "")
            step = max(run.steps(name, example) - 1, 0)
        place = Place(
            example=example,
            step=step,
            site=site,
            head=arguments.head,
            query=asked[0] if asked else None,
            also=asked[1:],
            words=arguments.subwords == "words",
        )
        return making.read_frame(run, place)
    except (IndexError, KeyError, RunError) as error:
        raise CommandError(f"{run.path}: {error.args[0]}") from error
    except FigureError as error:
        raise CommandError(str(error)) from error


def queries_of(arguments: argparse.Namespace) -> tuple[int, ...]:
    """The queries that the arguments name, each once; none for the usual one."""
    if arguments.queries is None:
        return () if arguments.query is None else (arguments.query,)
    numbers = [part.strip() for part in arguments.queries.split(",")]
    if arguments.query is not None or not all(number.isdecimal() for number in numbers):
        raise CommandError(
            "--queries takes numbers with commas between them, such as 3,4,5, and no --query",
            WRONG_USAGE,
        )
    return tuple(dict.fromkeys(map(int, numbers)))


def same_example_name(run: Run, name: str) -> int:
    """The index in ``run`` of the example of that name."""
    for example in run.examples:
        if example.name == name:
            return example.index
    raise CommandError(
        f"{run.path} does not hold the example “{name}”; "
        "compare runs over the same examples, or name another with --example"
    )


def write_figure(recipe: Recipe, runs: list[Run], output: str) -> None:
    """Draw and save; the file appears whole or not at all."""
    from hardattn_viewer.cli.drawing_only import drawing_application
    from hardattn_viewer.figures.making import figure_of
    from hardattn_viewer.figures.options import FigureError

    with drawing_application():
        try:
            figure_of(recipe, runs).save(Path(output))
        except FigureError as error:
            raise CommandError(str(error)) from error
