"""Read a run whole and list every finding; exit 1 if any is an error."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from hardattn_viewer.cli.errors import FAILED
from hardattn_viewer.cli.runs import address


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
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        for finding in found:
            print(f"{finding.severity}: {finding.where}: {finding.what}")
        print(f"{where}: {'no findings' if not found else _count(len(found), errors)}")
    return FAILED if errors else 0


def _count(findings: int, errors: int) -> str:
    return f"{findings} finding{'s' if findings != 1 else ''}, {errors} of them errors"
