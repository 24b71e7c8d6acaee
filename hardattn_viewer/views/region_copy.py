"""What can be taken from a picture of regions to the clipboard."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter

from hardattn_viewer.drawing.on_image import OnImage, image_rect, shown_rect
from hardattn_viewer.drawing.regions import paint_regions, regions_picture
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.canvas import P, Paint
from hardattn_viewer.views.scales import scale_of

# Longer side of a copied picture.
_SIDE = 1200


def copy_text(text: str) -> None:
    """Put words on the clipboard."""
    QGuiApplication.clipboard().setText(text)


def copy_image(image: QImage) -> None:
    """Put a picture on the clipboard."""
    QGuiApplication.clipboard().setImage(image)


def picture_image(picture: P, on_image: OnImage, paint: Paint[P], theme: Theme) -> QImage:
    """A picture as it is seen, without what is beside the image; its longer side has 1,200 px.

    Args:
        picture: what ``paint`` paints.
        on_image: the same picture, as one that lies on an image.
        paint: paints it.
        theme: colours and type.
    """
    square = QRectF(0, 0, _SIDE, _SIDE)
    shown = shown_rect(image_rect(on_image, square), square).toAlignedRect()
    image = QImage(shown.size(), QImage.Format.Format_RGB32)
    image.fill(QColor(theme.window))
    painter = QPainter(image)
    painter.translate(-shown.left(), -shown.top())
    paint(painter, square, picture, theme)
    painter.end()
    return image


def shown_image(state: SessionState, theme: Theme) -> QImage | None:
    """The picture of the slot in focus, or None where its keys are no regions."""
    frame = state.frame
    if frame is None or frame.boxes is None:
        return None
    picture = regions_picture(
        frame, state.display, scale_max=scale_of(state, frame), picked=state.picked
    )
    return picture_image(picture, picture, paint_regions, theme)
