"""Where tokens stand: wrapped words, two directions, arcs, and differences on a text."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing_samples import near, painted
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF
from text_runs import (
    ARABIC,
    BPE,
    CHINESE,
    HEBREW,
    WORDS,
    write_cross_run,
    write_text_run,
    write_tokens_run,
)

from hardattn_viewer.drawing.bidi import (
    direction_of,
    levels_of,
    runs_right_to_left,
    visual_order,
)
from hardattn_viewer.drawing.colours import rgb
from hardattn_viewer.drawing.text import font
from hardattn_viewer.drawing.theme import DARK, LIGHT
from hardattn_viewer.drawing.token_arcs import arc_path
from hardattn_viewer.drawing.token_difference import (
    no_token_difference,
    paint_token_difference,
    token_difference_at,
    token_difference_picture,
)
from hardattn_viewer.drawing.token_layout import Measured, lines_of, measured
from hardattn_viewer.drawing.tokens import (
    paint_tokens,
    token_at,
    token_place,
    tokens_height,
    tokens_picture,
)
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame, Place, frame_at, load_frame
from hardattn_viewer.session.token_groups import group_tokens
from recorders import read_run

RECT = QRectF(0, 0, 300, 400)


def frame_of(path: Path, query: int = 2) -> Frame:
    with read_run(path) as run:
        return load_frame(run, Place(head=0, query=query))


def order_of(words: tuple[str, ...], width: float = 2_000) -> list[str]:
    """What is read from left to right on the first line."""
    groups = group_tokens(words)
    lines = lines_of(groups, width, DARK, 14)
    first = np.flatnonzero(lines.line == 0)
    return [groups.labels[at] for at in first[np.argsort(lines.left[first])]]


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (("a", "b", "c"), "a b c"),
        (("אב", "גד", "."), ". גד אב"),
        (("אב", "GPT", "2", "גד"), "גד GPT 2 אב"),
        (("the", "אב", "גד", "end"), "the גד אב end"),
        (("אב", "12", ".", "5", "גד"), "גד 5 . 12 אב"),
        (("[CLS]", "אב", "[SEP]"), "[SEP] אב [CLS]"),
        (("[CLS]", "a", "[SEP]"), "[CLS] a [SEP]"),
    ],
)
def test_tokens_of_both_directions_are_read_in_their_order(
    words: tuple[str, ...], read: str
) -> None:
    assert order_of(words) == read.split(" ")


def test_a_paragraph_from_the_right_begins_at_the_right_edge() -> None:
    groups = group_tokens(HEBREW)
    lines = lines_of(groups, 400, DARK, 14)
    assert lines.left[0] + lines.width[0] == pytest.approx(400)
    assert lines.mirrored[1]
    for line in range(lines.count):
        own = np.flatnonzero(lines.line == line)
        assert (lines.left[own] + lines.width[own]).max() == pytest.approx(400)


def test_pieces_of_an_arabic_word_keep_the_shapes_of_the_word() -> None:
    groups = group_tokens(ARABIC)
    texts = measured(groups, DARK, 14).texts
    at = ARABIC.index("البد")
    assert texts[at] == "البد\u200d" and texts[at + 1] == "\u200dاية"
    whole = QFontMetricsF(font(DARK, 14)).horizontalAdvance("البداية")
    widths = measured(groups, DARK, 14).widths
    assert widths[at] + widths[at + 1] == pytest.approx(whole, abs=1.0)


directions = st.lists(st.sampled_from(["L", "R", "D", "N"]), max_size=30)


@given(directions, st.integers(0, 1))
def test_levels_follow_the_algorithm(found: list[str], base: int) -> None:
    levels = levels_of(found, base)  # type: ignore[arg-type]
    for one, level in zip(found, levels, strict=True):
        assert level in {"L": (0, 2), "R": (1,), "D": (0, 2), "N": (0, 1, 2)}[one]
    order = visual_order(levels)
    assert sorted(order) == list(range(len(found)))
    if not base and "R" not in found:
        assert order == sorted(order)
    if base and not set(found) & {"L", "D"}:
        assert order == sorted(order, reverse=True)


def test_the_direction_of_a_token_is_that_of_its_first_strong_letter() -> None:
    found = [direction_of(text) for text in ("a1", "אb", "12", "١٢", "...", "", "،", "עברית")]
    assert found == ["L", "R", "D", "D", "N", "N", "N", "R"]
    assert runs_right_to_left(["N", "D", "R", "L"]) and not runs_right_to_left(["N", "L", "R"])


@given(
    st.lists(st.sampled_from([*BPE, *CHINESE, *ARABIC, *HEBREW]), min_size=1, max_size=60),
    st.floats(60, 900),
)
# Two directions bring items of different words together on a line that is full.
@example(["Ġst", "<s>", "!", "##يء", "البد", "Ġin", ":"], 228.0)
def test_no_tokens_overlap_and_none_is_outside(words: list[str], room: float) -> None:
    groups = group_tokens(tuple(words))
    lines = lines_of(groups, room, DARK, 14)
    assert (np.diff(lines.line) >= 0).all() and (np.diff(lines.line) <= 1).all()
    assert (lines.left >= -1e-6).all() and (lines.left + lines.width <= room + 1e-6).all()
    for line in range(lines.count):
        own = np.flatnonzero(lines.line == line)
        own = own[np.argsort(lines.left[own])]
        assert (lines.left[own][1:] >= (lines.left + lines.width)[own][:-1] - 1e-6).all()


def test_lines_break_before_words_and_chinese_between_any_two() -> None:
    groups = group_tokens(tuple(["▁un", "believ", "able"] * 20))
    lines = lines_of(groups, 250, DARK, 14)
    assert lines.count > 3
    assert groups.starts[np.flatnonzero(np.diff(lines.line)) + 1].all()
    text = tuple("光照在黑暗里黑暗却不接受光" * 6)
    chinese = lines_of(group_tokens(text), 200, DARK, 14)
    per_line = np.bincount(chinese.line)
    assert per_line[:-1].min() == per_line[:-1].max() > 3


def test_a_word_wider_than_a_line_is_broken_within() -> None:
    groups = group_tokens(("▁" + "a" * 20, *(["b" * 20] * 5)))
    lines = lines_of(groups, 200, DARK, 14)
    assert lines.line.tolist() == list(range(6))


def test_a_newline_ends_the_line() -> None:
    lines = lines_of(group_tokens(BPE), 5_000, DARK, 14)
    at = BPE.index("Ċ")
    assert lines.line[[0, at, at + 1, at + 2, -1]].tolist() == [0, 0, 1, 2, 2]


def test_a_long_text_is_measured_in_slices_and_ends_as_if_at_once() -> None:
    groups = group_tokens(tuple(f"word-{n}" for n in range(6_000)))
    slow = Measured(groups, DARK, 14)
    slices = 0
    while not slow.is_complete:
        before = slow.done
        started = time.thread_time()
        slow.go_on(0.0)
        assert time.thread_time() - started < 0.05
        assert slow.done > before
        slices += 1
    assert slices > 10
    metrics = QFontMetricsF(font(DARK, 14))
    expected = [metrics.horizontalAdvance(text) for text in groups.labels[::97]]
    np.testing.assert_allclose(slow.widths[::97], expected)


def test_merged_and_hidden_tokens_are_found_where_they_are_painted(tmp_path: Path) -> None:
    frame = frame_of(write_tokens_run(tmp_path / "b.h5", BPE), 5)
    display = Display(subwords="words", specials="hidden")
    picture = tokens_picture(frame_at(frame, 0, 5, words=True), display, scale_max=0.5)
    for key in range(len(BPE) - 1):
        place = token_place(picture, RECT, key, DARK)
        found = token_at(picture, RECT, place.center(), DARK)
        assert found == picture.groups.first[picture.groups.item[key]]
    assert token_place(picture, RECT, len(BPE) - 1, DARK).isEmpty()
    assert picture.keys[picture.query or 0] == "darkness"


def test_dimmed_tokens_have_no_colour(tmp_path: Path) -> None:
    frame = frame_of(write_text_run(tmp_path / "t.h5"))
    picture = tokens_picture(frame, Display(specials="dimmed"), scale_max=0.01)
    assert picture.rgba[[0, -1], 3].tolist() == [0, 0] and (picture.rgba[1:-1, 3] > 0).all()
    shown = painted(300, 200, lambda p: paint_tokens(p, RECT, picture, DARK))
    place = token_place(picture, RECT, 0, DARK)
    assert near(shown[int(place.center().y()), int(place.left()) + 2], (0x12, 0x34, 0x56))


@pytest.mark.parametrize("apart", [False, True])
def test_arcs_lead_from_the_query_to_the_strongest(tmp_path: Path, apart: bool) -> None:
    path = write_cross_run(tmp_path / "c.h5") if apart else write_text_run(tmp_path / "t.h5")
    frame = frame_of(path)
    display = Display(arcs=True, arc_count=1)
    picture = tokens_picture(frame, display, scale_max=1.0)
    best = int(np.argmax(frame.probabilities))
    assert picture.arcs.items == (best,)
    assert tokens_height(picture, 300, DARK) > tokens_height(
        tokens_picture(frame, Display(), scale_max=1.0), 300, DARK
    )
    shown = painted(300, 400, lambda p: paint_tokens(p, RECT, picture, DARK))
    start = token_place(picture, RECT, -3 if apart else 2, DARK)
    path_, tip = arc_path(start, token_place(picture, RECT, best, DARK))
    assert near(shown[int(tip.y()), int(tip.x())], rgb(DARK.soft), 12)
    box = token_place(picture, RECT, best, DARK)
    assert (
        box.left() <= tip.x() <= box.right()
        and min(abs(tip.y() - box.top()), abs(tip.y() - box.bottom())) < 1e-6
    )
    assert path_.elementAt(0).y in (start.top(), start.bottom())


def test_a_token_that_looks_at_itself_has_a_loop() -> None:
    box = QRectF(10, 50, 40, 25)
    path, tip = arc_path(box, box)
    assert tip.x() > box.center().x() and path.boundingRect().top() < box.top() - 3


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_a_difference_is_orange_in_a_and_blue_in_b(tmp_path: Path, theme: object) -> None:
    assert theme in (DARK, LIGHT)
    theme = DARK if theme is DARK else LIGHT
    a = frame_of(write_text_run(tmp_path / "a.h5"))
    even = np.full(8, 0.125, np.float32)
    p, q = even.copy(), even.copy()
    p[1], p[2], q[1], q[2] = 0.25, 0.0, 0.0, 0.25
    a, b = (replace(a, probabilities=row, distributions=row[None]) for row in (p, q))
    picture = token_difference_picture(a, b, Display(), theme)
    np.testing.assert_allclose(picture.values, q - p)
    assert picture.scale_max == 0.25 and picture.tokens is not None
    shown = painted(
        300, 400, lambda x: paint_token_difference(x, RECT, picture, theme), background="#000000"
    )
    for key, colour in ((1, theme.hard), (2, theme.soft)):
        place = token_place(picture.tokens, RECT, key, theme)
        pixel = shown[int(place.center().y()), int(place.left()) + 3]
        assert near(pixel, np.array(rgb(colour)) * 0.9, 3)
        assert token_difference_at(picture, RECT, place.center(), theme) == key
    none = token_place(picture.tokens, RECT, 4, theme)
    assert near(shown[int(none.center().y()), int(none.left()) + 3], (0, 0, 0))
    assert token_difference_at(picture, RECT, QPointF(299, 399), theme) is None


def test_texts_of_other_tokens_have_no_difference(tmp_path: Path) -> None:
    a = frame_of(write_text_run(tmp_path / "a.h5"))
    b = frame_of(write_text_run(tmp_path / "b.h5", words=(*WORDS[:-1], "end")))
    assert "other ones" in no_token_difference(a, b)
    picture = token_difference_picture(a, b, Display())
    assert picture.tokens is None and picture.note.startswith("no difference: A has 8 tokens")
    assert np.ptp(painted(300, 400, lambda p: paint_token_difference(p, RECT, picture, DARK))) > 0
