"""An image of any size as far as it can be seen: large ones from smaller copies of themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from hardattn_viewer.drawing.kept import Kept
from hardattn_viewer.drawing.pixels import is_vector, paint_part, to_qimage
from hardattn_viewer.session.frames import Frame

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ImageSource:
    """An image and smaller copies of it.

    Attributes:
        levels: uint8 [height, width] or [height, width, 3 or 4]; the image, then from large to
            small its copies.
    """

    levels: tuple[Image, ...]

    @property
    def width(self) -> int:
        """Width in px."""
        return int(self.levels[0].shape[1])

    @property
    def height(self) -> int:
        """Height in px."""
        return int(self.levels[0].shape[0])

    @property
    def mean(self) -> float:
        """Mean value of its smallest copy, in [0, 1]."""
        smallest = self.levels[-1]
        # Alpha is no brightness.
        colours = smallest if smallest.ndim == 2 else smallest[..., :3]
        return float(colours.mean()) / 255


_SOURCES: Kept[ImageSource] = Kept(8)


def image_source(frame: Frame) -> ImageSource | None:
    """The image of a frame; the same object for every frame that shares it."""
    image = frame.image
    if image is None:
        return None
    return _SOURCES.get(image, None, lambda: ImageSource((image, *frame.levels)))


def paint_image(
    painter: QPainter, where: QRectF, shown: QRectF, source: ImageSource, *, grey: bool = False
) -> None:
    """Paint the part of an image that can be seen: sharp squares if enlarged, means if reduced.

    Args:
        painter: paints.
        where: where all of the image lies.
        shown: the part of ``where`` that can be seen.
        source: the image.
        grey: paint its luma instead of its colours.
    """
    if shown.isEmpty():
        return
    level = source.levels[0]
    if not is_vector(painter):
        wanted = painter.deviceTransform().mapRect(where)
        for smaller in source.levels[1:]:
            if smaller.shape[1] < wanted.width() or smaller.shape[0] < wanted.height():
                break
            level = smaller
    height, width = level.shape[:2]
    sx, sy = where.width() / width, where.height() / height
    x0 = max(0, math.floor((shown.left() - where.left()) / sx))
    y0 = max(0, math.floor((shown.top() - where.top()) / sy))
    x1 = min(width, math.ceil((shown.right() - where.left()) / sx))
    y1 = min(height, math.ceil((shown.bottom() - where.top()) / sy))
    part = level[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    place = QRectF(
        where.left() + x0 * sx, where.top() + y0 * sy, part.shape[1] * sx, part.shape[0] * sy
    )
    key = (x0, y0, part.shape[:2], grey)
    device = painter.deviceTransform().mapRect(place)
    size = (max(1, round(device.width())), max(1, round(device.height())))
    if is_vector(painter) or size[0] >= part.shape[1] or size[1] >= part.shape[0]:
        picture = to_qimage(luma(part) if grey else part)
    else:
        picture = _REDUCED.get(level, (*key, size), lambda: _reduced(part, size, grey))
    paint_part(painter, place, shown, picture)


# What was reduced last: steps change over an image that stays.
_REDUCED: Kept[QImage] = Kept(6)


def _reduced(part: Image, size: tuple[int, int], grey: bool) -> QImage:
    picture = to_qimage(luma(part) if grey else part)
    return picture.scaled(
        *size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def luma(image: Image) -> Image:
    """Luma of a colour image (ITU-R BT.601, weights in 1/1,000); a grey one as it is."""
    if image.ndim == 2:
        return image
    red, green, blue = (image[..., at].astype(np.uint32) for at in range(3))
    made: Image = ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)
    return made
