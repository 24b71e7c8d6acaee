"""Where the heads of a run lie on a picture: layers × heads, or in the order of a measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.drawing.text import text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.atlas import AtlasMode, HeadAt
from hardattn_viewer.session.head_numbers import HeadNumbers

CAPTION = 13.0
# Below this a number under a map cannot be read.
_CAPTIONED = 46
_LARGEST: dict[AtlasMode, int] = {"maps": 132, "cells": 58}
_TOP = 17.0
_LABEL_GAP = 7.0
_LONGEST_LABEL = 24
# Lines are broken where columns are thinner than this, and breaking makes them this much wider.
_THIN, _WORTH = 26, 1.3


@dataclass(frozen=True)
class HeadsLayout:
    """Where everything lies, in logical px.

    Attributes:
        cell: side of each head's square.
        caption: height of the line below each square; 0 where there is none.
        area: all squares with their captions.
        cells: the square of each head that is shown.
        rows: words beside a line of heads, with where they end.
        columns: words above a column, with its middle; empty where lines are broken.
    """

    cell: float
    caption: float
    area: QRectF
    cells: dict[HeadAt, QRectF]
    rows: tuple[tuple[str, QRectF], ...]
    columns: tuple[tuple[str, float], ...]

    def at(self, point: QPointF) -> HeadAt | None:
        """The head at a point, its caption included."""
        for head, cell in self.cells.items():
            if cell.adjusted(0, 0, 0, self.caption).contains(point):
                return head
        return None

    def beside(self, head: HeadAt, right: int, down: int) -> HeadAt | None:
        """The nearest head in a direction: of the same line, or of the next line that has any."""
        here = self.cells.get(head)
        if here is None:
            return None
        centre = here.center()
        places = {other: cell.center() for other, cell in self.cells.items()}
        if right:
            line = {
                other: right * (at.x() - centre.x())
                for other, at in places.items()
                if at.y() == centre.y() and right * (at.x() - centre.x()) > 0
            }
            return min(line, key=line.__getitem__, default=None)
        found = {
            other: (down * (at.y() - centre.y()), abs(at.x() - centre.x()))
            for other, at in places.items()
            if down * (at.y() - centre.y()) > 0
        }
        return min(found, key=found.__getitem__, default=None)


def heads_layout(
    numbers: HeadNumbers,
    shown: Sequence[HeadAt],
    mode: AtlasMode,
    by_measure: bool,
    rect: QRectF,
    theme: Theme,
) -> HeadsLayout:
    """Arrange heads as large as they fit.

    Args:
        numbers: what is known of the heads.
        shown: the heads to arrange, in order; of layers × heads the others leave gaps.
        mode: small maps, or cells.
        by_measure: in lines of the order of ``shown``, not by layer.
        rect: where.
        theme: type, for the room that labels take.
    """
    if by_measure or not numbers.sites:
        return _in_order(shown, mode, rect)
    return _by_layer(numbers, shown, mode, rect, theme)


def _in_order(shown: Sequence[HeadAt], mode: AtlasMode, rect: QRectF) -> HeadsLayout:
    count = max(1, len(shown))
    side = _LARGEST[mode]
    while side > 2:
        across, down = _pitches(side, mode)
        columns = max(1, int((rect.width() + _gap(side)) // across))
        if -(-count // columns) * down - _gap(side) <= rect.height():
            break
        side -= 1
    across, down = _pitches(side, mode)
    columns = max(1, int((rect.width() + _gap(side)) // across))
    cells = {
        head: QRectF(
            rect.left() + at % columns * across, rect.top() + at // columns * down, side, side
        )
        for at, head in enumerate(shown)
    }
    return HeadsLayout(side, _caption(side, mode), _around(cells, side, mode, rect), cells, (), ())


def _by_layer(
    numbers: HeadNumbers, shown: Sequence[HeadAt], mode: AtlasMode, rect: QRectF, theme: Theme
) -> HeadsLayout:
    sites = numbers.sites
    names = sorted({number for one in sites for number in one.numbers_in_model})
    place = {number: at for at, number in enumerate(names)}
    labels = [short_label(numbers.row_label(one)) for one in sites]
    words = max(text_width(label, theme, theme.size_small) for label in [*labels, "layer"])
    gutter = min(words + _LABEL_GAP, rect.width() / 3)
    room = rect.adjusted(gutter, _TOP, 0, 0)
    lines, side = 1, _fitting(len(names), len(sites), mode, room)
    for more in range(2, len(names) + 1):
        fits = _fitting(-(-len(names) // more), more * len(sites), mode, room)
        if side < _THIN and fits > _WORTH * side:
            lines, side = more, fits
    columns = -(-len(names) // lines)
    across, down = _pitches(side, mode)
    visible = set(shown)
    cells: dict[HeadAt, QRectF] = {}
    rows = []
    for number, (one, label) in enumerate(zip(sites, labels, strict=True)):
        top = room.top() + number * lines * down
        rows.append((label, QRectF(rect.left(), top, gutter - _LABEL_GAP, side)))
        for head, name in enumerate(one.numbers_in_model):
            at = HeadAt(one.site, head)
            if at in visible:
                line, column = divmod(place[name], columns)
                left = room.left() + column * across
                cells[at] = QRectF(left, top + line * down, side, side)
    above = [
        (str(name), room.left() + at * across + side / 2)
        for at, name in enumerate(names)
        if lines == 1
    ]
    area = _around(cells, side, mode, room)
    return HeadsLayout(side, _caption(side, mode), area, cells, tuple(rows), tuple(above))


def short_label(label: str) -> str:
    """A label that leaves room for the heads; the end of a module path says most."""
    return label if len(label) <= _LONGEST_LABEL else "…" + label[1 - _LONGEST_LABEL :]


def _fitting(columns: int, rows: int, mode: AtlasMode, room: QRectF) -> int:
    """The largest side of ``columns`` × ``rows`` squares."""
    # More than its share of the room no square can have, whatever lies between them.
    most = min(room.width() / columns, room.height() / rows, _LARGEST[mode])
    for side in range(max(int(most), 2), 2, -1):
        across, down = _pitches(side, mode)
        gap = _gap(side)
        if columns * across - gap <= room.width() and rows * down - gap <= room.height():
            return side
    return 2


def _gap(side: float) -> float:
    return 5.0 if side >= _CAPTIONED else 3.0 if side >= 20 else 2.0 if side >= 10 else 1.0


def _caption(side: float, mode: AtlasMode) -> float:
    return CAPTION if mode == "maps" and side >= _CAPTIONED else 0.0


def _pitches(side: float, mode: AtlasMode) -> tuple[float, float]:
    """From one square to the next, across and down."""
    gap = _gap(side)
    return side + gap, side + _caption(side, mode) + gap


def _around(cells: dict[HeadAt, QRectF], side: float, mode: AtlasMode, rect: QRectF) -> QRectF:
    right = max((cell.right() for cell in cells.values()), default=rect.left())
    bottom = max((cell.bottom() for cell in cells.values()), default=rect.top())
    return QRectF(rect.topLeft(), QPointF(right, bottom + _caption(side, mode)))
