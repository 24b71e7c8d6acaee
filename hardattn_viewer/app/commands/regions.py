"""The commands of pictures of regions: what is shown, the pinned region, copying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.theme import resolved_theme
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import key_name
from hardattn_viewer.session.regions import box_words, can_look_from, mass_words, region_row
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, key_in_focus
from hardattn_viewer.views.region_copy import copy_image, copy_text, shown_image

# What one key press adds to or takes from the opacity.
_OPACITY_STEP = 0.05
_ARROWS = (("Left", -1, 0), ("Right", 1, 0), ("Up", 0, -1), ("Down", 0, 1))


def region_view_commands(session: Session) -> list[Command]:
    """What of regions is in the View menu: how heat is laid on the image."""
    return [
        _look(session, "heatOnly", "Heat alone", "How probable every region is", True, False),
        _look(session, "crispOnly", "Selection alone", "Darken what was not selected", False, True),
        _look(session, "heatAndCrisp", "Heat and selection", "Both together", True, True),
        _opacity(session, "moreOpaque", "More opaque heat", "Ctrl+.", _OPACITY_STEP),
        _opacity(session, "lessOpaque", "Less opaque heat", "Ctrl+,", -_OPACITY_STEP),
    ]


def region_commands(session: Session) -> list[Command]:
    """What is done with the pinned and the picked regions; the Analyse menu."""
    return [
        Command(
            "lookFromPinned",
            "Analyse",
            "&Look from the pinned region",
            session.look_from,
            ("Return", "Enter"),
            "Make it the query, where queries and keys are the same items; or Ctrl-click it",
            lambda state: can_look_from(state.frame, state.pinned),
            group="pinned",
        ),
        *(
            Command(
                f"pin{name}",
                "Analyse",
                f"Pin the region {_where(name)}",
                _pinning(session, dx, dy),
                (f"Alt+{name}",),
                "From the pinned region to its neighbour",
                _has_regions,
                group="pinned",
            )
            for name, dx, dy in _ARROWS
        ),
        Command(
            "pickFocused",
            "Analyse",
            "&Add this region to the sum",
            lambda: _with_key(session, lambda _, key: session.pick((key,))),
            ("Shift+Return",),
            "Or take it out; Shift-click on a region does the same, Shift-drag takes all inside",
            _has_regions,
            group="sum",
        ),
        Command(
            "clearPicked",
            "Analyse",
            "&Empty the sum",
            lambda: session.pick((), add=False),
            tooltip="Pick no region; Escape does the same",
            enabled=lambda state: bool(state.picked),
            group="sum",
        ),
        Command(
            "copySum",
            "Analyse",
            "Copy the &sum",
            lambda: _with_key(
                session, lambda frame, _: copy_text(mass_words(frame, session.state.picked))
            ),
            tooltip="Copy how many regions are picked, and their mass",
            enabled=lambda state: bool(state.picked),
            group="sum",
        ),
        _copy(session, "copyRegionBox", "Copy its &box", "x0, y0, x1, y1 in pixels", box_words),
        _copy(
            session,
            "copyRegionWeight",
            "Copy its &weight",
            "Its probability, with all recorded digits",
            lambda frame, key: f"{float(frame.probabilities[key]):.9g}",
        ),
        _copy(session, "copyRegionName", "Copy its &name", "Where it is", key_name),
        _copy(
            session,
            "copyRegionRow",
            "Copy its row as &TSV",
            "Key, name, box, probability; of the picked regions where there are any",
            lambda frame, key: region_row(frame, session.state.picked or (key,)),
        ),
        Command(
            "copyPicture",
            "Analyse",
            "Copy the &picture",
            lambda: _copy_picture(session),
            ("Ctrl+Shift+C",),
            "Copy the image with attention on it, as it is shown",
            _has_regions,
            group="copy",
        ),
    ]


def _has_regions(state: SessionState) -> bool:
    return state.frame is not None and state.frame.boxes is not None and state.view != "matrix"


def _where(name: str) -> str:
    return {"Left": "on the left", "Right": "on the right", "Up": "above", "Down": "below"}[name]


def _pinning(session: Session, dx: int, dy: int) -> Callable[[], None]:
    return lambda: session.pin_neighbour(dx, dy)


def _look(session: Session, id_: str, text: str, tooltip: str, heat: bool, boxes: bool) -> Command:
    def show() -> None:
        session.set_display(replace(session.state.display, heat=heat, boxes=boxes))

    return Command(
        id_,
        "View",
        text,
        show,
        tooltip=tooltip,
        enabled=_has_regions,
        checked=lambda state: (state.display.heat, state.display.boxes) == (heat, boxes),
        group="look",
    )


def _opacity(session: Session, id_: str, text: str, key: str, by: float) -> Command:
    def change() -> None:
        display = session.state.display
        opacity = min(max(round(display.opacity + by, 2), 0.0), 1.0)
        session.set_display(replace(display, opacity=opacity))

    return Command(
        id_,
        "View",
        text,
        change,
        (key,),
        "Of the strongest colour; the slider below the picture does the same",
        lambda state: _has_regions(state) and state.display.heat,
        group="opacity",
    )


def _copy(
    session: Session, id_: str, text: str, tooltip: str, words: Callable[[Frame, int], str]
) -> Command:
    return Command(
        id_,
        "Analyse",
        text,
        lambda: _with_key(session, lambda frame, key: copy_text(words(frame, key))),
        tooltip=tooltip,
        enabled=_has_regions,
        group="copy",
    )


def _with_key(session: Session, do: Callable[[Frame, int], None]) -> None:
    """Do something with the key whose numbers are shown."""
    state = session.state
    key = None if state.frame is None else key_in_focus(state, state.frame)
    if state.frame is not None and key is not None:
        do(state.frame, key)


def _copy_picture(session: Session) -> None:
    image = shown_image(session.state, resolved_theme(session.state.theme))
    if image is not None:
        copy_image(image)
