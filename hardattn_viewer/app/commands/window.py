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
        log_command(window),
        Command("about", "Help", "&About hardattn", window.show_about, group="about"),
    ]
