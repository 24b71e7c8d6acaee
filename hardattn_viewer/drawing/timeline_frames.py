"""The frames of a video along the timeline, small, below the numbers of the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from hardattn_viewer.drawing.pixels import to_qimage
from hardattn_viewer.drawing.text import draw_text
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.drawing.timeline import (
    GUTTER,
    RULER,
    TimelinePicture,
    label_every,
    plot_area,
    x_of,
)
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.scenes import FRAME_SCALAR, Image

# Height of a frame, and of the room for it.
HEIGHT = 26.0
ROOM = 30.0
# Widest and narrowest frame, in heights.
_WIDEST, _NARROWEST = 2.5, 0.5
# Frames are reduced by leaving pixels out down to so many times their size, then smoothly.
_FINE = 3


@dataclass(frozen=True, eq=False)
class FrameStrip:
    """The frames of a video, and which of them each step sees.

    Attributes:
        images: uint8 [height, width] or [height, width, 3], one a frame.
        numbers: int64 [steps], the frame of each step.
    """

    images: tuple[Image, ...]
    numbers: NDArray[np.int64]

    @property
    def width(self) -> float:
        """Logical px that a small frame is wide."""
        high, wide = self.images[0].shape[:2]
        return HEIGHT * float(min(max(wide / high, _NARROWEST), _WIDEST))

    def is_same(self, other: FrameStrip | None) -> bool:
        """Whether another strip has the same frames at the same steps."""
        return (
            other is not None
            and self.images is other.images
            and np.array_equal(self.numbers, other.numbers)
        )


def strip_of(frame: Frame | None) -> FrameStrip | None:
    """The frames that the steps of an example see, where that is a video of several."""
    if frame is None:
        return None
    numbers = frame.scene.numbers(frame.steps, frame.scalars.get(FRAME_SCALAR))
    return FrameStrip(frame.scene.images, numbers) if numbers.size else None


def small_frame(image: Image, size: QSize) -> QImage:
    """One frame as a picture of a size in device px."""
    high, wide = image.shape[:2]
    each = max(1, min(high // (_FINE * size.height()), wide // (_FINE * size.width())))
    return to_qimage(np.ascontiguousarray(image[::each, ::each])).scaled(
        size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def places(
    picture: TimelinePicture, rect: QRectF, strip: FrameStrip
) -> tuple[int, tuple[tuple[int, QRectF], ...]]:
    """Where frames stand: of how many steps one is shown, and each of these with its rectangle.

    Args:
        picture: the timeline.
        rect: where all of it is painted, in logical px.
        strip: the frames.
    """
    area = plot_area(rect)
    span = max(picture.last - picture.first, 1e-9)
    every = label_every(area.width() / span, strip.width + 2)
    # As of the labels above them, that with a round number is shown.
    first = max(int(picture.first // every), 0) * every + every - 1
    last = min(int(np.ceil(picture.last)), picture.steps, strip.numbers.size)
    top = rect.top() + RULER + (ROOM - HEIGHT) / 2
    found = []
    for step in range(first, last, every):
        x = x_of(picture, rect, step + 0.5) - strip.width / 2
        found.append((step, QRectF(x, top, strip.width, HEIGHT)))
    return every, tuple(found)


def paint_strip(
    painter: QPainter,
    rect: QRectF,
    picture: TimelinePicture,
    strip: FrameStrip,
    made: Mapping[int, QImage],
    theme: Theme,
) -> None:
    """Paint those of the frames that are made; the others are empty for now.

    Args:
        painter: of the widget.
        rect: where all of the timeline is painted, in logical px.
        picture: the timeline.
        strip: the frames.
        made: small pictures by number of the frame.
        theme: colours and type.
    """
    every, shown = places(picture, rect, strip)
    words = "frames" if every == 1 else f"frames, 1 in {every:,}"
    name = QRectF(rect.left() + 6, rect.top() + RULER, GUTTER - 12, ROOM)
    draw_text(painter, name, words, theme, size=theme.size_small, colour=theme.muted)
    painter.save()
    painter.setClipRect(plot_area(rect), Qt.ClipOperation.IntersectClip)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for step, place in shown:
        image = made.get(int(strip.numbers[step]))
        if image is None:
            painter.fillRect(place, QColor(theme.raised))
        else:
            size = image.size().toSizeF().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            inner = QRectF(0, 0, size.width(), size.height())
            inner.moveCenter(place.center())
            painter.drawImage(inner, image)
    painter.restore()
