"""Arrays as pictures whose pixels stay sharp squares on screens, in SVG and in PDF."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPaintEngine, QPainter

# Pictures that go into vector files are enlarged to this many px first: viewers that blur embedded
# pictures then blur a hairline.
_VECTOR_PIXELS = 1600
# But the whole picture, of which a part may be seen, to no more px than this.
_MOST_PIXELS = 8000


def to_qimage(array: NDArray[np.uint8]) -> QImage:
    """Copy an array into a picture.

    Args:
        array: uint8 [height, width] grey, [height, width, 3] red green blue, or
            [height, width, 4] with alpha that is not premultiplied.

    Raises:
        ValueError: any other shape or dtype.
    """
    if array.dtype != np.uint8 or not (
        array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    ):
        raise ValueError(
            "an image must be uint8 [h, w], [h, w, 3] or [h, w, 4], "
            f"not {array.dtype} {array.shape}"
        )
    formats = {
        1: QImage.Format.Format_Grayscale8,
        3: QImage.Format.Format_RGB888,
        4: QImage.Format.Format_RGBA8888,
    }
    channels = 1 if array.ndim == 2 else array.shape[2]
    data = np.ascontiguousarray(array)
    height, width = data.shape[:2]
    view = QImage(data.tobytes(), width, height, width * channels, formats[channels])
    # The copy owns its bytes; the view only borrows those of ``data``.
    return view.convertToFormat(
        QImage.Format.Format_ARGB32_Premultiplied if channels == 4 else QImage.Format.Format_RGB32
    )


def is_vector(painter: QPainter) -> bool:
    """Whether ``painter`` writes shapes (SVG, PDF) and not pixels."""
    engine = painter.paintEngine()
    return engine is not None and engine.type() in (
        QPaintEngine.Type.SVG,
        QPaintEngine.Type.Pdf,
        QPaintEngine.Type.Picture,
    )


def paint_pixels(painter: QPainter, rect: QRectF, image: QImage) -> None:
    """Fill ``rect`` with ``image``: enlarged without blur, reduced by averaging."""
    paint_part(painter, rect, rect, image)


def paint_part(
    painter: QPainter, rect: QRectF, shown: QRectF, image: QImage, *, smooth: bool = False
) -> None:
    """Fill ``rect`` with ``image``, but paint only what lies in ``shown``.

    Args:
        painter: paints.
        rect: where the whole image would lie; may be much larger than what can be seen.
        shown: the part that is painted.
        image: enlarged without blur, reduced by averaging.
        smooth: blend neighbouring px where it is enlarged.
    """
    shown = shown.intersected(rect)
    if shown.isEmpty() or image.isNull():
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    # Without it a PDF would hold a JPEG of the heat.
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering, True)
    if is_vector(painter):
        image = _enlarged(image, rect, shown)
        part = _source(rect, shown, image)
        painter.drawImage(shown, image, part)
        painter.restore()
        return
    if shown != rect:
        painter.setClipRect(shown, Qt.ClipOperation.IntersectClip)
    part = _source(rect, shown, image)
    # Whole px, so that every px of the image is as large as any other; smooth ones need neighbours.
    margin = 1 if smooth else 0
    x0, y0 = max(0, math.floor(part.left()) - margin), max(0, math.floor(part.top()) - margin)
    x1 = min(image.width(), math.ceil(part.right()) + margin)
    y1 = min(image.height(), math.ceil(part.bottom()) + margin)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    sx, sy = rect.width() / image.width(), rect.height() / image.height()
    place = QRectF(rect.left() + x0 * sx, rect.top() + y0 * sy, (x1 - x0) * sx, (y1 - y0) * sy)
    device = painter.deviceTransform().mapRect(place)
    width, height = max(1, round(device.width())), max(1, round(device.height()))
    if width < x1 - x0 or height < y1 - y0:
        cut = (
            image
            if (x1 - x0, y1 - y0) == (image.width(), image.height())
            else image.copy(x0, y0, x1 - x0, y1 - y0)
        )
        reduced = cut.scaled(
            min(width, x1 - x0),
            min(height, y1 - y0),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        painter.drawImage(place, reduced, QRectF(reduced.rect()))
    else:
        painter.drawImage(place, image, QRectF(x0, y0, x1 - x0, y1 - y0))
    painter.restore()


def _source(rect: QRectF, shown: QRectF, image: QImage) -> QRectF:
    """The part of ``image`` over ``rect`` that lies in ``shown``, in its px."""
    sx, sy = image.width() / rect.width(), image.height() / rect.height()
    return QRectF(
        (shown.left() - rect.left()) * sx,
        (shown.top() - rect.top()) * sy,
        shown.width() * sx,
        shown.height() * sy,
    )


def _enlarged(image: QImage, rect: QRectF, shown: QRectF) -> QImage:
    """``image`` with so many px that what is shown of it looks sharp in any viewer."""
    part = _source(rect, shown, image)
    seen = max(part.width(), part.height(), 1e-6)
    factor = min(
        math.ceil(_VECTOR_PIXELS / seen), _MOST_PIXELS // max(image.width(), image.height())
    )
    if factor <= 1:
        return image
    return image.scaled(image.width() * factor, image.height() * factor)
