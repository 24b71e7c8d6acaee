"""What a reader must know of a picture of all heads: its scale, its scope and what was left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from hardattn_viewer.drawing.colours import amount_table
from hardattn_viewer.drawing.heads import HeadsSheet, cell_range, measure_text
from hardattn_viewer.drawing.pixels import paint_pixels, to_qimage
from hardattn_viewer.drawing.text import amount, draw_text, first_that_fits
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.atlas import MEASURES, WORDS, HeadAt
from hardattn_viewer.session.head_numbers import HeadNumbers

_BAR = 96.0
_BAR_HEIGHT = 8.0
# Heads that are named of those picked.
_NAMED = 6


def scale_words(sheet: HeadsSheet) -> str:
    """What the colours stand for, and where their ends were taken."""
    numbers, atlas = sheet.numbers, sheet.atlas
    count = len(numbers.heads)
    over = "this step" if sheet.shared is None else sheet.shared.over
    everyone = f"the one head of {over}" if count == 1 else f"all {count:,} heads of {over}"
    if atlas.mode == "maps":
        if atlas.scale == "each":
            return "each map on its own scale: 0 – its largest probability"
        return f"probability, one scale for {everyone}: 0 – {amount(sheet.largest)}"
    name, measure = WORDS[atlas.measure].name, atlas.measure
    low, high = cell_range(sheet)
    if math.isnan(low):
        why = numbers.why_not(measure)
        return f"{name}: not known here" + (f" – {why}" if why else "")
    ends = f"{measure_text(measure, low)} – {measure_text(measure, high, unit=True)}"
    return f"{name}, {everyone}: {ends}"


def count_words(sheet: HeadsSheet) -> str:
    """For example ``"31 of 72"``, and how many are still to be read."""
    shown, numbers = sheet.shown, sheet.numbers
    words = f"{len(shown.heads):,} of {shown.of:,}"
    left = numbers.total - shown.of
    return f"{words} · {left:,} still to be read" if left > 0 else words


def order_words(sheet: HeadsSheet) -> str:
    """In which order the heads are shown."""
    atlas = sheet.atlas
    if not atlas.by_measure:
        return "layers × heads" if sheet.numbers.has_layers else "sites × heads"
    first = "largest" if atlas.descending else "smallest"
    return f"sorted by {WORDS[atlas.measure].name}, {first} first"


def pooled_words(sheet: HeadsSheet, side_px: int) -> str:
    """What a pixel of a map stands for where it stands for several cells; else empty.

    Args:
        sheet: what is painted.
        side_px: pixels of each side of a map.
    """
    if sheet.atlas.mode != "maps":
        return ""
    queries = max((one.queries for one in sheet.numbers.sites), default=0)
    keys = max((one.keys for one in sheet.numbers.sites), default=0)
    sides = []
    for length, index in ((queries, 0), (keys, 1)):
        stored = max((one.block[index] for one in sheet.numbers.sites), default=1)
        sides.append(max(stored, math.ceil(length / max(1, side_px))))
    if sides == [1, 1]:
        return ""
    return f"max-pooled: each pixel the largest of up to {sides[0]} × {sides[1]} cells"


def sampled_words(numbers: HeadNumbers) -> str:
    """Over how many queries the numbers are means, where these are not all; else empty."""
    for one in numbers.sites:
        if 0 < one.rows_read < one.queries:
            return (
                f"numbers but entropy are means over {one.rows_read} of {one.queries:,} queries, "
                "evenly spaced"
            )
    return ""


def hard_words(numbers: HeadNumbers) -> str:
    """That masses of hard heads are shares of choices; empty where no head is hard."""
    return (
        "masses and distance of hard heads are those of their choices"
        if any(one.hard for one in numbers.sites)
        else ""
    )


def picked_words(numbers: HeadNumbers | None, heads: Sequence[HeadAt]) -> str:
    """For example ``"mean of 3 picked heads: 4.7, 5.1, 5.3"``."""
    if not heads:
        return "no head is picked"
    names = [f"{h.site}.{h.head}" if numbers is None else numbers.label(h) for h in heads]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    if len(names) == 1:
        return f"1 picked head: {names[0]}"
    return f"mean of {len(names)} picked heads: {', '.join(names[:_NAMED])}{more}"


def head_words(numbers: HeadNumbers, head: HeadAt) -> str:
    """A head with all of its numbers, in one line; empty where they are not known."""
    one = numbers.site_of(head)
    if one is None:
        return ""
    kind = f" {one.kind}" if one.kind and one.kind != one.site else ""
    layer = f"layer {one.layer}{kind}, " if one.layer >= 0 else f"{one.site}{kind}, "
    name = f"{layer}head {one.numbers_in_model[head.head]}"
    found = [
        f"{WORDS[measure].short} {measure_text(measure, value, unit=True)}"
        for measure in MEASURES
        if not math.isnan(value := one.number(measure, head.head))
    ]
    if not found:
        found = [one.why.get("maps", "no numbers")]
    return " · ".join([name, *found])


def paint_heads_scale(painter: QPainter, rect: QRectF, sheet: HeadsSheet, theme: Theme) -> None:
    """Paint the colours from the first to the last with ``scale_words``, in one line."""
    bar = QRectF(
        rect.left(), rect.center().y() - _BAR_HEIGHT / 2, min(_BAR, rect.width() / 3), _BAR_HEIGHT
    )
    strip = np.ascontiguousarray(amount_table(sheet.colours)[None])
    paint_pixels(painter, bar, to_qimage(strip))
    text = QRectF(rect)
    text.setLeft(bar.right() + 7)
    words = scale_words(sheet)
    ends = words.rpartition(": ")[2]
    # Where there is little room, the ends of the scale come first.
    own = "each map: " if sheet.atlas.mode == "maps" and sheet.atlas.scale == "each" else ""
    choices = (words, f"{own}{ends}")
    found = first_that_fits(choices, text.width(), theme, theme.size_small) or choices[-1]
    draw_text(painter, text, found, theme, size=theme.size_small, colour=theme.muted)
