"""Attention over image regions: the image, heat, what was selected, and the way there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from hardattn_viewer.drawing.badges import Visit
from hardattn_viewer.drawing.colours import Mark, amount_rgba, marks
from hardattn_viewer.drawing.heat import SAMPLES, SMOOTH_LABEL, heat_picture
from hardattn_viewer.drawing.image import ImageSource, image_source, paint_image
from hardattn_viewer.drawing.keys import known_region, region_values
from hardattn_viewer.drawing.layout import RegionLayout
from hardattn_viewer.drawing.notes import NOTE_HEIGHT, paint_message, paint_note
from hardattn_viewer.drawing.on_image import (
    OnImage,
    WithCursors,
    frame_layout,
    frame_view,
    image_rect,
    map_box,
    region_at,
    shown_rect,
)
from hardattn_viewer.drawing.path import paint_path, path_steps
from hardattn_viewer.drawing.pixels import paint_part
from hardattn_viewer.drawing.region_marks import (
    paint_boxes,
    paint_cursors,
    paint_marks,
    paint_points,
)
from hardattn_viewer.drawing.strokes import outline, pen
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frame_items import key_of_query
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.image_view import Box, ImageView
from hardattn_viewer.session.naming import special_words

__all__ = [
    "SMOOTH_LABEL",
    "OnImage",
    "RegionsPicture",
    "frame_layout",
    "image_rect",
    "map_box",
    "paint_message",
    "paint_note",
    "paint_regions",
    "region_at",
    "regions_picture",
]


# Paths with more choices than this may have some without a number.
_NOTED = 24


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
        picked: further regions, whose mass is summed.
        view: the part of the image that is shown; None is all of it.
        points: whether the regions are points of a plane, each of which is ringed.
    """

    layout: RegionLayout | None
    image: ImageSource | None
    heat: QImage | None
    heat_rect: Box
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
    picked: tuple[int, ...] = ()
    view: ImageView | None = None
    points: bool = False


def regions_picture(
    frame: Frame,
    display: Display,
    *,
    scale_max: float,
    hover: int | None = None,
    pinned: int | None = None,
    picked: Sequence[int] = (),
    masked: NDArray[np.bool_] | None = None,
    samples: int = SAMPLES,
) -> RegionsPicture:
    """Work out what ``paint_regions`` paints.

    Args:
        frame: one run at one place.
        display: what to show of it.
        scale_max: probability of the strongest colour, positive (see ``shared_scale``).
        hover: key under the mouse.
        pinned: key held by a click.
        picked: further keys, whose mass is summed.
        masked: bool [keys], keys that the model could not look at.
        samples: along the longer side of smooth heat.

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
    view = frame_view(frame, display.image_view)
    heat, heat_rect, note = None, (0.0, 0.0, 0.0, 0.0), ""
    if layout is not None and display.heat:
        heat, heat_rect, note = heat_picture(
            layout, values, rgba, scale_max, display, view, samples
        )
    looked_from = key_of_query(frame) if frame.query_axis == "regions" else None
    picture = RegionsPicture(
        layout=layout,
        image=image_source(frame),
        heat=heat,
        heat_rect=heat_rect,
        values=values,
        rgba=rgba,
        marks=found,
        scale_max=scale_max,
        visits=_visits(frame, layout),
        step=frame.place.step,
        display=display,
        hover=None,
        pinned=None,
        note=" · ".join(filter(None, (special_words(frame), note, _part_words(frame, display)))),
        first_region=first,
        query=known_region(looked_from, first, len(values)),
        view=view,
        points=frame.scene.kind == "points",
    )
    return with_cursors(picture, hover, pinned, picked)


def with_cursors(
    picture: RegionsPicture, hover: int | None, pinned: int | None, picked: Sequence[int]
) -> RegionsPicture:
    """The same picture with other keys marked."""
    first, count = picture.first_region, len(picture.values)
    regions = (known_region(key, first, count) for key in picked)
    return replace(
        picture,
        hover=known_region(hover, first, count),
        pinned=known_region(pinned, first, count),
        picked=tuple(region for region in regions if region is not None),
    )


def is_ground_same(one: RegionsPicture, other: RegionsPicture) -> bool:
    """Whether two pictures differ in nothing but their cursors."""
    return (
        one.values is other.values
        and one.heat is other.heat
        and one.image is other.image
        and one.visits is other.visits
        and one.display is other.display
    )


def _visits(frame: Frame, layout: RegionLayout | None) -> tuple[Visit, ...]:
    if layout is None:
        return ()
    centres, first, path = layout.centres, frame.first_region, path_steps(frame)
    return tuple(
        Visit(step, region, float(centres[region, 0]), float(centres[region, 1]))
        for step, keys in enumerate(frame.selections, frame.first_step)
        if step in path
        for region in (key - first for key in keys)
        if 0 <= region < len(centres)
    )


def paint_regions(painter: QPainter, rect: QRectF, picture: RegionsPicture, theme: Theme) -> None:
    """Paint the image with attention on it, inside ``rect``.

    A box that reaches outside of what can be seen of the image is clipped at its edge; the clipped
    side is dashed, which says that the region goes on there.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px.
        picture: from ``regions_picture``.
        theme: colours and type.
    """
    paint_ground(painter, rect, picture, theme)
    paint_region_cursors(painter, rect, picture, theme)


def paint_ground(painter: QPainter, rect: QRectF, picture: RegionsPicture, theme: Theme) -> None:
    """Paint everything but what is hovered, pinned or picked."""
    layout = picture.layout
    if layout is None:
        paint_message(painter, rect, "the keys of this site are not regions of an image", theme)
        return
    where = image_rect(picture, rect)
    shown = shown_rect(where, rect)
    if shown.isEmpty():
        return
    display = picture.display
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if picture.image is None:
        painter.fillRect(shown, QColor(theme.raised))
    else:
        paint_image(painter, where, shown, picture.image)
    if picture.heat is not None:
        place = map_box(picture.heat_rect, layout, where)
        smooth = display.interpolation == "smooth" and layout.grid is not None
        paint_part(painter, place, shown, picture.heat, smooth=smooth)
        paint_marks(painter, where, shown, layout, picture.marks)
    if picture.points:
        paint_points(painter, where, shown, layout, theme)
    if display.boxes:
        paint_boxes(
            painter,
            where,
            shown,
            picture.visits,
            picture.step,
            layout,
            theme,
            tinted=display.heat,
            all_steps=display.path,
        )
    note = picture.note
    if display.path and picture.visits:
        unnumbered = _paint_path(painter, where, shown, picture, layout, theme)
        if unnumbered:
            steps = len({visit.step for visit in picture.visits})
            note = " · ".join(filter(None, (note, f"{unnumbered} of {steps} steps as dots")))
    if note:
        paint_note(painter, shown, note, theme)
    if picture.query is not None:
        cell = map_box(layout.cells[picture.query], layout, where)
        outline(painter, cell, shown, pen(theme.accent, 2.5, dashed=True))
    painter.restore()


def paint_region_cursors(
    painter: QPainter, rect: QRectF, picture: WithCursors, theme: Theme
) -> None:
    """Paint what is hovered, pinned and picked over a picture."""
    layout = picture.layout
    where = image_rect(picture, rect)
    shown = shown_rect(where, rect)
    if layout is None or shown.isEmpty() or not len(picture.values):
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    cursors = (picture.hover, picture.pinned, picture.picked)
    paint_cursors(painter, where, shown, layout, cursors, theme)
    painter.restore()


def _paint_path(
    painter: QPainter,
    where: QRectF,
    shown: QRectF,
    picture: RegionsPicture,
    layout: RegionLayout,
    theme: Theme,
) -> int:
    points = [
        QPointF(
            where.left() + visit.x / layout.width * where.width(),
            where.top() + visit.y / layout.height * where.height(),
        )
        for visit in picture.visits
    ]
    # Of many steps some will have no number, which is said where the note stands.
    words = bool(picture.note) or len(points) > _NOTED
    kept_free = NOTE_HEIGHT + 2 if words and shown.height() > 6 * NOTE_HEIGHT else 0.0
    return paint_path(
        painter, picture.visits, picture.step, points, shown, theme, kept_free=kept_free
    )


def _part_words(frame: Frame, display: Display) -> str:
    """Which steps the path is of, where it is not of all of them."""
    if not (frame.is_part and display.path and frame.hard):
        return ""
    path = path_steps(frame)
    return f"path of steps {path.start + 1:,} – {path.stop:,} of {frame.steps:,}"
