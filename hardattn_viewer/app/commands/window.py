"""The commands of the Window and Help menus."""

from __future__ import annotations

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.sessions import log_command
from hardattn_viewer.app.commands.window_protocol import Window


def window_commands(window: Window) -> list[Command]:
    """Everything in the Window and Help menus, in their order."""
    return [
        Command(
            "resetLayout",
            "Window",
            "&Reset layout",
            window.reset_layout,
            tooltip="Put every panel back where it was at first",
        ),
        Command("help", "Help", "&Keys and commands", window.show_help, ("?", "F1")),
        Command(
            "tour",
            "Help",
            "&Tour…",
            window.show_tour,
            tooltip="See in seven stops what is where; Enter goes on, Esc ends it",
        ),
        log_command(window),
        Command(
            "report",
            "Help",
            "&Report a problem…",
            window.show_report,
            tooltip="See versions and the log in one text to copy or save; nothing is sent",
            group="log",
        ),
        Command(
            "about",
            "Help",
            "&About hardattn",
            window.show_about,
            tooltip="What this is, and the licences of what it is built with",
            group="about",
        ),
    ]
