"""``hardattn export --view faithfulness`` or ``report``: of the checks that lie beside a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.figure_options import options_of, with_colours

if TYPE_CHECKING:
    from hardattn_viewer.checks.report import Report
    from hardattn_viewer.figures.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checks", metavar="FILE", help="faithfulness: default: RUN.checks.npz beside the run"
    )
    parser.add_argument(
        "--operator", metavar="O", help="faithfulness: whose curves are drawn (default: the first)"
    )
    parser.add_argument(
        "--explainer", metavar="E", help="faithfulness: whose verdict is written out"
    )


def run(arguments: argparse.Namespace) -> int:
    from hardattn_viewer.checks.file import ChecksError, checks_path, read_checks
    from hardattn_viewer.figures.recipe import ChecksPart, Recipe, RunPart, digest_of, file_name
    from hardattn_viewer.session.display import Display

    own = checks_path(Path(arguments.path.rstrip("/").removesuffix(".parts")))
    path = Path(arguments.checks) if arguments.checks else own
    try:
        report = read_checks(path)
    except ChecksError as error:
        raise CommandError(str(error)) from error
    target = Path(arguments.output)
    if arguments.view == "report" or target.suffix.lower() == ".html":
        expect_report(target)
        write_report(report, Path(arguments.path).stem, target)
        print(arguments.output)
        return 0
    for what, name, known in (
        ("operator", arguments.operator, [one.operator for one in report.measured]),
        ("explainer", arguments.explainer, list(report.verdicts)),
    ):
        if name is not None and name not in known:
            raise CommandError(f"{path} has no {what} {name}: choose {', '.join(known) or 'none'}")
    focus = (arguments.operator or "", arguments.explainer or "")
    about = ChecksPart(file_name(arguments.checks or path.name), digest_of(path), *focus)
    part = RunPart(file_name(arguments.path), str(report.facts.get("recording") or ""))
    options = options_of(arguments, "faithfulness")
    display = with_colours(Display(), arguments)
    write_checks_figure(Recipe((part,), options, display, checks=about), report, target)
    print(arguments.output)
    return 0


def write_checks_figure(recipe: Recipe, report: Report, target: Path) -> None:
    """Draw and save; the file appears whole or not at all.

    Raises:
        CommandError: it cannot be drawn or written.
    """
    from hardattn_viewer.cli.drawing_only import drawing_application
    from hardattn_viewer.figures.making import figure_of
    from hardattn_viewer.figures.options import FigureError

    with drawing_application():
        try:
            figure_of(recipe, (), report).save(target)
        except FigureError as error:
            raise CommandError(str(error)) from error


def expect_report(path: Path) -> None:
    """Refuse a file that no report can be written to, before anything is run.

    Raises:
        CommandError: by its name it is no report, or its folder is not there.
    """
    from hardattn_viewer.figures.figure import FigureError
    from hardattn_viewer.figures.report.saving import expect_suffix

    try:
        expect_suffix(path)
    except FigureError as error:
        raise CommandError(str(error), WRONG_USAGE) from error
    if not path.parent.is_dir():
        raise CommandError(f"the folder {path.parent} does not exist; make it first")


def write_report(report: Report, name: str, path: Path) -> None:
    """Write the report of a check as HTML or PDF.

    Args:
        report: what was found.
        name: of the run.
        path: ``.html`` or ``.pdf``.

    Raises:
        CommandError: it cannot be written.
    """
    from hardattn_viewer.cli.drawing_only import drawing_application
    from hardattn_viewer.figures.figure import FigureError
    from hardattn_viewer.figures.report import save_report

    with drawing_application():
        try:
            save_report(report, Path(name).stem, path)
        except FigureError as error:
            raise CommandError(str(error)) from error
