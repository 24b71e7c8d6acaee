"""One frame as a picture of any size: regions, a matrix, or the bars of one distribution."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.distribution import (
    DistributionPicture,
    distribution_picture,
    paint_distribution,
)
from hardattn_viewer.drawing.matrix import MatrixPicture, matrix_picture, paint_matrix
from hardattn_viewer.drawing.regions import RegionsPicture, paint_regions, regions_picture
from hardattn_viewer.drawing.scale import matrix_scale, scale_for
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame

CellPicture = RegionsPicture | MatrixPicture | DistributionPicture


def cell_picture(
    frame: Frame,
    display: Display,
    scale: float,
    *,
    hover: int | None = None,
    pinned: int | None = None,
) -> CellPicture:
    """The picture that shows most of a frame in little room.

    Args:
        frame: one run at one place.
        display: drawing choices; a matrix is drawn where it is asked for, or where keys are no
            regions and there are several queries.
        scale: probability of the strongest colour, from ``cell_scale``.
        hover: key under the mouse.
        pinned: key held by a click.
    """
    if _is_matrix(frame):
        return matrix_picture(frame, display, scale_max=scale, hover=hover, pinned=pinned)
    if frame.boxes is not None:
        return regions_picture(frame, display, scale_max=scale, hover=hover, pinned=pinned)
    return distribution_picture(frame, scale, hover, pinned=pinned)


def cell_scale(frame: Frame, frames: Sequence[Frame], display: Display) -> float:
    """What the strongest colour of a frame's picture stands for, drawn together with ``frames``."""
    scale = matrix_scale if _is_matrix(frame) else scale_for
    return scale(frame, frames, display)


def paint_cell(painter: QPainter, rect: QRectF, picture: CellPicture, theme: Theme) -> None:
    """Paint the picture of a frame inside ``rect``."""
    match picture:
        case RegionsPicture():
            paint_regions(painter, rect, picture, theme)
        case MatrixPicture():
            paint_matrix(painter, rect, picture, theme)
        case DistributionPicture():
            paint_distribution(painter, rect, picture, theme)


def _is_matrix(frame: Frame) -> bool:
    return frame.map is not None and frame.boxes is None and frame.queries > 1
