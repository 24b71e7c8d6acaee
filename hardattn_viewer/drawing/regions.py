"""Attention over image regions: the image, heat, what was selected, and the way there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from hardattn_viewer.drawing.colours import Mark, amount_rgba, marks
from hardattn_viewer.drawing.keys import known_region, region_values
from hardattn_viewer.drawing.layout import (
    RegionLayout,
    box_raster,
    heat_grid,
    region_layout,
    smooth_grid,
)
from hardattn_viewer.drawing.path import Visit, paint_path, path_steps
from hardattn_viewer.drawing.pixels import paint_pixels, to_qimage
from hardattn_viewer.drawing.strokes import outline, paint_mark, pen, tint
from hardattn_viewer.drawing.text import draw_text, first_that_fits, line_height, text_width, wrap
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frame_items import key_of_query
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import special_words

# Samples along the longer side of a smooth heat picture.
_SMOOTH_SAMPLES = 512
SMOOTH_LABEL = "smooth: bilinear between region centres"


class OnImage(Protocol):
    """A picture whose regions lie on an image: of one run, or a difference of two."""

    @property
    def layout(self) -> RegionLayout | None:
        """The regions; None where the run has none."""

    @property
    def first_region(self) -> int:
        """The key that is the first region."""


@dataclass(frozen=True, eq=False)
class RegionsPicture:
    """Everything to paint of one step over its image; made by ``regions_picture``.

    Attributes:
        layout: the regions; None where the keys are no image regions.
        image: the input, or None.
        heat: colours of the regions to lay over the image, or None.
        heat_rect: x0, y0, x1, y1 that ``heat`` fills, px of the image.
        values: float32 [regions], the probabilities drawn.
        rgba: uint8 [regions, 4], the colour of each region in ``heat``.
        marks: ``Mark`` of each region.
        scale_max: the probability that the strongest colour stands for.
        visits: every selected region of every step.
        step: the current step.
        display: the options drawn.
        hover: region under the mouse.
        pinned: region held by a click.
        note: what the reader must know about how heat was drawn; empty for plain cells.
        first_region: the key that is the first region; those before it are no regions.
        query: the region that is looked from, or None.
    """

    layout: RegionLayout | None
    image: QImage | None
    heat: QImage | None
    heat_rect: tuple[float, float, float, float]
    values: NDArray[np.float32]
    rgba: NDArray[np.uint8]
    marks: NDArray[np.uint8]
    scale_max: float
    visits: tuple[Visit, ...]
    step: int
    display: Display
    hover: int | None
    pinned: int | None
    note: str
    first_region: int = 0
    query: int | None = None


def frame_layout(frame: Frame) -> RegionLayout | None:
    """The regions of a frame; None where its keys are no image regions."""
    if frame.boxes is None or not len(frame.boxes):
        return None
    if frame.image is not None:
        height, width = frame.image.shape[:2]
    else:
        width, height = (max(1, math.ceil(v)) for v in frame.boxes[:, 2:].max(axis=0))
    return region_layout(frame.boxes, width, height)


def regions_picture(
    frame: Frame,
    display: Display,
    *,
    scale_max: float,
    hover: int | None = None,
    pinned: int | None = None,
    masked: NDArray[np.bool_] | None = None,
) -> RegionsPicture:
    """Work out what ``paint_regions`` paints.

    Args:
        frame: one run at one place.
        display: what to show of it.
        scale_max: probability of the strongest colour, positive (see ``shared_scale``).
        hover: region under the mouse.
        pinned: region held by a click.
        masked: bool [keys], keys that the model could not look at.

    Raises:
        ValueError: the boxes are not [keys, 4], or scale_max is not positive.
    """
    if not scale_max > 0:
        raise ValueError(f"scale_max is {scale_max}; it must be positive")
    layout = frame_layout(frame)
    first = frame.first_region
    values = region_values(frame)
    if layout is not None and len(layout.boxes) != len(values):
        raise ValueError(f"{len(values)} probabilities but {len(layout.boxes)} region boxes")
    found = marks(values, scale_max, masked)
    rgba = amount_rgba(values, scale_max, display.opacity, display.colours)
    rgba[found == Mark.MASKED, 3] = 0
    heat, heat_rect, note = None, (0.0, 0.0, 0.0, 0.0), ""
    visits: tuple[Visit, ...] = ()
    if layout is not None:
        if display.heat:
            heat, heat_rect, note = _heat(layout, values, rgba, scale_max, display)
        centres = layout.centres
        path = path_steps(frame)
        visits = tuple(
            Visit(step, region, float(centres[region, 0]), float(centres[region, 1]))
            for step, keys in enumerate(frame.selections, frame.first_step)
            if step in path
            for region in (key - first for key in keys)
            if 0 <= region < len(centres)
        )
    looked_from = key_of_query(frame) if frame.query_axis == "regions" else None
    return RegionsPicture(
        layout=layout,
        image=None if frame.image is None else to_qimage(frame.image),
        heat=heat,
        heat_rect=heat_rect,
        values=values,
        rgba=rgba,
        marks=found,
        scale_max=scale_max,
        visits=visits,
        step=frame.place.step,
        display=display,
        hover=known_region(hover, first, len(values)),
        pinned=known_region(pinned, first, len(values)),
        note=" · ".join(filter(None, (special_words(frame), note, _part_words(frame, display)))),
        first_region=first,
        query=known_region(looked_from, first, len(values)),
    )


def lay_out_colours(
    layout: RegionLayout, values: NDArray[np.floating], rgba: NDArray[np.uint8]
) -> tuple[QImage, tuple[float, float, float, float]]:
    """One picture of all regions, each in its own colour.

    Args:
        layout: the regions.
        values: float [keys]; where boxes overlap the largest shows.
        rgba: uint8 [keys, 4].

    Returns:
        The picture and the x0, y0, x1, y1 in px of the image that it fills: one px a cell where
        cells tile the image, else the whole image sampled.
    """
    x0, y0, x1, y1 = layout.extent
    slack = 1e-6 * max(layout.width, layout.height)
    fits = min(x0, y0, layout.width - x1, layout.height - y1) >= -slack
    if layout.grid is not None and fits:
        return to_qimage(rgba[layout.order]), layout.extent
    raster = box_raster(layout, values)
    # Index −1, no region, is the clear colour appended last.
    colours = np.concatenate([rgba, np.zeros((1, 4), dtype=np.uint8)])
    return to_qimage(colours[raster]), (0.0, 0.0, layout.width, layout.height)


def _heat(
    layout: RegionLayout,
    values: NDArray[np.float32],
    rgba: NDArray[np.uint8],
    scale_max: float,
    display: Display,
) -> tuple[QImage, tuple[float, float, float, float], str]:
    if display.interpolation == "nearest":
        return *lay_out_colours(layout, values, rgba), ""
    if layout.grid is None:
        heat, rect = lay_out_colours(layout, values, rgba)
        return heat, rect, "not smoothed: regions form no grid"
    samples = max(1, min(32, _SMOOTH_SAMPLES // max(layout.grid)))
    smooth = smooth_grid(heat_grid(layout, values), samples)
    colours = amount_rgba(smooth, scale_max, display.opacity, display.colours)
    return to_qimage(colours), layout.extent, SMOOTH_LABEL


def image_rect(picture: OnImage, rect: QRectF) -> QRectF:
    """Where the image lies in ``rect``: centred, its proportions kept, on whole logical px."""
    layout = picture.layout
    if layout is None:
        return QRectF(rect)
    scale = max(0.0, min(rect.width() / layout.width, rect.height() / layout.height))
    width, height = math.floor(layout.width * scale), math.floor(layout.height * scale)
    return QRectF(
        math.floor(rect.left() + (rect.width() - width) / 2),
        math.floor(rect.top() + (rect.height() - height) / 2),
        width,
        height,
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
    where = image_rect(picture, rect)
    if picture.layout is None or where.isEmpty() or not where.contains(point):
        return None
    x = (point.x() - where.left()) / where.width() * picture.layout.width
    y = (point.y() - where.top()) / where.height() * picture.layout.height
    region = picture.layout.at(x, y)
    return None if region is None else region + picture.first_region


def map_box(box: NDArray[np.float64], layout: RegionLayout, where: QRectF) -> QRectF:
    """A box in px of the image, as a rectangle on the image shown at ``where``."""
    sx, sy = where.width() / layout.width, where.height() / layout.height
    x0, y0, x1, y1 = (float(v) for v in box)
    return QRectF(where.left() + x0 * sx, where.top() + y0 * sy, (x1 - x0) * sx, (y1 - y0) * sy)


def paint_regions(painter: QPainter, rect: QRectF, picture: RegionsPicture, theme: Theme) -> None:
    """Paint the image with attention on it, inside ``rect``.

    A box that reaches outside the image is clipped at its edge; the clipped side is dashed, which
    says that the region goes on there.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: from ``regions_picture``.
        theme: colours and type.
    """
    layout = picture.layout
    if layout is None:
        paint_message(painter, rect, "the keys of this site are not regions of an image", theme)
        return
    where = image_rect(picture, rect)
    if where.isEmpty():
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if picture.image is None:
        painter.fillRect(where, QColor(theme.raised))
    else:
        paint_pixels(painter, where, picture.image)
    if picture.heat is not None:
        paint_pixels(painter, map_box(np.array(picture.heat_rect), layout, where), picture.heat)
        paint_marks(painter, where, layout, picture.marks)
    if picture.note:
        paint_note(painter, where, picture.note, theme)
    if picture.display.boxes:
        _paint_boxes(painter, where, picture, layout, theme)
    if picture.display.path and picture.visits:
        points = [
            QPointF(
                where.left() + visit.x / layout.width * where.width(),
                where.top() + visit.y / layout.height * where.height(),
            )
            for visit in picture.visits
        ]
        paint_path(painter, picture.visits, picture.step, points, where, theme)
    if picture.query is not None:
        cell = map_box(layout.cells[picture.query], layout, where)
        outline(painter, cell, where, pen(theme.accent, 2.5, dashed=True))
    paint_cursors(painter, where, layout, picture.hover, picture.pinned, theme)
    painter.restore()


def paint_marks(
    painter: QPainter,
    where: QRectF,
    layout: RegionLayout,
    found: NDArray[np.uint8],
) -> None:
    """Put the signs of clipped, masked and missing values on their cells."""
    for key in np.flatnonzero(found >= Mark.CLIPPED):
        cell = map_box(layout.cells[key], layout, where).intersected(where)
        paint_mark(painter, cell, Mark(int(found[key])))


def paint_cursors(
    painter: QPainter,
    where: QRectF,
    layout: RegionLayout,
    hover: int | None,
    pinned: int | None,
    theme: Theme,
) -> None:
    """Outline the pinned and the hovered cell, and the pixels that the hovered region covers."""
    if pinned is not None:
        cell = map_box(layout.cells[pinned], layout, where)
        outline(painter, cell, where, pen(theme.accent, 2.0))
    if hover is not None:
        cell = map_box(layout.cells[hover], layout, where)
        box = map_box(layout.boxes[hover], layout, where)
        if box != cell:
            outline(painter, box, where, pen(tint("#ffffff", 0.7), 1.0, dashed=True))
        outline(painter, cell, where, pen("#ffffff", 1.25))


def paint_message(painter: QPainter, rect: QRectF, message: str, theme: Theme) -> None:
    """Say in the middle of an empty panel why it is empty."""
    painter.fillRect(rect, QColor(theme.raised))
    inner = rect.adjusted(8, 4, -8, -4)
    step = line_height(theme) + 1
    lines = wrap(message, inner.width(), theme)[: max(1, int(inner.height() / step))]
    top = inner.center().y() - step * len(lines) / 2
    for index, line in enumerate(lines):
        where = QRectF(inner.left(), top + index * step, inner.width(), step)
        draw_text(painter, where, line, theme, colour=theme.muted, align="centre")


def paint_note(painter: QPainter, where: QRectF, note: str, theme: Theme) -> None:
    """Write a note on a dark strip in the lower left corner of the image.

    Where it would take most of the width, only its words before the colon are written.
    """
    choices = (note, note.partition(":")[0])
    words = first_that_fits(choices, 0.7 * where.width() - 12, theme, theme.size_small)
    note = words or choices[-1]
    width = min(where.width(), text_width(note, theme, theme.size_small) + 12)
    height = min(18.0, where.height())
    strip = QRectF(where.left(), where.bottom() - height, width, height)
    painter.fillRect(strip, tint("#000000", 0.65))
    draw_text(
        painter,
        strip.adjusted(6, 0, -6, 0),
        note,
        theme,
        size=theme.size_small,
        colour="#f2f2f2",
    )


def _paint_boxes(
    painter: QPainter,
    where: QRectF,
    picture: RegionsPicture,
    layout: RegionLayout,
    theme: Theme,
) -> None:
    order = sorted(
        picture.visits, key=lambda v: (v.step == picture.step, v.step < picture.step, v.step)
    )
    for visit in order:
        box = map_box(layout.boxes[visit.key], layout, where)
        if visit.step == picture.step:
            painter.fillRect(box.intersected(where), tint(theme.hard, 0.18))
            # Small pictures get thinner outlines, or the box would hide what it shows.
            outline(painter, box, where, pen(theme.hard, min(2.5, max(1.25, 0.01 * where.width()))))
        elif not picture.display.path:
            continue
        elif visit.step < picture.step:
            outline(painter, box, where, pen(tint(theme.hard, 0.65), 1.0), halo=0.25)
        else:
            outline(painter, box, where, pen(tint(theme.hard, 0.4), 1.0, dashed=True), halo=0)


def _part_words(frame: Frame, display: Display) -> str:
    """Which steps the path is of, where it is not of all of them."""
    if not (frame.is_part and display.path and frame.hard):
        return ""
    path = path_steps(frame)
    return f"path of steps {path.start + 1:,} – {path.stop:,} of {frame.steps:,}"
