"""A report as a PDF of A4 pages: text is text, pictures are vectors, no date is in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import astuple

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QMarginsF,
    QRect,
    QRectF,
    QSizeF,
    Qt,
    QUuid,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPyTextObject,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextLength,
    QTextTableCellFormat,
    QTextTableFormat,
)

from hardattn_viewer.checks.document_parts import (
    Block,
    Document,
    Drawing,
    Heading,
    Judged,
    Paragraph,
    Points,
    Table,
)
from hardattn_viewer.checks.report import Report
from hardattn_viewer.drawing.checks.picture import level_colour
from hardattn_viewer.drawing.text import draw_text, font, plain
from hardattn_viewer.drawing.theme import LIGHT
from hardattn_viewer.figures.report.drawings import WIDTH, Painted, painted
from recorders.version import PRODUCER

_DPI = 1200
_PX = 96.0
"""Logical pixels an inch, in which pages are laid out."""
_PAGE = QSizeF(793.7, 1122.5)
"""A4."""
_MARGIN = 64.0
_FOOT = 40.0
_OBJECT = QTextFormat.ObjectTypes.UserObject + 1
_WHICH = QTextFormat.Property.UserProperty + 1
_SMALL, _USUAL, _SECTION, _TITLE = 9.5, 10.5, 13.5, 20.0
_DAY = re.compile(rb"\(D:\d{14}(Z|[+-]\d\d'\d\d'?)\)")


def pdf_bytes(report: Report, document: Document) -> bytes:
    """The whole file."""
    laid = _Pages(report, document)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_DPI)
    writer.setTitle(plain(document.title))
    writer.setCreator(PRODUCER)
    writer.setDocumentId(_identity(document))
    writer.setDocumentXmpMetadata(QByteArray(_METADATA))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    painter = QPainter(writer)
    for page in range(laid.count):
        if page:
            writer.newPage()
        painter.save()
        painter.scale(_DPI / _PX, _DPI / _PX)
        laid.paint(painter, page)
        painter.restore()
    painter.end()
    return _DAY.sub(_no_day, bytes(buffer.data().data()), count=2)


class _Pages:
    """A document on pages."""

    def __init__(self, report: Report, document: Document) -> None:
        self._title = plain(document.title)
        self._document = QTextDocument()
        self._document.setUseDesignMetrics(True)
        self._document.setDocumentMargin(_MARGIN)
        self._document.setDefaultFont(font(LIGHT, _USUAL))
        self._pictures = _Pictures(report)
        layout = self._document.documentLayout()
        layout.registerHandler(_OBJECT, self._pictures)
        self._document.setPageSize(_PAGE)
        self._cursor = QTextCursor(self._document)
        self._together: list[tuple[QTextBlock, float]] = []
        self._begun = False
        # Otherwise all is laid out anew with every cell.
        self._cursor.beginEditBlock()
        self._write(document.title, _TITLE, bold=True)
        for at, block in enumerate(document.blocks):
            self._add(report, block, document.blocks[at + 1 : at + 3])
        self._cursor.endEditBlock()
        self._keep_together()
        self.count = self._document.pageCount()

    def paint(self, painter: QPainter, page: int) -> None:
        """Paint one page, with its number."""
        foot = QRectF(_MARGIN, _PAGE.height() - _FOOT, _PAGE.width() - 2 * _MARGIN, 14)
        where = f"{page + 1} of {self.count}"
        draw_text(painter, foot, self._title, LIGHT, size=_SMALL, colour=LIGHT.faint)
        draw_text(painter, foot, where, LIGHT, size=_SMALL, colour=LIGHT.faint, align="right")
        painter.translate(0, -page * _PAGE.height())
        part = QRectF(0, page * _PAGE.height(), _PAGE.width(), _PAGE.height())
        self._document.drawContents(painter, part)

    def _add(self, report: Report, block: Block, after: Sequence[Block]) -> None:
        match block:
            case Heading(words):
                self._write(words, _SECTION, bold=True, above=20)
                self._keep(60 + self._need(report, after))
            case Paragraph(words, quiet):
                self._write(words, colour=LIGHT.muted if quiet else LIGHT.text)
            case Points(many):
                for one in many:
                    self._write(f"•  {one}", above=2, indent=12)
            case Judged(name, level, sentence):
                self._write(f"{name}: ", bold=True, above=8)
                self._say(level, bold=True, colour=level_colour(level, LIGHT))
                self._keep(50)
                self._write(sentence, above=0)
            case Table():
                self._table(block)
            case Drawing():
                self._figure(report, block)

    def _need(self, report: Report, after: Sequence[Block]) -> float:
        """Height that must be left below a heading for what follows it."""
        match after:
            case [Drawing() as drawing, *_]:
                return painted(report, drawing).height
            case [Paragraph(quiet=True), Drawing() as drawing, *_]:
                return 60 + painted(report, drawing).height
            case [Paragraph(quiet=True), *_]:
                return 130
        return 60

    def _write(
        self,
        words: str,
        size: float = _USUAL,
        *,
        bold: bool = False,
        colour: str = LIGHT.text,
        above: float = 5,
        indent: float = 0,
        lines: float = 124,
    ) -> None:
        """Begin a paragraph."""
        shape = QTextBlockFormat()
        shape.setTopMargin(above)
        shape.setBottomMargin(2)
        shape.setLeftMargin(indent)
        shape.setTextIndent(-indent)
        shape.setLineHeight(lines, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        if self._begun:
            self._cursor.insertBlock(shape)
        else:
            self._cursor.setBlockFormat(shape)
            self._begun = True
        self._say(words, size, bold=bold, colour=colour)

    def _say(
        self, words: str, size: float = _USUAL, *, bold: bool = False, colour: str = LIGHT.text
    ) -> None:
        # A number and its unit stay on one line.
        kept = plain(words).replace(" %", "\u00a0%")
        self._cursor.insertText(kept, _type(size, bold, colour))

    def _keep(self, need: float) -> None:
        """Begin a new page at this paragraph where less than so much is left of its page."""
        self._together.append((self._cursor.block(), need))

    def _keep_together(self) -> None:
        layout, high = self._document.documentLayout(), _PAGE.height()
        for block, need in self._together:
            top = layout.blockBoundingRect(block).top()
            left = high - _MARGIN - top % high
            if left < min(need, high - 2 * _MARGIN) and top % high > _MARGIN + 30:
                shape = block.blockFormat()
                shape.setPageBreakPolicy(QTextFormat.PageBreakFlag.PageBreak_AlwaysBefore)
                QTextCursor(block).setBlockFormat(shape)

    def _table(self, table: Table) -> None:
        self._write(table.caption, _SMALL, colour=LIGHT.muted, above=8)
        self._keep(90)
        headed = any(table.columns)
        shape = QTextTableFormat()
        shape.setBorder(0)
        shape.setCellSpacing(0)
        shape.setCellPadding(2.5)
        shape.setHeaderRowCount(int(headed))
        shape.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
        rows = [*([table.columns] if headed else []), *table.rows]
        made = self._cursor.insertTable(len(rows), len(table.columns), shape)
        for y, row in enumerate(rows):
            for x, words in enumerate(row):
                cell = made.cellAt(y, x)
                cell.setFormat(_ruled())
                cursor = cell.firstCursorPosition()
                side = QTextBlockFormat()
                left = x < table.left
                side.setAlignment(
                    Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
                )
                cursor.setBlockFormat(side)
                colour = LIGHT.muted if headed and y == 0 else LIGHT.text
                size = _SMALL if len(table.columns) < 8 else _SMALL - 1
                # A line of a cell is no paragraph of its own.
                lines = "\u2028".join(plain(line) for line in words.split("\n"))
                cursor.insertText(lines, _type(size, False, colour))
        self._cursor.movePosition(QTextCursor.MoveOperation.End)

    def _figure(self, report: Report, drawing: Drawing) -> None:
        self._write("", above=8, lines=100)
        shape = QTextCharFormat()
        shape.setObjectType(_OBJECT)
        shape.setProperty(_WHICH, self._pictures.add(drawing))
        self._cursor.insertText("\ufffc", shape)
        self._keep(painted(report, drawing).height + 50)
        self._write(drawing.words, _SMALL, colour=LIGHT.muted, above=0)


class _Pictures(QPyTextObject):
    """Pictures in the flow of the text."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report
        self._drawings: list[Drawing] = []

    def add(self, drawing: Drawing) -> int:
        """The number by which it stands in the text."""
        self._drawings.append(drawing)
        return len(self._drawings) - 1

    def intrinsicSize(self, doc: QTextDocument, at: int, shape: QTextFormat) -> QSizeF:
        """As wide as the page."""
        width = _PAGE.width() - 2 * _MARGIN
        return QSizeF(width, self._of(shape).height * width / WIDTH)

    def drawObject(
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        doc: QTextDocument,
        at: int,
        shape: QTextFormat,
    ) -> None:
        """Paint it."""
        self._of(shape).paint(painter, QRectF(rect), LIGHT)

    def _of(self, shape: QTextFormat) -> Painted:
        return painted(self._report, self._drawings[int(shape.property(_WHICH))])


def _type(size: float, bold: bool, colour: str) -> QTextCharFormat:
    shape, face = QTextCharFormat(), QFont(font(LIGHT, size, bold))
    # A word with a ligature is not found by those who search for it.
    face.setFeature(QFont.Tag("liga"), 0)
    shape.setFont(face)
    shape.setForeground(QColor(colour))
    return shape


def _ruled() -> QTextTableCellFormat:
    shape = QTextTableCellFormat()
    shape.setBottomBorder(0.75)
    shape.setBottomBorderStyle(QTextTableFormat.BorderStyle.BorderStyle_Solid)
    shape.setBottomBorderBrush(QColor(LIGHT.line))
    return shape


def _identity(document: Document) -> QUuid:
    """The same for the same words."""
    told = hashlib.blake2b(repr(astuple(document)).encode("utf-8", "replace"), digest_size=16)
    return QUuid.fromRfc4122(QByteArray(told.digest()))


def _no_day(found: re.Match[bytes]) -> bytes:
    # As long as it was, so that every offset in the file stays right.
    zone = found[1] if found[1] == b"Z" else re.sub(rb"\d", b"0", found[1])
    return b"(D:19700101000000" + zone + b")"


_METADATA = (
    b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>"
    b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/><?xpacket end='w'?>"
)
