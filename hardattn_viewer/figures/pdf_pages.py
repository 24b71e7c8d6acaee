"""PDFs of one page or several, each of exactly its own size, without a date or anything random."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QHashSeed,
    QIODevice,
    QMarginsF,
    QRectF,
    QSize,
    QUuid,
)
from PySide6.QtGui import QPageSize, QPainter, QPdfWriter

from hardattn_viewer.figures.files import Paint
from hardattn_viewer.figures.options import POINTS_PER_MM
from hardattn_viewer.figures.xmp import xmp_packet

_DPI = 1200
_DOTS = _DPI / 72
_SIZE = rb"/MediaBox \[0 0 (\d+\.\d{6}) (\d+\.\d{6})\]"


def pdf_bytes(
    pages: Sequence[tuple[Paint, float, float]],
    title: str,
    description: str,
    program: str,
    more: str = "",
) -> bytes:
    """A PDF with type embedded and pictures lossless.

    Args:
        pages: what paints each, and its width and height in mm, to the hundredth.
        title: what the file is called.
        description: what it shows.
        program: what made it.
        more: an XML element for its metadata; empty for none.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_DPI)
    writer.setTitle(title)
    writer.setCreator(program)
    told = xmp_packet(title, description, program, more)
    writer.setDocumentXmpMetadata(QByteArray(told))
    # By default random: the same for the same figure instead.
    writer.setDocumentId(QUuid(f"{{{uuid.uuid5(uuid.NAMESPACE_URL, told.decode())}}}"))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    sizes = [(width * POINTS_PER_MM, height * POINTS_PER_MM) for _, width, height in pages]
    # The fonts are written in the order of a table that is otherwise another in each process.
    QHashSeed.setDeterministicGlobalSeed()
    try:
        painter = QPainter()
        for (paint, _, _), (width, height) in zip(pages, sizes, strict=True):
            # Qt lays pages out in whole points: paint on the next larger one, then cut it to size.
            page = QSize(-int(-width // 1), -int(-height // 1))
            writer.setPageSize(QPageSize(page, "figure", QPageSize.SizeMatchPolicy.ExactMatch))
            if not painter.isActive():
                painter.begin(writer)
            else:
                writer.newPage()
            # The origin of a PDF page is its lower left corner, and the cut keeps it.
            top = (page.height() - height) * _DOTS
            paint(painter, QRectF(0, top, width * _DOTS, height * _DOTS))
        painter.end()
    finally:
        QHashSeed.resetRandomGlobalSeed()
    return _without_dates(_cut(bytes(buffer.data().data()), sizes))


def _cut(data: bytes, sizes: Sequence[tuple[float, float]]) -> bytes:
    """Give every page its size; numbers keep their length, so that every offset stays right."""
    left = iter(sizes)

    def exact(match: re.Match[bytes]) -> bytes:
        cut = [
            f"{size:.6f}".rjust(len(old), "0").encode()
            for size, old in zip(next(left), match.groups(), strict=True)
        ]
        return b"/MediaBox [0 0 " + cut[0] + b" " + cut[1] + b"]"

    return re.sub(_SIZE, exact, data, count=len(sizes))


def _without_dates(data: bytes) -> bytes:
    """A PDF that does not say when it was made; every offset in it stays right."""
    head, rest = data[:4096], data[4096:]
    dates = rb"/(?:CreationDate|ModDate) \(D:[^()]*\)"
    return re.sub(dates, lambda match: b" " * len(match[0]), head) + rest
