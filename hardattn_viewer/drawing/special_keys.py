"""Keys that are no regions of the image, such as [CLS], as chips with their mass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.colours import amount_rgba
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.text import Words, amount, draw_text, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import AmountTable, Display
from hardattn_viewer.session.frame_items import key_of_query
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import key_name

CHIP_HEIGHT = 22.0
_GAP = 6.0
_PADDING = 7.0
_SWATCH = 9.0


@dataclass(frozen=True, eq=False)
class SpecialKeys:
    """The chips of one row of attention; made by ``special_keys_picture``.

    Attributes:
        keys: the keys that are no regions.
        names: what they are called.
        values: their probabilities.
        selected: those of them that were selected.
        scale_max: the probability that the strongest colour stands for.
        colours: table of amounts.
        hover: the key under the mouse.
        pinned: the key held by a click.
        picked: further keys, whose mass is summed.
        query: the key that is looked from, or None.
    """

    keys: tuple[int, ...]
    names: tuple[str, ...]
    values: tuple[float, ...]
    selected: tuple[int, ...]
    scale_max: float
    colours: AmountTable
    hover: int | None = None
    pinned: int | None = None
    picked: tuple[int, ...] = ()
    query: int | None = None


def special_keys_picture(
    frame: Frame,
    display: Display,
    *,
    scale_max: float,
    hover: int | None = None,
    pinned: int | None = None,
    picked: Sequence[int] = (),
) -> SpecialKeys | None:
    """The chips of a frame; None where all of its keys are regions."""
    keys = frame.off_image
    if not keys:
        return None
    return SpecialKeys(
        keys,
        tuple(key_name(frame, key) for key in keys),
        tuple(float(frame.probabilities[key]) for key in keys),
        tuple(key for key in keys if key in frame.selection),
        scale_max,
        display.colours,
        hover,
        pinned,
        tuple(picked),
        key_of_query(frame),
    )


def paint_special_keys(painter: QPainter, rect: QRectF, picture: SpecialKeys, theme: Theme) -> None:
    """Paint one chip a key from the left; those without room are counted in the last one."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    places = _places(picture, rect, theme)
    for at, box in enumerate(places):
        key = picture.keys[at]
        edge = theme.line
        if key in picture.selected:
            edge = theme.hard
        if key == picture.pinned or key in picture.picked or key == picture.query:
            edge = theme.accent
        if key == picture.hover:
            edge = theme.text
        painter.setPen(pen(edge, 1.5, dashed=key == picture.query and key != picture.hover))
        painter.setBrush(QColor(theme.selection if key in picture.picked else theme.raised))
        painter.drawRoundedRect(box.adjusted(0.75, 0.75, -0.75, -0.75), 5, 5)
        swatch = QRectF(box.left() + _PADDING, box.center().y() - _SWATCH / 2, _SWATCH, _SWATCH)
        red, green, blue, _ = amount_rgba(
            np.array([picture.values[at]]), picture.scale_max, 1.0, picture.colours
        )[0]
        painter.setPen(pen(theme.line, 1.0))
        painter.setBrush(QColor(int(red), int(green), int(blue)))
        painter.drawRect(swatch)
        words = QRectF(box)
        words.setLeft(swatch.right() + 5)
        words.setRight(box.right() - _PADDING + 1)
        draw_text(painter, words, _words(picture, at), theme, size=theme.size_small)
    left_out = len(picture.keys) - len(places)
    if left_out:
        rest = QRectF(rect)
        rest.setLeft((places[-1].right() + _GAP) if places else rect.left())
        draw_text(
            painter,
            rest,
            f"+{left_out:,}",
            theme,
            size=theme.size_small,
            colour=theme.muted,
        )
    painter.restore()


def special_key_at(picture: SpecialKeys, rect: QRectF, point: QPointF, theme: Theme) -> int | None:
    """The key whose chip is under a point."""
    for at, box in enumerate(_places(picture, rect, theme)):
        if box.contains(point):
            return picture.keys[at]
    return None


def _words(picture: SpecialKeys, at: int) -> list[Words]:
    return [Words(f"{picture.names[at]} "), Words(amount(picture.values[at]), bold=True)]


def _places(picture: SpecialKeys, rect: QRectF, theme: Theme) -> list[QRectF]:
    """A rectangle for each of the first chips that have room in one line."""
    places: list[QRectF] = []
    x = rect.left()
    for at in range(len(picture.keys)):
        width = text_width(_words(picture, at), theme, theme.size_small)
        width = min(width + 2 * _PADDING + _SWATCH + 6, rect.width())
        rest = len(picture.keys) - at - 1
        room = rect.right() - (text_width(f"+{rest}", theme) + _GAP if rest else 0)
        if x + width > room + 0.5:
            break
        top = rect.center().y() - CHIP_HEIGHT / 2
        places.append(QRectF(x, top, width, CHIP_HEIGHT))
        x += width + _GAP
    return places
