"""The commands of the Edit menu: undo, copying, filtering, finding a command."""

from __future__ import annotations

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.enabling import has_frame
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.session.session import Session


def edit_commands(session: Session, window: Window) -> list[Command]:
    """Everything in the Edit menu, in its order."""
    history = session.history
    return [
        Command(
            "undo",
            "Edit",
            "&Undo",
            session.undo,
            ("Ctrl+Z",),
            "Take back the last change of the view, or of a bookmark or note",
            lambda _: history.can_undo,
        ),
        Command(
            "redo",
            "Edit",
            "&Redo",
            session.redo,
            ("Ctrl+Shift+Z", "Ctrl+Y"),
            "Take back the last undo",
            lambda _: history.can_redo,
        ),
        Command(
            "copy",
            "Edit",
            "&Copy numbers",
            window.copy_numbers,
            ("Ctrl+C",),
            "Copy the inspector's numbers",
            has_frame,
            group="copy",
        ),
        Command(
            "filter",
            "Edit",
            "&Filter examples",
            window.focus_filter,
            ("/", "Ctrl+F"),
            "Type an expression such as wrong(A) & entropy > 2",
            group="find",
        ),
        Command(
            "clearFilter",
            "Edit",
            "Clear the filter",
            lambda: session.set_filter(""),
            tooltip="List all examples again",
            enabled=lambda state: bool(state.filter),
            group="find",
        ),
        Command(
            "letGo",
            "Edit",
            "&Let go of what is pinned",
            window.let_go,
            ("Escape",),
            "Of the key and of further queries; again, of the query",
            group="find",
        ),
        Command(
            "palette",
            "Edit",
            "Command &palette…",
            window.show_palette,
            ("Ctrl+Shift+P", "Ctrl+K"),
            "Find any command by its name",
            group="palette",
        ),
    ]
