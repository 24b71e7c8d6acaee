"""Join the parts that a killed recording left behind, of all its ranks, into one run file.

Parts before one that is missing or damaged are kept, and what is lost is said. Exit codes: 0 for a
run with all that was in the parts, 3 for one without what was lost, 1 where nothing was recovered.
The parts are never removed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hardattn_viewer.cli.errors import PARTLY, CommandError
from hardattn_viewer.cli.runs import address, open_run, words_for_bytes
from recorders.run.text import visible

PARTS_SUFFIX = ".parts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("parts", metavar="PARTS", help="the folder NAME.h5.parts")
    parser.add_argument("-o", "--output", metavar="RUN", help="the run to write (default: NAME.h5)")


def run(arguments: argparse.Namespace) -> int:
    from recorders import RunError
    from recorders.run.recover import recover

    parts = address(arguments.parts)
    if not isinstance(parts, Path):
        raise CommandError(f"{parts} lies on another machine; recover it there")
    if not parts.is_dir():
        raise CommandError(f"{parts} is not a folder of parts; name the folder NAME.h5.parts")
    if arguments.output is None and parts.suffix != PARTS_SUFFIX:
        raise CommandError(f"{parts} does not end in {PARTS_SUFFIX}: name the run to write with -o")
    output = Path(arguments.output) if arguments.output else None
    if output is not None and output.exists():
        raise CommandError(f"{output} exists already; name another file with -o")
    try:
        recovered = recover(parts, output)
    except (RunError, OSError) as error:
        raise CommandError(f"{parts} could not be joined: {error}") from error
    if recovered.before:
        print(f"{recovered.path}: sealed before, with all of {parts}; that folder can be removed")
        return 0
    with open_run(str(recovered.path)) as opened:
        of = f" of {opened.ranks}" if recovered.ranks < opened.ranks else ""
        joined = f"{recovered.ranks}{of} ranks, " if opened.ranks > 1 else ""
        print(
            f"{visible(str(recovered.path))}: {joined}{len(opened.examples)} examples, "
            f"{opened.n_events} events, {words_for_bytes(opened.bytes)}"
        )
        for sentence in dict.fromkeys([*recovered.lost, *opened.left_out]):
            print(f"{'lost' if sentence in recovered.lost else 'left out'}: {sentence}")
    return PARTLY if recovered.lost else 0
