"""The commands of the View menu: what is looked at, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.enabling import has_sites, has_two
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.app.main_views import MAIN_VIEWS, MainView
from hardattn_viewer.session.display import (
    AmountTable,
    Display,
    Interpolation,
    Option,
    Scope,
    toggled,
)
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import ThemeChoice


def view_commands(session: Session, window: Window) -> list[Command]:
    """Everything in the View menu, in its order."""
    return [
        *(_to_view(session, view, at) for at, view in enumerate(MAIN_VIEWS, start=1)),
        Command("swap", "View", "S&wap A and B", session.swap, ("Ctrl+Shift+X",), enabled=has_two),
        Command(
            "other",
            "View",
            "Numbers of the othe&r run",
            lambda: session.look_at("B" if session.state.focus == "A" else "A"),
            ("X",),
            "Show B in the inspector and overlay instead of A, or A instead of B",
            has_two,
        ),
        *_places(session, window),
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
            has_sites,
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


def _to_view(session: Session, view: MainView, number: int) -> Command:
    return Command(
        f"view_{view.id}",
        "View",
        view.text,
        lambda: session.set_view(view.id),
        (f"Ctrl+{number}",),
        view.tooltip,
        checked=lambda state: state.view == view.id,
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
        has_sites,
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
