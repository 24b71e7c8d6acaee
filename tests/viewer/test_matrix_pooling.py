"""Maps at coarser resolutions, what counts as masked, and where cells lie: against plain numpy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hardattn_viewer.drawing.matrix.labels import written
from hardattn_viewer.session.map_difference import difference, pooled_signed
from hardattn_viewer.session.masking import (
    MASKED,
    NOT_RECORDED,
    MaskRule,
    everything,
    inferred_rule,
)
from hardattn_viewer.session.matrix import MOST_CELL, Zoom, centred, dragged, map_layout, zoomed
from hardattn_viewer.session.pyramid import Pyramid, block_for, pooled

SIZES = st.integers(1, 40)
BLOCKS = st.sampled_from([1, 2, 4, 8])
SEEDS = st.integers(0, 2**16)


def some_map(seed: int, queries: int, keys: int) -> NDArray[np.float32]:
    """Numbers, zeros and holes."""
    rng = np.random.default_rng(seed)
    values = rng.random((queries, keys)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = 0
    values[rng.random(values.shape) < 0.2] = np.nan
    return values


def blocks_of(values: NDArray[np.float32], down: int, across: int) -> list[list[NDArray]]:
    return [
        [values[y : y + down, x : x + across] for x in range(0, values.shape[1], across)]
        for y in range(0, values.shape[0], down)
    ]


@given(SEEDS, SIZES, SIZES, BLOCKS, BLOCKS)
def test_a_block_shows_its_largest_number_else_what_was_not_recorded_else_the_mask(
    seed: int, queries: int, keys: int, down: int, across: int
) -> None:
    rng = np.random.default_rng(seed)
    values = some_map(seed, queries, keys)
    first = rng.integers(0, keys + 1, queries)
    last = rng.integers(-1, keys, queries)
    rule = MaskRule(first, last, False, keys)
    at = np.arange(keys)
    outside = (at < first[:, None]) | (at > last[:, None])
    masked = outside & (values == 0)
    found = Pyramid(values, queries, keys, rule).patch(down, across)
    for row, line in zip(found.values, blocks_of(values, down, across), strict=True):
        assert len(row) == len(line)
    for y in range(0, queries, down):
        for x in range(0, keys, across):
            block, hidden = (
                values[y : y + down, x : x + across],
                masked[y : y + down, x : x + across],
            )
            numbers = block[~np.isnan(block) & ~hidden]
            if numbers.size:
                expected = float(numbers.max())
            elif np.isnan(block).any():
                expected = NOT_RECORDED
            else:
                expected = MASKED
            assert found.at(y, x) == np.float32(expected)


@given(SEEDS, SIZES, SIZES, BLOCKS, BLOCKS)
def test_a_block_of_a_difference_shows_what_is_farthest_from_zero(
    seed: int, queries: int, keys: int, down: int, across: int
) -> None:
    a, b = some_map(seed, queries, keys), some_map(seed + 1, queries, keys)
    signed = difference(np.nan_to_num(a, nan=NOT_RECORDED), np.nan_to_num(b, nan=NOT_RECORDED))
    found = pooled_signed(signed, down, across)
    for y, line in enumerate(blocks_of(b - a, down, across)):
        for x, block in enumerate(line):
            numbers = block[~np.isnan(block)]
            if numbers.size:
                assert abs(found[y, x]) == np.abs(numbers).max()
                assert found[y, x] in numbers
            else:
                assert found[y, x] == NOT_RECORDED


def test_a_difference_is_masked_where_both_are_and_zero_where_only_one_is() -> None:
    a = np.array([[MASKED, MASKED, 0.25, NOT_RECORDED]], np.float32)
    b = np.array([[MASKED, 0.5, MASKED, 0.5]], np.float32)
    np.testing.assert_array_equal(difference(a, b), [[MASKED, 0.5, -0.25, NOT_RECORDED]])


@given(SEEDS, st.integers(2, 40), st.integers(0, 6))
def test_a_causal_mask_and_padding_are_told_by_their_zeros(
    seed: int, tokens: int, padding: int
) -> None:
    rng = np.random.default_rng(seed)
    size = tokens + padding
    values = rng.uniform(0.1, 1, (size, size)).astype(np.float32)
    allowed = np.tril(np.ones((size, size), bool))
    allowed[:, tokens:] = False
    allowed[tokens:] = False
    values[~allowed] = 0
    rule = inferred_rule(values, size, size, positions=np.arange(size))
    np.testing.assert_array_equal(rule.outside((size, size), 0, 0), ~allowed)
    # A zero among keys that could be looked at is a zero.
    values[tokens - 1, 0] = 0
    coded = inferred_rule(values, size, size, positions=np.arange(size)).coded(values)
    assert coded[tokens - 1, 0] == 0
    assert (coded[~allowed] == MASKED).all()


def test_the_mask_of_a_large_map_is_told_by_its_overview() -> None:
    values = np.tril(np.ones((64, 64), np.float32))
    coarse = pooled(values, 8, 8)
    rule = inferred_rule(coarse, 64, 64, positions=np.arange(64), down=8, across=8)
    np.testing.assert_array_equal(rule.outside((64, 64), 0, 0), values == 0)
    blocks = rule.outside((8, 8), 0, 0, 8, 8)
    np.testing.assert_array_equal(blocks, np.triu(np.ones((8, 8), bool), 1))


def test_choices_are_no_mask_and_neither_are_holes() -> None:
    chosen = np.zeros((8, 8), np.float32)
    chosen[np.arange(8), (np.arange(8) * 3 + 2) % 7] = 1
    assert not inferred_rule(chosen, 8, 8, positions=None).outside((8, 8), 0, 0).any()
    holes = np.full((4, 4), np.nan, np.float32)
    assert not inferred_rule(holes, 4, 4, positions=np.arange(4)).outside((4, 4), 0, 0).any()
    sink = np.tril(np.full((5, 6), 0.2, np.float32))
    sink[:, 5] = 0.1
    rule = inferred_rule(sink, 5, 6, positions=np.arange(5), sink=True)
    np.testing.assert_array_equal(rule.outside((5, 6), 0, 0), sink == 0)


@given(st.floats(1e-4, 300))
def test_a_block_fills_a_pixel_and_half_of_it_would_not(cell: float) -> None:
    block = block_for(cell)
    assert block * cell >= 1 - 1e-6
    assert block == 1 or block / 2 * cell < 1


LENGTHS = st.integers(1, 9_000)
ROOM = st.floats(80, 1_600)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.5, 2), st.integers(300, 8_192))
def test_what_is_under_the_pointer_stays_there(x: float, y: float, by: float, tokens: int) -> None:
    middle = tokens / 2
    layout = map_layout(tokens, tokens, 500, 400, Zoom(20, middle, middle + 1), 56)
    before = layout.place(500 * x, 400 * y)
    zoom = zoomed(layout, by, 500 * x, 400 * y)
    after = map_layout(tokens, tokens, 500, 400, zoom, 56)
    assert after.cell_width == pytest.approx(20 * by)
    now = after.place(500 * x, 400 * y)
    # The map begins at a whole px.
    assert abs(now[0] - before[0]) * after.cell_height <= 0.51
    assert abs(now[1] - before[1]) * after.cell_width <= 0.51


@given(LENGTHS, LENGTHS, ROOM, ROOM, st.floats(0, 1), st.floats(0, 1))
def test_zooming_out_ends_with_the_whole_map_and_zooming_in_with_one_large_cell(
    queries: int, keys: int, width: float, height: float, x: float, y: float
) -> None:
    now = whole = map_layout(queries, keys, width, height, Zoom(), 56)
    for _ in range(60):
        now = map_layout(queries, keys, width, height, zoomed(now, 1.25, x * width, y * height), 56)
    assert min(now.cell_width, now.cell_height) == MOST_CELL
    for _ in range(60):
        now = map_layout(queries, keys, width, height, zoomed(now, 0.8, x * width, y * height), 56)
    assert now == whole


@given(LENGTHS, LENGTHS, ROOM, ROOM, st.floats(0, 200), st.floats(0, 1), st.floats(0, 1))
def test_a_cell_is_found_where_it_lies_and_no_room_is_wasted(
    queries: int, keys: int, width: float, height: float, cell: float, down: float, across: float
) -> None:
    zoom = Zoom(cell or None, down * queries, across * keys)
    layout = map_layout(queries, keys, width, height, zoom, 56)
    rows, columns = layout.seen_queries, layout.seen_keys
    assert rows and columns
    left, top, right, bottom = layout.box
    assert right - left <= width + 1e-6 and bottom - top <= height + 1e-6
    if layout.cell_width * keys > width and not layout.is_whole:
        assert right - left == pytest.approx(width, abs=1)
    for query in (rows[0], rows[-1], rows[len(rows) // 2]):
        y = layout.top + (query + 0.5) * layout.cell_height
        x = layout.left + (columns[len(columns) // 2] + 0.5) * layout.cell_width
        if left <= x < right and top <= y < bottom:
            assert layout.at(x, y) == (query, columns[len(columns) // 2])
    assert layout.at(left - 1, top + 1) is None


def test_a_drag_moves_by_as_many_px_and_a_place_can_be_gone_to() -> None:
    layout = map_layout(200, 200, 500, 400, Zoom(20, 100, 100), 56)
    moved = map_layout(200, 200, 500, 400, dragged(layout, -35, 12), 56)
    assert (moved.left - layout.left, moved.top - layout.top) == (-35, 12)
    far = map_layout(200, 200, 500, 400, dragged(layout, 1e6, 1e6), 56)
    assert (far.left, far.top) == (0, 0)
    near = map_layout(200, 200, 500, 400, centred(layout, 50.5, 60.5, 56), 56)
    assert near.at(250, 200) == (50, 60) and near.cell_width == 56


@given(
    st.integers(0, 4_000),
    st.integers(1, 500),
    st.floats(0.05, 60),
    st.lists(st.integers(0, 4_500), max_size=2),
)
def test_no_name_touches_the_next_and_the_marked_one_is_written(
    start: int, count: int, size: float, marked: list[int]
) -> None:
    seen = range(start, start + count)
    found = written(seen, size, 12, marked)
    assert set(found) <= set(seen)
    assert all((b - a) * size >= 12 - 1e-6 for a, b in pairwise(found))
    if marked and marked[0] in seen:
        assert marked[0] in found
    assert found or count * size < 24


def test_nothing_is_masked_where_nothing_says_so() -> None:
    rule = everything(3, 4)
    values = np.zeros((3, 4), np.float32)
    assert rule.coded(values) is values
