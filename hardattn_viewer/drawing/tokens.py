"""Attention over tokens: the text itself, wrapped, each token on the colour of its weight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPolygonF

from hardattn_viewer.drawing.colours import Mark, amount_rgba, marks, rgb
from hardattn_viewer.drawing.keys import known_key
from hardattn_viewer.drawing.names import key_labels, query_labels
from hardattn_viewer.drawing.strokes import paint_mark, pen
from hardattn_viewer.drawing.text import draw_text, font
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame, key_of_query

_HEIGHT = 25.0
_PITCH = 32.0
_PADDING = 6.0
_GAP = 3.0
_TITLE = 20.0
_MARGIN = 3.0
_RADIUS = 4.0
# Text on a colour: whichever of the two stands out more; at the luminance where they change
# places both have a contrast of 4.58 : 1.
_DARK, _LIGHT, _MIDDLE = "#000000", "#ffffff", 0.179
# A background of almost nothing keeps this much, so that it differs from none.
_FAINTEST = 0.12


@dataclass(frozen=True, eq=False)
class TokensPicture:
    """Everything to paint of one row of attention over tokens; made by ``tokens_picture``.

    Attributes:
        keys: what is written for each key.
        queries: what is written for each query where these are other items than the keys, else
            empty.
        values: float32 [keys].
        rgba: uint8 [keys, 4].
        marks: ``Mark`` of each key.
        chosen: the selected keys.
        query: the query looked from, among ``queries``, or among the keys where it is one; or None.
        step: the step shown.
        hover: key under the mouse.
        pinned: key held by a click.
        size: height of the text, px.
    """

    keys: tuple[str, ...]
    queries: tuple[str, ...]
    values: NDArray[np.float32]
    rgba: NDArray[np.uint8]
    marks: NDArray[np.uint8]
    chosen: tuple[int, ...]
    query: int | None
    step: int
    hover: int | None
    pinned: int | None
    size: float


@dataclass(frozen=True, eq=False)
class Lines:
    """Where labels stand that are wrapped like words.

    Attributes:
        left: float64 [labels], px from the left.
        line: int64 [labels], the line of each.
        width: float64 [labels], px with padding.
        count: number of lines.
    """

    left: NDArray[np.float64]
    line: NDArray[np.int64]
    width: NDArray[np.float64]
    count: int


def tokens_picture(
    frame: Frame,
    display: Display,
    *,
    scale_max: float,
    hover: int | None = None,
    pinned: int | None = None,
    size: float = 14.0,
) -> TokensPicture:
    """Work out what ``paint_tokens`` paints.

    Args:
        frame: one run at one place.
        display: the table of colours.
        scale_max: weight of the strongest colour, positive.
        hover: key under the mouse.
        pinned: key held by a click.
        size: height of the text, px.

    Raises:
        ValueError: scale_max is not positive.
    """
    if not scale_max > 0:
        raise ValueError(f"scale_max is {scale_max}; it must be positive")
    values = np.asarray(frame.probabilities, dtype=np.float32)
    labels = key_labels(frame)
    # A frame that is not read from a run may hold fewer names than keys.
    labels += tuple(str(key) for key in range(len(labels), len(values)))
    apart = not frame.one_axis and (frame.queries > 1 or frame.texts.on(frame.query_axis) != ())
    found = marks(values, scale_max)
    rgba = amount_rgba(values, scale_max, 1.0, display.colours)
    # Many faint tokens side by side must leave the text as readable as the page is.
    share = np.clip(np.nan_to_num(values) / scale_max, 0.0, 1.0) ** 0.6
    alpha = np.rint(255 * (_FAINTEST + (1 - _FAINTEST) * share))
    rgba[:, 3] = np.where(rgba[:, 3] > 0, alpha, 0)
    return TokensPicture(
        keys=labels[: len(values)],
        queries=query_labels(frame) if apart else (),
        values=values,
        rgba=rgba,
        marks=found,
        chosen=frame.selection,
        query=frame.query if apart else key_of_query(frame),
        step=frame.place.step,
        hover=known_key(hover, len(values)),
        pinned=known_key(pinned, len(values)),
        size=size,
    )


def tokens_height(picture: TokensPicture, width: float, theme: Theme) -> float:
    """Height in logical px that all lines take when they are ``width`` px wide."""
    keys, queries = _both(picture, width, theme)
    return _keys_top(picture, queries) + keys.count * _PITCH + _MARGIN


def token_place(picture: TokensPicture, rect: QRectF, item: int, theme: Theme) -> QRectF:
    """Where a key is painted, or query ``-1 - item`` where ``item`` is negative."""
    keys, queries = _both(picture, rect.width(), theme)
    if item < 0:
        return _place(queries, -1 - item, rect, _TITLE)
    return _place(keys, item, rect, _keys_top(picture, queries))


def _place(lines: Lines, at: int, rect: QRectF, top: float) -> QRectF:
    y = rect.top() + top + float(lines.line[at]) * _PITCH + (_PITCH - _HEIGHT) / 2
    left = rect.left() + _MARGIN + float(lines.left[at])
    return QRectF(left, y, float(lines.width[at]), _HEIGHT)


def token_at(picture: TokensPicture, rect: QRectF, point: QPointF, theme: Theme) -> int | None:
    """The key under a point; for query q of a list of its own ``-1 - q``; None beside them."""
    keys, queries = _both(picture, rect.width(), theme)
    x, y = point.x() - rect.left() - _MARGIN, point.y() - rect.top()
    top = _keys_top(picture, queries)
    lines, y = (keys, y - top) if y >= top else (queries, y - _TITLE)
    found = np.flatnonzero(
        (lines.line == int(y // _PITCH)) & (lines.left <= x) & (x < lines.left + lines.width)
    )
    if y < 0 or not found.size:
        return None
    at = int(found[0])
    return at if lines is keys else -1 - at


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
    if picture.queries:
        _title(painter, rect, 0.0, "query", theme)
        _title(painter, rect, _keys_top(picture, queries) - _TITLE, "keys", theme)
        for at in _visible(queries, rect.top() + _TITLE, seen):
            place = _place(queries, at, rect, _TITLE)
            _label(
                painter, place, picture.queries[at], theme, theme.text, picture, at == picture.query
            )
            if at == picture.query:
                _outline(painter, place, theme.accent, 2.0)
    ground, top = rgb(theme.window), _keys_top(picture, queries)
    for at in _visible(keys, rect.top() + top, seen):
        place = _place(keys, at, rect, top)
        _paint_key(painter, place, picture, at, ground, theme)
    for at, colour, width, dashed in _frames(picture, theme):
        _outline(painter, _place(keys, at, rect, top), colour, width, dashed)
    painter.restore()


def _paint_key(
    painter: QPainter,
    place: QRectF,
    picture: TokensPicture,
    at: int,
    ground: tuple[int, int, int],
    theme: Theme,
) -> None:
    mark, colour = Mark(int(picture.marks[at])), theme.text
    red, green, blue, alpha = (int(v) for v in picture.rgba[at])
    if alpha:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(red, green, blue, alpha))
        painter.drawRoundedRect(place, _RADIUS, _RADIUS)
        share = alpha / 255
        mixed = [
            share * c + (1 - share) * g for c, g in zip((red, green, blue), ground, strict=True)
        ]
        colour = _DARK if _luminance(mixed) > _MIDDLE else _LIGHT
    elif mark is not Mark.ZERO:
        paint_mark(painter, place, mark)
        colour = _LIGHT
    is_query = not picture.queries and at == picture.query
    _label(painter, place, picture.keys[at], theme, colour, picture, is_query)
    if mark is Mark.CLIPPED:
        paint_mark(painter, place, mark)
    if at in picture.chosen:
        x, y = place.center().x(), place.top() - 1.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.hard))
        painter.drawPolygon(
            QPolygonF([QPointF(x - 4, y - 4), QPointF(x + 4, y - 4), QPointF(x, y + 1)])
        )


def _frames(picture: TokensPicture, theme: Theme) -> list[tuple[int, str, float, bool]]:
    """The outlines: what was selected, then query, pinned and hovered key over it."""
    found = [(key, theme.hard, 2.0, False) for key in picture.chosen]
    if not picture.queries and picture.query is not None:
        found.append((picture.query, theme.accent, 2.0, False))
    if picture.pinned is not None:
        found.append((picture.pinned, theme.accent, 1.5, True))
    if picture.hover is not None:
        found.append((picture.hover, theme.text, 1.25, False))
    return [frame for frame in found if frame[0] < len(picture.keys)]


def _outline(
    painter: QPainter, place: QRectF, colour: str, width: float, dashed: bool = False
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(colour, width, dashed=dashed))
    half = width / 2
    painter.drawRoundedRect(place.adjusted(half, half, -half, -half), _RADIUS, _RADIUS)


def _label(
    painter: QPainter,
    place: QRectF,
    text: str,
    theme: Theme,
    colour: str,
    picture: TokensPicture,
    underlined: bool,
) -> None:
    draw_text(painter, place, text, theme, size=picture.size, colour=colour, align="centre")
    if underlined:
        # The outline of the query is told from others not by its colour alone.
        y = place.bottom() - 4.5
        painter.setPen(pen(colour, 1.5))
        painter.drawLine(QPointF(place.left() + _PADDING, y), QPointF(place.right() - _PADDING, y))


def _title(painter: QPainter, rect: QRectF, top: float, words: str, theme: Theme) -> None:
    where = QRectF(rect.left() + _MARGIN, rect.top() + top, rect.width(), _TITLE)
    draw_text(painter, where, words, theme, size=theme.size_small, colour=theme.muted)


def _visible(lines: Lines, top: float, seen: QRectF) -> range:
    """The labels on lines that ``seen`` shows a part of."""
    first = int(max(0.0, (seen.top() - top) // _PITCH))
    last = int((seen.bottom() - top) // _PITCH)
    if last < 0:
        return range(0)
    return range(
        int(np.searchsorted(lines.line, first, "left")),
        int(np.searchsorted(lines.line, last, "right")),
    )


def _keys_top(picture: TokensPicture, queries: Lines) -> float:
    return queries.count * _PITCH + 2 * _TITLE + 4 if picture.queries else 0.0


def _both(picture: TokensPicture, width: float, theme: Theme) -> tuple[Lines, Lines]:
    room = max(1.0, width - 2 * _MARGIN)
    return (
        _wrapped(picture.keys, room, theme, picture.size),
        _wrapped(picture.queries, room, theme, picture.size),
    )


@lru_cache(maxsize=32)
def _wrapped(labels: tuple[str, ...], width: float, theme: Theme, size: float) -> Lines:
    metrics = QFontMetricsF(font(theme, size))
    # Most of a text are words that occur in it more than once.
    wide = {text: metrics.horizontalAdvance(text) + 2 * _PADDING for text in set(labels)}
    left, line = np.zeros(len(labels)), np.zeros(len(labels), np.int64)
    widths = np.array([min(max(wide[text], 18.0), width) for text in labels])
    x, at = 0.0, 0
    for index, taken in enumerate(widths.tolist()):
        if x and x + taken > width:
            x, at = 0.0, at + 1
        left[index], line[index] = x, at
        x += taken + _GAP
    return Lines(left, line, widths, at + 1 if labels else 0)


def _luminance(colour: list[float]) -> float:
    """Relative luminance (WCAG 2.2) of red, green, blue in 0 … 255."""
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in (v / 255 for v in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
