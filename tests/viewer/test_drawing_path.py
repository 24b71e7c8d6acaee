"""The scan path: which discs there are and where they stand."""

from __future__ import annotations

import itertools

import numpy as np
from drawing_samples import make_frame, near, painted
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QLineF, QPointF, QRectF

from hardattn_viewer.drawing.badges import Labels, Visit, place_badges
from hardattn_viewer.drawing.colours import rgb
from hardattn_viewer.drawing.path import clipped
from hardattn_viewer.drawing.regions import paint_regions, regions_picture
from hardattn_viewer.drawing.theme import DARK
from hardattn_viewer.session.display import Display

BOUNDS = QRectF(10, 20, 340, 340)


def placed(keys: list[int], step: int) -> tuple[list[QPointF], Labels]:
    visits = [Visit(at, key, key % 7 * 4 + 2.0, key // 7 * 4 + 2.0) for at, key in enumerate(keys)]
    points = [QPointF(10 + v.x / 28 * 340, 20 + v.y / 28 * 340) for v in visits]
    return points, place_badges(visits, step, points, BOUNDS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 48), min_size=1, max_size=200), st.integers(0, 199))
def test_badges_never_cover_each_other_nor_leave_the_image(keys: list[int], step: int) -> None:
    _, labels = placed(keys, step)
    for one, other in itertools.combinations(labels.badges, 2):
        assert not one.rect.intersects(other.rect), (one.text, other.text)
    for badge in labels.badges:
        assert BOUNDS.contains(badge.rect)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 48), min_size=1, max_size=200), st.integers(0, 199))
def test_every_step_has_a_badge_or_is_counted(keys: list[int], step: int) -> None:
    _, labels = placed(keys, step)
    numbered = [one for badge in labels.badges for one in badge.steps]
    assert len(numbered) == len(set(numbered))
    assert len(numbered) + labels.unnumbered == len(keys)
    for badge in labels.badges:
        assert len({keys[one] for one in badge.steps}) == 1
        assert badge.current == (step in badge.steps)
        assert badge.future == all(one > step for one in badge.steps)
    if step < len(keys):
        assert any(badge.current for badge in labels.badges)


def test_few_steps_stand_on_their_regions() -> None:
    points, labels = placed([8, 12, 36], 1)
    assert sorted(badge.text for badge in labels.badges) == ["1", "2", "3"]
    for badge in labels.badges:
        assert QLineF(badge.centre, points[badge.steps[0]]).length() < 1


def test_a_place_visited_again_has_one_badge_for_all_its_steps() -> None:
    _, labels = placed([3, 8, 24, 9, 8], 1)
    assert "2·5" in [badge.text for badge in labels.badges]
    assert len(labels.badges) == 4


def test_a_place_visited_very_often_says_how_many_more_visits_there_are() -> None:
    _, labels = placed([24] * 30, 10)
    assert [badge.text for badge in labels.badges] == ["10·11·12+27"]


def test_the_current_badge_is_painted_last_and_future_ones_first() -> None:
    _, labels = placed([1, 9, 17, 25], 1)
    assert [badge.text for badge in labels.badges][-1] == "2"
    assert [badge.future for badge in labels.badges] == [True, True, False, False]


def test_what_cannot_be_seen_has_no_number() -> None:
    visits = [Visit(at, at, 0, 0) for at in range(2)]
    labels = place_badges(visits, 0, [QPointF(100, 100), QPointF(-50, 100)], BOUNDS)
    assert [badge.text for badge in labels.badges] == ["1"]
    assert labels.unnumbered == 0


def test_a_line_is_cut_where_the_image_ends() -> None:
    cut = clipped(QLineF(0, 0, 100, 100), QRectF(20, 10, 30, 30))
    assert cut is not None
    assert (cut.x1(), cut.y1(), cut.x2(), cut.y2()) == (20, 20, 40, 40)
    assert clipped(QLineF(0, 0, 10, 0), QRectF(20, 10, 30, 30)) is None


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
    labels = place_badges(visits, 1, points, QRectF(0, 0, 280, 280))
    assert sorted(badge.text for badge in labels.badges) == ["1", "1", "2"]
