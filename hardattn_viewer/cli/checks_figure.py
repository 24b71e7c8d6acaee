"""``hardattn export --view faithfulness``: the figure of the checks that lie beside a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from hardattn_viewer.cli.errors import CommandError


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
            figure.save(Path(arguments.output))
        except FigureError as error:
            raise CommandError(str(error)) from error
    print(arguments.output)
    return 0
