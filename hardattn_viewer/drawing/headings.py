"""Small labelled things: the badge of a slot, the title of a panel, chips with numbers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.text import Words, draw_text, first_that_fits, text_width
from hardattn_viewer.drawing.theme import Theme

HEADING_HEIGHT = 26.0
CHIP_HEIGHT = 22.0
_BADGE = 19.0
_GAP = 6.0
_PADDING = 8.0


def paint_badge(painter: QPainter, rect: QRectF, slot: str, theme: Theme) -> None:
    """Paint the letter of a slot on its colour: A orange, B blue, as in their difference."""
    first = slot == "A"
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.hard if first else theme.soft))
    painter.drawRoundedRect(rect, 4, 4)
    draw_text(
        painter,
        rect,
        [Words(slot, bold=True)],
        theme,
        size=theme.size_small,
        colour=theme.on_hard if first else theme.on_soft,
        align="centre",
    )
    painter.restore()


def paint_kind(painter: QPainter, rect: QRectF, hard: bool, theme: Theme) -> None:
    """Paint HARD or SOFT in its colour, outlined."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(pen(theme.hard if hard else theme.soft, 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    draw_text(
        painter,
        rect,
        [Words("HARD" if hard else "SOFT", bold=True)],
        theme,
        size=theme.size_small - 1,
        colour=theme.hard_text if hard else theme.soft_text,
        align="centre",
    )
    painter.restore()


def paint_heading(
    painter: QPainter,
    rect: QRectF,
    title: str | Sequence[Words],
    theme: Theme,
    *,
    slot: str | None = None,
    aside: str | Sequence[str] = "",
) -> None:
    """Paint a panel's heading: badge, title in bold, and a muted remark at the right.

    Args:
        painter: paints.
        rect: the line.
        title: plain text in bold, or stretches of their own style; it keeps at least half.
        theme: colours and type.
        slot: ``"A"`` or ``"B"`` for a badge.
        aside: the remark, or several wordings of it, longest first; without room for any of them
            there is none.
    """
    left = QRectF(rect)
    if slot is not None:
        box = QRectF(rect.left(), rect.center().y() - _BADGE / 2, _BADGE, _BADGE)
        paint_badge(painter, box, slot, theme)
        left.setLeft(box.right() + 8)
    words = [Words(title, bold=True)] if isinstance(title, str) else title
    wanted = text_width(words, theme, theme.size_title)
    choices = [aside] if isinstance(aside, str) else list(aside)
    remark = first_that_fits(choices, left.width() - wanted - 2 * _GAP, theme)
    if not remark:
        # The shortest wording may shorten the title, but not to less than half the line.
        remark = first_that_fits(choices[-1:], left.width() / 2 - 2 * _GAP, theme)
    if remark:
        right = QRectF(left)
        right.setLeft(left.right() - text_width(remark, theme))
        draw_text(painter, right, remark, theme, colour=theme.muted, align="right")
        left.setRight(right.left() - 2 * _GAP)
    draw_text(painter, left, words, theme, size=theme.size_title)


def common_aside(
    titles: Sequence[str], choices: Sequence[Sequence[str]], width: float, theme: Theme
) -> list[str]:
    """Remarks for headings beside each other, in the longest wording that all have room for.

    Args:
        titles: their titles, each behind a badge.
        choices: for each heading the wordings of its remark, longest first, equally many for all.
        width: of each heading.
        theme: type.

    Returns:
        One remark for each heading; without room even for the shortest, the shortest.
    """
    for wordings in zip(*choices, strict=True):
        taken = (
            text_width([Words(title, bold=True)], theme, theme.size_title)
            + text_width(words, theme)
            for title, words in zip(titles, wordings, strict=True)
        )
        if max(taken) <= width - _BADGE - 8 - 2 * _GAP:
            return list(wordings)
    return [wordings[-1] for wordings in choices]


def chip_rows(
    chips: Sequence[Sequence[Words]], width: float, theme: Theme
) -> list[list[tuple[Sequence[Words], float]]]:
    """Arrange chips in rows no wider than ``width``: each with its own width in logical px."""
    rows: list[list[tuple[Sequence[Words], float]]] = []
    used = 0.0
    for chip in chips:
        wide = min(width, text_width(chip, theme) + 2 * _PADDING)
        if rows and used + _GAP + wide <= width:
            rows[-1].append((chip, wide))
            used += _GAP + wide
        else:
            rows.append([(chip, wide)])
            used = wide
    return rows


def chips_height(chips: Sequence[Sequence[Words]], width: float, theme: Theme) -> float:
    """Height in logical px that ``paint_chips`` needs at a width."""
    rows = len(chip_rows(chips, width, theme))
    return rows * CHIP_HEIGHT + max(0, rows - 1) * _GAP


def paint_chips(
    painter: QPainter, rect: QRectF, chips: Sequence[Sequence[Words]], theme: Theme
) -> None:
    """Paint rounded labels in rows from the top left of ``rect``; rows that do not fit are left.

    Args:
        painter: paints.
        rect: where; see ``chips_height``.
        chips: each a line of words, numbers in bold.
        theme: colours and type.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    y = rect.top()
    for row in chip_rows(chips, rect.width(), theme):
        if y + CHIP_HEIGHT > rect.bottom() + 0.5:
            break
        x = rect.left()
        for chip, wide in row:
            box = QRectF(x, y, wide, CHIP_HEIGHT)
            painter.setPen(pen(theme.line, 1.0))
            painter.setBrush(QColor(theme.raised))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
            draw_text(painter, box.adjusted(_PADDING, 0, -_PADDING, 0), chip, theme)
            x += wide + _GAP
        y += CHIP_HEIGHT + _GAP
    painter.restore()
