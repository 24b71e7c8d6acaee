"""What a person does to pictures of regions: picks, neighbours, the part of the image shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardattn_viewer.session.engine import Engine
from hardattn_viewer.session.frame_items import query_of_key
from hardattn_viewer.session.image_view import ImageView, panned, showing, zoomed
from hardattn_viewer.session.moving import place_at_query
from hardattn_viewer.session.regions import box_of, image_size, neighbour, picked_keys


class RegionActs(Engine):
    """The acts on regions of the one state that all views share."""

    def pick(self, keys: Sequence[int], *, add: bool = True) -> None:
        """Take keys among those whose mass is summed; one that is among them is taken out.

        With ``add`` False only ``keys`` remain.
        """
        self._change("pick", picked=picked_keys(self.state.picked if add else (), keys))

    def pin_neighbour(self, dx: int, dy: int) -> None:
        """Pin the next region right (dx 1), left, down (dy 1) or up of the pinned one."""
        state = self.state
        frame = state.frame
        key = None if frame is None else neighbour(frame, state.pinned, dx, dy)
        if frame is None or key is None:
            return
        box = box_of(frame, key)
        view = state.display.image_view
        shown = view if box is None else showing(view, box)
        self._change("pin", pinned=key, display=replace(state.display, image_view=shown))

    def look_from(self, key: int | None = None) -> None:
        """Make a key, or the pinned one, the query, where it is the same item as a query."""
        frame = self.state.frame
        key = self.state.pinned if key is None else key
        query = None if frame is None or key is None else query_of_key(frame, key)
        if query is not None:
            place = place_at_query(self.state, query, None)
            self._change("query", place=place, hovered_query=None)

    def zoom_image(self, factor: float, at: tuple[float, float] | None = None) -> None:
        """Zoom every picture of the image around a point of it, px; None is the middle."""
        size = image_size(self.state.frame)
        if size is not None:
            self.show_image_part(zoomed(self.state.display.image_view, size, factor, at))

    def pan_image(self, dx: float, dy: float) -> None:
        """Move the part of the image that is shown by px of the image."""
        self.show_image_part(panned(self.state.display.image_view, dx, dy))

    def show_image_part(self, view: ImageView | None) -> None:
        """Show a part of the image in every pane; None shows all of it."""
        self._change("image part", display=replace(self.state.display, image_view=view))
