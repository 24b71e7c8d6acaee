"""Pictures of all heads: where they lie, what colours their cells have, and what words say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from heads_runs import CROSS, SELF, write_heads_run
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from hardattn_viewer.drawing.colours import amount_table, entries
from hardattn_viewer.drawing.heads import (
    HeadsPicture,
    code_colours,
    fitted,
    heads_sheet,
    measure_text,
    paint_heads,
    sheet_layout,
)
from hardattn_viewer.drawing.heads_words import (
    count_words,
    head_words,
    order_words,
    picked_words,
    pooled_words,
    sampled_words,
    scale_words,
)
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.session.atlas import Atlas, HeadAt
from hardattn_viewer.session.head_atlas import HeadStudy, Side
from hardattn_viewer.session.head_numbers import HeadNumbers
from recorders import read_run

RECT = QRectF(0, 0, 700, 460)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> HeadNumbers:
    path = write_heads_run(tmp_path_factory.mktemp("heads") / "a.h5")
    with read_run(path) as run:
        found = [one for one in HeadStudy(Side(0, 0)).results({0: run}) if one is not None]
    return found[-1]


def painted(picture: HeadsPicture, theme: Theme = DARK, ratio: float = 1.0) -> QImage:
    image = QImage(
        round(RECT.width() * ratio), round(RECT.height() * ratio), QImage.Format.Format_RGB32
    )
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(theme.window))
    painter = QPainter(image)
    paint_heads(painter, RECT, picture, theme)
    painter.end()
    return image


@pytest.mark.parametrize("mode", ["maps", "cells"])
@pytest.mark.parametrize("by_measure", [True, False])
@pytest.mark.parametrize("size", [(700, 460), (320, 120), (60, 60)])
def test_heads_lie_apart_and_inside(
    qapp: QApplication, numbers: HeadNumbers, mode: str, by_measure: bool, size: tuple[int, int]
) -> None:
    rect = QRectF(10, 20, *size)
    atlas = Atlas(mode=mode, by_measure=by_measure)  # type: ignore[arg-type]
    layout = sheet_layout(heads_sheet(numbers, atlas, "viridis"), rect, DARK)
    cells = list(layout.cells.values())
    assert len(cells) == 17
    assert all(rect.contains(cell) for cell in cells)
    for at, one in enumerate(cells):
        assert not any(one.intersects(other) for other in cells[at + 1 :])
        assert layout.at(one.center()) == list(layout.cells)[at]
    assert layout.at(rect.topLeft() - QPointF(5, 5)) is None


def test_layers_go_down_and_heads_across(qapp: QApplication, numbers: HeadNumbers) -> None:
    layout = sheet_layout(heads_sheet(numbers, Atlas(), "viridis"), RECT, DARK)
    assert [words for words, _ in layout.rows] == [
        "0 self",
        "0 cross",
        "1 self",
        "1 cross",
        "choice",
    ]
    assert [words for words, _ in layout.columns] == ["0", "1", "2", "3"]
    cells = layout.cells
    first, below = HeadAt(SELF.format(0), 1), HeadAt(CROSS.format(0), 1)
    assert cells[first].left() == cells[below].left() and cells[first].top() < cells[below].top()
    assert layout.beside(first, 1, 0) == HeadAt(SELF.format(0), 2)
    assert layout.beside(first, 0, 1) == below
    assert layout.beside(below, 0, -1) == first
    # Below the fourth head of the last layer lies the only one of the last site.
    assert layout.beside(HeadAt(CROSS.format(1), 3), 0, 1) == HeadAt("choice", 0)
    assert layout.beside(HeadAt(SELF.format(0), 3), 1, 0) is None


def test_a_filter_leaves_gaps_among_layers_and_none_in_an_order(
    qapp: QApplication, numbers: HeadNumbers
) -> None:
    atlas = Atlas(filter="head == 2")
    all_heads = sheet_layout(heads_sheet(numbers, Atlas(), "viridis"), RECT, DARK)
    some = sheet_layout(heads_sheet(numbers, atlas, "viridis"), RECT, DARK)
    assert len(some.cells) == 4
    assert all(all_heads.cells[head] == cell for head, cell in some.cells.items())
    ordered = sheet_layout(
        heads_sheet(numbers, replace(atlas, by_measure=True), "viridis"), RECT, DARK
    )
    assert len({cell.top() for cell in ordered.cells.values()}) == 1


def test_a_single_layer_of_many_heads_is_broken_into_lines(
    qapp: QApplication, numbers: HeadNumbers
) -> None:
    one = numbers.sites[0]
    many = 96
    wide = replace(
        one,
        numbers_in_model=tuple(range(many)),
        maps=np.zeros((many, 2, 2), np.uint8),
        largest=np.ones(many, np.float32),
        numbers={},
    )
    alone = replace(numbers, sites=(wide,))
    layout = sheet_layout(heads_sheet(alone, Atlas(), "viridis"), RECT, DARK)
    assert len({cell.top() for cell in layout.cells.values()}) > 3
    assert layout.cell > 30 and layout.columns == ()


def test_reducing_keeps_the_largest_and_enlarging_keeps_squares() -> None:
    codes = np.zeros((1, 48, 48), np.uint8)
    codes[0, 13, 30] = 200
    small = fitted(codes, 7, 7)
    assert small.max() == 200 and (small > 0).sum() == 1
    assert small[0, 13 * 7 // 48, 30 * 7 // 48] == 200
    large = fitted(np.array([[[1, 2], [3, 4]]], np.uint8), 6, 4)
    assert large[0].tolist() == [[1, 1, 2, 2]] * 3 + [[3, 3, 4, 4]] * 3


def test_codes_have_the_colours_of_their_amounts() -> None:
    tables = code_colours(np.array([0.5, 1.0]), "viridis", DARK)
    for table, largest in zip(tables, (0.5, 1.0), strict=True):
        for code in (2, 100, 255):
            share = largest * ((code - 1) / 254) ** 2
            expected = amount_table("viridis")[entries(np.array([share]), 1.0)[0]]
            assert table[code].tolist() == [*expected, 255]
        assert table[1, 3] == 0
        assert table[0].tolist() == [*bytes.fromhex(DARK.bar[1:]), 255]


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_cells_have_the_colour_of_their_measure(
    qapp: QApplication, numbers: HeadNumbers, theme: Theme, ratio: float
) -> None:
    sheet = heads_sheet(numbers, Atlas(mode="cells"), "cividis")
    image = painted(HeadsPicture(sheet), theme, ratio)
    layout = sheet_layout(sheet, RECT, theme)
    low, high = numbers.range_of("entropy")
    for head, cell in layout.cells.items():
        point = (QPointF(cell.center().x(), cell.bottom() - 4) * ratio).toPoint()
        share = numbers.value("entropy", head) - low
        red, green, blue = amount_table("cividis")[entries(np.array([share]), high - low)[0]]
        found = image.pixelColor(point)
        assert (found.red(), found.green(), found.blue()) == (red, green, blue)


def test_the_maps_on_the_screen_are_the_maps_of_the_run(
    qapp: QApplication, numbers: HeadNumbers
) -> None:
    sheet = heads_sheet(numbers, Atlas(scale="all"), "viridis")
    image = painted(HeadsPicture(sheet))
    layout = sheet_layout(sheet, RECT, DARK)
    one = numbers.sites[0]
    for head in range(one.heads):
        cell = layout.cells[HeadAt(one.site, head)]
        for row, column in ((0, 0), (3, 5), (7, 7)):
            x = cell.left() + (column + 0.5) * cell.width() / 8
            y = cell.top() + (row + 0.5) * cell.height() / 8
            code = int(one.maps[head, row, column])
            amount = float(one.largest[head]) * ((code - 1) / 254) ** 2
            expected = amount_table("viridis")[entries(np.array([amount]), numbers.largest)[0]]
            found = image.pixelColor(int(x), int(y))
            assert (found.red(), found.green(), found.blue()) == tuple(expected)


def test_marks_show_the_current_the_pointed_and_the_picked(
    qapp: QApplication, numbers: HeadNumbers
) -> None:
    sheet = heads_sheet(numbers, Atlas(), "viridis")
    layout = sheet_layout(sheet, RECT, DARK)
    plain, current = painted(HeadsPicture(sheet)), HeadAt(SELF.format(1), 2)

    def changed(picture: HeadsPicture) -> set[HeadAt]:
        image = painted(picture)
        return {
            head
            for head, cell in layout.cells.items()
            if image.copy(cell.adjusted(-2, -2, 2, 2).toRect())
            != plain.copy(cell.adjusted(-2, -2, 2, 2).toRect())
        }

    none = HeadAt("", 0)
    assert changed(HeadsPicture(sheet, current)) == {current}
    assert changed(HeadsPicture(sheet, none, "", current)) == {current}
    assert changed(HeadsPicture(sheet, none, "", None, (current,))) == {current}
    corner = layout.cells[current].topLeft().toPoint()
    edge = painted(HeadsPicture(sheet, current)).pixelColor(corner.x() + 20, corner.y() - 1)
    assert edge.name() == DARK.accent
    # The mean of a site's heads is a line below all of them.
    assert len(changed(HeadsPicture(sheet, None, SELF.format(0)))) >= 4


def test_words_say_the_scale_the_count_and_what_is_unknown(numbers: HeadNumbers) -> None:
    sheet = heads_sheet(numbers, Atlas(), "viridis")
    assert scale_words(sheet) == "each map on its own scale: 0 – its largest probability"
    assert count_words(sheet) == "17 of 17"
    assert order_words(sheet) == "layers × heads"
    one_scale = heads_sheet(numbers, Atlas(scale="all"), "viridis")
    assert scale_words(one_scale).startswith(
        "probability, one scale for all 17 heads of this step: 0 – 0."
    )
    unknown = heads_sheet(numbers, Atlas(mode="cells", measure="disagreement"), "viridis")
    assert scale_words(unknown) == (
        "disagreement: not known here – there is no other run beside this one"
    )
    reading = heads_sheet(replace(numbers, total=40), Atlas(filter="hard"), "viridis")
    assert count_words(reading) == "1 of 17 · 23 still to be read"
    sorted_ = Atlas(measure="first", by_measure=True, descending=True)
    assert order_words(heads_sheet(numbers, sorted_, "viridis")) == (
        "sorted by mass on the first token, largest first"
    )
    low, high = numbers.range_of("entropy")
    cells = heads_sheet(numbers, Atlas(mode="cells"), "viridis")
    assert scale_words(cells) == (
        f"entropy, all 17 heads of this step: {low:.2f} – {high:.2f} bits"
    )


def test_pooled_and_sampled_pictures_say_so(numbers: HeadNumbers) -> None:
    sheet = heads_sheet(numbers, Atlas(), "viridis")
    assert pooled_words(sheet, 60) == "" and sampled_words(numbers) == ""
    assert pooled_words(sheet, 4) == ("max-pooled: each pixel the largest of up to 2 × 2 cells")
    assert pooled_words(heads_sheet(numbers, Atlas(mode="cells"), "viridis"), 4) == ""
    large = replace(numbers.sites[0], queries=8_192, keys=8_192, block=(256, 256), rows_read=64)
    some = replace(numbers, sites=(large,))
    assert "256 × 256 cells" in pooled_words(heads_sheet(some, Atlas(), "viridis"), 60)
    assert sampled_words(some) == (
        "numbers but entropy are means over 64 of 8,192 queries, evenly spaced"
    )


def test_words_name_heads_with_their_numbers(numbers: HeadNumbers) -> None:
    head = HeadAt(CROSS.format(1), 3)
    words = head_words(numbers, head)
    assert words.startswith("layer 1 cross, head 3 · entropy ")
    assert f"first token {numbers.value('first', head):.2f}" in words
    assert "diagonal" not in words
    heads = [HeadAt(SELF.format(0), at) for at in range(3)]
    assert picked_words(numbers, heads) == "mean of 3 picked heads: 0 self.0, 0 self.1, 0 self.2"
    assert picked_words(numbers, heads[:1]) == "1 picked head: 0 self.0"
    assert picked_words(numbers, numbers.heads).endswith("0 cross.1 and 11 more")
    assert measure_text("distance", 1234.56) == "1,234.6"
    assert measure_text("entropy", 0.42, unit=True) == "0.42 bits"
    assert measure_text("entropy", float("nan")) == "–"
