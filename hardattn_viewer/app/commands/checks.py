"""The commands of the Analyse menu that check whether attention accounts for the output."""

from __future__ import annotations

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.app.report_saver import has_report
from hardattn_viewer.session.checking import checked_run, is_checking, path_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState


def check_commands(session: Session, window: Window) -> list[Command]:
    """To begin a check, to end one, and to save what it found."""
    return [
        Command(
            "runCheck",
            "Analyse",
            "Check &faithfulness…",
            window.choose_check,
            ("Ctrl+Shift+I",),
            "Run the model of this run with items removed and choices forced, against controls",
            _can_check,
            group="check",
        ),
        Command(
            "stopCheck",
            "Analyse",
            "Stop the check",
            window.stop_check,
            tooltip="End the check that goes on; what it has written stays",
            enabled=is_checking,
            group="check",
        ),
        Command(
            "saveReport",
            "File",
            "Save the repor&t of the check…",
            window.choose_report,
            tooltip="Save verdicts, curves, scores and methods as one web page or PDF",
            enabled=has_report,
            group="export",
        ),
    ]


def _can_check(state: SessionState) -> bool:
    run = checked_run(state)
    ready = run is not None and run.status == "ready" and path_of(run.path) is not None
    return ready and not is_checking(state)
