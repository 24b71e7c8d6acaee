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
        zoom: how many times larger than the whole image is shown, 1 or more. A square pane then
            shows ``max(size) / zoom`` px of the image along each side, or all there are.
    """

    size: Size
    x: float
    y: float
    zoom: float

    @property
    def box(self) -> Box:
        """x0, y0, x1, y1 in px of what is shown in a square pane."""
        half_x, half_y = _halves(self.size, self.zoom)
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


def crop_words(view: ImageView | None) -> str:
    """For example ``"crop x 12–40, y 0–28 px"``; empty where all of the image is seen."""
    if view is None:
        return ""
    x0, y0, x1, y1 = (f"{edge:,.0f}" for edge in view.box)
    return f"crop x {x0}–{x1}, y {y0}–{y1} px"


def _halves(size: Size, zoom: float) -> tuple[float, float]:
    half = max(size) / (2 * zoom)
    return min(half, size[0] / 2), min(half, size[1] / 2)


def _held(view: ImageView) -> ImageView:
    """``view`` moved so that nothing beyond the image is shown."""
    half_x, half_y = _halves(view.size, view.zoom)
    width, height = view.size
    return replace(
        view,
        x=min(max(view.x, half_x), width - half_x),
        y=min(max(view.y, half_y), height - half_y),
    )


def _shift(low: float, high: float, first: float, last: float) -> float:
    if last - first > high - low:
        return (first + last) / 2 - (low + high) / 2
    return min(0.0, first - low) + max(0.0, last - high)
