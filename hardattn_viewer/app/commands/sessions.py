"""The commands about sessions, in the File menu, and the log of faults in the Help menu."""

from __future__ import annotations

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.window_protocol import Window


def session_commands(window: Window) -> list[Command]:
    """Saving, opening and restoring sessions."""
    return [
        Command(
            "saveSession",
            "File",
            "Sa&ve session as…",
            window.save_session,
            ("Ctrl+Shift+S",),
            "Save which runs are open, and where and how they are looked at",
            group="session",
        ),
        Command(
            "openSession",
            "File",
            "Open sess&ion…",
            window.open_session,
            ("Ctrl+Alt+S",),
            "Close what is open, and show what a session file holds",
            group="session",
        ),
        Command(
            "restoreSession",
            "File",
            "Restore the &last session",
            window.restore_session,
            tooltip="Close what is open, and show what was open when the app was closed last",
            enabled=lambda _: window.has_last_session,
            group="session",
        ),
        Command(
            "restoreAtStart",
            "File",
            "Restore the session at s&tart",
            window.toggle_restore,
            tooltip="Show what was open last when hardattn is started without a run",
            checked=lambda _: window.restores_at_start,
            group="session",
        ),
    ]


def log_command(window: Window) -> Command:
    """What went wrong."""
    return Command(
        "log",
        "Help",
        "&Log of faults…",
        window.show_log,
        tooltip="What went wrong inside hardattn, in full",
        group="log",
    )
