"""How the matrix of queries × keys is looked at, and where that puts its cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from hardattn_viewer.session.pyramid import block_for

Transform = Literal["linear", "sqrt", "log"]
# Px of the widest and highest cell that can be zoomed to.
MOST_CELL = 160.0
# Px of a cell whose number can be read, which a double click goes to.
READABLE_CELL = 56.0
# A long row of a few queries would be too thin to see if its cells were squares.
STRETCH = 4.0


@dataclass(frozen=True)
class Zoom:
    """Which part of a map is shown; the same for all maps beside each other.

    Attributes:
        cell: px of the shorter side of a cell; None shows the whole map.
        query: the query in the middle, as a number with a fraction; 0.5 is the middle of query 0.
        key: the key in the middle.
    """

    cell: float | None = None
    query: float = 0.0
    key: float = 0.0


@dataclass(frozen=True)
class MatrixLook:
    """What a person chose for the view of queries × keys.

    Attributes:
        zoom: which part is shown.
        transform: of values before they are coloured; the colours are named so beside the scale.
        clip: the share of the scale that the strongest colour is at, in (0, 1].
        one_row: whether the scale is that of the row looked from.
        statistics: whether numbers of rows, columns and diagonals are drawn at the margins.
        both: whether A, B and B − A are shown beside each other.
    """

    zoom: Zoom = Zoom()
    transform: Transform = "linear"
    clip: float = 1.0
    one_row: bool = False
    statistics: bool = False
    both: bool = False

    def __post_init__(self) -> None:
        if self.transform not in get_args(Transform):
            allowed = ", ".join(get_args(Transform))
            raise ValueError(f"transform is {self.transform!r}; it must be one of {allowed}")
        if not 0 < self.clip <= 1:
            raise ValueError(f"clip is {self.clip}; it must lie above 0 and be at most 1")


@dataclass(frozen=True)
class MatrixArea:
    """The room that a view has for the cells of one map.

    Attributes:
        width: in logical px.
        height: in logical px.
        pixels: of the screen in a logical px.
        largest: px of the largest cell of a map that is shown whole.
    """

    width: float
    height: float
    pixels: float
    largest: float


@dataclass(frozen=True)
class MapLayout:
    """Where the cells of a map lie in a picture of it, in px from its upper left corner.

    Attributes:
        queries: number of queries.
        keys: number of keys.
        width: of the picture.
        height: of the picture.
        left: of key 0; negative where it is out of sight.
        top: of query 0.
        cell_width: of a cell.
        cell_height: of a cell.
        largest: px of the largest cell of a map that is shown whole.
        is_whole: whether everything is in sight because nothing else was asked for.
    """

    queries: int
    keys: int
    width: float
    height: float
    left: float
    top: float
    cell_width: float
    cell_height: float
    largest: float
    is_whole: bool = True

    @property
    def seen_queries(self) -> range:
        """The queries that are at least partly in sight."""
        return _seen(self.queries, self.top, self.cell_height, self.height)

    @property
    def seen_keys(self) -> range:
        """The keys that are at least partly in sight."""
        return _seen(self.keys, self.left, self.cell_width, self.width)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the part of the map that is in sight."""
        return (
            max(self.left, 0.0),
            max(self.top, 0.0),
            min(self.left + self.keys * self.cell_width, self.width),
            min(self.top + self.queries * self.cell_height, self.height),
        )

    def blocks(self, pixels: float = 1.0) -> tuple[int, int]:
        """Queries and keys of a block that fills a whole pixel.

        Args:
            pixels: of the screen in a logical px.
        """
        return block_for(self.cell_height * pixels), block_for(self.cell_width * pixels)

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """The query and the key at a point, None beside the cells."""
        left, top, right, bottom = self.box
        if not (left <= x < right and top <= y < bottom):
            return None
        query = int((y - self.top) / self.cell_height)
        key = int((x - self.left) / self.cell_width)
        return min(query, self.queries - 1), min(key, self.keys - 1)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The query and the key at a point as numbers with fractions, also beside the cells."""
        return (y - self.top) / self.cell_height, (x - self.left) / self.cell_width


def _seen(count: int, start: float, cell: float, length: float) -> range:
    first = max(0, math.floor(-start / cell + 1e-9))
    return range(first, max(first, min(count, math.ceil((length - start) / cell - 1e-9))))


def map_layout(
    queries: int, keys: int, width: float, height: float, zoom: Zoom, largest: float
) -> MapLayout:
    """Where the cells of a map lie in a picture of ``width`` × ``height`` px.

    Args:
        queries: number of queries.
        keys: number of keys.
        width: of the picture, px.
        height: of the picture, px.
        zoom: which part is shown.
        largest: px of the largest cell of a map that is shown whole.
    """
    width, height = max(width, 1.0), max(height, 1.0)
    rows, columns = max(1, queries), max(1, keys)
    fit_width, fit_height = min(largest, width / columns), min(largest, height / rows)
    fit_width, fit_height = (
        min(fit_width, STRETCH * fit_height),
        min(fit_height, STRETCH * fit_width),
    )
    if rows == columns:
        fit_width = fit_height = min(fit_width, fit_height)
    least = min(fit_width, fit_height)
    if zoom.cell is None or zoom.cell <= least * (1 + 1e-6):
        # Whole px, so that cells end on them.
        across = max(1, math.floor(fit_width * columns))
        down = max(1, math.floor(fit_height * rows))
        left = float(math.floor(max(0.0, (width - across) / 2)))
        return MapLayout(
            queries, keys, width, height, left, 0.0, across / columns, down / rows, largest
        )
    cell = min(zoom.cell, max(MOST_CELL, least))
    cell_width, cell_height = max(fit_width, cell), max(fit_height, cell)
    return MapLayout(
        queries,
        keys,
        width,
        height,
        _start(columns, cell_width, width, zoom.key),
        _start(rows, cell_height, height, zoom.query),
        cell_width,
        cell_height,
        largest,
        is_whole=False,
    )


def _start(count: int, cell: float, length: float, at: float) -> float:
    """Where cell 0 begins when ``at`` is in the middle, as far as the ends allow."""
    low, high = _starts(count, cell, length)
    # Whole px, so that the picture does not shimmer while it is dragged.
    return float(math.floor(min(max(length / 2 - at * cell, low), high) + 0.5))


def _starts(count: int, cell: float, length: float) -> tuple[float, float]:
    """Between where cell 0 may begin: all cells are in sight, or they fill the room."""
    room = length - count * cell
    return min(room, 0.0), max(room, 0.0)


def layout_in(area: MatrixArea, queries: int, keys: int, zoom: Zoom) -> MapLayout:
    """Where the cells of a map lie in the room that a view has."""
    return map_layout(queries, keys, area.width, area.height, zoom, area.largest)


def zoomed(layout: MapLayout, by: float, x: float, y: float) -> Zoom:
    """The zoom that makes cells ``by`` times as large, with what is at a point staying there."""
    query, key = layout.place(x, y)
    query, key = min(max(query, 0.0), layout.queries), min(max(key, 0.0), layout.keys)
    new = _at_zoom(layout, Zoom(_side(layout) * by))
    return _kept(
        new,
        query + (layout.height / 2 - y) / new.cell_height,
        key + (layout.width / 2 - x) / new.cell_width,
    )


def dragged(layout: MapLayout, dx: float, dy: float) -> Zoom:
    """The zoom after the map was dragged by some px."""
    return _kept(layout, *layout.place(layout.width / 2 - dx, layout.height / 2 - dy))


def centred(layout: MapLayout, query: float, key: float, cell: float | None = None) -> Zoom:
    """The zoom that has a place in its middle, with cells of at least ``cell`` px."""
    return _kept(_at_zoom(layout, Zoom(max(_side(layout), cell or 0.0))), query, key)


def _kept(layout: MapLayout, query: float, key: float) -> Zoom:
    """The zoom with a middle that leaves no room empty where there are cells to fill it."""
    if layout.is_whole:
        return Zoom()
    middles = []
    for count, cell, length, at in (
        (layout.queries, layout.cell_height, layout.height, query),
        (layout.keys, layout.cell_width, layout.width, key),
    ):
        low, high = _starts(count, cell, length)
        middles.append(min(max(at, (length / 2 - high) / cell), (length / 2 - low) / cell))
    return Zoom(_side(layout), *middles)


def _at_zoom(layout: MapLayout, zoom: Zoom) -> MapLayout:
    return map_layout(
        layout.queries, layout.keys, layout.width, layout.height, zoom, layout.largest
    )


def _side(layout: MapLayout) -> float:
    return min(layout.cell_width, layout.cell_height)
