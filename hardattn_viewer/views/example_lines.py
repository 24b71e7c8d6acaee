"""Paints the lines of the example table: thumbnail, outcome with colour and a mark, numbers."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QTableView

from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.numbers import NOT_RECORDED
from hardattn_viewer.views.examples_model import COLUMNS, ExamplesModel

THUMBNAIL = 21
# Free px at the left and at the right edge of a cell.
_LEFT, _RIGHT = 4, 5
_PLAIN = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)


class ExampleLines:
    """Paints the lines of a table that can be seen.

    Args:
        model: what is in them.
    """

    def __init__(self, model: ExamplesModel) -> None:
        self._model = model
        self._plain: tuple[QFont, QFontMetrics] | None = None
        self._bold: tuple[QFont, QFontMetrics] | None = None

    def paint(self, painter: QPainter, table: QTableView, area: QRect, theme: Theme) -> None:
        """Paint the lines inside ``area`` of the viewport."""
        plain = self._fonts(table.font())
        painter.setFont(plain)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        chosen = {index.row() for index in table.selectionModel().selectedRows()}
        columns = [
            (name, table.columnViewportPosition(at), table.columnWidth(at))
            for at, name in enumerate(COLUMNS)
            if not table.isColumnHidden(at)
        ]
        outcomes, images = self._model.kind == "outcome", self._model.has_images
        for line in self._lines(table, area):
            top, height = table.rowViewportPosition(line), table.rowHeight(line)
            whole = QRect(0, top, table.viewport().width(), height)
            if line in chosen:
                painter.fillRect(whole, QColor(theme.selection))
            painter.fillRect(0, whole.bottom(), whole.width(), 1, QColor(theme.line))
            row = self._model.row_of(line)
            for name, left, width in columns:
                inner = QRect(left + _LEFT, top, width - _LEFT - _RIGHT, height)
                if name == "outcome" and outcomes:
                    self._paint_outcome(painter, inner, row, theme)
                    continue
                if name == "index" and images:
                    inner = self._paint_thumbnail(painter, inner, row, theme)
                self._paint_text(painter, inner, self._model.text_of(row, name), name, theme)

    def _lines(self, table: QTableView, area: QRect) -> Iterator[int]:
        first, last = table.rowAt(area.top()), table.rowAt(area.bottom())
        count = self._model.rowCount()
        for line in range(max(first, 0), count if last < 0 else last + 1):
            if self._model.row_of(line) < self._model.session_rows:
                yield line

    def _fonts(self, font: QFont) -> QFont:
        if self._plain is None or self._bold is None or self._plain[0] != font:
            bold = QFont(font)
            bold.setBold(True)
            self._plain, self._bold = (font, QFontMetrics(font)), (bold, QFontMetrics(bold))
        return self._plain[0]

    def _paint_text(
        self, painter: QPainter, inner: QRect, words: str, name: str, theme: Theme
    ) -> None:
        assert self._plain is not None
        left = name in ("index", "outcome")
        side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
        painter.setPen(QColor(theme.text))
        measures = self._plain[1]
        if measures.horizontalAdvance(words) > inner.width():
            words = measures.elidedText(words, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, _PLAIN | int(side), words)

    def _paint_thumbnail(self, painter: QPainter, inner: QRect, row: int, theme: Theme) -> QRect:
        """Paint the small image; where there is room beside it."""
        pixmap = self._model.pixmap_of(row)
        top = inner.top() + (inner.height() - THUMBNAIL) // 2
        box = QRect(inner.left(), top, THUMBNAIL, THUMBNAIL)
        if pixmap is not None:
            size = pixmap.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(box.topLeft(), size)
            target.moveCenter(box.center())
            painter.drawPixmap(target, pixmap)
        else:
            painter.fillRect(box, QColor(theme.raised))
        return inner.adjusted(THUMBNAIL + 7, 0, 0, 0)

    def _paint_outcome(self, painter: QPainter, inner: QRect, row: int, theme: Theme) -> None:
        assert self._plain is not None and self._bold is not None
        words = list(_words(*self._model.outcome_of(row), theme))
        if self._width(words) > inner.width():
            words = [(text.strip(" "), colour, bold) for text, colour, bold in words]
            words = [(text.replace(" →", "→"), colour, bold) for text, colour, bold in words]
        if self._width(words) > inner.width():
            whole = "".join(text for text, _, _ in words)
            self._paint_text(painter, inner, whole, "outcome", theme)
            return
        x, bold_now = inner.left(), False
        for text, colour, bold in words:
            font, measures = self._bold if bold else self._plain
            if bold is not bold_now:
                painter.setFont(font)
                bold_now = bold
            painter.setPen(QColor(colour))
            place = QRectF(x, inner.top(), inner.right() - x, inner.height())
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), text)
            x += measures.horizontalAdvance(text)
        if bold_now:
            painter.setFont(self._plain[0])

    def _width(self, words: list[tuple[str, str, bool]]) -> int:
        assert self._plain is not None and self._bold is not None
        return sum(
            (self._bold if bold else self._plain)[1].horizontalAdvance(text)
            for text, _, bold in words
        )


def _words(
    true: int, predictions: tuple[int | None, ...], theme: Theme
) -> Iterator[tuple[str, str, bool]]:
    """Text, colour, and whether it is bold."""
    yield f"{true if true >= 0 else NOT_RECORDED} → ", theme.text, False
    for number, prediction in enumerate(predictions):
        if number:
            yield " · ", theme.muted, False
        if prediction is None:
            yield "missing", theme.muted, False
        elif prediction < 0 or true < 0:
            yield NOT_RECORDED if prediction < 0 else str(prediction), theme.text, False
        elif prediction == true:
            yield f"{prediction}✓", theme.good, True
        else:
            yield f"{prediction}✗", theme.bad, True
