"""Text on a painter: elided rather than cut, digits of one width, untrusted words made plain."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from hardattn_viewer.drawing.theme import Theme

Align = Literal["left", "right", "centre"]
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Words:
    """A stretch of text in one style.

    Attributes:
        text: what it says.
        bold: set in bold.
        colour: ``#rrggbb``; None is the theme's text colour.
    """

    text: str
    bold: bool = False
    colour: str | None = None


def font(theme: Theme, size: float | None = None, bold: bool = False, mono: bool = False) -> QFont:
    """The theme's type, with tabular digits.

    Args:
        theme: names the families.
        size: height in logical px; None is the theme's body size.
        bold: heavier.
        mono: all glyphs of one width.
    """
    return QFont(_face(*_style(theme, size, bold, mono))[0])


def metrics_of(theme: Theme, size: float | None = None, bold: bool = False) -> QFontMetricsF:
    """The measures of ``font``, made once; to be read only."""
    return _face(*_style(theme, size, bold, False))[1]


_Style = tuple[tuple[str, ...], int, bool]


def _style(theme: Theme, size: float | None, bold: bool, mono: bool) -> _Style:
    # Whole pixels: QFont has no other unit that is independent of the screen.
    pixels = max(1, round(theme.size if size is None else size))
    return (theme.mono_family if mono else theme.family), pixels, bold


@lru_cache(maxsize=64)
def _face(families: tuple[str, ...], pixels: int, bold: bool) -> tuple[QFont, QFontMetricsF]:
    """A type and its measures: making them takes longer than drawing a word in it."""
    made = QFont()
    made.setFamilies(list(families))
    made.setPixelSize(pixels)
    made.setBold(bold)
    # Unhinted glyphs keep their widths at every magnification, so that figures match the screen.
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made.setFeature(QFont.Tag("tnum"), 1)
    # Words of a PDF must be found again and copied as they are written: “verified”, not “veriﬁed”.
    made.setFeature(QFont.Tag("liga"), 0)
    return made, QFontMetricsF(made)


@lru_cache(maxsize=4_096)
def _width(text: str, style: _Style) -> float:
    return _face(*style)[1].horizontalAdvance(text)


def text_width(words: str | Sequence[Words], theme: Theme, size: float | None = None) -> float:
    """Width in logical px that ``words`` take when nothing is elided."""
    stretches = [Words(words)] if isinstance(words, str) else words
    return sum(
        _width(plain(part.text), _style(theme, size, part.bold, False)) for part in stretches
    )


def first_that_fits(
    choices: Sequence[str], width: float, theme: Theme, size: float | None = None
) -> str:
    """The first of several wordings, longest first, that fits ``width`` logical px; else ""."""
    return next((words for words in choices if text_width(words, theme, size) <= width), "")


def line_height(theme: Theme, size: float | None = None) -> float:
    """Height in logical px of a line of text."""
    return metrics_of(theme, size).height()


def draw_text(
    painter: QPainter,
    rect: QRectF,
    words: str | Sequence[Words],
    theme: Theme,
    *,
    size: float | None = None,
    colour: str | None = None,
    align: Align = "left",
) -> float:
    """Draw one line, vertically centred in ``rect``; what does not fit ends in an ellipsis.

    Where stretches do not all fit, plain ones give way before bold ones, which carry the numbers.

    Args:
        painter: paints.
        rect: the ink stays within its left and right edges.
        words: plain text, or stretches of different style.
        theme: families and colours.
        size: logical px; None is the body size.
        colour: of stretches that name none; None is the theme's text colour.
        align: where the line goes when there is room left.

    Returns:
        Width in logical px that was used.
    """
    stretches = [Words(words)] if isinstance(words, str) else list(words)
    fitted: list[tuple[Words, QFont, float]] = []
    left = rect.width()
    cut = False
    for index, part in enumerate(stretches):
        if cut and not part.bold:
            continue
        style = _style(theme, size, part.bold, False)
        face, metrics = _face(*style)
        full = plain(part.text)
        room = left
        if not part.bold:
            kept = text_width([p for p in stretches[index + 1 :] if p.bold], theme, size)
            room = left - kept if kept < left else left
        # Half a pixel of grace: a width that was measured must fit into itself.
        text, width = full, _width(full, style)
        if width > room + 0.5:
            text = metrics.elidedText(full, Qt.TextElideMode.ElideRight, room + 0.5)
            width = metrics.horizontalAdvance(text)
        cut = cut or text != full
        # A lone ellipsis after other words says nothing.
        if not text or width > room + 0.5 or (fitted and text == "…" != full):
            continue
        fitted.append((Words(text, part.bold, part.colour), face, width))
        left -= width
    used = sum(width for _, _, width in fitted)
    x = rect.left() + {"left": 0.0, "right": left, "centre": left / 2}[align]
    metrics = metrics_of(theme, size)
    baseline = rect.center().y() + (metrics.ascent() - metrics.descent()) / 2
    for part, face, width in fitted:
        painter.setFont(face)
        painter.setPen(QColor(part.colour or colour or theme.text))
        painter.drawText(QPointF(x, baseline), part.text)
        x += width
    return used


def wrap(text: str, width: float, theme: Theme, size: float | None = None) -> list[str]:
    """Break ``text`` at spaces into lines no wider than ``width`` logical px.

    No-break spaces hold; a single word that is wider is broken between its characters.
    """
    metrics = metrics_of(theme, size)
    lines: list[str] = []
    line = ""
    for word in filter(None, plain(text).split(" ")):
        rest = word
        longer = f"{line} {word}" if line else word
        if metrics.horizontalAdvance(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while len(rest) > 1 and metrics.horizontalAdvance(rest) > width:
            fits = 1
            while metrics.horizontalAdvance(rest[: fits + 1]) <= width:
                fits += 1
            lines.append(rest[:fits])
            rest = rest[fits:]
        line = rest
    return [*lines, line] if line else lines


def plain(text: str) -> str:
    """``text`` from a file made harmless: control, format and unpaired characters become "·"."""
    # Cc control, Cf format (bidirectional overrides), Cs lone surrogates, Zl/Zp line separators.
    bad = ("Cc", "Cf", "Cs", "Zl", "Zp")
    if text.isprintable():
        # Nearly all text; what is printable is of none of these categories.
        return text
    return "".join("·" if unicodedata.category(c) in bad else c for c in text)


def number(value: float, digits: int = 2) -> str:
    """A signed number for reading: true minus sign, "–" for NaN."""
    if math.isnan(value):
        return "–"
    text = f"{value:.{digits}f}"
    # −0.00 would claim a sign that the shown digits do not support.
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def amount(value: float) -> str:
    """A probability with two digits that count: 0.42, 0.0031, 4.2×10⁻⁶; "–" for NaN."""
    if math.isnan(value):
        return "–"
    if value == 0 or abs(value) >= 0.01:
        return number(value)
    if abs(value) >= 0.0001:
        return f"{value:.2g}".replace("-", "−")
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}".replace("-", "−")
