"""Every command of the app, and what each does to the session or the window."""

from __future__ import annotations

from collections.abc import Callable

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.view_commands import view_commands
from hardattn_viewer.app.window_protocol import Window
from hardattn_viewer.session.live import followed_slot, left_run
from hardattn_viewer.session.session import SPEEDS, Session
from hardattn_viewer.session.state import SessionState


def commands_of(session: Session, window: Window) -> list[Command]:
    """Everything that can be done, in the order of the menus."""
    return [
        *_file(session, window),
        *_edit(session, window),
        *view_commands(session, window),
        *_playback(session),
        *_rest(window),
    ]


def _has_frame(state: SessionState) -> bool:
    return state.frame is not None


def _recovers(state: SessionState) -> bool:
    return state.recovery is not None and state.recovery.state == "running"


def _has_steps(state: SessionState) -> bool:
    return state.frames.steps > 1


def _file(session: Session, window: Window) -> list[Command]:
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
            "Open the &sample runs",
            window.open_samples,
            tooltip="Open the small runs that come with hardattn",
        ),
        Command(
            "textSample",
            "File",
            "Open the sample run of a &text model",
            window.open_text_sample,
            tooltip="Open what a sentence encoder attended to in a dozen sentences",
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
        Command(
            "export",
            "File",
            "&Export figure…",
            window.export_figure,
            ("Ctrl+E",),
            "Save what is shown as SVG, PDF or PNG, or its numbers as CSV or NPZ",
            _has_frame,
            group="export",
        ),
        Command(
            "quit", "File", "&Quit", lambda: _ignore(window.close()), ("Ctrl+Q",), group="quit"
        ),
    ]


def _edit(session: Session, window: Window) -> list[Command]:
    history = session.history
    return [
        Command(
            "undo",
            "Edit",
            "&Undo view change",
            session.undo,
            ("Ctrl+Z",),
            "Go back to how it looked before",
            lambda _: history.can_undo,
        ),
        Command(
            "redo",
            "Edit",
            "&Redo view change",
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
            _has_frame,
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
            "letGo",
            "Edit",
            "&Let go of the pinned region",
            window.let_go,
            ("Escape",),
            "Unpin, and show what was selected again",
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


def _playback(session: Session) -> list[Command]:
    def step(id_: str, text: str, keys: tuple[str, ...], go: Callable[[], None]) -> Command:
        return Command(id_, "Playback", text, go, keys, enabled=_has_steps, group="step")

    def example(id_: str, text: str, key: str, by: int) -> Command:
        return Command(
            id_,
            "Playback",
            text,
            lambda: session.next_example(by),
            (key,),
            enabled=lambda state: bool(state.order),
            group="example",
        )

    return [
        Command(
            "play",
            "Playback",
            "&Play or pause",
            session.play,
            ("Space",),
            "Show step after step; at the end it starts over",
            _has_steps,
            lambda state: state.playing,
        ),
        Command(
            "follow",
            "Playback",
            "&Follow the recording",
            session.follow,
            ("F",),
            "Show the newest step of a run that is being recorded, as it comes",
            lambda state: followed_slot(state) is not None,
            lambda state: state.following,
        ),
        Command(
            "backwards",
            "Playback",
            "Play backwards",
            lambda: session.shuttle(-1),
            ("J",),
            "Again for faster",
            _has_steps,
        ),
        Command(
            "pause", "Playback", "Pause", lambda: session.play(False), ("K",), enabled=_has_steps
        ),
        Command(
            "forwards",
            "Playback",
            "Play forwards",
            lambda: session.shuttle(1),
            ("L",),
            "Again for faster",
            _has_steps,
        ),
        step("forward", "Next step", ("Right",), lambda: session.next_step(1)),
        step("back", "Previous step", ("Left",), lambda: session.next_step(-1)),
        step("forward10", "Ten steps on", ("Shift+Right",), lambda: session.next_step(10)),
        step("back10", "Ten steps back", ("Shift+Left",), lambda: session.next_step(-10)),
        step("first", "First step", ("Home",), lambda: session.go_to_step(0)),
        step("last", "Last step", ("End",), lambda: session.go_to_step(session.state.frames.steps)),
        example("nextExample", "Next example", "Down", 1),
        example("previousExample", "Previous example", "Up", -1),
        *(_speed(session, speed) for speed in SPEEDS),
    ]


def _rest(window: Window) -> list[Command]:
    return [
        Command(
            "resetLayout",
            "Window",
            "&Reset layout",
            window.reset_layout,
            tooltip="Put every panel back where it was at first",
        ),
        Command("help", "Help", "&Keys and commands", window.show_help, ("?", "F1")),
        Command("about", "Help", "&About hardattn", window.show_about, group="about"),
    ]


def _speed(session: Session, speed: float) -> Command:
    return Command(
        f"speed_{speed:g}",
        "Playback",
        f"Speed {speed:g}×",
        lambda: session.set_speed(speed),
        checked=lambda state: abs(state.speed) == speed,
        group="speed",
    )


def _ignore(_: object) -> None:
    """Drop a value where a handler returns none."""
