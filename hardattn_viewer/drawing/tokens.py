"""Attention over tokens: the text itself, wrapped, each token on the colour of its weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPolygonF

from hardattn_viewer.drawing.colours import Mark, rgb
from hardattn_viewer.drawing.strokes import paint_mark, pen
from hardattn_viewer.drawing.text import draw_text, font, metrics_of
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.drawing.token_arcs import paint_arc
from hardattn_viewer.drawing.token_layout import PADDING, Lines, lines_of, measured
from hardattn_viewer.drawing.token_picture import PITCH, TokensPicture, tokens_picture
from hardattn_viewer.session.token_groups import Groups

__all__ = [
    "TokensPicture",
    "is_laid_out",
    "lay_out",
    "paint_tokens",
    "token_at",
    "token_place",
    "tokens_height",
    "tokens_picture",
]

_HEIGHT = 25.0
_TITLE = 20.0
_MARGIN = 3.0
_RADIUS = 4.0
# Text on a colour: whichever of the two stands out more; at the luminance where they change
# places both have a contrast of 4.58 : 1.
_DARK, _LIGHT, _MIDDLE = "#000000", "#ffffff", 0.179


def tokens_height(picture: TokensPicture, width: float, theme: Theme) -> float:
    """Height in logical px that all lines take when they are ``width`` px wide."""
    keys, queries = _both(picture, width, theme)
    return _keys_top(picture, queries) + keys.count * picture.pitch + _MARGIN


def is_laid_out(picture: TokensPicture, theme: Theme) -> bool:
    """Whether all of a long text is measured, and not only its beginning."""
    return all(measured(one, theme, picture.size).is_complete for one in _texts(picture))


def lay_out(picture: TokensPicture, theme: Theme, seconds: float | None = None) -> None:
    """Measure more of a long text, for some time or to the end."""
    for one in _texts(picture):
        measured(one, theme, picture.size).go_on(seconds)


def _texts(picture: TokensPicture) -> tuple[Groups, ...]:
    own = picture.query_groups
    return (picture.groups,) if own is None else (picture.groups, own)


def token_place(picture: TokensPicture, rect: QRectF, key: int, theme: Theme) -> QRectF:
    """Where a key is painted, or query ``-1 - key`` where that is negative; empty if hidden."""
    keys, queries = _both(picture, rect.width(), theme)
    own = picture.query_groups
    if key < 0 and own is not None:
        return _place(picture, queries, int(own.item[-1 - key]), rect, _TITLE)
    item = int(picture.groups.item[key])
    if item < 0:
        return QRectF()
    return _place(picture, keys, item, rect, _keys_top(picture, queries))


def _place(picture: TokensPicture, lines: Lines, at: int, rect: QRectF, top: float) -> QRectF:
    space = picture.pitch - PITCH + (PITCH - _HEIGHT) / 2
    y = rect.top() + top + float(lines.line[at]) * picture.pitch + space
    left = rect.left() + _MARGIN + float(lines.left[at])
    return QRectF(left, y, float(lines.width[at]), _HEIGHT)


def _places(
    picture: TokensPicture, lines: Lines, items: range, rect: QRectF, top: float
) -> list[QRectF]:
    """``_place`` of many items in a row: hundreds are painted at once."""
    part = slice(items.start, items.stop)
    space = picture.pitch - PITCH + (PITCH - _HEIGHT) / 2
    y = rect.top() + top + lines.line[part] * picture.pitch + space
    left = rect.left() + _MARGIN + lines.left[part]
    rows = zip(left.tolist(), y.tolist(), lines.width[part].tolist(), strict=True)
    return [QRectF(x, at, width, _HEIGHT) for x, at, width in rows]


def token_at(picture: TokensPicture, rect: QRectF, point: QPointF, theme: Theme) -> int | None:
    """The key under a point, of a word its first; for query q apart ``-1 - q``; None beside."""
    keys, queries = _both(picture, rect.width(), theme)
    x, y = point.x() - rect.left() - _MARGIN, point.y() - rect.top()
    top = _keys_top(picture, queries)
    is_key = y >= top
    lines, y = (keys, y - top) if is_key else (queries, y - _TITLE)
    line = int(y // picture.pitch)
    first, last = (int(np.searchsorted(lines.line, line, side)) for side in ("left", "right"))
    left, width = lines.left[first:last], lines.width[first:last]
    found = np.flatnonzero((left <= x) & (x < left + width))
    if y < 0 or not found.size:
        return None
    at = first + int(found[0])
    if is_key:
        return int(picture.groups.first[at])
    own = picture.query_groups
    return None if own is None else -1 - int(own.first[at])


def paint_tokens(painter: QPainter, rect: QRectF, picture: TokensPicture, theme: Theme) -> None:
    """Paint the tokens, wrapped into the width of ``rect``; only lines in the painter's clip.

    Args:
        painter: of a widget, a picture or a file.
        rect: where, in logical px; what does not fit below is not painted.
        picture: from ``tokens_picture``.
        theme: colours and type.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    seen = painter.clipBoundingRect() if painter.hasClipping() else rect
    keys, queries = _both(picture, rect.width(), theme)
    top = _keys_top(picture, queries)
    visible = _visible(picture, keys, rect.top() + top, seen)
    places = _places(picture, keys, visible, rect, top)
    _paint_grounds(painter, places, picture, visible)
    _paint_arcs(painter, rect, picture, keys, queries, theme)
    type_ = _Type(theme, picture.size)
    painter.setFont(type_.face)
    type_.write(painter, places, picture.groups, keys, visible, _ink(picture, visible, theme))
    _paint_signs(painter, places, picture, visible, theme)
    for at, colour, width, dashed in _frames(picture, theme):
        _outline(painter, _place(picture, keys, at, rect, top), colour, width, dashed)
    if picture.query_groups is not None:
        _title(painter, rect, 0.0, "query", theme)
        _title(painter, rect, top - _TITLE, "keys", theme)
        painter.setFont(type_.face)
        visible = _visible(picture, queries, rect.top() + _TITLE, seen)
        places = _places(picture, queries, visible, rect, _TITLE)
        ink = [theme.text] * len(visible)
        type_.write(painter, places, picture.query_groups, queries, visible, ink)
    lines, above = (keys, top) if picture.query_groups is None else (queries, _TITLE)
    for at in picture.looking:
        place = _place(picture, lines, at, rect, above)
        _outline(painter, place, theme.accent, 2.0)
        # The outline of the query is told from others not by its colour alone.
        y = place.bottom() - 4.5
        painter.setPen(pen(theme.accent if picture.query_groups else theme.text, 1.5))
        painter.drawLine(QPointF(place.left() + PADDING, y), QPointF(place.right() - PADDING, y))
    painter.restore()


class _Type:
    """Writes many short texts in one type."""

    def __init__(self, theme: Theme, size: float) -> None:
        self.face: QFont = font(theme, size)
        self._metrics = metrics_of(theme, size)
        self._base = (self._metrics.ascent() - self._metrics.descent()) / 2
        self._theme, self._size = theme, size

    def write(
        self,
        painter: QPainter,
        places: list[QRectF],
        groups: Groups,
        lines: Lines,
        items: range,
        colours: list[str],
    ) -> None:
        """Write items in a row, each at its place in its colour."""
        part = slice(items.start, items.stop)
        known = measured(groups, self._theme, self._size)
        wide, indents = known.widths[part].tolist(), lines.indent[part].tolist()
        pens = {colour: QColor(colour) for colour in set(colours)}
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        mirrored = lines.mirrored[part].tolist()
        rows = zip(places, known.texts[part], indents, wide, colours, mirrored, strict=True)
        middle, before = _HEIGHT / 2 + self._base, ""
        for place, text, indent, width, colour, runs_left in rows:
            if indent + width > place.width():
                text = self._metrics.elidedText(
                    text, Qt.TextElideMode.ElideRight, place.width() - 2 * indent
                )
            if colour != before:
                painter.setPen(pens[colour])
                before = colour
            where = QPointF(place.x() + indent, place.y() + middle)
            if not runs_left:
                painter.drawText(where, text)
                continue
            # Brackets are mirrored where text runs from the right.
            painter.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
            painter.drawText(where, text)
            painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def _paint_grounds(
    painter: QPainter, places: list[QRectF], picture: TokensPicture, items: range
) -> None:
    part = slice(items.start, items.stop)
    painter.setPen(Qt.PenStyle.NoPen)
    for place, (red, green, blue, alpha) in zip(places, picture.rgba[part].tolist(), strict=True):
        if alpha:
            painter.setBrush(QColor(red, green, blue, alpha))
            painter.drawRoundedRect(place, _RADIUS, _RADIUS)
    bare = (picture.rgba[part, 3] == 0) & ~picture.groups.dimmed[part]
    for at in np.flatnonzero(bare & (picture.marks[part] != Mark.ZERO)).tolist():
        paint_mark(painter, places[at], Mark(int(picture.marks[items.start + at])))


def _paint_signs(
    painter: QPainter, places: list[QRectF], picture: TokensPicture, items: range, theme: Theme
) -> None:
    part = slice(items.start, items.stop)
    clipped = (picture.marks[part] == Mark.CLIPPED) & ~picture.groups.dimmed[part]
    for at in np.flatnonzero(clipped).tolist():
        paint_mark(painter, places[at], Mark.CLIPPED)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.hard))
    for key in picture.chosen:
        if key in items:
            place = places[key - items.start]
            x, y = place.center().x(), place.top() - 1.0
            painter.drawPolygon(
                QPolygonF([QPointF(x - 4, y - 4), QPointF(x + 4, y - 4), QPointF(x, y + 1)])
            )


def _paint_arcs(
    painter: QPainter,
    rect: QRectF,
    picture: TokensPicture,
    keys: Lines,
    queries: Lines,
    theme: Theme,
) -> None:
    if not picture.arcs.items or picture.query is None:
        return
    top = _keys_top(picture, queries)
    lines, above = (keys, top) if picture.query_groups is None else (queries, _TITLE)
    start = _place(picture, lines, picture.query, rect, above)
    strongest = float(picture.values[picture.arcs.items[0]])
    colour = theme.hard if picture.hard else theme.soft
    for item in reversed(picture.arcs.items):
        end = _place(picture, keys, item, rect, top)
        paint_arc(painter, start, end, float(picture.values[item]) / strongest, colour)


def _ink(picture: TokensPicture, visible: range, theme: Theme) -> list[str]:
    """The colour of each text that is seen: what stands out from its ground."""
    part = slice(visible.start, visible.stop)
    rgba = picture.rgba[part].astype(np.float64)
    share = rgba[:, 3:] / 255
    mixed = share * rgba[:, :3] + (1 - share) * np.array(rgb(theme.window), np.float64)
    light = _luminance(mixed) > _MIDDLE
    bare = rgba[:, 3] == 0
    unknown = np.isin(picture.marks[part], (Mark.NAN, Mark.MASKED))
    dimmed = picture.groups.dimmed[part]
    colours = np.where(light, _DARK, _LIGHT)
    colours = np.where(bare & ~unknown, theme.text, colours)
    found: list[str] = np.where(dimmed, theme.faint, colours).tolist()
    return found


def _frames(picture: TokensPicture, theme: Theme) -> list[tuple[int, str, float, bool]]:
    """The outlines of keys: what was selected, then pinned and hovered key over it."""
    found = [(key, theme.hard, 2.0, False) for key in picture.chosen]
    if picture.pinned is not None:
        found.append((picture.pinned, theme.accent, 1.5, True))
    if picture.hover is not None:
        found.append((picture.hover, theme.text, 1.25, False))
    return [frame for frame in found if frame[0] < len(picture.groups)]


def _outline(
    painter: QPainter, place: QRectF, colour: str, width: float, dashed: bool = False
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(colour, width, dashed=dashed))
    half = width / 2
    painter.drawRoundedRect(place.adjusted(half, half, -half, -half), _RADIUS, _RADIUS)


def _title(painter: QPainter, rect: QRectF, top: float, words: str, theme: Theme) -> None:
    where = QRectF(rect.left() + _MARGIN, rect.top() + top, rect.width(), _TITLE)
    draw_text(painter, where, words, theme, size=theme.size_small, colour=theme.muted)


def _visible(picture: TokensPicture, lines: Lines, top: float, seen: QRectF) -> range:
    """The items on lines that ``seen`` shows a part of."""
    first = int(max(0.0, (seen.top() - top) // picture.pitch))
    last = int((seen.bottom() - top) // picture.pitch)
    if last < 0:
        return range(0)
    return range(
        int(np.searchsorted(lines.line, first, "left")),
        int(np.searchsorted(lines.line, last, "right")),
    )


def _keys_top(picture: TokensPicture, queries: Lines) -> float:
    return 0.0 if picture.query_groups is None else queries.count * picture.pitch + 2 * _TITLE + 4


def _both(picture: TokensPicture, width: float, theme: Theme) -> tuple[Lines, Lines]:
    room = max(1.0, width - 2 * _MARGIN)
    own = picture.query_groups
    keys = lines_of(picture.groups, room, theme, picture.size)
    return keys, keys if own is None else lines_of(own, room, theme, picture.size)


def _luminance(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative luminance (WCAG 2.2) of colours [n, 3] in 0 … 255."""
    shares = colours / 255
    linear = np.where(shares <= 0.03928, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    found: NDArray[np.float64] = linear @ np.array([0.2126, 0.7152, 0.0722])
    return found
