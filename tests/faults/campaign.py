"""Every fault in numbers: `python tests/faults/campaign.py` writes docs/reliability.md.

A part that is left out (`--kills 0`) keeps its rows. Exit code 1 where anything was lost or wrong.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import corruptions  # noqa: E402
import full_disks  # noqa: E402
import h5py  # noqa: E402
import io_errors  # noqa: E402
import kills  # noqa: E402
import numpy as np  # noqa: E402

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- campaign -->", "<!-- end of campaign -->"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, metavar="N")
    parser.add_argument("--corruptions", type=int, default=2000, metavar="N")
    parser.add_argument("--disks", type=int, default=20, metavar="N", help="sizes of full disks")
    parser.add_argument("--skip-io", action="store_true", help="refuse no single calls")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="first seed")
    parser.add_argument("--dry", action="store_true", help="write nothing into the documentation")
    wanted = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    rows: dict[str, str] = {}
    bad: list[str] = []
    if wanted.kills:
        rows |= _kills(wanted.kills, wanted.first, bad)
    if not wanted.skip_io:
        rows |= _calls(bad)
    if wanted.disks:
        rows |= _disks(wanted.disks, bad)
    if wanted.corruptions:
        rows |= _corruptions(wanted.corruptions, wanted.first, bad)
    for row in rows.values():
        print(row)
    for line in bad:
        print(line, file=sys.stderr)
    if not wanted.dry:
        _write(rows)
    return 1 if bad else 0


def _progress(what: str, every: int):
    def each(number: int) -> None:
        if number % every == 0:
            print(f"{what}: {number}", file=sys.stderr, flush=True)

    return each


def _row(name: str, cases: int, found: str) -> dict[str, str]:
    return {name: f"| {name} | {cases:,} | {found} |"}


def _broken(failed: list[str], bad: list[str]) -> str:
    """The number of cases in which the promise was broken, each added to ``bad``."""
    bad += failed
    return f"{len(failed)} cases with a step lost or wrong"


def _kills(count: int, first: int, bad: list[str]) -> dict[str, str]:
    found, failed = kills.campaign(count, first=first, each=_progress("kills", 20))
    states = ", ".join(
        f"{found[state]:,} {words}"
        for state, words in (
            ("sealed", "sealed"),
            ("parts", "in parts, recovered"),
            ("sealed, parts left", "sealed with parts not removed yet"),
            ("nothing flushed", "before the first flush"),
        )
    )
    return _row(
        f"`kill -9` at a random moment, {found['with torch']} of a `Recorder` with torch",
        count,
        f"{_broken(failed, bad)}; runs left: {states}; {found['acknowledged']:,} steps "
        f"acknowledged, {found['read']:,} read",
    )


def _calls(bad: list[str]) -> dict[str, str]:
    found, failed = io_errors.campaign(each=_progress("refused calls", 100))
    calls = ", ".join(f"{name} {count:,}" for name, count in found.items())
    return _row(
        "one call of the disk refused, or all from then on (ENOSPC, EIO, EROFS)",
        sum(found.values()),
        f"{_broken(failed, bad)} or an error other than `OSError`; by call: {calls}",
    )


def _disks(count: int, bad: list[str]) -> dict[str, str]:
    found, failed = full_disks.campaign(count, each=_progress("disks", 5))
    rows = {}
    for name, words in (("disks", "a full disk (tmpfs)"), ("limits", "`RLIMIT_FSIZE`")):
        refused, sealed = found[name, "refused"], found[name, "sealed"]
        rows |= _row(
            words,
            refused + sealed + len(failed[name]),
            f"{_broken(failed[name], bad)}; {refused} ended in `OSError` and an exit code of their "
            f"own, {sealed} had room enough; {found[name, 'acknowledged']:,} steps acknowledged",
        )
    return rows


def _corruptions(count: int, first: int, bad: list[str]) -> dict[str, str]:
    found, _, failed = corruptions.campaign(count, first=first, each=_progress("damaged runs", 200))
    outcomes = [*corruptions.GOOD, *sorted(set(found) - set(corruptions.GOOD))]
    bad += [f"{number} ({kind}): {what}" for number, kind, what in failed]
    return _row(
        "a damaged run read: bits, bytes, ranges, lengths, hostile metadata",
        count,
        f"{found['crash']} crashes, {found['hang']} hangs, {found['silently wrong']} silently "
        "wrong; " + ", ".join(f"{found[name]:,} {name}" for name in outcomes if found[name]),
    )


def _write(rows: dict[str, str]) -> None:
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(BEGIN)
    old, _, tail = rest.partition(END)
    known = {line.split("|")[1].strip(): line for line in old.splitlines() if line.count("|") == 4}
    known = {name: line for name, line in known.items() if name and name != "fault"}
    # A row of the same fault replaces the old one, whatever number stands in its name.
    fresh = {name.split(",")[0] for name in rows}
    kept = {name: line for name, line in known.items() if name.split(",")[0] not in fresh}
    lines = [
        BEGIN,
        "",
        "| fault | cases | found |",
        "|---|---|---|",
        *kept.values(),
        *rows.values(),
        "",
        _machine(),
        "",
        END,
    ]
    DOCUMENT.write_text(head + "\n".join(lines) + tail)


def _machine() -> str:
    libraries = f"Python {platform.python_version()}, numpy {np.__version__}, h5py "
    libraries += f"{h5py.__version__} with HDF5 {h5py.version.hdf5_version}"
    system = f"{platform.system()} {platform.release().split('-')[0]} on {platform.machine()}"
    return f"Seen with {libraries}; {system}, {os.cpu_count()} processors."


if __name__ == "__main__":
    sys.exit(main())
