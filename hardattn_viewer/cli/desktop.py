"""Put hardattn into the menu of the desktop with its icon and file type, or take it out again.

Everything is written below $XDG_DATA_HOME (~/.local/share), for this user alone; `remove` takes
away what `install` wrote, and nothing else. Files that end in .hardattn.h5 then open with a double
click; other .h5 files offer hardattn under “Open with”, and keep the program that they open with.
"""

from __future__ import annotations

import argparse
import sys

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.runs import printed_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=("install", "remove", "status"), help="status: say what is there"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(arguments: argparse.Namespace) -> int:
    from hardattn_viewer.cli import desktop_files

    if not sys.platform.startswith("linux"):
        raise CommandError("menu entries are those of freedesktop.org, so of Linux alone")
    folder = desktop_files.data_folder()
    try:
        if arguments.what == "install":
            desktop_files.install(folder)
        elif arguments.what == "remove":
            desktop_files.remove(folder)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}; see XDG_DATA_HOME") from error
    there = [str(path) for path in desktop_files.paths(folder) if path.exists()]
    if arguments.json:
        print(printed_json({"folder": str(folder), "files": there}))
        return 0
    for path in there:
        print(path)
    if not there:
        print(f"hardattn is not in the menu of the desktop: nothing of it is in {folder}")
    return 0
