"""Where two runs attend differently: B − A over the image they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.colours import Mark, marks, signed_rgba
from hardattn_viewer.drawing.heat import NO_GRID_LABEL, SMOOTH_LABEL, smooth_part, window_of
from hardattn_viewer.drawing.image import ImageSource, image_source, paint_image
from hardattn_viewer.drawing.keys import known_region, region_values
from hardattn_viewer.drawing.layout import RegionLayout, box_raster, heat_grid
from hardattn_viewer.drawing.notes import paint_message, paint_note
from hardattn_viewer.drawing.on_image import (
    frame_layout,
    frame_view,
    image_rect,
    map_box,
    shown_rect,
)
from hardattn_viewer.drawing.pixels import paint_part, to_qimage
from hardattn_viewer.drawing.region_marks import paint_marks, paint_points
from hardattn_viewer.drawing.regions import paint_region_cursors
from hardattn_viewer.drawing.scale import largest
from hardattn_viewer.drawing.strokes import tint
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import Display, Together
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.image_view import Box, ImageView

# The image steps back, so that the signed colours are read first: by this much at least, and so far
# that its mean grey is at most the second.
_DIM = 0.55
_GREY = 0.22


@dataclass(frozen=True, eq=False)
class DifferencePicture:
    """Everything to paint of a difference; made by ``difference_picture``.

    Attributes:
        layout: the regions; None where there are none.
        image: the input, to be painted in grey, or None.
        values: float32 [keys], B − A; empty where the runs cannot be compared.
        raster: float32 [rows, columns], the difference as laid over the image; NaN is clear.
        raster_rect: x0, y0, x1, y1 that ``raster`` fills, px of the image.
        marks: ``Mark`` of each key by magnitude.
        dim: how far the image is darkened, in [0, 1].
        scale_max: magnitude that the strongest colour stands for, the same both ways.
        hover: region under the mouse.
        pinned: region held by a click.
        note: how it was drawn, or why it cannot be.
        first_region: the key that is the first region.
        picked: further regions, whose mass is summed.
        view: the part of the image that is shown; None is all of it.
        points: whether the regions are points of a plane, each of which is ringed.
    """

    layout: RegionLayout | None
    image: ImageSource | None
    values: NDArray[np.float32]
    raster: NDArray[np.float32]
    raster_rect: tuple[float, float, float, float]
    marks: NDArray[np.uint8]
    dim: float
    scale_max: float
    hover: int | None
    pinned: int | None
    note: str
    first_region: int = 0
    picked: tuple[int, ...] = ()
    view: ImageView | None = None
    points: bool = False


def difference_scale(frame_a: Frame, frame_b: Frame, display: Display) -> float:
    """Magnitude of the strongest colour of B − A.

    Returns:
        The largest |B − A| of this step (``display.scale == "step"``) or of all steps that both
        runs have; 1.0 where there is none.
    """
    if isinstance(display, Together) and display.difference:
        return display.difference
    here = np.abs(region_values(frame_b).astype(np.float64) - region_values(frame_a))
    if display.scale == "step":
        return largest([here])
    if frame_a.is_part or frame_b.is_part:
        return 1.0
    steps = min(len(frame_a.distributions), len(frame_b.distributions))
    first, last = frame_a.first_region, frame_a.first_region + here.size
    a, b = frame_a.distributions[:steps, first:last], frame_b.distributions[:steps, first:last]
    return largest([here, np.abs(b.astype(np.float64) - a)])


def difference_picture(
    frame_a: Frame,
    frame_b: Frame,
    display: Display,
    *,
    scale_max: float | None = None,
    hover: int | None = None,
    pinned: int | None = None,
    picked: Sequence[int] = (),
) -> DifferencePicture:
    """Work out what ``paint_difference`` paints.

    Args:
        frame_a: run A.
        frame_b: run B at the same example and step.
        display: what to show.
        scale_max: magnitude of the strongest colour; None takes ``difference_scale``.
        hover: region under the mouse.
        pinned: region held by a click.
        picked: further keys, whose mass is summed.

    Returns:
        The picture; where the runs have different keys it holds a note that says so.
    """
    image, view = image_source(frame_a), frame_view(frame_a, display.image_view)
    layout = frame_layout(frame_a)
    problem = _problem(frame_a, frame_b)
    if problem or layout is None:
        empty = np.zeros(0, dtype=np.float32)
        return DifferencePicture(
            layout=layout,
            image=image,
            values=empty,
            raster=np.zeros((0, 0), dtype=np.float32),
            raster_rect=(0.0, 0.0, 0.0, 0.0),
            marks=empty.astype(np.uint8),
            dim=_DIM,
            scale_max=1.0,
            hover=None,
            pinned=None,
            note=problem,
            view=view,
        )
    values = np.asarray(region_values(frame_b) - region_values(frame_a), dtype=np.float32)
    first = frame_a.first_region
    scale = difference_scale(frame_a, frame_b, display) if scale_max is None else scale_max
    raster, rect, note = _raster(layout, values, display, view)
    picture = DifferencePicture(
        layout=layout,
        image=image,
        values=values,
        raster=raster,
        raster_rect=rect,
        marks=marks(np.abs(values), scale),
        dim=_dim(image),
        scale_max=scale,
        hover=None,
        pinned=None,
        note=note,
        first_region=first,
        view=view,
        points=frame_a.scene.kind == "points",
    )
    return with_difference_cursors(picture, hover, pinned, picked)


def with_difference_cursors(
    picture: DifferencePicture, hover: int | None, pinned: int | None, picked: Sequence[int]
) -> DifferencePicture:
    """The same picture with other keys marked."""
    first, count = picture.first_region, len(picture.values)
    regions = (known_region(key, first, count) for key in picked)
    return replace(
        picture,
        hover=known_region(hover, first, count),
        pinned=known_region(pinned, first, count),
        picked=tuple(region for region in regions if region is not None),
    )


def is_difference_ground_same(one: DifferencePicture, other: DifferencePicture) -> bool:
    """Whether two pictures differ in nothing but their cursors."""
    return one.values is other.values and one.raster is other.raster and one.view is other.view


def _dim(image: ImageSource | None) -> float:
    mean = 0.0 if image is None else image.mean
    return max(_DIM, 1 - _GREY / max(mean, 1e-6)) if mean else _DIM


def _problem(a: Frame, b: Frame) -> str:
    if a.boxes is None or b.boxes is None:
        return "no difference: the keys are not regions of an image"
    if a.first_region != b.first_region:
        return "no difference: A and B have different special tokens before the regions"
    if len(a.boxes) != len(b.boxes):
        return f"no difference: A has {len(a.boxes)} regions, B has {len(b.boxes)}"
    if not np.allclose(a.boxes, b.boxes, atol=0.5):
        return "no difference: A and B look at different regions"
    return ""


def _raster(
    layout: RegionLayout, values: NDArray[np.float32], display: Display, view: ImageView | None
) -> tuple[NDArray[np.float32], Box, str]:
    window = window_of(view, layout)
    if layout.grid is None:
        # Where boxes overlap the larger disagreement shows; a hole never hides a number.
        index = box_raster(layout, np.abs(values), window)
        found = np.append(values, np.float32(np.nan))[index]
        note = NO_GRID_LABEL if display.interpolation == "smooth" else ""
        return found, window, note
    if display.interpolation == "nearest":
        return heat_grid(layout, values).astype(np.float32), layout.extent, ""
    smooth, box = smooth_part(layout, values, window)
    return smooth.astype(np.float32), box, SMOOTH_LABEL


def paint_difference(
    painter: QPainter, rect: QRectF, picture: DifferencePicture, theme: Theme
) -> None:
    """Paint B − A over the dimmed image: orange where A looks more, blue where B does.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: from ``difference_picture``.
        theme: ``hard`` is the colour of A, ``soft`` that of B.
    """
    paint_difference_ground(painter, rect, picture, theme)
    paint_region_cursors(painter, rect, picture, theme)


def paint_difference_ground(
    painter: QPainter, rect: QRectF, picture: DifferencePicture, theme: Theme
) -> None:
    """Paint everything but what is hovered, pinned or picked."""
    layout = picture.layout
    if layout is None or not len(picture.values):
        paint_message(painter, rect, picture.note, theme)
        return
    where = image_rect(picture, rect)
    shown = shown_rect(where, rect)
    if shown.isEmpty():
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if picture.image is None:
        painter.fillRect(shown, QColor("#101216"))
    else:
        paint_image(painter, where, shown, picture.image, grey=True)
        painter.fillRect(shown, tint("#000000", picture.dim))
    colours = signed_rgba(picture.raster, picture.scale_max, theme.hard, theme.soft)
    heat = map_box(picture.raster_rect, layout, where)
    smooth = picture.note == SMOOTH_LABEL
    paint_part(painter, heat, shown, to_qimage(colours), smooth=smooth)
    if picture.points:
        paint_points(painter, where, shown, layout, theme)
    # A difference of zero or next to it needs no sign: the scale's middle is clear.
    paint_marks(painter, where, shown, layout, picture.marks)
    if picture.note:
        paint_note(painter, shown, picture.note, theme)
    painter.restore()


def mark_of(picture: DifferencePicture, key: int) -> Mark:
    """How the difference at ``key`` is drawn."""
    return Mark(int(picture.marks[key]))
