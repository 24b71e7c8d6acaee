"""``hardattn export --view training`` and ``--view timeline``: figures of curves."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.runs import open_run

if TYPE_CHECKING:
    from hardattn_viewer.figures.options import FigureOptions
    from hardattn_viewer.session.frames import Frame
    from hardattn_viewer.session.training_course import Course
    from recorders import Run

VIEWS = ("timeline", "training")


def write_timeline(frames: Sequence[Frame], arguments: argparse.Namespace) -> None:
    """Draw the steps of one example and save the figure, or its numbers."""
    from hardattn_viewer.cli.drawing_only import drawing_application
    from hardattn_viewer.figures.curve_pages import make_timeline_figure
    from hardattn_viewer.figures.figure import FigureError
    from hardattn_viewer.session.display import Display

    by_slot = dict(zip("AB", frames, strict=False))
    with drawing_application():
        try:
            figure = make_timeline_figure(by_slot, options_of(arguments), Display())
            figure.save(Path(arguments.output))
        except FigureError as error:
            raise CommandError(str(error)) from error


def run_training(arguments: argparse.Namespace) -> int:
    """Read the course of one training or two, draw it and save the figure, or its numbers."""
    with ExitStack() as stack:
        paths = [arguments.path, *([arguments.other] if arguments.other is not None else [])]
        runs = [stack.enter_context(open_run(path)) for path in paths]
        for run in runs:
            if len(run.snapshots) < 2:
                raise CommandError(
                    f"{run.path} holds no snapshots of a training; record them with "
                    "recorder.snapshot(step=…) or hardattn train --record"
                )
        courses, film = _read(runs, arguments)
        _write_training(courses, film, arguments)
    print(arguments.output)
    return 0


def _read(
    runs: Sequence[Run], arguments: argparse.Namespace
) -> tuple[tuple[Course, ...], Mapping[str, list[Frame]]]:
    from hardattn_viewer.session.frames import Place, load_frame
    from hardattn_viewer.session.state import SLOTS
    from hardattn_viewer.session.training_course import Side, TrainingCourse
    from recorders import RunError

    sides = []
    for at, (slot, run) in enumerate(zip(SLOTS, runs, strict=False)):
        known = {site.name: site for site in run.sites}
        name = arguments.site or next(iter(known), None)
        if name is not None and name not in known:
            raise CommandError(f"{run.path} has no site {name}; it has {next(iter(known), 'none')}")
        small = name is not None and not run.has_large_maps(known[name])
        sides.append(Side(slot, at, 0, name, small))
    courses: tuple[Course, ...] = ()
    film: dict[str, list[Frame]] = {}
    try:
        for found in TrainingCourse(tuple(sides)).results(dict(enumerate(runs))):
            courses = courses if found is None else found
        names = [example.name for example in runs[0].examples]
        if not 0 <= arguments.example < len(names):
            raise IndexError(
                f"there is no example {arguments.example}; it has {len(names)}, from 0"
            )
        for side, run in zip(sides, runs, strict=True):
            own = [example.name for example in run.examples]
            if names[arguments.example] not in own:
                continue
            example = own.index(names[arguments.example])
            for snapshot in range(len(run.snapshots)):
                steps = run.steps(side.site, example, snapshot) if side.site else 0
                if not steps:
                    continue
                step = steps - 1 if arguments.step is None else arguments.step
                if not 0 <= step < steps:
                    raise IndexError(f"the example has no step {step}; it has {steps}, from 0")
                place = Place(
                    example=example,
                    step=step,
                    snapshot=snapshot,
                    site=side.site,
                    head=arguments.head,
                    query=arguments.query,
                )
                film.setdefault(side.slot, []).append(load_frame(run, place))
    except (IndexError, RunError) as error:
        raise CommandError(f"{arguments.path}: {error.args[0]}") from error
    return courses, film


def _write_training(
    courses: Sequence[Course], film: Mapping[str, list[Frame]], arguments: argparse.Namespace
) -> None:
    from hardattn_viewer.cli.drawing_only import drawing_application
    from hardattn_viewer.figures.curve_pages import make_training_figure
    from hardattn_viewer.figures.figure import FigureError
    from hardattn_viewer.session.display import Display

    display = Display(interpolation="smooth" if arguments.smooth else "nearest")
    with drawing_application():
        try:
            figure = make_training_figure(courses, film, options_of(arguments), display)
            figure.save(Path(arguments.output))
        except FigureError as error:
            raise CommandError(str(error)) from error


def options_of(arguments: argparse.Namespace) -> FigureOptions:
    """What a figure should be, by the arguments of ``export``."""
    from hardattn_viewer.drawing.theme import DARK, LIGHT
    from hardattn_viewer.figures.options import FigureOptions

    return FigureOptions(
        view=arguments.view,
        width_mm=arguments.width_mm,
        font_pt=arguments.font_pt,
        theme=DARK if arguments.theme == "dark" else LIGHT,
        caption=not arguments.no_caption,
    )
