"""Axes and curves: round marks, readings, peaks that stay, places that are found again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawing_samples import painted
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.drawing.axes import log_ticks, peak_points, reading, tick_words, ticks
from hardattn_viewer.drawing.colours import rgb
from hardattn_viewer.drawing.curves import (
    CurvesPicture,
    areas,
    paint_curves,
    readings,
    stop_at,
    stop_place,
)
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.session.curves import Line, panel_of

RECT = QRectF(0, 0, 640, 300)


def line(y: list[float], *, slot: str = "A", hard: bool = True, half: float | None = None) -> Line:
    values = np.array(y)
    width = None if half is None else np.full(values.size, half)
    return Line(slot, hard, np.arange(values.size) * 100.0, values, width, "solid", "mean")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (-1.2, "−1.20"),
        (12.3456, "12.3"),
        (999.6, "1,000"),
        (12345.0, "12,345"),
        (4.2e-6, "4.20×10⁻⁶"),
        (3e9, "3.00×10⁹"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_a_reading_has_three_digits_that_count(value: float, words: str) -> None:
    assert reading(value) == words


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 12))
def test_ticks_are_round_equally_far_apart_and_not_too_many(
    low: float, span: float, most: int
) -> None:
    found = ticks(low, low + span, most)
    assert 0 <= len(found) <= most
    slack = 1e-6 * span
    assert all(low - slack <= value <= low + span + slack for value in found)
    if len(found) > 1:
        step = found[1] - found[0]
        lead = step / 10 ** math.floor(math.log10(step * (1 + 1e-9)))
        assert any(lead == pytest.approx(m, rel=1e-3) for m in (1, 2, 5, 10))
        np.testing.assert_allclose(np.diff(found), step, rtol=1e-3)
    if most >= 3:
        assert found


def test_marks_of_axes_are_short() -> None:
    assert ticks(0, 3000, 4) == (0, 1000, 2000, 3000)
    assert log_ticks(0.002, 30, 5) == pytest.approx((0.01, 0.1, 1, 10))
    assert log_ticks(1e-6, 1.0, 3) == pytest.approx((1e-6, 1e-3, 1.0))
    assert [tick_words(v) for v in (0, 0.25, 1000, -2, 1e-5, 2e6)] == [
        "0", "0.25", "1,000", "−2", "10⁻⁵", "2·10⁶",
    ]  # fmt: skip


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_thinned_curves_keep_their_peaks(seed: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.uniform(0.1, 1.0, 2000))
    y = rng.normal(size=2000)
    y[rng.integers(0, 2000, 300)] = np.nan
    thin_x, thin_y = peak_points(x, y, columns)
    assert thin_x.size <= 4 * (columns + 1) and (np.diff(thin_x) >= 0).all()
    place = np.floor((x - x[0]) / (x[-1] - x[0]) * columns)
    thin_place = np.floor((thin_x - x[0]) / (x[-1] - x[0]) * columns)
    for column in np.unique(place):
        inside, kept = y[place == column], thin_y[thin_place == column]
        if np.isfinite(inside).any():
            assert np.nanmax(kept) == np.nanmax(inside)
            assert np.nanmin(kept) == np.nanmin(inside)


def test_few_points_are_left_as_they_are() -> None:
    x, y = np.arange(5.0), np.array([1.0, np.nan, 2.0, 3.0, 1.0])
    assert peak_points(x, y, 100)[1] is y


@pytest.mark.parametrize("count", [1, 2, 5, 8, 12])
def test_every_stop_is_found_where_it_is_drawn(count: int) -> None:
    panels = tuple(panel_of(f"n{at}", (line([1, 2, 3, 4]),)) for at in range(count))
    picture = CurvesPicture(panels, np.arange(4) * 100.0)
    places = areas(picture, RECT)
    assert len(places) == count
    for stop in range(4):
        for area in places:
            x = area.left() + stop / 3 * area.width()
            assert stop_at(picture, RECT, QPointF(x, area.center().y())) == stop
        assert stop_at(picture, RECT, stop_place(picture, RECT, stop)) == stop
    for one in places:
        assert RECT.contains(one)
        assert not any(one.intersects(other) for other in places if other is not one)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_curves_are_drawn_at_their_values_in_the_colour_of_their_run(theme: Theme) -> None:
    panel = panel_of(
        "accuracy", (line([0.0, 0.5, 1.0]), line([1.0, 0.5, 0.0], slot="B", hard=False))
    )
    picture = CurvesPicture((panel,), np.arange(3) * 100.0)
    pixels = painted(640, 300, lambda p: paint_curves(p, RECT, picture, theme)).astype(int)
    area = areas(picture, RECT)[0]
    x = int(area.left() + 0.75 * area.width())
    for colour, share in ((theme.hard, 0.75), (theme.soft, 0.25)):
        near = np.abs(pixels[:, x] - rgb(colour)).max(axis=1) < 40
        rows = np.flatnonzero(near)
        assert rows.mean() == pytest.approx(area.bottom() - share * area.height(), abs=2.0)


def test_values_at_the_cursor_are_read_out_and_those_under_the_mouse_before_them() -> None:
    panel = panel_of("x", (line([1.0, 2.0, 3.0], half=0.25),))
    picture = CurvesPicture((panel,), np.arange(3) * 100.0, at=1)
    assert "".join(word.text for word in readings(picture, panel, DARK)) == "2.00 ± 0.250"
    pointed = CurvesPicture((panel,), np.arange(3) * 100.0, at=1, pointed=2)
    assert "3.00" in "".join(word.text for word in readings(pointed, panel, DARK))
    both = panel_of("x", (line([1.0]), line([4.0], slot="B", hard=False)))
    words = readings(CurvesPicture((both,), np.zeros(1), at=0), both, DARK)
    assert "".join(word.text for word in words).split() == ["A", "1.00", "B", "4.00"]
