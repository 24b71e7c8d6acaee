"""``hardattn export --view training`` and ``--view timeline``: figures of curves."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.figure_options import options_of

if TYPE_CHECKING:
    from hardattn_viewer.figures.recipe import Recipe, RunPart
    from hardattn_viewer.session.display import Display
    from recorders import Run

VIEWS = ("timeline", "training")


def recipe_of(
    runs: Sequence[Run], paths: Sequence[str], arguments: argparse.Namespace, display: Display
) -> Recipe:
    """What a figure of one training or two is made of."""
    from hardattn_viewer.figures.recipe import Recipe

    names = [example.name for example in runs[0].examples]
    if not 0 <= arguments.example < len(names):
        raise CommandError(
            f"{runs[0].path}: there is no example {arguments.example}; it has {len(names)}, from 0"
        )
    name = names[arguments.example]
    parts = [_part(run, path, name, arguments) for run, path in zip(runs, paths, strict=True)]
    return Recipe(tuple(parts), options_of(arguments, "training"), display)


def _part(run: Run, path: str, name: str, arguments: argparse.Namespace) -> RunPart:
    from dataclasses import replace

    from hardattn_viewer.figures.recipe import run_part
    from hardattn_viewer.session.frames import Place

    own = [example.name for example in run.examples]
    known = [site.name for site in run.sites]
    if arguments.site is not None and arguments.site not in known:
        raise CommandError(
            f"{run.path} has no site {arguments.site}; it has {next(iter(known), 'none')}"
        )
    site = arguments.site or next(iter(known), None)
    if name not in own or site is None:
        return replace(run_part(run.mark, Place(site=site), name, path), has_example=False)
    example = own.index(name)
    steps = max(run.steps(site, example, snapshot) for snapshot in range(len(run.snapshots)))
    step = max(steps - 1, 0) if arguments.step is None else arguments.step
    if not 0 <= step < max(steps, 1):
        raise CommandError(f"{run.path}: the example has no step {step}; it has {steps}, from 0")
    place = Place(example=example, step=step, site=site, head=arguments.head, query=arguments.query)
    return run_part(run.mark, place, name, path)
