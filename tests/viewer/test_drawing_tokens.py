"""Tokens and the matrix of queries and keys as they are painted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing_samples import painted
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPicture
from text_runs import WORDS, write_text_run

from hardattn_viewer.drawing.colours import amount_table
from hardattn_viewer.drawing.matrix import (
    matrix_at,
    matrix_layout,
    matrix_note,
    matrix_picture,
    paint_matrix,
)
from hardattn_viewer.drawing.names import shown_token
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.drawing.tokens import (
    paint_tokens,
    token_at,
    token_place,
    tokens_height,
    tokens_picture,
)
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame, Place, load_frame
from hardattn_viewer.session.masking import everything
from hardattn_viewer.session.pyramid import Pyramid
from recorders import read_run

RECT = QRectF(0, 0, 260, 200)


def text_frame(tmp_path: Path, query: int = 6, words: tuple[str, ...] = WORDS) -> Frame:
    with read_run(write_text_run(tmp_path / "text.h5", words=words)) as run:
        return load_frame(run, Place(query=query, head=0))


def brightness(colour: NDArray[np.uint8]) -> float:
    linear = (colour / 255.0) ** 2.2
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def test_every_token_is_found_where_it_is_painted(tmp_path: Path) -> None:
    picture = tokens_picture(text_frame(tmp_path), Display(), scale_max=0.5)
    places = [token_place(picture, RECT, key, DARK) for key in range(len(WORDS))]
    for key, place in enumerate(places):
        assert RECT.contains(place)
        assert token_at(picture, RECT, place.center(), DARK) == key
    assert not any(a.intersects(b) for a in places for b in places if a is not b)
    assert places[-1].bottom() <= tokens_height(picture, RECT.width(), DARK)
    assert token_at(picture, RECT, QPointF(259, 199), DARK) is None


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_text_can_be_read_on_every_amount(tmp_path: Path, theme: Theme) -> None:
    frame = text_frame(tmp_path)
    amounts = np.linspace(0.001, 1, len(WORDS)).astype(np.float32)
    frame = replace(frame, probabilities=amounts)
    picture = tokens_picture(frame, Display(), scale_max=1.0)
    shown = painted(
        260, 200, lambda p: paint_tokens(p, RECT, picture, theme), background=theme.window
    )
    for key in range(len(WORDS)):
        place = token_place(picture, RECT, key, theme).toRect().adjusted(4, 5, -4, -5)
        cell = shown[place.top() : place.bottom(), place.left() : place.right()].reshape(-1, 3)
        levels = sorted(brightness(pixel) for pixel in np.unique(cell, axis=0))
        # Ink of thin letters is mixed with its ground, so not all of the 4.5 : 1 arrives.
        assert (levels[-1] + 0.05) / (levels[0] + 0.05) > 3.5, WORDS[key]


def test_a_token_of_zero_has_no_ground_and_the_strongest_the_last_colour(tmp_path: Path) -> None:
    frame = text_frame(tmp_path)
    frame = replace(frame, probabilities=np.array([0, 0.5, *[0] * 6], np.float32))
    picture = tokens_picture(frame, Display(), scale_max=0.5)
    shown = painted(260, 200, lambda p: paint_tokens(p, RECT, picture, DARK))
    zero, most = (token_place(picture, RECT, key, DARK) for key in (0, 1))

    def corner(place: QRectF) -> tuple[int, ...]:
        return tuple(int(c) for c in shown[int(place.center().y()), int(place.left()) + 3])

    assert corner(zero) == (0x12, 0x34, 0x56)
    assert corner(most) == tuple(int(c) for c in amount_table("viridis")[-1])


def test_a_text_that_is_a_little_too_wide_for_its_place_does_not_reach_beyond_it(
    tmp_path: Path,
) -> None:
    words = ("a-word-that-takes-most-of-a-line", *WORDS[1:])
    picture = tokens_picture(text_frame(tmp_path, words=words), Display(), scale_max=0.5)
    alone = token_place(picture, QRectF(0, 0, 1000, 200), 0, DARK)
    # From room enough, over room for the text without what stands beside it, to too little.
    for room in range(int(alone.width()) - 24, int(alone.width()) + 3):
        rect = QRectF(0, 0, room, 400)
        shown = painted(room + 40, 400, lambda p, rect=rect: paint_tokens(p, rect, picture, DARK))
        place = token_place(picture, rect, 0, DARK)
        beyond = shown[int(place.top()) : int(place.bottom()), int(place.right()) + 1 :]
        assert (beyond == (0x12, 0x34, 0x56)).all(), room


def test_only_lines_in_the_clip_are_painted(tmp_path: Path) -> None:
    frame = text_frame(tmp_path, words=tuple(f"word-{n}" for n in range(400)))
    picture = tokens_picture(frame, Display(), scale_max=0.5)
    rect = QRectF(0, 0, 260, tokens_height(picture, 260, DARK))

    def commands(clip: QRectF) -> int:
        """Bytes of what the painter was told to do."""
        told = QPicture()
        painter = QPainter(told)
        painter.setClipRect(clip)
        paint_tokens(painter, rect, picture, DARK)
        painter.end()
        return told.size()

    part = QRectF(0, 100, 260, 50)
    nothing = commands(QRectF(0, -100, 260, 50))
    assert nothing < commands(part) < nothing + (commands(rect) - nothing) / 20


def test_queries_of_another_text_have_a_list_of_their_own(tmp_path: Path) -> None:
    frame = replace(text_frame(tmp_path, query=2), query_axis="target")
    picture = tokens_picture(frame, Display(), scale_max=0.5)
    assert len(picture.queries) == len(WORDS) and picture.query == 2
    place = token_place(picture, RECT, -3, DARK)
    assert token_at(picture, RECT, place.center(), DARK) == -3
    assert place.bottom() < token_place(picture, RECT, 0, DARK).top()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\n", "⏎"), ("", ""), (" a", "␣a"), ("  ", "␣␣"), ("\u202eevil", "·evil"), ("a" * 50, None)],
)
def test_white_space_and_control_characters_can_be_seen(text: str, shown: str | None) -> None:
    found = shown_token(text)
    assert found == (shown if shown is not None else "a" * 31 + "…")


def test_a_cell_of_the_matrix_is_painted_where_it_is_found(tmp_path: Path) -> None:
    frame = text_frame(tmp_path)
    rect = QRectF(0, 0, 400, 400)
    picture = matrix_picture(frame, Display(), scale_max=1.0)
    shown = painted(400, 400, lambda p: paint_matrix(p, rect, picture, DARK))
    cells = matrix_layout(picture, rect)
    assert rect.contains(cells.area)
    assert frame.map is not None
    table = amount_table("viridis").astype(int)
    for query in range(len(WORDS)):
        for key in range(len(WORDS)):
            centre = cells.cell(query, key).center()
            assert matrix_at(picture, rect, centre) == query * len(WORDS) + key
            entry = round(255 * float(frame.map.values[query, key]))
            pixel = shown[int(centre.y()), int(centre.x())].astype(int)
            assert np.abs(pixel - table[entry]).max() <= 2
    assert matrix_at(picture, rect, QPointF(1, 1)) is None


def test_more_cells_than_pixels_show_the_largest_and_say_so(tmp_path: Path) -> None:
    frame = text_frame(tmp_path)
    assert frame.map is not None
    values = np.full((500, 500), 1e-4, np.float32)
    values[123, 321] = 1.0
    one = replace(
        frame.map,
        values=values,
        pyramid=Pyramid(values, 500, 500, everything(500, 500)),
        event=replace(frame.map.event, queries=500),
    )
    frame = replace(frame, maps=(one,), probabilities=values[0], asked_query=0)
    rect = QRectF(0, 0, 320, 320)
    picture = matrix_picture(frame, Display(), scale_max=1.0)
    shown = painted(320, 320, lambda p: paint_matrix(p, rect, picture, DARK)).astype(int)
    cells = matrix_layout(picture, rect)
    assert cells.area.width() < 500
    place = cells.cell(123, 321).center()
    around = shown[
        int(place.y()) - 2 : int(place.y()) + 3, int(place.x()) - 2 : int(place.x()) + 3
    ].reshape(-1, 3)
    assert (np.abs(around - amount_table("viridis")[-1].astype(int)).max(axis=1) < 3).any()
    assert cells.layout.blocks() == (4, 4)
    note = matrix_note(picture, cells.layout, (4, 4))[0]
    assert "each pixel is the largest of 4 × 4 cells" in note
    assert "exact cells" in matrix_note(picture, cells.layout, (1, 1))[0]
