"""Parse arguments before anything heavy is imported, then hand over to one command."""

from __future__ import annotations

import argparse
import atexit
import gc
import sys
from collections.abc import Sequence
from typing import NoReturn

from hardattn_viewer.cli import (
    check,
    compare,
    desktop,
    doctor,
    export,
    info,
    record,
    recover,
    systems,
    train,
    validate,
    view,
)
from hardattn_viewer.cli.errors import FAILED, WRONG_USAGE, CommandError
from recorders.run.text import visible
from recorders.version import PRODUCER

COMMANDS = (
    *(view, info, validate, recover, record, train, systems, compare, check, export),
    *(doctor, desktop),
)


# A process that ends looks for garbage among all that torch left, which takes seconds and frees
# nothing that would not be free a moment later.
atexit.register(gc.freeze)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse prints the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_USAGE, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; importing and building it loads neither Qt nor numpy."""
    parser = _Parser(
        prog="hardattn",
        description="See where a neural network looks, and whether that can be believed. "
        "Without a command, the desktop app opens.",
    )
    parser.add_argument("--version", action="version", version=PRODUCER)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        summary = (module.__doc__ or "").strip().splitlines()[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the ``hardattn`` command; returns the exit code (0, 1 for a failure, 2 for usage)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parsed = build_parser().parse_args(words or ["view"])
    if not hasattr(parsed, "run"):
        build_parser().error("name a command")
    try:
        code: int = parsed.run(parsed)
        sys.stdout.flush()
        return code
    except CommandError as error:
        # A sentence may quote a file's name, which a terminal must not obey.
        print(visible(f"hardattn {parsed.command}: {error}"), file=sys.stderr)
        return error.code
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; there is nobody left to tell.
        sys.stderr.close()
        return FAILED
    except KeyboardInterrupt:
        print(f"hardattn {parsed.command}: stopped by Ctrl+C", file=sys.stderr)
        return 130


def view_main() -> int:
    """The ``hardattn-viewer`` GUI entry point: every argument is a run to open."""
    return main(["view", *sys.argv[1:]])
