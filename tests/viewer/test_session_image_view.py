"""The part of an image that is looked at: closed forms, and what may never happen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_viewer.session.image_view import (
    ImageView,
    box_in,
    crop_words,
    known_view,
    most_zoom,
    panned,
    showing,
    zoomed,
)

SIZES = st.tuples(st.integers(1, 9000), st.integers(1, 9000))


def test_zooming_to_the_double_shows_half_of_each_side() -> None:
    view = zoomed(None, (300, 200), 2.0)
    assert view is not None and view.box == (75, 50, 225, 150)
    assert view.words == "200\N{NO-BREAK SPACE}%"


def test_the_point_under_the_pointer_stays_where_it_is() -> None:
    first = zoomed(None, (300, 200), 2.0, (120, 80))
    assert first is not None
    second = zoomed(first, (300, 200), 1.5, (120, 80))
    assert second is not None
    for view in (first, second):
        x0, y0, x1, y1 = view.box
        # At first the point was at 40 % of both sides.
        assert (120 - x0) / (x1 - x0) == pytest.approx(0.4)
        assert (80 - y0) / (y1 - y0) == pytest.approx(0.4)


def test_zooming_out_as_far_as_in_shows_all_again() -> None:
    view = zoomed(zoomed(None, (28, 28), 2.0, (3, 9)), (28, 28), 0.5, (20, 1))
    assert view is None


@settings(max_examples=100, deadline=None)
@given(
    SIZES,
    st.lists(st.floats(0.2, 5), min_size=1, max_size=8),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(-9000, 9000),
    st.floats(0.2, 5),
)
def test_nothing_beyond_the_image_is_ever_looked_at(
    size: tuple[int, int], factors: list[float], x: float, y: float, by: float, aspect: float
) -> None:
    view: ImageView | None = None
    for factor in factors:
        view = panned(zoomed(view, size, factor, (x * size[0], y * size[1])), by, -by)
    if view is None:
        return
    assert 1 < view.zoom <= most_zoom(size)
    x0, y0, x1, y1 = view.box
    slack = 1e-6 * max(size)
    assert -slack <= x0 < x1 <= size[0] + slack and -slack <= y0 < y1 <= size[1] + slack
    # A pane of any shape keeps proportions, shows all of the part, and room only beside the image.
    left, top, right, bottom = box_in(view, size, 1.0, aspect)
    assert (bottom - top) / (right - left) == pytest.approx(aspect)
    assert left <= x0 + slack and right >= x1 - slack
    assert top <= y0 + slack and bottom >= y1 - slack
    for low, high, length in ((left, right, size[0]), (top, bottom, size[1])):
        if high - low < length:
            assert low >= -slack and high <= length + slack
        else:
            assert low + high == pytest.approx(length, abs=1e-3 * max(size))


def test_a_part_of_an_image_of_another_size_is_none() -> None:
    view = zoomed(None, (28, 28), 2.0)
    assert known_view(view, (28, 28)) is view
    assert known_view(view, (28, 29)) is None


def test_a_box_outside_is_brought_into_view_by_the_shortest_way() -> None:
    view = zoomed(None, (100, 100), 4.0, (0, 0))
    assert view is not None and view.box == (0, 0, 25, 25)
    moved = showing(view, (30, 10, 40, 20))
    assert moved is not None and moved.box == (15, 0, 40, 25)
    assert showing(moved, (30, 10, 40, 20)) == moved


def test_the_caption_says_which_pixels_are_shown() -> None:
    view = zoomed(None, (300, 200), 2.0)
    assert crop_words(view, 3, 2) == "crop x 75–225, y 50–150 px"
    # A square has more room above and below.
    assert crop_words(view, 1, 1) == "crop x 75–225, y 25–175 px"
    assert crop_words(None, 1, 1) == ""
