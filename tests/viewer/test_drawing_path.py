"""The scan path: which discs there are and where they stand."""

from __future__ import annotations

import itertools

import numpy as np
from drawing_samples import make_frame, near, painted
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QLineF, QPointF, QRectF

from hardattn_viewer.drawing.colours import rgb
from hardattn_viewer.drawing.path import Visit, place_discs
from hardattn_viewer.drawing.regions import paint_regions, regions_picture
from hardattn_viewer.drawing.theme import DARK
from hardattn_viewer.session.display import Display

BOUNDS = QRectF(10, 20, 340, 340)


def placed(keys: list[int], step: int) -> tuple[list[Visit], list[QPointF], list]:
    visits = [Visit(at, key, key % 7 * 4 + 2.0, key // 7 * 4 + 2.0) for at, key in enumerate(keys)]
    points = [QPointF(10 + v.x / 28 * 340, 20 + v.y / 28 * 340) for v in visits]
    return visits, points, place_discs(visits, step, points, BOUNDS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 48), min_size=1, max_size=12), st.integers(0, 11))
def test_discs_never_cover_each_other_nor_leave_the_image(keys: list[int], step: int) -> None:
    _, _, discs = placed(keys, step)
    for one, other in itertools.combinations(discs, 2):
        assert QLineF(one.centre, other.centre).length() >= one.radius + other.radius - 0.5
    for disc in discs:
        margin = disc.radius - 0.01
        assert BOUNDS.adjusted(margin, margin, -margin, -margin).contains(disc.centre)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 48), min_size=1, max_size=8), st.integers(0, 7))
def test_every_step_has_its_number_and_lies_near_its_region(keys: list[int], step: int) -> None:
    _, points, discs = placed(keys, step)
    assert sorted(int(disc.text) for disc in discs) == list(range(1, len(keys) + 1))
    for disc in discs:
        at = int(disc.text) - 1
        assert disc.future == (at > step)
        assert disc.current == (at == step)
        if keys.count(keys[at]) == 1 and len(set(keys)) == len(keys):
            assert QLineF(disc.centre, points[at]).length() < 1


def test_a_place_visited_very_often_says_how_many_more_visits_there_are() -> None:
    _, _, discs = placed([24] * 30, 10)
    assert [disc.text for disc in discs if disc.text.startswith("+")] == ["+23"]
    assert any(disc.current and disc.text == "11" for disc in discs)
    assert len(discs) == 8


def test_the_current_disc_is_painted_last_and_future_ones_first() -> None:
    _, _, discs = placed([1, 9, 17, 25], 1)
    assert [disc.text for disc in discs] == ["3", "4", "1", "2"]


def test_steps_so_far_are_filled_and_steps_to_come_are_hollow() -> None:
    frame = make_frame(selections=[[8], [12], [36]], step=1)
    picture = regions_picture(frame, Display(heat=False, boxes=False), scale_max=1.0)
    found = painted(400, 400, lambda p: paint_regions(p, QRectF(0, 0, 392, 392), picture, DARK))
    for key, filled in ((8, True), (12, True), (36, False)):
        x, y = (key % 7 * 4 + 2) * 14, (key // 7 * 4 + 2) * 14
        beside_the_number = found[y, x - 7]
        assert near(beside_the_number, rgb(DARK.hard), 3) == filled, key


def test_a_line_joins_the_regions_of_consecutive_steps() -> None:
    frame = make_frame(selections=[[21], [27]], step=1)
    picture = regions_picture(frame, Display(heat=False, boxes=False), scale_max=1.0)
    found = painted(400, 400, lambda p: paint_regions(p, QRectF(0, 0, 392, 392), picture, DARK))
    column = found[190:204, 196].astype(int)
    assert (np.abs(column - rgb(DARK.hard)).max(axis=1) < 90).any()


def test_several_regions_of_one_step_share_its_number_and_are_not_joined() -> None:
    visits = [Visit(0, 8, 6, 6), Visit(0, 40, 22, 22), Visit(1, 24, 14, 14)]
    points = [QPointF(10 * v.x, 10 * v.y) for v in visits]
    discs = place_discs(visits, 1, points, QRectF(0, 0, 280, 280))
    assert sorted(disc.text for disc in discs) == ["1", "1", "2"]
