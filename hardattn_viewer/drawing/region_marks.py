"""Outlines and signs on the regions of an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from hardattn_viewer.drawing.badges import Visit
from hardattn_viewer.drawing.colours import Mark
from hardattn_viewer.drawing.layout import RegionLayout
from hardattn_viewer.drawing.on_image import map_box
from hardattn_viewer.drawing.strokes import outline, paint_mark, pen, tint
from hardattn_viewer.drawing.theme import Theme

# Of a path with more steps than this, only boxes of steps so near in time are outlined.
BOXES_NEAR = 12
# Least radius of the ring around a point, px.
LEAST_RING = 1.5
# How far what was not selected is darkened where the picture shows the selection alone.
_VEIL = 0.5


def paint_marks(
    painter: QPainter,
    where: QRectF,
    shown: QRectF,
    layout: RegionLayout,
    found: NDArray[np.uint8],
) -> None:
    """Put the signs of clipped, masked and missing values on their cells."""
    if len(found) and bool((found == found[0]).all()) and found[0] > Mark.CLIPPED:
        # One sign for all: thousands of them would say no more.
        cell = map_box(layout.extent, layout, where).intersected(shown)
        paint_mark(painter, cell, Mark(int(found[0])))
        return
    for key in np.flatnonzero(found >= Mark.CLIPPED):
        cell = map_box(layout.cells[key], layout, where).intersected(shown)
        if not cell.isEmpty():
            paint_mark(painter, cell, Mark(int(found[key])))


def paint_points(
    painter: QPainter, where: QRectF, shown: QRectF, layout: RegionLayout, theme: Theme
) -> None:
    """Ring every place of a plane of points, so that one without mass is seen as well."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(theme.muted, 1.0))
    for cell in layout.cells:
        box = map_box(cell, layout, where)
        if shown.intersects(box):
            reach = max(LEAST_RING, 0.75 * box.width())
            painter.drawEllipse(box.center(), reach, reach)


def paint_cursors(
    painter: QPainter,
    where: QRectF,
    shown: QRectF,
    layout: RegionLayout,
    cursors: tuple[int | None, int | None, tuple[int, ...]],
    theme: Theme,
) -> None:
    """Outline the picked, the pinned and the hovered cell, and the pixels of the hovered region.

    Args:
        painter: paints.
        where: where all of the image lies.
        shown: the part of it that can be seen.
        layout: the regions.
        cursors: the hovered region, the pinned one, and those that were picked.
        theme: colours.
    """
    hover, pinned, picked = cursors
    for region in picked:
        cell = map_box(layout.cells[region], layout, where)
        painter.fillRect(cell.intersected(shown), tint(theme.accent, 0.22))
        outline(painter, cell, shown, pen(theme.accent, 1.25), halo=0.3)
    if pinned is not None:
        cell = map_box(layout.cells[pinned], layout, where)
        outline(painter, cell, shown, pen(theme.accent, 2.0))
    if hover is not None:
        cell = map_box(layout.cells[hover], layout, where)
        box = map_box(layout.boxes[hover], layout, where)
        if box != cell:
            outline(painter, box, shown, pen(tint("#ffffff", 0.7), 1.0, dashed=True))
        outline(painter, cell, shown, pen("#ffffff", 1.25))


def paint_boxes(
    painter: QPainter,
    where: QRectF,
    shown: QRectF,
    visits: Sequence[Visit],
    step: int,
    layout: RegionLayout,
    theme: Theme,
    *,
    tinted: bool,
    all_steps: bool,
) -> None:
    """Outline the pixels of the regions that were selected.

    Args:
        painter: paints.
        where: where all of the image lies.
        shown: the part of it that can be seen.
        visits: the selected regions of every step.
        step: the current step.
        layout: the regions.
        theme: its ``hard`` colour is that of the boxes.
        tinted: lay a little of the colour over the current ones; otherwise what was not selected
            is darkened, and the selection is left as it is.
        all_steps: outline those of other steps too, as far as they are near.
    """
    now = [
        map_box(layout.boxes[visit.key], layout, where) for visit in visits if visit.step == step
    ]
    if now and not tinted:
        painter.fillPath(_outside(shown, now), tint("#000000", _VEIL))
    many = len({visit.step for visit in visits}) > BOXES_NEAR
    others = sorted(visits, key=lambda visit: (visit.step < step, visit.step))
    for visit in others if all_steps else ():
        if visit.step == step or (many and abs(visit.step - step) > BOXES_NEAR // 2):
            continue
        box = map_box(layout.boxes[visit.key], layout, where)
        if visit.step < step:
            outline(painter, box, shown, pen(tint(theme.hard, 0.65), 1.0), halo=0.25)
        else:
            outline(painter, box, shown, pen(tint(theme.hard, 0.4), 1.0, dashed=True), halo=0)
    # Small pictures get thinner outlines, or the box would hide what it shows.
    width = min(2.5, max(1.25, 0.01 * shown.width()))
    for box in now:
        if tinted:
            painter.fillRect(box.intersected(shown), tint(theme.hard, 0.18))
        outline(painter, box, shown, pen(theme.hard, width))


def _outside(shown: QRectF, boxes: Sequence[QRectF]) -> QPainterPath:
    """What of ``shown`` lies in none of ``boxes``."""
    rest = QPainterPath()
    rest.addRect(shown)
    inside = QPainterPath()
    inside.setFillRule(Qt.FillRule.WindingFill)
    for box in boxes:
        inside.addRect(box.intersected(shown))
    return rest.subtracted(inside)
