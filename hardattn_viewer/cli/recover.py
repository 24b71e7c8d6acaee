"""Join the parts that a killed recording left behind, of all its ranks, into one run file."""

from __future__ import annotations

import argparse
from pathlib import Path

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.runs import address, open_run, words_for_bytes
from recorders.run.text import visible

PARTS_SUFFIX = ".parts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("parts", metavar="PARTS", help="the folder NAME.h5.parts")
    parser.add_argument("-o", "--output", metavar="RUN", help="the run to write (default: NAME.h5)")


def run(arguments: argparse.Namespace) -> int:
    from recorders import RunError
    from recorders.run.parts import segments
    from recorders.run.writer import join

    parts = address(arguments.parts)
    if not isinstance(parts, Path):
        raise CommandError(f"{parts} lies on another machine; recover it there")
    if not parts.is_dir():
        raise CommandError(f"{parts} is not a folder of parts; name the folder NAME.h5.parts")
    if arguments.output is None and parts.suffix != PARTS_SUFFIX:
        raise CommandError(f"{parts} does not end in {PARTS_SUFFIX}: name the run to write with -o")
    output = Path(arguments.output) if arguments.output else parts.with_suffix("")
    if output.exists():
        raise CommandError(f"{output} exists already; name another file with -o")
    try:
        ranks = segments(parts)
        join(parts, output)
    except (RunError, OSError) as error:
        raise CommandError(f"{parts} could not be joined: {error}") from error
    with open_run(str(output)) as opened:
        of = f" of {opened.ranks}" if len(ranks) < opened.ranks else ""
        joined = f"{len(ranks)}{of} ranks, " if opened.ranks > 1 else ""
        print(
            f"{visible(str(output))}: {joined}{len(opened.examples)} examples, "
            f"{opened.n_events} events, {words_for_bytes(opened.bytes)}"
        )
        for sentence in opened.left_out:
            print(f"left out: {sentence}")
    return 0
