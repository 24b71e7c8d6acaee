"""All heads of a run as a figure, and the numbers of each as a table."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QGuiApplication, QPainter

from hardattn_viewer.drawing.headings import HEADING_HEIGHT, paint_heading
from hardattn_viewer.drawing.heads import (
    HeadsPicture,
    HeadsSheet,
    SharedScale,
    heads_sheet,
    paint_heads,
    sheet_layout,
)
from hardattn_viewer.drawing.heads_words import (
    hard_words,
    order_words,
    paint_heads_scale,
    pooled_words,
    sampled_words,
    scale_words,
)
from hardattn_viewer.drawing.text import Words, plain
from hardattn_viewer.figures.blocks import (
    GAP,
    MARGIN,
    SCALE,
    Block,
    Page,
    Paint,
    caption_block,
    whole,
)
from hardattn_viewer.figures.figure import Figure, Written
from hardattn_viewer.figures.options import FigureError, FigureOptions
from hardattn_viewer.session.atlas import MEASURES, WORDS, Atlas, Measure
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.head_numbers import HeadNumbers, amounts
from recorders.version import PRODUCER

# A figure takes at most this many widths of height.
_TALLEST = 1.3
_ABOUT = (
    "run", "example", "step", "training_step", "site", "layer", "kind", "head", "head_in_model",
    "hard", "queries", "keys", "queries_read",
)  # fmt: skip


def make_heads_figure(
    numbers: HeadNumbers,
    atlas: Atlas,
    options: FigureOptions,
    display: Display,
    shared: SharedScale | None = None,
) -> Figure:
    """Lay out all heads of a run as they are shown.

    Args:
        numbers: what is known of the heads.
        atlas: how they are shown; picked heads are not marked.
        options: size, type and theme.
        display: the table of colours.
        shared: the scale of several figures; None is that of this one.

    Raises:
        FigureError: the filter cannot be understood, or no head passes it.
    """
    if QGuiApplication.instance() is None:
        raise FigureError("no QGuiApplication is running; create one before making figures")
    sheet = heads_sheet(numbers, atlas, display.colours, shared)
    if sheet.shown.error:
        raise FigureError(f"the filter {atlas.filter!r} cannot be used: {sheet.shown.error}")
    if not sheet.shown.heads:
        why = "no head passes the filter" if sheet.shown.of else "no head was recorded here"
        raise FigureError(f"{plain(numbers.run_name)} has nothing to show: {why}")
    title = (
        f"Attention heads of {plain(numbers.run_name)}, "
        f"example {plain(numbers.example_name)}, step {numbers.step + 1}"
    )
    written = Written(title, lambda: _csv(sheet), lambda words: _npz(sheet, words))
    options = replace(options, view="heads")
    return Figure(options, (), _page(sheet, options), written)


def _page(sheet: HeadsSheet, options: FigureOptions) -> Page:
    theme = options.theme
    inner = whole(options.width - 2 * MARGIN)
    layout = sheet_layout(sheet, QRectF(0, 0, inner, _TALLEST * inner), theme)
    height = layout.area.bottom() + 2
    words = caption(sheet, layout.cell, numbered=layout.caption > 0)
    title = [Words(sheet.numbers.run_name, bold=True), Words("  all heads", colour=theme.muted)]
    if len(sheet.shown.heads) < sheet.shown.of:
        count = f"{len(sheet.shown.heads):,} of {sheet.shown.of:,} heads"
        title[1] = Words(f"  {count}", colour=theme.muted)

    def head(painter: QPainter, rect: QRectF) -> None:
        paint_heading(painter, rect, title, theme, aside=order_words(sheet))

    def body(painter: QPainter, rect: QRectF) -> None:
        # The room that it was laid out in, so that everything falls into the same places.
        room = QRectF(rect.left(), rect.top(), inner, _TALLEST * inner)
        paint_heads(painter, room, HeadsPicture(sheet), theme)

    def scale(painter: QPainter, rect: QRectF) -> None:
        paint_heads_scale(painter, rect, sheet, theme)

    parts: list[tuple[float, Paint]] = [(HEADING_HEIGHT, head), (height, body), (SCALE, scale)]
    if options.caption:
        parts.append(caption_block(words, inner, theme))
    blocks, y = [], MARGIN
    for tall, paint in parts:
        blocks.append(Block(QRectF(MARGIN, y, inner, tall), paint))
        y += tall + GAP
    return Page(options.width, y - GAP + MARGIN, tuple(blocks), words, (), None)


def caption(sheet: HeadsSheet, side: float, *, numbered: bool) -> str:
    """What the figure shows, where it comes from and what was left out, in full sentences.

    Args:
        sheet: what is shown.
        side: of a head's square, in logical px.
        numbered: whether there is room for a number below each map.
    """
    numbers, atlas = sheet.numbers, sheet.atlas
    text = (
        f"Example {plain(numbers.example_name)}. {plain(numbers.run_name)}, "
        f"{numbers.total:,} heads of {len(numbers.sites):,} sites, step {numbers.step + 1}"
    )
    if numbers.training_step is not None:
        text += f", training step {numbers.training_step:,}"
    text += f"; {order_words(sheet)}. "
    if atlas.filter.strip():
        shown = sheet.shown
        text += f"Only where {atlas.filter.strip()}: {len(shown.heads):,} of {shown.of:,}. "
    text += f"Colour ({sheet.colours}): {scale_words(sheet)}. "
    if atlas.mode == "maps":
        beside = WORDS[atlas.measure]
        unit = f" in {beside.unit}" if beside.unit else ""
        number = f"{beside.name}{unit}, mean over queries"
        if numbered and atlas.by_measure:
            text += f"Below maps: the head, and where it fits {number}. "
        elif numbered:
            text += f"Numbers below maps: {number}. "
        text += "Zero is bare; maps are stretched to squares. "
        # The same many px as a vector file holds.
        pooled = pooled_words(sheet, round(4 * side))
        text += f"{pooled[0].upper()}{pooled[1:]}. " if pooled else ""
    elif numbers.other_name and atlas.measure == "disagreement":
        text += f"The other run is {plain(numbers.other_name)}. "
    for words in (sampled_words(numbers), hard_words(numbers)):
        text += f"{words[0].upper()}{words[1:]}. " if words else ""
    return text + f"Drawn by {PRODUCER}."


def measure_column(measure: Measure) -> str:
    """The name of a measure's column, with its unit."""
    unit = WORDS[measure].unit
    return f"{measure}_{unit}" if unit else measure


def _csv(sheet: HeadsSheet) -> bytes:
    """A table of one row a head that is shown, in the order shown, UTF-8 with a header line."""
    numbers = sheet.numbers
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*_ABOUT, *map(measure_column, MEASURES)))
    for head in sheet.shown.heads:
        one = numbers.site(head.site)
        if one is None:
            continue
        about = (
            numbers.run_name,
            numbers.example_name,
            numbers.step,
            "" if numbers.training_step is None else numbers.training_step,
            one.site,
            "" if one.layer < 0 else one.layer,
            one.kind,
            head.head,
            one.numbers_in_model[head.head],
            int(one.hard),
            one.queries,
            one.keys,
            one.rows_read,
        )
        values = (one.number(measure, head.head) for measure in MEASURES)
        writer.writerow((*about, *("" if np.isnan(value) else value for value in values)))
    return out.getvalue().encode("utf-8", errors="replace")


def _npz(sheet: HeadsSheet, words: str) -> bytes:
    """Numbers and small maps of the heads that are shown, in the order shown."""
    numbers, heads = sheet.numbers, sheet.shown.heads
    sites = {one.site: one for one in numbers.sites}
    arrays: dict[str, np.ndarray] = {
        "caption": np.array(words),
        "site": np.array([head.site for head in heads]),
        "layer": np.array([sites[head.site].layer for head in heads]),
        "head": np.array([head.head for head in heads]),
        "head_in_model": np.array([sites[h.site].numbers_in_model[h.head] for h in heads]),
    }
    for measure in MEASURES:
        values = [numbers.value(measure, head) for head in heads]
        arrays[measure_column(measure)] = np.array(values, np.float64)
    for place, head in enumerate(heads):
        one = sites[head.site]
        if len(one.maps) == one.heads:
            small = amounts(one.maps[head.head], float(one.largest[head.head]))
            arrays[f"map_{place}"] = small
    arrays["map_block"] = np.array([sites[head.site].block for head in heads])
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()
