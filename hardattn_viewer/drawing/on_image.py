"""Where an image and its regions lie on a painter, whatever part of it is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.drawing.image import ImageSource
from hardattn_viewer.drawing.kept import Kept
from hardattn_viewer.drawing.layout import RegionLayout, region_layout
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.image_view import ImageView, box_in, known_view
from hardattn_viewer.session.regions import image_size

# Images shown smaller than this keep fractions of px, which rounding would turn into a wrong shape.
_WHOLE = 64.0
# Height of what shows an image divided by its width, whatever shape the image has.
FLATTEST, TALLEST = 0.4, 1.25
_LAYOUTS: Kept[RegionLayout] = Kept(8)


class OnImage(Protocol):
    """A picture whose regions lie on an image: of one run, or a difference of two."""

    @property
    def layout(self) -> RegionLayout | None:
        """The regions; None where the run has none."""

    @property
    def first_region(self) -> int:
        """The key that is the first region."""

    @property
    def view(self) -> ImageView | None:
        """The part of the image that is shown; None is all of it."""


class WithCursors(OnImage, Protocol):
    """Such a picture with regions marked in it."""

    @property
    def values(self) -> NDArray[np.float32]:
        """One number a region; empty where nothing can be shown."""

    @property
    def hover(self) -> int | None:
        """The region under the mouse."""

    @property
    def pinned(self) -> int | None:
        """The region held by a click."""

    @property
    def picked(self) -> tuple[int, ...]:
        """Further regions, whose mass is summed."""


class WithImage(WithCursors, Protocol):
    """Such a picture of an image that is there, or not."""

    @property
    def image(self) -> ImageSource | None:
        """The image, or None."""


def frame_layout(frame: Frame) -> RegionLayout | None:
    """The regions of a frame; None where its keys are no image regions."""
    size, boxes = image_size(frame), frame.boxes
    if size is None or boxes is None:
        return None
    return _LAYOUTS.get(boxes, size, lambda: region_layout(boxes, *size))


def frame_view(frame: Frame, view: ImageView | None) -> ImageView | None:
    """``view`` where it is of an image of the size of the frame's, else None."""
    size = image_size(frame)
    return None if size is None else known_view(view, size)


def pane_aspect(frame: Frame, view: ImageView | None) -> float:
    """Height divided by width of what shows a frame's image, or a part of it.

    It is that of the image, but no portrait is higher than ``TALLEST`` allows; and a part of a
    very wide image has more room than its own height, or it would be a line.
    """
    size = image_size(frame)
    aspect = 1.0 if size is None else min(size[1] / size[0], TALLEST)
    return aspect if frame_view(frame, view) is None else max(aspect, FLATTEST)


def image_rect(picture: OnImage, rect: QRectF) -> QRectF:
    """Where all of the image lies, so that the part looked at fits ``rect``.

    Its proportions are kept. All of the image is centred on whole logical px; of a part the rest
    reaches out of ``rect``.
    """
    layout, view = picture.layout, picture.view
    if layout is None:
        return QRectF(rect)
    if rect.isEmpty():
        return QRectF(rect.topLeft(), rect.topLeft())
    size = (round(layout.width), round(layout.height))
    x0, y0, x1, _ = box_in(view, size, rect.width(), rect.height())
    scale = rect.width() / (x1 - x0)
    width, height = layout.width * scale, layout.height * scale
    left, top = rect.left() - x0 * scale, rect.top() - y0 * scale
    if view is None and min(width, height) >= _WHOLE:
        width, height = math.floor(width), math.floor(height)
        left = math.floor(rect.left() + (rect.width() - width) / 2)
        top = math.floor(rect.top() + (rect.height() - height) / 2)
    return QRectF(left, top, width, height)


def shown_rect(where: QRectF, rect: QRectF) -> QRectF:
    """The part of ``rect`` that the image covers."""
    return where.intersected(rect)


def image_point(picture: OnImage, rect: QRectF, point: QPointF) -> tuple[float, float] | None:
    """The place in px of the image under a point; None beside what is shown of it."""
    where = image_rect(picture, rect)
    if picture.layout is None or not shown_rect(where, rect).contains(point):
        return None
    if where.width() <= 0 or where.height() <= 0:
        return None
    return (
        (point.x() - where.left()) / where.width() * picture.layout.width,
        (point.y() - where.top()) / where.height() * picture.layout.height,
    )


def region_at(picture: OnImage, rect: QRectF, point: QPointF) -> int | None:
    """The region under a point.

    Args:
        picture: what was painted.
        rect: the rectangle it was painted into.
        point: in the painter's coordinates.

    Returns:
        The key (the first region is key ``first_region``), or None where no region is.
    """
    at = image_point(picture, rect, point)
    if at is None or picture.layout is None:
        return None
    region = picture.layout.at(*at)
    return None if region is None else region + picture.first_region


def regions_in(picture: OnImage, rect: QRectF, dragged: QRectF) -> tuple[int, ...]:
    """The keys of the regions whose cells have their centre in a rectangle on the painter."""
    layout = picture.layout
    if layout is None:
        return ()
    where = image_rect(picture, rect)
    middle = (layout.cells[:, :2] + layout.cells[:, 2:]) / 2
    x = where.left() + middle[:, 0] / layout.width * where.width()
    y = where.top() + middle[:, 1] / layout.height * where.height()
    inside = (x >= dragged.left()) & (x <= dragged.right())
    inside &= (y >= dragged.top()) & (y <= dragged.bottom())
    return tuple(int(region) + picture.first_region for region in np.flatnonzero(inside))


def map_box(
    box: Sequence[float] | NDArray[np.float64], layout: RegionLayout, where: QRectF
) -> QRectF:
    """A box in px of the image, as a rectangle on the image shown at ``where``."""
    sx, sy = where.width() / layout.width, where.height() / layout.height
    x0, y0, x1, y1 = (float(v) for v in box)
    return QRectF(where.left() + x0 * sx, where.top() + y0 * sy, (x1 - x0) * sx, (y1 - y0) * sy)
