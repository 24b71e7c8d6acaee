"""Every command there is; each menu has its own file."""

from __future__ import annotations

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.checks import check_commands
from hardattn_viewer.app.commands.compare import compare_commands
from hardattn_viewer.app.commands.edit import edit_commands
from hardattn_viewer.app.commands.file import file_commands
from hardattn_viewer.app.commands.find import find_commands
from hardattn_viewer.app.commands.heads import heads_commands
from hardattn_viewer.app.commands.matrix import matrix_commands
from hardattn_viewer.app.commands.playback import playback_commands
from hardattn_viewer.app.commands.regions import region_commands, region_view_commands
from hardattn_viewer.app.commands.tokens import token_commands
from hardattn_viewer.app.commands.training import training_commands
from hardattn_viewer.app.commands.view import view_commands
from hardattn_viewer.app.commands.window import window_commands
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.app.commands.zoom import zoom_commands
from hardattn_viewer.session.session import Session


def commands_of(session: Session, window: Window) -> list[Command]:
    """Everything that can be done, in the order of the menus."""
    return [
        *file_commands(session, window),
        *edit_commands(session, window),
        *view_commands(session, window),
        *zoom_commands(session),
        *matrix_commands(session),
        *region_view_commands(session),
        *token_commands(session),
        *playback_commands(session),
        *heads_commands(session),
        *training_commands(session, window),
        *region_commands(session),
        *compare_commands(session, window),
        *check_commands(session, window),
        *find_commands(session, window),
        *window_commands(window),
    ]
