"""Zooming with keys: the matrix where that is shown, else the image that regions lie on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.matrix import KEY_ZOOM, is_shown
from hardattn_viewer.session.image_view import ZOOM_STEP
from hardattn_viewer.session.matrix import Zoom
from hardattn_viewer.session.matrix_moves import zoomed_by
from hardattn_viewer.session.regions import image_size
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState


def zoom_commands(session: Session) -> list[Command]:
    """In, out and all of it."""

    def by(notches: int) -> None:
        state = session.state
        if is_shown(state):
            factor = KEY_ZOOM**notches
            session.set_matrix(replace(state.matrix, zoom=zoomed_by(state, factor)))
        else:
            session.zoom_image(ZOOM_STEP**notches)

    def whole() -> None:
        if is_shown(session.state):
            session.set_matrix(replace(session.state.matrix, zoom=Zoom()))
        else:
            session.show_image_part(None)

    return [
        _zoom("zoomIn", "Zoom &in", lambda: by(1), ("+", "="), "The wheel does so at the pointer"),
        _zoom("zoomOut", "Zoom o&ut", lambda: by(-1), ("-",), "More of the image or the map"),
        _zoom(
            "zoomWhole",
            "Zoom to all of it",
            whole,
            ("0",),
            "The whole image or map; a double click on an image does the same",
        ),
    ]


def _zoom(
    id_: str, text: str, do: Callable[[], None], keys: tuple[str, ...], tooltip: str
) -> Command:
    return Command(id_, "View", text, do, keys, tooltip, _can_zoom, group="zoom")


def _can_zoom(state: SessionState) -> bool:
    return is_shown(state) or image_size(state.frame) is not None
