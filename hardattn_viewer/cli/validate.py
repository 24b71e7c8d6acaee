"""Read a run whole and list every finding; exit 1 if any is an error."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from hardattn_viewer.cli.errors import FAILED
from hardattn_viewer.cli.runs import address, printed_json
from recorders.run.text import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="RUN", help="a run file, its .parts folder, or a URL")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(arguments: argparse.Namespace) -> int:
    from recorders.run.validate import findings

    where = address(arguments.path)
    found = findings(where)
    errors = sum(finding.severity == "error" for finding in found)
    if arguments.json:
        report = {"path": str(where), "errors": errors, "findings": [asdict(f) for f in found]}
        print(printed_json(report))
    else:
        for finding in found:
            print(visible(f"{finding.severity}: {finding.where}: {finding.what}"))
        count = "no findings" if not found else _count(len(found), errors)
        print(visible(f"{where}: {count}"))
    return FAILED if errors else 0


def _count(findings: int, errors: int) -> str:
    return f"{findings} finding{'s' if findings != 1 else ''}, {errors} of them errors"
