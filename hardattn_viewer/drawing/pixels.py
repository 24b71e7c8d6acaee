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
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    # Without it a PDF would hold a JPEG of the heat.
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering, True)
    shown = image
    if is_vector(painter):
        factor = math.ceil(_VECTOR_PIXELS / max(image.width(), image.height(), 1))
        if factor > 1:
            shown = image.scaled(image.width() * factor, image.height() * factor)
    else:
        device = painter.deviceTransform().mapRect(rect)
        width, height = max(1, round(device.width())), max(1, round(device.height()))
        if width < image.width() and height < image.height():
            shown = image.scaled(
                width,
                height,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
    painter.drawImage(rect, shown, QRectF(shown.rect()))
    painter.restore()
