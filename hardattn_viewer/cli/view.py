"""Open the desktop app on runs; two open side by side, none opens the sample runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from hardattn_viewer.cli.display import why_no_display
from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.runs import address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="RUN", nargs="*", help="run files, .parts folders or URLs")
    parser.add_argument(
        "--screenshot", metavar="FILE.png", help="render the window once, offscreen if need be"
    )
    parser.add_argument("--theme", choices=("light", "dark"), help="default: the system's")
    parser.add_argument(
        "--follow", action="store_true", help="show the newest step of a run being recorded"
    )
    parser.add_argument("--example", type=int, default=0, metavar="I", help="start at example I")
    parser.add_argument("--step", type=int, default=0, metavar="T", help="start at step T")
    parser.add_argument("--size", default="1680x1020", metavar="WxH", help="of the screenshot")
    parser.add_argument(
        "--gallery",
        metavar="FOLDER",
        default="hardattn-gallery",
        help="where pictures go when there is no display (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    paths = [address(path) for path in arguments.paths]
    size = _size(arguments.size)
    reason = why_no_display()
    if arguments.screenshot is None:
        if reason is not None:
            from hardattn_viewer.cli.gallery import make_gallery

            print(f"hardattn: {reason}, so here are pictures instead of a window", file=sys.stderr)
            folder = make_gallery(paths, Path(arguments.gallery), theme=arguments.theme)
            print(f"pictures of what the window would show: {folder.absolute()}")
            return 0
    elif not arguments.screenshot.lower().endswith(".png"):
        raise CommandError("--screenshot writes PNG: name a file that ends in .png", WRONG_USAGE)
    if reason is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from hardattn_viewer.app import start

    return start.main(
        paths,
        screenshot=Path(arguments.screenshot) if arguments.screenshot else None,
        theme=arguments.theme,
        example=arguments.example,
        step=arguments.step,
        size=size,
        follow=arguments.follow,
    )


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise CommandError(f"--size {text} is not WIDTHxHEIGHT, for example 1680x1020", WRONG_USAGE)
    return int(width), int(height)
