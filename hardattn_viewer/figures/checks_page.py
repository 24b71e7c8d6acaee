"""The figure of a check of faithfulness: what its view shows, on paper."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QGuiApplication

from hardattn_viewer.checks.packing import packed_forced, packed_measured
from hardattn_viewer.checks.summary import as_csv
from hardattn_viewer.drawing.checks.page import paint_checks
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.checks.scores import paint_scores, scores_height
from hardattn_viewer.drawing.text import plain
from hardattn_viewer.figures.blocks import GAP, MARGIN, Block, Page, caption_block, whole
from hardattn_viewer.figures.figure import Figure, Written
from hardattn_viewer.figures.options import FigureError, FigureOptions
from recorders.version import PRODUCER

NARROWEST = 520.0
"""Logical pixels that the page needs in width."""
_SHAPE = 0.74
_INSET = 12.0
"""As far from the edges as the parts of the page above."""


def make_checks_figure(picture: ChecksPicture, run_name: str, options: FigureOptions) -> Figure:
    """A figure of a report: verdict, curves, win rates, agreement, controls and scores.

    Args:
        picture: the report, its operator and the explanation in focus.
        run_name: of the run that was checked.
        options: size, type and theme.

    Raises:
        FigureError: it is too narrow for its type, or there is nothing in the report.
    """
    if QGuiApplication.instance() is None:
        raise FigureError("no QGuiApplication is running; create one before making figures")
    if not picture.report.verdicts:
        raise FigureError(f"the checks of {plain(run_name)} hold no verdict yet")
    inner = whole(options.width - 2 * MARGIN)
    if inner < NARROWEST:
        least = (NARROWEST + 2 * MARGIN) * options.unit_pt * 25.4 / 72
        raise FigureError(
            f"a check needs {least:.0f} mm at {options.font_pt:g} pt: choose a wider figure or a "
            "smaller type"
        )
    theme, height = options.theme, whole(_SHAPE * inner)
    words = _caption(picture, run_name)

    rect = QRectF(MARGIN, MARGIN, inner, height)
    blocks = [Block(rect, lambda painter, place: paint_checks(painter, place, picture, theme))]
    y = MARGIN + height + GAP
    if high := scores_height(picture, inner - 2 * _INSET, theme):
        place = QRectF(MARGIN + _INSET, y + GAP, inner - 2 * _INSET, high)
        blocks.append(Block(place, lambda painter, at: paint_scores(painter, at, picture, theme)))
        y += high + 2 * GAP
    if options.caption:
        tall, paint = caption_block(words, inner, theme)
        blocks.append(Block(QRectF(MARGIN, y, inner, tall), paint))
        y += tall + GAP
    page = Page(options.width, y - GAP + MARGIN, tuple(blocks), words, (), None)
    written = Written(
        f"Faithfulness of {plain(run_name)}",
        lambda: as_csv(picture.report).encode(),
        lambda caption: _npz(picture, caption),
    )
    return Figure(replace(options, view="faithfulness"), (), page, written)


def _caption(picture: ChecksPicture, run_name: str) -> str:
    report, measured = picture.report, picture.measured
    facts = report.facts
    model = plain(str(facts.get("model", "unnamed")))
    parts = [f"Faithfulness of {plain(run_name)}, model {model}"]
    parts.append(f"{len(report.examples)} examples, seed {facts.get('seed', '–')}")
    if measured is not None:
        others = [one.operator for one in report.measured if one is not measured]
        also = f"; verdicts also by {', '.join(others)}" if others else ""
        controls = len(measured.control_deletion)
        parts.append(f"Items removed by {measured.operator}: {measured.words}{also}")
        parts.append(f"Grey band: 95 % of {controls} random rankings")
    return f"{'. '.join(parts)}. {PRODUCER}."


def _npz(picture: ChecksPicture, caption: str) -> bytes:
    packed = io.BytesIO()
    arrays = {
        **packed_measured(picture.report.measured)[1],
        **packed_forced(picture.report.forced)[1],
    }
    np.savez_compressed(packed, allow_pickle=False, caption=np.array(caption), **arrays)
    return packed.getvalue()
