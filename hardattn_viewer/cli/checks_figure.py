"""``hardattn export --view faithfulness`` or ``report``: of the checks that lie beside a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError

if TYPE_CHECKING:
    from hardattn_viewer.checks.report import Report


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
    from hardattn_viewer.cli.curve_figures import options_of
    from hardattn_viewer.cli.drawing_only import drawing_application
    from hardattn_viewer.drawing.checks.picture import ChecksPicture
    from hardattn_viewer.figures.checks_page import make_checks_figure
    from hardattn_viewer.figures.figure import FigureError

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
    picture = ChecksPicture(report, arguments.operator or "", arguments.explainer or "")
    with drawing_application():
        try:
            figure = make_checks_figure(picture, Path(arguments.path).stem, options_of(arguments))
            figure.save(target)
        except FigureError as error:
            raise CommandError(str(error)) from error
    print(arguments.output)
    return 0


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
