"""Every command of the app, and what each does to the session or the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from hardattn_viewer.app.actions import Command
from hardattn_viewer.session.display import (
    AmountTable,
    Display,
    Interpolation,
    Option,
    Scope,
    toggled,
)
from hardattn_viewer.session.session import SPEEDS, Session
from hardattn_viewer.session.state import SessionState, ThemeChoice, View


class Window(Protocol):
    """What commands ask of the main window."""

    def choose_runs(self) -> None:
        """Ask for run files."""

    def choose_parts(self) -> None:
        """Ask for a folder of parts."""

    def export_figure(self) -> None:
        """Show the export dialog."""

    def copy_numbers(self) -> None:
        """Copy the inspector."""

    def show_palette(self) -> None:
        """Show the palette."""

    def show_help(self) -> None:
        """Show all keys."""

    def show_about(self) -> None:
        """Say what this is."""

    def focus_filter(self) -> None:
        """Go to the filter field."""

    def choose_site(self) -> None:
        """Show the list of sites."""

    def choose_head(self) -> None:
        """Show the list of heads."""

    def show_omissions(self) -> None:
        """Say what is not in the runs that are shown."""

    def open_samples(self) -> None:
        """Open the sample runs."""

    def toggle_theme(self) -> None:
        """Change the theme."""

    def reset_layout(self) -> None:
        """Put the docks back."""

    def let_go(self) -> None:
        """Unpin."""

    def close_focused_run(self) -> None:
        """Close the run in focus."""

    def close(self) -> bool:
        """Close the window."""


def commands_of(session: Session, window: Window) -> list[Command]:
    """Everything that can be done, in the order of the menus."""
    return [
        *_file(window),
        *_edit(session, window),
        *_view(session, window),
        *_playback(session),
        *_rest(window),
    ]


def _has_frame(state: SessionState) -> bool:
    return state.frame is not None


def _has_steps(state: SessionState) -> bool:
    return state.frames.steps > 1


def _has_two(state: SessionState) -> bool:
    return state.slot_a is not None and state.slot_b is not None


def _has_sites(state: SessionState) -> bool:
    facts = state.facts(state.site_slot)
    return facts is not None and len(facts.sites) > 1


def _file(window: Window) -> list[Command]:
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
            "samples",
            "File",
            "Open the &sample runs",
            window.open_samples,
            tooltip="Open the small runs that come with hardattn",
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


def _view(session: Session, window: Window) -> list[Command]:
    return [
        _to_view(session, "overlay", "&Overlay", "Ctrl+1", "One run, large"),
        _to_view(session, "compare", "&Compare", "Ctrl+2", "A, B and their difference"),
        Command("swap", "View", "S&wap A and B", session.swap, ("Ctrl+Shift+X",), enabled=_has_two),
        Command(
            "other",
            "View",
            "Numbers of the &other run",
            lambda: session.look_at("B" if session.state.focus == "A" else "A"),
            ("X",),
            "Show B in the inspector and overlay instead of A, or A instead of B",
            _has_two,
        ),
        *_places(session, window),
        _option(session, "matrix", "&Matrix of queries and keys", "M", "All queries × keys"),
        _option(session, "heat", "&Heat", "H", "Lay the probabilities over the image"),
        _option(session, "boxes", "Selected &boxes", "Shift+B", "Outline the selected regions"),
        _option(session, "path", "Scan &path", "P", "Number the selected regions in order"),
        _interpolation(session, "nearest", "&Nearest patches"),
        _interpolation(session, "smooth", "S&mooth between patches"),
        _scale(session, "shared", "Scale shared by A and B"),
        _scale(session, "example", "Scale of each run"),
        _scale(session, "step", "Scale of each step"),
        _colours(session, "viridis", "Colours: &viridis"),
        _colours(session, "cividis", "Colours: &cividis"),
        Command(
            "toggleTheme",
            "View",
            "Dark or &light",
            window.toggle_theme,
            ("Ctrl+Shift+L",),
            "Change between the dark and the light theme",
            group="theme",
        ),
        _theme(session, "system", "Theme of the system"),
        _theme(session, "dark", "Dark theme"),
        _theme(session, "light", "Light theme"),
    ]


def _places(session: Session, window: Window) -> list[Command]:
    return [
        Command(
            "chooseSite",
            "View",
            "Attention &site…",
            window.choose_site,
            ("S",),
            "Find a site by its name, layer or kind",
            _has_sites,
            group="sites",
        ),
        _site(session, "previousSite", "Previous site", "{", -1),
        _site(session, "nextSite", "Next site", "}", 1),
        Command(
            "chooseHead",
            "View",
            "Hea&d…",
            window.choose_head,
            ("Shift+H",),
            "Choose one head, or the mean over all of them",
            lambda state: state.heads > 1,
            group="sites",
        ),
        _head(session, "previousHead", "Previous head", "[", -1),
        _head(session, "nextHead", "Next head", "]", 1),
        _query(session, "previousQuery", "Previous query", ",", -1),
        _query(session, "nextQuery", "Next query", ".", 1),
        Command(
            "omissions",
            "View",
            "What is &not in this run…",
            window.show_omissions,
            tooltip="What was not recorded, what recording changed, and what was not verified",
            enabled=lambda state: state.facts("A") is not None or state.facts("B") is not None,
            group="omissions",
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


def _to_view(session: Session, view: View, text: str, key: str, tooltip: str) -> Command:
    return Command(
        f"view_{view}",
        "View",
        text,
        lambda: session.set_view(view),
        (key,),
        tooltip,
        checked=lambda state: state.view == view,
        group="views",
    )


def _changed(session: Session, change: Callable[[Display], Display]) -> None:
    session.set_display(change(session.state.display))


def _option(session: Session, name: Option, text: str, key: str, tooltip: str) -> Command:
    return Command(
        f"show_{name}",
        "View",
        text,
        lambda: _changed(session, lambda d: toggled(d, name)),
        (key,),
        tooltip,
        checked=lambda state: bool(getattr(state.display, name)),
        group="display",
    )


def _interpolation(session: Session, kind: Interpolation, text: str) -> Command:
    return Command(
        f"interpolation_{kind}",
        "View",
        text,
        lambda: _changed(session, lambda d: replace(d, interpolation=kind)),
        checked=lambda state: state.display.interpolation == kind,
        group="interpolation",
    )


def _scale(session: Session, scale: Scope, text: str) -> Command:
    return Command(
        f"scale_{scale}",
        "View",
        text,
        lambda: _changed(session, lambda d: replace(d, scale=scale)),
        checked=lambda state: state.display.scale == scale,
        group="scale",
    )


def _colours(session: Session, table: AmountTable, text: str) -> Command:
    return Command(
        f"colours_{table}",
        "View",
        text,
        lambda: _changed(session, lambda d: replace(d, colours=table)),
        checked=lambda state: state.display.colours == table,
        group="colours",
    )


def _head(session: Session, id_: str, text: str, key: str, by: int) -> Command:
    return Command(
        id_,
        "View",
        text,
        lambda: session.next_head(by),
        (key,),
        "One head after the other, then their mean again",
        lambda state: state.heads > 1,
        group="sites",
    )


def _site(session: Session, id_: str, text: str, key: str, by: int) -> Command:
    return Command(
        id_,
        "View",
        text,
        lambda: session.next_site(by),
        (key,),
        "One site after the other, in the order of the model",
        _has_sites,
        group="sites",
    )


def _query(session: Session, id_: str, text: str, key: str, by: int) -> Command:
    return Command(
        id_,
        "View",
        text,
        lambda: session.next_query(by),
        (key,),
        "Look from another query of this step",
        lambda state: state.frame is not None and state.frame.queries > 1,
        group="sites",
    )


def _theme(session: Session, choice: ThemeChoice, text: str) -> Command:
    return Command(
        f"theme_{choice}",
        "View",
        text,
        lambda: session.set_theme(choice),
        checked=lambda state: state.theme == choice,
        group="theme",
    )


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
