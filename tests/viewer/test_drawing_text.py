"""Text, headings and chips: nothing cut, nothing outside, nothing dangerous."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawing_samples import near, painted
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF

from hardattn_viewer.drawing.headings import (
    chip_rows,
    chips_height,
    paint_badge,
    paint_chips,
    paint_heading,
    paint_kind,
)
from hardattn_viewer.drawing.text import (
    Words,
    amount,
    draw_text,
    font,
    number,
    plain,
    text_width,
    wrap,
)
from hardattn_viewer.drawing.theme import DARK, LIGHT

NAME = "a run with a really very long name of which nobody sees the end"
BACK = (0x12, 0x34, 0x56)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60), st.integers(5, 200))
def test_a_line_of_text_stays_between_its_edges(words: str, width: int) -> None:
    used: list[float] = []
    painted(
        240,
        40,
        lambda p: used.append(draw_text(p, QRectF(20, 10, width, 20), words, DARK)),
    )
    assert used[0] <= width + 0.5


@pytest.mark.parametrize("align", ["left", "right", "centre"])
@pytest.mark.parametrize("width", [8, 30, 77, 150])
def test_long_text_is_elided_and_inks_nothing_outside(width: int, align: str) -> None:
    rect = QRectF(20, 10, width, 20)
    canvas = painted(
        200,
        40,
        lambda p: draw_text(p, rect, NAME, LIGHT, align=align),  # type: ignore[arg-type]
        ratio=2,
    )
    # Half a px of grace for the smoothing of the first and last glyph.
    canvas[20:60, 39 : 41 + 2 * width] = BACK
    assert near(canvas.reshape(-1, 3), BACK, 0)


def test_numbers_in_bold_stay_when_the_words_before_them_are_shortened() -> None:
    number_width = text_width([Words("0.31", bold=True)], DARK)
    chip = [Words("Jensen–Shannon "), Words("0.31", bold=True), Words(" bits")]
    for width in (number_width + 12, 90, 120):
        rect = QRectF(10, 5, width, 20)
        alone = painted(200, 30, lambda p, r=rect: draw_text(p, r, chip[1:2], DARK, align="right"))
        both = painted(200, 30, lambda p, r=rect: draw_text(p, r, chip, DARK, align="right"))
        if width < text_width(chip, DARK):
            x = int(rect.right() - number_width) + 1
            assert np.array_equal(alone[:, x:], both[:, x:])


def test_text_that_fits_exactly_is_not_elided() -> None:
    width = text_width("shared scale", DARK)
    used: list[float] = []
    painted(
        200, 30, lambda p: used.append(draw_text(p, QRectF(0, 0, width, 20), "shared scale", DARK))
    )
    assert used == [pytest.approx(width)]


def test_digits_have_one_width() -> None:
    for bold in (False, True):
        metrics = QFontMetricsF(font(DARK, bold=bold))
        assert len({metrics.horizontalAdvance(digit) for digit in "0123456789"}) == 1


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("abc  ä・\u00a0"), max_size=200), st.integers(30, 300))
def test_wrapped_lines_fit_and_lose_nothing(words: str, width: int) -> None:
    lines = wrap(words, width, DARK)
    assert "".join(lines).replace(" ", "") == plain(words).replace(" ", "")
    for line in lines:
        assert text_width(line, DARK) <= width or len(line) == 1


def test_words_of_a_file_cannot_steer_the_text() -> None:
    assert plain("a\nb\u202ec\x00d\ud800") == "a·b·c·d·"
    assert plain("<b>digit</b> π ≥ 0.5") == "<b>digit</b> π ≥ 0.5"


def test_numbers_have_true_signs_and_enough_digits() -> None:
    assert number(-0.713) == "−0.71"
    assert number(-0.001) == "0.00"
    assert number(math.nan) == "–"
    assert amount(0.4249) == "0.42"
    assert amount(0.0) == "0.00"
    assert amount(0.00312) == "0.0031"
    assert amount(4.2e-6) == "4.2×10⁻⁶"
    assert amount(math.nan) == "–"


def test_badges_have_the_colours_of_the_difference() -> None:
    for slot, colour in (("A", DARK.hard), ("B", DARK.soft)):
        found = painted(30, 30, lambda p, s=slot: paint_badge(p, QRectF(5, 5, 19, 19), s, DARK))
        expected = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert near(found[8, 8], expected, 3)


@pytest.mark.parametrize("width", [60, 120, 240, 420])
def test_headings_keep_to_their_line(width: int) -> None:
    rect = QRectF(20, 20, width, 26)
    canvas = painted(
        width + 40,
        70,
        lambda p: paint_heading(p, rect, NAME, DARK, slot="A", aside="step 4 of 6"),
        ratio=2,
    )
    canvas[40:92, 40 : 41 + 2 * width] = BACK
    assert near(canvas.reshape(-1, 3), BACK, 0)


def test_kinds_are_told_by_word_and_not_only_by_colour() -> None:
    hard, soft = (
        painted(60, 30, lambda p, k=kind: paint_kind(p, QRectF(5, 5, 48, 18), k, LIGHT))
        for kind in (True, False)
    )
    ink = [np.abs(x.astype(int) - BACK).sum(axis=2) > 60 for x in (hard, soft)]
    assert (ink[0] != ink[1]).sum() > 20


@pytest.mark.parametrize("width", [40, 150, 400])
def test_chips_wrap_into_rows_that_fit(width: int) -> None:
    chips = [
        [Words("Jensen–Shannon "), Words("0.31", bold=True), Words(" bits")],
        [Words("soft mass on A's choice "), Words("0.08", bold=True)],
        [Words("same argmax "), Words("no", bold=True)],
    ]
    rows = chip_rows(chips, width, DARK)
    assert sum(len(row) for row in rows) == 3
    assert all(sum(wide for _, wide in row) <= width for row in rows)
    height = int(chips_height(chips, width, DARK))
    rect = QRectF(10, 10, width, height)
    canvas = painted(width + 20, height + 20, lambda p: paint_chips(p, rect, chips, DARK), ratio=2)
    canvas[20 : 21 + 2 * height, 20 : 21 + 2 * width] = BACK
    assert near(canvas.reshape(-1, 3), BACK, 0)
