"""The commands of the File menu: runs are opened, closed, recovered and exported."""

from __future__ import annotations

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.enabling import has_frame
from hardattn_viewer.app.commands.sessions import session_commands
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.session.live import left_run
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState


def file_commands(session: Session, window: Window) -> list[Command]:
    """Everything in the File menu, in its order."""
    return [
        Command(
            "open",
            "File",
            "&Open runs…",
            window.choose_runs,
            ("Ctrl+O",),
            "Open one or more run files",
        ),
        Command(
            "openParts",
            "File",
            "Open a &folder of parts…",
            window.choose_parts,
            ("Ctrl+Shift+O",),
            "Open a run that is still being recorded, or what a killed one left",
        ),
        Command(
            "openUrl",
            "File",
            "Open a &URL…",
            window.choose_url,
            ("Ctrl+Alt+O",),
            "Open a run that lies on a server: https://, s3:// or ssh://",
        ),
        Command(
            "samples",
            "File",
            "&Sample runs…",
            window.show_samples,
            ("Ctrl+Alt+R",),
            "Choose among the runs that come with hardattn, each with its story",
        ),
        Command(
            "closeRun",
            "File",
            "&Close this run",
            window.close_focused_run,
            ("Ctrl+W",),
            "Close the run whose numbers are shown",
            lambda state: bool(state.runs),
        ),
        Command(
            "recover",
            "File",
            "&Recover the recording that was cut off",
            session.recover,
            tooltip="Join what it had written into one file, and show that",
            enabled=lambda state: left_run(state) is not None and not _recovers(state),
            group="recover",
        ),
        Command(
            "stopRecovery",
            "File",
            "Stop reco&vering",
            session.stop_recovery,
            tooltip="Give it up; nothing is left of it",
            enabled=_recovers,
            group="recover",
        ),
        *session_commands(window),
        Command(
            "export",
            "File",
            "&Export figure…",
            window.export_figure,
            ("Ctrl+E",),
            "Save what is shown as SVG, PDF, PNG, animation or contact sheet, or its numbers",
            has_frame,
            group="export",
        ),
        Command(
            "quit", "File", "&Quit", lambda: _ignore(window.close()), ("Ctrl+Q",), group="quit"
        ),
    ]


def _recovers(state: SessionState) -> bool:
    return state.recovery is not None and state.recovery.state == "running"


def _ignore(_: object) -> None:
    """Drop a value where a handler returns none."""
