"""Contact sheets: many places on one page, under one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QGuiApplication, QImage, QPainter

from hardattn_viewer.drawing.frame_words import mechanism_words
from hardattn_viewer.drawing.headings import HEADING_HEIGHT, paint_heading
from hardattn_viewer.drawing.scale import paint_scale_bar, scope_words
from hardattn_viewer.drawing.text import Words, draw_text, first_that_fits, line_height, text_width
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.figures.blocks import GAP, MARGIN, SCALE, Block, Page, caption_block, whole
from hardattn_viewer.figures.cells import Body, cell_body, least_mm
from hardattn_viewer.figures.embedding import as_element
from hardattn_viewer.figures.figure import Figure, Written
from hardattn_viewer.figures.files import write_whole
from hardattn_viewer.figures.options import POINTS_PER_MM, FigureError, FigureOptions, View
from hardattn_viewer.figures.pdf_pages import pdf_bytes
from hardattn_viewer.figures.recipe import Recipe, told_by
from hardattn_viewer.figures.series import check_view, label_choices, one_scale, outcome_choices
from hardattn_viewer.figures.series_numbers import series_csv, series_npz
from hardattn_viewer.figures.series_part import TALLEST_MM, Grid
from hardattn_viewer.figures.sheet_words import sheet_caption, sheet_title
from hardattn_viewer.session.display import Display, Together
from hardattn_viewer.session.series import Series
from recorders.version import PRODUCER

MOST_CELLS = 300
_COLUMN_GAP = 10.0
_ROW_GAP = 12.0


@dataclass(frozen=True, eq=False)
class Cell:
    """One place on a sheet.

    Attributes:
        rect: of what is drawn, logical px from the top left of its page.
        item: which one of the series.
    """

    rect: QRectF
    item: int


@dataclass(frozen=True, eq=False)
class Sheet:
    """A contact sheet, laid out; made by ``make_sheet``.

    Attributes:
        pages: each a figure of its own; one unless pages have a height.
        cells: of each page, where its places are.
    """

    pages: tuple[Figure, ...]
    cells: tuple[tuple[Cell, ...], ...]

    def image(self, width_px: int, page: int = 0) -> QImage:
        """A preview of one page."""
        return self.pages[page].image(width_px)

    def with_recipe(self, recipe: Recipe, left_out: Sequence[str]) -> Sheet:
        """The sheet with what it was made of, and what the runs did not record."""
        pages = (replace(page, recipe=told_by(recipe, page.page, left_out)) for page in self.pages)
        return replace(self, pages=tuple(pages))

    def save(self, path: Path) -> None:
        """Write the sheet, or the numbers behind it, by the suffix of ``path``.

        Raises:
            FigureError: the suffix is unknown, the sheet is too tall, or the place cannot be
                written.
        """
        if path.suffix.lower() == ".pdf":
            first = self.pages[0]
            more = "" if first.recipe is None else as_element(first.recipe.as_json())
            parts = [(page.paint, *page.size_mm) for page in self.pages]
            write_whole(path, pdf_bytes(parts, first.title, first.caption, PRODUCER, more))
            return
        tall = self.pages[0].size_mm[1]
        if path.suffix.lower() in (".svg", ".png") and tall > TALLEST_MM:
            raise FigureError(
                f"a sheet {tall:,.0f} mm tall does not fit one page; choose fewer places, more "
                "columns or a smaller width, or save a PDF, which has pages"
            )
        self.pages[0].save(path)


def make_sheet(
    view: View,
    series: Series,
    options: FigureOptions,
    display: Display,
    grid: Grid | None = None,
    *,
    paged: bool = False,
) -> Sheet:
    """Lay out a contact sheet.

    Args:
        view: what is drawn of each place.
        series: the places, in their order.
        options: size, type and theme; ``all_steps`` does not count.
        display: how they are drawn; one scale stands for all.
        grid: columns, and how tall a page becomes.
        paged: whether there are pages; without, one is as tall as it must be.

    Raises:
        FigureError: the view cannot show a place, or there are too many.
    """
    if QGuiApplication.instance() is None:
        raise FigureError("no QGuiApplication is running; create one before making figures")
    check_view(view, sheet=True)
    grid = grid or Grid()
    if len(series.items) > MOST_CELLS:
        raise FigureError(
            f"{len(series.items):,} {series.over} are more than a sheet shows; choose at most "
            f"{MOST_CELLS} of them"
        )
    shared = one_scale(view, series, options, display, sheet=True)
    laid = _Layout(view, series, options, shared, grid)
    tallest = grid.page_mm * POINTS_PER_MM / options.unit_pt if paged else math.inf
    title = sheet_title(series)
    pages, cells = [], []
    for rows in laid.split(tallest):
        page, places = laid.page(rows)
        written = Written(
            title,
            lambda: series_csv(view, series),
            lambda words: series_npz(series, words, laid.top, laid.difference),
        )
        pages.append(Figure(options, (), page, written))
        cells.append(places)
    return Sheet(tuple(pages), tuple(cells))


class _Layout:
    """Where everything of a sheet is."""

    def __init__(
        self, view: View, series: Series, options: FigureOptions, display: Display, grid: Grid
    ) -> None:
        self._view, self._series, self._options, self._display = view, series, options, display
        theme = options.theme
        self._inner = whole(options.width - 2 * MARGIN)
        self.columns = grid.columns or self._fitting()
        self.column = whole((self._inner - (self.columns - 1) * _COLUMN_GAP) / self.columns)
        if self.column < 24:
            raise FigureError(
                f"{self.columns} columns do not fit {options.width_mm:g} mm; choose fewer columns "
                "or a larger width"
            )
        self._line = line_height(theme, theme.size_small) + 1
        self._outcomes = [
            outcome_choices(item.frames) if series.over == "examples" else ()
            for item in series.items
        ]
        lines = 1 + any(self._outcomes)
        self._label = lines * self._line + 3
        self._bodies: list[Body] = [
            cell_body(view, item.frames, self.column, theme, display) for item in series.items
        ]
        self.top, self.difference = self._scale()
        self.words = sheet_caption(view, series, display, self.top, self.difference)
        self._caption = caption_block(self.words, self._inner, theme)

    def _fitting(self) -> int:
        """As many columns as can be read, in rows of about equal length."""
        frames = self._series.items[0].frames
        needed = least_mm(self._view, frames, self._display)
        least = needed * POINTS_PER_MM / self._options.unit_pt
        # Larger type needs wider cells.
        least *= max(1.0, self._options.font_pt / 8)
        most = max(1, int((self._inner + _COLUMN_GAP) / (least + _COLUMN_GAP)))
        count = len(self._series.items)
        return math.ceil(count / math.ceil(count / most))

    def _scale(self) -> tuple[float, float | None]:
        from hardattn_viewer.figures.series import series_figure

        if isinstance(self._display, Together):
            return self._display.top, self._display.difference or None
        page = series_figure(self._view, self._series.items[0], self._options, self._display).page
        return max(page.scales), page.difference

    @property
    def _rows(self) -> list[range]:
        count = len(self._bodies)
        return [
            range(first, min(first + self.columns, count))
            for first in range(0, count, self.columns)
        ]

    def _row_height(self, row: range) -> float:
        return self._label + max(self._bodies[at][0] for at in row)

    @property
    def _around(self) -> float:
        """Height of everything but rows."""
        below = SCALE + GAP + (self._caption[0] if self._options.caption else 0.0)
        return 2 * MARGIN + HEADING_HEIGHT + GAP + below

    def split(self, tallest: float) -> list[list[range]]:
        """The rows of each page."""
        pages: list[list[range]] = [[]]
        used = self._around
        for row in self._rows:
            height = self._row_height(row) + _ROW_GAP
            if pages[-1] and used + height > tallest:
                pages.append([])
                used = self._around
            pages[-1].append(row)
            used += height
        self._count = len(pages)
        self._number = 0
        return pages

    def page(self, rows: Sequence[range]) -> tuple[Page, tuple[Cell, ...]]:
        """One page, and where its cells are."""
        self._number += 1
        blocks = [self._heading(self._number)]
        cells: list[Cell] = []
        y = MARGIN + HEADING_HEIGHT + GAP
        for row in rows:
            for place, at in enumerate(row):
                left = MARGIN + place * (self.column + _COLUMN_GAP)
                blocks.append(self._labels(at, QRectF(left, y, self.column, self._label)))
                tall, paint = self._bodies[at]
                rect = QRectF(left, y + self._label, self.column, tall)
                blocks.append(Block(rect, paint))
                cells.append(Cell(rect, at))
            y += self._row_height(row) + _ROW_GAP
        y += GAP - _ROW_GAP
        blocks += self._bars(y)
        y += SCALE + GAP
        if self._options.caption:
            height, paint = self._caption
            blocks.append(Block(QRectF(MARGIN, y, self._inner, height), paint))
            y += height + GAP
        height = y - GAP + MARGIN
        page = Page(
            self._options.width, height, tuple(blocks), self.words, (self.top,), self.difference
        )
        return page, tuple(cells)

    def _heading(self, number: int) -> Block:
        theme, series = self._options.theme, self._series
        frames = series.items[0].frames
        title: list[Words] = []
        for slot, frame in zip(("A ", "B ") if len(frames) > 1 else ("",), frames, strict=True):
            colour = theme.hard_text if frame.hard else theme.soft_text
            title += [
                Words(f"{'   ' if title else ''}{slot}{frame.run_name}", bold=True),
                Words(f"  {mechanism_words(frame)}", colour=colour),
            ]
        count = len(series.items)
        aside = f"{count:,} {series.over if count > 1 else series.over.removesuffix('s')}"
        aside += ": A, B, B − A" if len(frames) > 1 else ""
        page = f", page {number} of {self._count}" if self._count > 1 else ""

        def paint(painter: QPainter, rect: QRectF) -> None:
            paint_heading(painter, rect, title, theme, aside=[aside + page, page[2:]])

        return Block(QRectF(MARGIN, MARGIN, self._inner, HEADING_HEIGHT), paint)

    def _labels(self, at: int, rect: QRectF) -> Block:
        theme = self._options.theme
        item = self._series.items[at]
        names, outcomes = label_choices(item, self._series), self._outcomes[at]
        frame = item.frames[0]
        wrong = len(item.frames) == 1 and frame.prediction not in (None, frame.label)
        wrong = wrong and frame.label is not None

        def paint(painter: QPainter, rect: QRectF) -> None:
            line = QRectF(rect.left(), rect.top(), rect.width(), self._line)
            name = _fitting(names, rect.width(), theme)
            draw_text(painter, line, [Words(name, bold=True)], theme, size=theme.size_small)
            if outcomes:
                line.translate(0, self._line)
                colour = theme.bad if wrong else theme.muted
                words = _fitting(outcomes, rect.width(), theme)
                draw_text(painter, line, words, theme, size=theme.size_small, colour=colour)

        return Block(rect, paint)

    def _bars(self, y: float) -> list[Block]:
        theme, display = self._options.theme, self._display
        names = ("A", "B") if len(self._series.items[0].frames) > 1 else ()
        scope = scope_words(display, names)
        heat = display.heat or self._view != "regions"
        signed = self.difference is not None
        room = self._inner * (0.6 if signed else 1.0) - GAP
        blocks = []
        if heat:
            blocks.append(
                Block(
                    QRectF(MARGIN, y, room, SCALE),
                    lambda painter, rect: paint_scale_bar(
                        painter, rect, self.top, scope, theme, colours=display.colours
                    ),
                )
            )
        if signed:
            top = self.difference or 1.0
            left = MARGIN + (self._inner * 0.6 if heat else 0.0)
            blocks.append(
                Block(
                    QRectF(left, y, self._inner + MARGIN - left, SCALE),
                    lambda painter, rect: paint_scale_bar(
                        painter, rect, top, "", theme, colours=display.colours, signed=True
                    ),
                )
            )
        return blocks


def _fitting(choices: Sequence[str], width: float, theme: Theme) -> str:
    bold = [[Words(words, bold=True)] for words in choices]
    for words, stretch in zip(choices, bold, strict=True):
        if text_width(stretch, theme, theme.size_small) <= width:
            return words
    return first_that_fits(choices, width, theme, theme.size_small) or choices[-1]
