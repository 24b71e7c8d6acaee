"""A matrix as it is painted: pixels against independent pooling, marks, colours, words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing_samples import painted
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication
from text_runs import write_text_run

from hardattn_viewer.drawing.colours import amount_table
from hardattn_viewer.drawing.matrix import (
    MatrixPicture,
    matrix_layout,
    matrix_note,
    matrix_picture,
    paint_matrix,
)
from hardattn_viewer.drawing.matrix import codes as c
from hardattn_viewer.drawing.matrix.cells import CellMemory, draw_cells
from hardattn_viewer.drawing.matrix.legend import legend_words
from hardattn_viewer.drawing.matrix.numbers import number_words
from hardattn_viewer.drawing.matrix.picture import difference_picture
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Place, load_frame
from hardattn_viewer.session.masking import MASKED, NOT_RECORDED, MaskRule, everything
from hardattn_viewer.session.matrix import MatrixLook, Zoom
from hardattn_viewer.session.pyramid import MapPatch, Pyramid
from recorders import read_run

RECT = QRectF(0, 0, 420, 400)
THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])


@pytest.fixture
def picture(tmp_path: Path, qapp: QApplication) -> MatrixPicture:
    with read_run(write_text_run(tmp_path / "text.h5")) as run:
        frame = load_frame(run, Place(head=0))
    return matrix_picture(frame, Display(), scale_max=1.0)


def of_values(
    picture: MatrixPicture, values: NDArray[np.floating], rule: MaskRule | None = None
) -> MatrixPicture:
    queries, keys = values.shape
    rule = rule or everything(queries, keys)
    pyramid = Pyramid(values.astype(np.float32), queries, keys, rule)
    return replace(
        picture, pyramid=pyramid, queries=queries, keys=keys, query_name=str, key_name=str, query=0
    )


def image_of(picture: MatrixPicture, theme: Theme = DARK, pixels: float = 1.0) -> NDArray[np.int64]:
    """What the cells look like, int [height, width, 3]."""
    drawn = draw_cells(picture, matrix_layout(picture, RECT), theme, pixels)
    image = drawn.image
    words = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())
    return np.stack([words >> 16 & 255, words >> 8 & 255, words & 255], -1).astype(np.int64)


@pytest.mark.parametrize("pixels", [1.0, 2.0])
@pytest.mark.parametrize(
    ("size", "zoom"),
    [
        ((700, 700), Zoom()),
        ((613, 613), Zoom()),
        ((40, 999), Zoom()),
        ((700, 700), Zoom(0.9, 333, 222)),
        ((700, 700), Zoom(3.7, 333, 222)),
        ((90, 90), Zoom(21.3, 40, 44)),
    ],
)
def test_every_pixel_is_the_largest_of_the_block_that_it_lies_in(
    picture: MatrixPicture, size: tuple[int, int], zoom: Zoom, pixels: float
) -> None:
    rng = np.random.default_rng(0)
    values = rng.random(size).astype(np.float32) ** 8
    shown = replace(of_values(picture, values), look=MatrixLook(zoom=zoom))
    cells = matrix_layout(shown, RECT)
    layout = cells.layout
    down, across = layout.blocks(pixels)
    image = image_of(shown, pixels=pixels)
    table = amount_table("viridis").astype(int)
    left, top, right, bottom = layout.box
    assert image.shape[:2] == (round((bottom - top) * pixels), round((right - left) * pixels))
    for y in range(0, image.shape[0], 7):
        for x in range(0, image.shape[1], 7):
            query = int((top - layout.top + (y + 0.5) / pixels) / layout.cell_height) // down * down
            key = int((left - layout.left + (x + 0.5) / pixels) / layout.cell_width)
            key = key // across * across
            block = values[query : query + down, key : key + across]
            entry = round(255 * float(block.max()))
            off = np.abs(image[y, x] - table[max(entry - 1, 0) : entry + 2]).max(axis=1).min()
            # The last block of a map may hold what is in less than a pixel at its end.
            ends = query + 2 * down >= size[0] or key + 2 * across >= size[1]
            assert off <= 1 or ends


@pytest.mark.parametrize("size", [641, 642, 700, 1_023, 1_025])
def test_no_single_cell_is_lost_between_pixels(picture: MatrixPicture, size: int) -> None:
    brightest = amount_table("viridis")[-1].astype(int)
    for query, key in ((0, 0), (size - 1, size - 1), (size // 3, size - 1), (size - 1, size // 2)):
        values = np.full((size, size), 0.01, np.float32)
        values[query, key] = 1
        image = image_of(of_values(picture, values))
        assert (np.abs(image - brightest).max(axis=-1) <= 1).any(), (query, key)


@THEMES
def test_all_marks_look_different_and_the_legend_names_those_that_occur(
    picture: MatrixPicture, theme: Theme
) -> None:
    values = np.full((5, 5), 0.3)
    values[0], values[1], values[2], values[3] = 0, 1e-6, 0.9, np.nan
    values[4] = 0
    rule = MaskRule(np.array([0, 0, 0, 0, 5]), np.array([4, 4, 4, 4, -1]), False, 5)
    for zoom in (Zoom(), Zoom(2.0, 2, 2)):
        shown = replace(
            of_values(picture, values, rule),
            look=MatrixLook(clip=0.5, zoom=zoom),
            tiny=1e-5,
            largest=2.0 if zoom.cell else 24.0,
        )
        drawn = draw_cells(shown, matrix_layout(shown, RECT), theme, 1.0)
        assert {code for code, count in drawn.counts.items() if count == 5} == {
            c.ZERO, c.TINY, c.CLIPPED, c.NAN, c.MASKED,
        }  # fmt: skip
    words = " · ".join(text for _, text in legend_words(shown, drawn))
    assert words == (
        "zero: 5 cells · tiny, up to 1.0×10⁻⁵: 5 cells · clipped, beyond 0.50: 5 cells"
        " · masked: 5 cells · not recorded: 5 cells"
    )
    shown = replace(shown, look=MatrixLook(clip=0.5), largest=24.0)
    image = image_of(shown, theme)
    looks = [image[24 * row + 2 : 24 * row + 22, 2:22] for row in range(5)]
    for a in range(5):
        for b in range(a):
            unlike = (np.abs(looks[a] - looks[b]).max(axis=-1) > 20).mean()
            assert unlike > 0.01, (a, b)
    none = replace(of_values(picture, np.full((5, 5), 0.3)), tiny=1e-5)
    assert legend_words(none, draw_cells(none, matrix_layout(none, RECT), theme, 1.0)) == []


@THEMES
def test_marks_of_single_pixels_have_colours_of_their_own(theme: Theme) -> None:
    table = c.colour_table(theme, "viridis", False)
    marks = [c.ZERO, c.TINY, c.CLIPPED, c.NAN, c.MASKED]
    colours = np.array([[table[m] >> 16 & 255, table[m] >> 8 & 255, table[m] & 255] for m in marks])
    apart = np.abs(colours[:, None].astype(int) - colours[None]).max(axis=-1)
    assert (apart[~np.eye(5, dtype=bool)] >= 10).all()
    amounts = amount_table("viridis").astype(int)
    assert np.abs(amounts - colours[2]).max(axis=-1).min() > 40


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("linear", [0, 26, 128, 255, 255]),
        ("sqrt", [0, 81, 180, 255, 255]),
        ("log", [0, 191, 236, 255, 255]),
    ],
)
def test_the_transform_is_what_its_name_says(transform: str, expected: list[int]) -> None:
    values = np.array([1e-9, 0.05, 0.25, 0.5, 0.5], np.float32)
    codes = c.amount_codes(values, 0.5, transform, 0.0)  # type: ignore[arg-type]
    np.testing.assert_allclose(codes, expected, atol=1)
    signed = c.signed_codes(
        np.array([-0.5, -0.05, 0, 0.05, 0.5], np.float32),
        0.5,
        transform,  # type: ignore[arg-type]
    )
    assert signed[0] == 0 and signed[4] == 254 and signed[2] == c.ZERO
    assert 127 - signed[1] == pytest.approx(signed[3] - 127, abs=1)
    missing = np.array([MASKED, NOT_RECORDED], np.float32)
    assert c.amount_codes(missing, 0.5, "linear", 1e-5).tolist() == [c.MASKED, c.NAN]
    assert c.signed_codes(missing, 0.5, "linear").tolist() == [c.MASKED, c.NAN]


def test_the_note_says_how_cells_are_drawn(picture: MatrixPicture) -> None:
    shown = of_values(picture, np.full((800, 800), 0.1))
    layout = matrix_layout(shown, RECT).layout
    note = matrix_note(shown, layout, layout.blocks())[0]
    assert "800 queries × 800 keys" in note
    assert "each pixel is the largest of 4 × 4 cells" in note and "in sight" not in note
    near = replace(shown, look=MatrixLook(zoom=Zoom(20, 100, 200), transform="log", clip=0.5))
    layout = matrix_layout(near, RECT).layout
    note = matrix_note(near, layout, layout.blocks())[0]
    assert "exact cells" in note and "colours 0 – 0.50 (logarithm, 4 decades)" in note
    seen = layout.seen_queries
    assert f"queries {seen.start} – {seen.stop - 1}" in note
    assert "being read" in matrix_note(replace(near, reading=True), layout, (1, 1))[0]


def test_a_finer_part_lies_on_the_coarse_one_until_all_is_read(picture: MatrixPicture) -> None:
    coarse = np.full((4, 4), 0.2, np.float32)
    pyramid = Pyramid(coarse, 64, 64, everything(64, 64), (16, 16))
    part = MapPatch(np.full((16, 64), 0.8, np.float32), 0, 0, 1, 1, 16, 64)
    shown = replace(
        picture, pyramid=pyramid, detail=(part,), queries=64, keys=64,
        query_name=str, key_name=str, query=0,
    )  # fmt: skip
    image = image_of(shown)
    table = amount_table("viridis").astype(int)
    cell = matrix_layout(shown, RECT).layout.cell_height
    assert np.abs(image[int(15 * cell), 30] - table[204]).max() <= 1
    assert np.abs(image[int(17 * cell), 30] - table[51]).max() <= 1
    assert shown.value(3, 3) == (pytest.approx(0.8), 1, 1)
    assert shown.value(40, 3) == (pytest.approx(0.2), 16, 16)


def test_a_difference_says_nothing_where_it_is_not_read(picture: MatrixPicture) -> None:
    part = MapPatch(np.full((4, 8), -0.5, np.float32), 0, 0, 1, 1, 4, 8)
    shown = difference_picture(picture, (part,), reading=True)
    assert shown.value(1, 1)[0] == -0.5 and shown.value(6, 1)[1] == 0
    drawn = draw_cells(shown, matrix_layout(shown, RECT), DARK, 1.0)
    assert drawn.counts[c.NAN] == 0
    whole = painted(420, 400, lambda p: paint_matrix(p, RECT, shown, DARK))
    assert whole.any()


def test_hovering_draws_no_cell_anew(picture: MatrixPicture) -> None:
    memory, cells = CellMemory(), matrix_layout(picture, RECT)
    first = memory.drawn(picture, cells, DARK, 1.0)
    assert memory.drawn(replace(picture, hover=2, hover_query=3), cells, DARK, 1.0) is first
    assert memory.drawn(picture, cells, LIGHT, 1.0) is not first


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [
        (0.50731, 2, "0.51"), (0.50731, 3, "0.507"), (0.50731, 5, "0.50731"),
        (0.0031, 2, "0.0031"), (0.00031, 3, "0.00031"), (4.2e-6, 5, "4.2×10⁻⁶"),
    ],
)  # fmt: skip
def test_numbers_in_cells_have_digits_that_count(value: float, digits: int, words: str) -> None:
    assert number_words(value, digits) == words
    assert number_words(value, digits, signed=True) == f"+{words}"
    assert number_words(-value, digits, signed=True)[0] == "−"
