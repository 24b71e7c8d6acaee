"""How large a figure is, and how it looks: the same options for every view."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError

if TYPE_CHECKING:
    from hardattn_viewer.figures.options import FigureOptions, View
    from hardattn_viewer.session.display import Display

# As in figures.widths and session.display: the command line is built without importing Qt or numpy.
PRESETS = (
    "neurips", "iclr", "icml-column", "icml-page", "cvpr-column", "cvpr-page", "acl-column",
    "acl-page", "ieee-column", "ieee-page", "nature-column", "nature-page",
)  # fmt: skip
MAPS = ("viridis", "cividis")
_WIDTH = 160.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("size and looks")
    group.add_argument("--width-mm", type=float, metavar="W", help=f"default: {_WIDTH:g}")
    group.add_argument(
        "--preset", choices=PRESETS, help="the width of a column or of a page of text"
    )
    group.add_argument("--font-pt", type=float, metavar="P", help="body text on paper (default: 8)")
    group.add_argument("--dpi", type=int, metavar="D", help="of a PNG (default: 300)")
    group.add_argument("--theme", choices=("light", "dark"), help="default: light")
    group.add_argument("--map", dest="colours", choices=MAPS, help="of colours (default: viridis)")
    caption = group.add_mutually_exclusive_group()
    caption.add_argument(
        "--caption",
        action="store_true",
        default=None,
        help="say below the figure what it shows (default)",
    )
    caption.add_argument(
        "--no-caption", dest="caption", action="store_false", help="leave the provenance out"
    )


def options_of(arguments: argparse.Namespace, view: View, **more: Any) -> FigureOptions:
    """What a figure should be, by the arguments.

    Args:
        arguments: of the command.
        view: what it shows.
        more: further options.

    Raises:
        CommandError: a number is out of its range.
    """
    from hardattn_viewer.figures.options import FigureOptions

    usual = FigureOptions(view=view, width_mm=_WIDTH, **more)
    return with_options(usual, arguments)


def with_options(options: FigureOptions, arguments: argparse.Namespace) -> FigureOptions:
    """The options with what the arguments name, and nothing else, changed.

    Raises:
        CommandError: a number is out of its range, or two widths are named.
    """
    from hardattn_viewer.drawing.theme import THEMES
    from hardattn_viewer.figures.options import FigureError
    from hardattn_viewer.figures.widths import width_of

    width = arguments.width_mm
    if arguments.preset is not None:
        if width is not None:
            raise CommandError("--preset and --width-mm both name a width; name one", WRONG_USAGE)
        width = width_of(arguments.preset)
    told: dict[str, Any] = {
        "width_mm": width,
        "font_pt": arguments.font_pt,
        "dpi": arguments.dpi,
        "theme": None if arguments.theme is None else THEMES[arguments.theme],
        "caption": arguments.caption,
    }
    try:
        return replace(options, **{name: one for name, one in told.items() if one is not None})
    except FigureError as error:
        raise CommandError(str(error), WRONG_USAGE) from error


def with_colours(display: Display, arguments: argparse.Namespace) -> Display:
    """The display with the table of colours that the arguments name."""
    return display if arguments.colours is None else replace(display, colours=arguments.colours)
