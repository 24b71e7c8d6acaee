"""Where the part that is shown lies in the whole image, small in a corner."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath

from hardattn_viewer.drawing.image import ImageSource
from hardattn_viewer.drawing.kept import Kept
from hardattn_viewer.drawing.pixels import to_qimage
from hardattn_viewer.drawing.strokes import pen, tint
from hardattn_viewer.drawing.text import Words, draw_text
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.image_view import ImageView

# Longer side, and how much of the picture it takes at most.
_SIDE = 76.0
_SHARE = 0.2
_MARGIN = 6.0
_WORDS = 15.0
# Smaller pictures have no room to spare.
_LEAST = 180.0
_SMALL: Kept[QImage] = Kept(8)


def minimap_rect(rect: QRectF, view: ImageView | None) -> QRectF | None:
    """Where the small image is in the upper right corner of ``rect``; None where it has no place.

    Args:
        rect: what is painted of the image.
        view: the part of it that is shown.
    """
    if view is None or min(rect.width(), rect.height()) < _LEAST:
        return None
    side = min(_SIDE, _SHARE * max(rect.width(), rect.height()))
    scale = side / max(view.size)
    width, height = (max(3.0, scale * length) for length in view.size)
    return QRectF(rect.right() - _MARGIN - width, rect.top() + _MARGIN, width, height)


def paint_minimap(
    painter: QPainter, rect: QRectF, image: ImageSource | None, view: ImageView | None, theme: Theme
) -> None:
    """Paint the whole image small, the part shown outlined in it, and the zoom in percent."""
    place = minimap_rect(rect, view)
    if place is None or view is None:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.fillRect(place.adjusted(-2, -2, 2, _WORDS + 2), tint("#000000", 0.7))
    if image is None:
        painter.fillRect(place, QColor(theme.raised))
    else:
        painter.drawImage(place, _small(image, place))
    x0, y0, x1, y1 = view.box
    sx, sy = place.width() / view.size[0], place.height() / view.size[1]
    part = QRectF(place.left() + x0 * sx, place.top() + y0 * sy, (x1 - x0) * sx, (y1 - y0) * sy)
    outside = QPainterPath()
    outside.addRect(place)
    inside = QPainterPath()
    inside.addRect(part)
    painter.fillPath(outside.subtracted(inside), tint("#000000", 0.45))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen("#ffffff", 1.0))
    # Of a very small part at least a spot can be seen.
    painter.drawRect(part.adjusted(*((-1, -1, 1, 1) if part.width() < 3 else (0, 0, 0, 0))))
    words = QRectF(place.left() - 20, place.bottom() + 1, place.width() + 20, _WORDS)
    draw_text(
        painter,
        words,
        [Words(view.words, bold=True)],
        theme,
        size=theme.size_small,
        colour="#f2f2f2",
        align="right",
    )
    painter.restore()


def _small(image: ImageSource, place: QRectF) -> QImage:
    """The image at twice the size of ``place``, for sharp screens."""
    smallest = image.levels[-1]
    width, height = (max(1, round(2 * length)) for length in (place.width(), place.height()))

    def made() -> QImage:
        # Every n-th px is enough for a picture that only says where one is.
        step = max(1, min(smallest.shape[1] // width, smallest.shape[0] // height))
        whole = to_qimage(smallest[::step, ::step])
        if whole.width() <= width:
            return whole
        return whole.scaled(
            width,
            height,
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )

    return _SMALL.get(smallest, (width, height), made)
