"""Bars over keys: heights, marks, merging, hit-testing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing_samples import make_frame, near, painted
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF

from hardattn_viewer.drawing.colours import rgb
from hardattn_viewer.drawing.distribution import (
    bar_at,
    bars_in,
    distribution_picture,
    key_name,
    paint_distribution,
)
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.session.frames import Frame

RECT = QRectF(10, 10, 490, 120)


def keys_frame(values: np.ndarray, chosen: tuple[int, ...] = (), hard: bool = True) -> Frame:
    row = values.astype(np.float32)
    return replace(
        make_frame(hard=hard),
        boxes=None,
        image=None,
        probabilities=row,
        distributions=row[None],
        selections=(chosen,),
    )


def shown(frame: Frame, scale: float, theme: Theme = DARK) -> np.ndarray:
    picture = distribution_picture(frame, scale)
    return painted(520, 140, lambda p: paint_distribution(p, RECT, picture, theme))


def coloured(column: np.ndarray, colour: str) -> int:
    return int((np.abs(column.astype(int) - rgb(colour)).max(axis=1) < 8).sum())


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_bars_are_as_high_as_their_share_of_the_scale(theme: Theme) -> None:
    values = np.zeros(49)
    values[[5, 20]] = 0.4, 0.1
    frame = make_frame(values, selections=[[5]])
    bars = bars_in(distribution_picture(frame, 0.4), RECT)
    found = shown(frame, 0.4, theme)
    for key, share, colour in ((5, 1.0, theme.hard), (20, 0.25, theme.bar)):
        column = found[int(bars.area.top()) : int(bars.area.bottom()) + 1]
        height = coloured(column[:, int(bars.column(key).center().x())], colour)
        assert height == pytest.approx(share * bars.area.height(), abs=1.5)


def test_the_chosen_bar_stands_under_a_triangle_and_others_do_not() -> None:
    values = np.full(49, 1 / 49)
    frame = make_frame(values, selections=[[30]])
    found = shown(frame, 0.1)
    bars = bars_in(distribution_picture(frame, 0.1), RECT)
    tip = bars.area.bottom() - bars.area.height() * (1 / 49) / 0.1
    for key, there in ((30, True), (12, False)):
        x = int(bars.column(key).center().x())
        above = found[int(tip) - 8 : int(tip) - 2, x]
        assert (coloured(above, DARK.hard) >= 3) == there


def test_soft_bars_are_blue_and_hard_ones_grey() -> None:
    values = np.full(49, 1 / 49)
    hard, soft = shown(make_frame(values), 0.02), shown(make_frame(values, hard=False), 0.02)
    bars = bars_in(distribution_picture(make_frame(values), 0.02), RECT)
    x, y = int(bars.column(9).center().x()), int(bars.area.center().y())
    assert near(hard[y, x], rgb(DARK.bar))
    blue = 0.85 * np.array(rgb(DARK.soft)) + 0.15 * np.array((0x12, 0x34, 0x56))
    assert near(soft[y, x], blue, 3)


def test_zero_has_no_bar_and_tiny_keeps_one_pixel() -> None:
    values = np.zeros(49)
    values[10] = 1e-8
    frame = make_frame(values)
    found = shown(frame, 0.4)
    bars = bars_in(distribution_picture(frame, 0.4), RECT)
    y = int(bars.area.bottom()) - 1
    assert near(found[y, int(bars.column(20).center().x())], (0x12, 0x34, 0x56), 0)
    assert not near(found[y, int(bars.column(10).center().x())], (0x12, 0x34, 0x56), 10)


def test_missing_values_are_hatched_and_not_drawn_as_zero() -> None:
    values = np.full(49, 1 / 49)
    values[7] = np.nan
    frame = make_frame(values)
    found = shown(frame, 0.4)
    column = bars_in(distribution_picture(frame, 0.4), RECT).column(7)
    inside = found[int(column.bottom()) - 11 : int(column.bottom()) - 1]
    cell = inside[:, int(column.left()) + 1 : int(column.right())].reshape(-1, 3)
    assert len(np.unique(cell, axis=0)) > 1


def test_ten_thousand_keys_merge_by_maximum_and_none_is_lost() -> None:
    values = np.random.default_rng(0).random(10_000) * 1e-4
    values[6_789] = 0.5
    bars = bars_in(distribution_picture(keys_frame(values), 0.5), RECT)
    assert len(bars.first) == 245
    assert 6_789 in bars.peak
    edges = np.append(bars.first, 10_000)
    assert (np.diff(edges) > 0).all() and edges[0] == 0
    assert bars.merged == np.diff(edges).max()
    for bar in (0, 80, 244):
        part = values[edges[bar] : edges[bar + 1]]
        assert bars.peak[bar] == edges[bar] + part.argmax()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.floats(60, 900), st.floats(0, 0.999))
def test_the_key_under_a_bar_is_the_key_of_that_bar(keys: int, width: float, at: float) -> None:
    values = np.random.default_rng(keys).dirichlet(np.ones(keys))
    picture = distribution_picture(keys_frame(values), 1.0)
    rect = QRectF(7, 5, width, 90)
    bars = bars_in(picture, rect)
    bar = int(at * len(bars.peak))
    point = QPointF(bars.column(bar).center().x(), bars.area.center().y())
    assert bar_at(picture, rect, point) == bars.peak[bar]
    assert bar_at(picture, rect, QPointF(6.0, point.y())) is None
    assert bar_at(picture, rect, QPointF(7.1 + width, point.y())) is None


def test_the_hovered_key_is_named_with_its_value_and_place() -> None:
    frame = make_frame(np.full(49, 0.0204))
    assert distribution_picture(frame, 1.0, 8).hover_text == "region 8 at (6, 6) px: 0.02"
    tokens = replace(frame, tokens=("a", "seven"), boxes=None)
    assert key_name(tokens, 1) == "“seven”"
    assert key_name(replace(frame, boxes=None), 3) == "key 3"


@pytest.mark.parametrize("height", [20, 40, 61, 62, 120])
@pytest.mark.parametrize("width", [30, 120, 400])
def test_nothing_is_painted_outside_the_rectangle(width: int, height: int) -> None:
    rect = QRectF(20, 20, width, height)
    frame = make_frame(selections=[[0], [48]], step=1)
    picture = distribution_picture(frame, 0.01, 48)
    canvas = painted(
        width + 40, height + 40, lambda p: paint_distribution(p, rect, picture, LIGHT), ratio=2
    )
    canvas[40 : 40 + 2 * height, 40 : 40 + 2 * width] = (0x12, 0x34, 0x56)
    assert near(canvas.reshape(-1, 3), (0x12, 0x34, 0x56), 0)


def test_a_scale_of_nothing_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        distribution_picture(make_frame(), 0.0)
