"""What a person does on a picture of regions, told to the session: the same in every pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from PySide6.QtCore import QPoint

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import Slot
from hardattn_viewer.views.image_canvas import ImageCanvas, P
from hardattn_viewer.views.region_menu import region_menu


class RegionHands(Generic[P]):
    """Connects a canvas to the session.

    Args:
        session: the shared session.
        canvas: the canvas.
        slot: the slot that it shows now; None where it shows two.
        frame: the frame whose regions it shows.
        copy_picture: puts its picture on the clipboard.
    """

    def __init__(
        self,
        session: Session,
        canvas: ImageCanvas[P],
        slot: Callable[[], Slot | None],
        frame: Callable[[], Frame | None],
        copy_picture: Callable[[], None],
    ) -> None:
        self._session = session
        self._canvas = canvas
        self._slot = slot
        self._frame = frame
        self._copy_picture = copy_picture
        # What was pinned before the click that may become a double click.
        self._pinned_before: int | None = None
        canvas.hovered.connect(self._hover)
        canvas.clicked.connect(self._pin)
        canvas.shift_clicked.connect(lambda key: self._pick((key,), add=True))
        canvas.ctrl_clicked.connect(self._look_from)
        canvas.regions_dragged.connect(lambda keys: self._pick(keys, add=False))
        canvas.double_clicked.connect(self._fit)
        canvas.zoomed.connect(session.zoom_image)
        canvas.panned.connect(session.pan_image)
        canvas.part_asked.connect(session.show_image_part)
        canvas.menu_asked.connect(self._show_menu)

    def _hover(self, key: int | None) -> None:
        self._session.hover(key)

    def _look(self) -> None:
        slot = self._slot()
        if slot is not None:
            self._session.look_at(slot)

    def _pin(self, key: int) -> None:
        self._look()
        self._pinned_before = self._session.state.pinned
        self._session.pin(key)

    def _pick(self, keys: tuple[int, ...], *, add: bool) -> None:
        self._look()
        self._session.pick(keys, add=add)

    def _look_from(self, key: int) -> None:
        self._look()
        self._session.look_from(key)

    def _fit(self, key: int | None) -> None:
        session, before = self._session, self._pinned_before
        if key is not None and session.state.pinned != before:
            # The first click of the two has pinned something, or let go of it.
            session.pin(key if before is None else before)
        session.show_image_part(None)

    def _show_menu(self, key: int | None, at: QPoint) -> None:
        frame = self._frame()
        if frame is not None:
            self._look()
            menu = region_menu(self._session, frame, key, self._copy_picture, self._canvas)
            menu.popup(at)
