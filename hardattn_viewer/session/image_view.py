"""Which part of an image is looked at: one zoom and one centre for every pane."""

from __future__ import annotations

from dataclasses import dataclass, replace

Size = tuple[int, int]
Box = tuple[float, float, float, float]

# One step of a wheel or a key.
ZOOM_STEP = 1.25
# The longer side never shows fewer px of the image than this, unless it has hardly more.
_FEWEST = 4.0
_LEAST_MOST = 8.0


@dataclass(frozen=True)
class ImageView:
    """A part of an image of a certain size.

    Attributes:
        size: width and height in px of the image that it is a part of.
        x: its centre, px from the left edge.
        y: the same from the top edge.
        zoom: how many times larger than the whole image is shown, 1 or more.
    """

    size: Size
    x: float
    y: float
    zoom: float

    @property
    def box(self) -> Box:
        """x0, y0, x1, y1 in px of what is shown in a pane of the shape of the image."""
        half_x, half_y = (length / (2 * self.zoom) for length in self.size)
        return (self.x - half_x, self.y - half_y, self.x + half_x, self.y + half_y)

    @property
    def words(self) -> str:
        """For example ``"240 %"``, of the size at which all of the image is seen."""
        return f"{100 * self.zoom:,.0f}\N{NO-BREAK SPACE}%"


def most_zoom(size: Size) -> float:
    """The largest zoom of an image, at which a few of its px fill the pane."""
    return max(_LEAST_MOST, max(size) / _FEWEST)


def zoomed(
    view: ImageView | None, size: Size, factor: float, at: tuple[float, float] | None = None
) -> ImageView | None:
    """A view zoomed in or out around a point that stays where it is.

    Args:
        view: the view before; None, or one of another size, is all of the image.
        size: width and height of the image in px.
        factor: above 1 zooms in.
        at: the point in px of the image; None is the centre.

    Returns:
        The new view; None where all of the image is seen.
    """
    before = known_view(view, size) or ImageView(size, size[0] / 2, size[1] / 2, 1.0)
    zoom = min(max(before.zoom * factor, 1.0), most_zoom(size))
    if zoom <= 1.0 + 1e-9:
        return None
    x, y = at or (before.x, before.y)
    share = before.zoom / zoom
    moved = replace(before, zoom=zoom, x=x + (before.x - x) * share, y=y + (before.y - y) * share)
    return _held(moved)


def panned(view: ImageView | None, dx: float, dy: float) -> ImageView | None:
    """A view moved by px of the image, never beyond its edges."""
    if view is None:
        return None
    return _held(replace(view, x=view.x + dx, y=view.y + dy))


def centred(view: ImageView | None, x: float, y: float) -> ImageView | None:
    """A view with its centre at a point in px of the image, as far as the edges let it."""
    return None if view is None else _held(replace(view, x=x, y=y))


def showing(view: ImageView | None, box: Box) -> ImageView | None:
    """A view moved just as far as is needed to show a box in px, or its centre if it is larger."""
    if view is None:
        return None
    x0, y0, x1, y1 = view.box
    return panned(view, _shift(x0, x1, box[0], box[2]), _shift(y0, y1, box[1], box[3]))


def known_view(view: ImageView | None, size: Size) -> ImageView | None:
    """``view`` if it is of an image of that size, else None, which is all of it."""
    return view if view is not None and view.size == size else None


def box_in(view: ImageView | None, size: Size, width: float, height: float) -> Box:
    """What of an image a pane shows.

    The part looked at fits into the pane; where the pane has another shape, more is shown beside
    it, and of an image that is smaller than the pane nothing but room around it.

    Args:
        view: the part looked at; None is all of the image.
        size: width and height of the image in px.
        width: of the pane, in any unit.
        height: of the pane, in the same.

    Returns:
        x0, y0, x1, y1 of the pane in px of the image, beyond its edges where there is room left.
    """
    x0, y0, x1, y1 = (0.0, 0.0, float(size[0]), float(size[1])) if view is None else view.box
    px = max((x1 - x0) / max(width, 1e-9), (y1 - y0) / max(height, 1e-9))
    half_x, half_y = width * px / 2, height * px / 2
    x = _inside((x0 + x1) / 2, half_x, size[0])
    y = _inside((y0 + y1) / 2, half_y, size[1])
    return (x - half_x, y - half_y, x + half_x, y + half_y)


def crop_words(view: ImageView | None, width: float, height: float) -> str:
    """What a pane shows, e.g. ``"crop x 12–40, y 0–28 px"``; empty where it is all of the image."""
    if view is None:
        return ""
    edges = box_in(view, view.size, width, height)
    limits = (*view.size, *view.size)
    x0, y0, x1, y1 = (
        f"{min(max(edge, 0.0), limit):,.0f}" for edge, limit in zip(edges, limits, strict=True)
    )
    return f"crop x {x0}–{x1}, y {y0}–{y1} px"


def _inside(middle: float, half: float, length: float) -> float:
    """``middle`` moved so that nothing beyond the image is shown, or its centre where all is."""
    return length / 2 if 2 * half >= length else min(max(middle, half), length - half)


def _held(view: ImageView) -> ImageView:
    """``view`` moved so that nothing beyond the image is shown."""
    width, height = view.size
    return replace(
        view,
        x=_inside(view.x, width / (2 * view.zoom), width),
        y=_inside(view.y, height / (2 * view.zoom), height),
    )


def _shift(low: float, high: float, first: float, last: float) -> float:
    if last - first > high - low:
        return (first + last) / 2 - (low + high) / 2
    return min(0.0, first - low) + max(0.0, last - high)
