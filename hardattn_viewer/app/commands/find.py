"""Commands that find things again: steps, ranges of steps, bookmarks and notes."""

from __future__ import annotations

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.enabling import has_frame
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.session.marking import all_bookmarks
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.plots import CLOSEST

ZOOM = 1.6


def find_commands(session: Session, window: Window) -> list[Command]:
    """Everything about finding, in the menus Edit and Playback."""
    desk = window.desk
    return [
        Command(
            "findSteps",
            "Edit",
            "Find &steps where…",
            desk.focus_find,
            ("Ctrl+Shift+F",),
            "Type an expression over steps, such as entropy > 2 and not correct",
            group="steps",
        ),
        Command(
            "findNext",
            "Edit",
            "Next step &found",
            lambda: session.find_next(1),
            ("F3", "Ctrl+G"),
            "Go to the next step where the search holds, on through the listed examples",
            _searches,
            group="steps",
        ),
        Command(
            "findPrevious",
            "Edit",
            "&Previous step found",
            lambda: session.find_next(-1),
            ("Shift+F3", "Ctrl+Shift+G"),
            "Go to the step before where the search holds",
            _searches,
            group="steps",
        ),
        Command(
            "bookmark",
            "Edit",
            "&Bookmark here",
            desk.bookmark,
            ("B",),
            "Set a bookmark at this example, step and head, or take it away",
            has_frame,
            group="bookmarks",
        ),
        Command(
            "note",
            "Edit",
            "Bookmark with a &note…",
            desk.note_here,
            ("Ctrl+B",),
            "Write a note to the bookmark at this place",
            has_frame,
            group="bookmarks",
        ),
        Command(
            "bookmarks",
            "Edit",
            "&List of bookmarks",
            desk.show_bookmarks,
            ("Ctrl+Shift+B",),
            "Show or hide the list of all bookmarks",
            group="bookmarks",
        ),
        Command(
            "exportBookmarks",
            "Edit",
            "&Export bookmarks…",
            desk.export_bookmarks,
            tooltip="Save all bookmarks with their notes as a CSV table",
            enabled=lambda state: any(True for _ in all_bookmarks(state)),
            group="bookmarks",
        ),
        *_timeline(session, window),
    ]


def _timeline(session: Session, window: Window) -> list[Command]:
    desk = window.desk
    return [
        Command(
            "loopFrom",
            "Playback",
            "Repeat &from this step",
            desk.repeat_from,
            ("I",),
            "Playback repeats a range; it can be drawn in the timeline with Shift, too",
            _has_steps,
            group="loop",
        ),
        Command(
            "loopTo",
            "Playback",
            "Repeat &to this step",
            desk.repeat_to,
            ("O",),
            enabled=_has_steps,
            group="loop",
        ),
        Command(
            "loopNone",
            "Playback",
            "Repeat &nothing",
            lambda: session.set_loop(None),
            ("Shift+O",),
            "Playback runs through all steps again",
            lambda state: state.loop is not None,
            group="loop",
        ),
        Command(
            "tracks",
            "Playback",
            "T&racks of the timeline…",
            desk.show_tracks,
            ("Ctrl+T",),
            "Choose the numbers that the timeline shows",
            has_frame,
            group="timeline",
        ),
        Command(
            "timelineIn",
            "Playback",
            "Timeline: fewer steps",
            lambda: desk.zoom(ZOOM),
            tooltip="Zoom in around the step that is shown; Ctrl and the wheel do so as well",
            enabled=_can_zoom,
            group="timeline",
        ),
        Command(
            "timelineOut",
            "Playback",
            "Timeline: more steps",
            lambda: desk.zoom(1 / ZOOM),
            tooltip="Zoom out",
            enabled=_can_zoom,
            group="timeline",
        ),
        Command(
            "timelineFit",
            "Playback",
            "Timeline: all steps",
            desk.fit,
            enabled=_can_zoom,
            group="timeline",
        ),
    ]


def _searches(state: SessionState) -> bool:
    return bool(state.find.text.strip()) and not state.find.error


def _can_zoom(state: SessionState) -> bool:
    return state.frames.steps > CLOSEST


def _has_steps(state: SessionState) -> bool:
    return state.frames.steps > 1
