"""What a matrix of queries × keys shows, worked out from a frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hardattn_viewer.drawing.keys import known_key
from hardattn_viewer.drawing.matrix.names import Namer, key_namer, query_namer
from hardattn_viewer.session.display import AmountTable, Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.map_difference import pooled_signed
from hardattn_viewer.session.map_margins import MapMargins
from hardattn_viewer.session.map_source import origin_of
from hardattn_viewer.session.masking import everything
from hardattn_viewer.session.matrix import MatrixLook
from hardattn_viewer.session.pyramid import MapPatch, Pyramid

# Px of the largest cell of a map in a figure, and of one that fills a window.
FIGURE_CELL = 24.0
WINDOW_CELL = 56.0


@dataclass(frozen=True, eq=False)
class MatrixPicture:
    """Everything to paint of one map; made by ``matrix_picture``.

    Attributes:
        pyramid: the map, or an overview of it, at every resolution; None for a difference.
        detail: finer parts of it, the last one on top.
        queries: number of queries.
        keys: number of keys.
        query_name: what is written for a query.
        key_name: what is written for a key.
        query: the query looked from.
        also: further queries whose rows the other views show the mean of.
        chosen: the keys that it selected.
        scale_max: probability of the strongest colour, before any clip.
        colours: table of amounts.
        hover: the key under the mouse.
        hover_query: the query under the mouse.
        pinned: key held by a click.
        windows: windows that attention is confined to; the keys are then those of each window.
        step: the step shown.
        steps: how many steps the queries are of.
        look: zoom, transform and clip.
        tiny: largest probability that storing cannot tell from nothing; 0 where that is unknown.
        largest: px of the largest cell of a map that is shown whole.
        margins: numbers at the margins; None for none.
        in_window: whether it fills a window and so has room for a legend and a small map of it.
        signed: whether it is a difference.
        reading: whether finer cells are on their way.
    """

    pyramid: Pyramid | None
    detail: tuple[MapPatch, ...]
    queries: int
    keys: int
    query_name: Namer
    key_name: Namer
    query: int
    chosen: tuple[int, ...]
    scale_max: float
    colours: AmountTable
    hover: int | None = None
    hover_query: int | None = None
    pinned: int | None = None
    also: tuple[int, ...] = ()
    windows: int = 1
    step: int = 0
    steps: int = 1
    look: MatrixLook = field(default_factory=MatrixLook)
    tiny: float = 0.0
    largest: float = FIGURE_CELL
    margins: MapMargins | None = None
    in_window: bool = False
    signed: bool = False
    reading: bool = False

    @property
    def top(self) -> float:
        """The value of the strongest colour."""
        return self.scale_max * self.look.clip

    def layers(self, down: int, across: int) -> tuple[MapPatch, ...]:
        """What is painted where a block of cells fills a pixel, coarse parts first."""
        if self.pyramid is None:
            return tuple(_coarser(one, down, across) for one in self.detail)
        base = self.pyramid.patch(down, across)
        # What is finer than pixels would have to be pooled first, and shows nothing more.
        return base, *(
            one
            for one in self.detail
            if base.down >= one.down >= down and base.across >= one.across >= across
        )

    def value(self, query: int, key: int) -> tuple[float, int, int]:
        """The coded value that is known of a cell, and of how many queries × keys it is.

        The value is NaN where nothing is known.
        """
        found = (float("nan"), 0, 0)
        if self.pyramid is not None:
            found = (self.pyramid.cell(query, key), *self.pyramid.base)
        for one in self.detail:
            if one.holds(query, key) and (
                not found[1] or one.down * one.across < found[1] * found[2]
            ):
                found = (one.at(query, key), one.down, one.across)
        return found


def matrix_picture(
    frame: Frame,
    display: Display,
    *,
    scale_max: float,
    hover: int | None = None,
    pinned: int | None = None,
    hover_query: int | None = None,
    look: MatrixLook | None = None,
    detail: tuple[MapPatch, ...] = (),
    tiny: float = 0.0,
    margins: MapMargins | None = None,
    in_window: bool = False,
    reading: bool = False,
) -> MatrixPicture:
    """Work out what ``paint_matrix`` paints.

    Args:
        frame: one run at one place.
        display: the table of colours.
        scale_max: probability of the strongest colour, positive.
        hover: key under the mouse.
        pinned: key held by a click.
        hover_query: query under the mouse.
        look: zoom, transform and clip; None for the whole map as it is.
        detail: finer parts of a large map.
        tiny: largest probability that storing cannot tell from nothing.
        margins: numbers at the margins.
        in_window: whether it fills a window.
        reading: whether finer cells are on their way.

    Raises:
        ValueError: scale_max is not positive.
    """
    if not scale_max > 0:
        raise ValueError(f"scale_max is {scale_max}; it must be positive")
    whole, one = frame.whole, frame.map
    keys = one.event.keys if one is not None else frame.probabilities.size
    row, column = origin_of(frame)

    def at(key: int | None) -> int | None:
        return None if key is None or known_key(key, keys) is None else key + column

    pyramid = whole.pyramid if whole is not None else one.pyramid if one is not None else None
    if pyramid is None:
        values = np.asarray(frame.probabilities[None], np.float32)
        pyramid = Pyramid(values, 1, keys, everything(1, keys))
    hovered_row = None if hover_query is None else hover_query + row
    return MatrixPicture(
        pyramid=pyramid,
        detail=detail,
        queries=pyramid.queries,
        keys=pyramid.keys,
        query_name=query_namer(frame),
        key_name=key_namer(frame),
        query=row + frame.query,
        chosen=tuple(key + column for key in one.selected(frame.query)) if one is not None else (),
        scale_max=scale_max,
        colours=display.colours,
        hover=at(hover),
        hover_query=hovered_row if hovered_row is None or hovered_row < pyramid.queries else None,
        pinned=at(pinned),
        also=tuple(row + query for query in frame.averaged[1:]),
        windows=one.event.windows if one is not None else 1,
        step=frame.place.step,
        steps=frame.steps if whole is not None else 1,
        look=look or MatrixLook(),
        tiny=tiny,
        largest=WINDOW_CELL if in_window else FIGURE_CELL,
        margins=margins,
        in_window=in_window,
        reading=reading,
    )


def _coarser(patch: MapPatch, down: int, across: int) -> MapPatch:
    """A difference in blocks of at least ``down`` × ``across``."""
    by_down, by_across = max(1, down // patch.down), max(1, across // patch.across)
    if by_down == by_across == 1:
        return patch
    return replace(
        patch,
        values=pooled_signed(patch.values, by_down, by_across),
        down=patch.down * by_down,
        across=patch.across * by_across,
    )


def difference_picture(
    picture: MatrixPicture, detail: tuple[MapPatch, ...], reading: bool
) -> MatrixPicture:
    """B − A over the same queries and keys as a picture of A.

    Args:
        picture: of A; its scale is that of the difference, either way.
        detail: what of B − A was read.
        reading: whether more is on its way.
    """
    return replace(
        picture, pyramid=None, detail=detail, signed=True, reading=reading, chosen=(), tiny=0.0
    )
