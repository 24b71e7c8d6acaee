"""The part of ``hardattn export`` that draws all heads of a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.figure_options import options_of

if TYPE_CHECKING:
    from hardattn_viewer.figures.recipe import Recipe
    from hardattn_viewer.session.atlas import Atlas
    from hardattn_viewer.session.display import Display
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


def recipe_of(
    runs: Sequence[Run], paths: Sequence[str], arguments: argparse.Namespace, display: Display
) -> Recipe:
    """What the figure of all heads is made of."""
    from hardattn_viewer.figures.making import most_steps
    from hardattn_viewer.figures.recipe import Recipe, run_part
    from hardattn_viewer.session.frames import Place

    run, example = runs[0], arguments.example
    count = len(run.examples)
    if not 0 <= example < count:
        raise CommandError(f"{run.path}: there is no example {example}; it has {count}, from 0")
    place = Place(example=example)
    step = max(most_steps(run, place) - 1, 0) if arguments.step is None else arguments.step
    if step < 0:
        raise CommandError(f"{run.path}: there is no step {step}; they count from 0")
    name = run.examples[example].name
    parts = [run_part(run.mark, Place(example=example, step=step), name, paths[0])]
    for other, path in zip(runs[1:], paths[1:], strict=True):
        there = Place(example=_same_example(other, name), step=step)
        parts.append(run_part(other.mark, there, name, path))
    return Recipe(tuple(parts), options_of(arguments, "heads"), display, atlas_of(arguments))


def atlas_of(arguments: argparse.Namespace) -> Atlas:
    """How all heads are shown, by the arguments."""
    from hardattn_viewer.session.atlas import Atlas

    return Atlas(
        mode="cells" if arguments.cells else "maps",
        measure=arguments.measure,
        by_measure=arguments.sort is not None,
        descending=arguments.sort == "largest",
        scale="all" if arguments.one_scale else "each",
        filter=arguments.keep,
    )


def _same_example(run: Run, name: str) -> int:
    """The index of the example of that name."""
    names = run.example_names
    if name not in names:
        raise CommandError(
            f"{run.path} does not hold the example “{name}”; compare runs over the same examples"
        )
    return names.index(name)
