"""PDFs of several pages, each of exactly its own size."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSize
from PySide6.QtGui import QPageSize, QPainter, QPdfWriter

from hardattn_viewer.figures.files import Paint
from hardattn_viewer.figures.options import POINTS_PER_MM

_PDF_DPI = 1200


def pdf_pages_bytes(pages: Sequence[tuple[Paint, float, float]], title: str, program: str) -> bytes:
    """A PDF with type embedded and pictures lossless.

    Args:
        pages: what paints each, and its width and height in mm.
        title: what the file is called.
        program: what drew it.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_PDF_DPI)
    writer.setTitle(title)
    writer.setCreator(program)
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    painter = QPainter()
    dots = _PDF_DPI / 72
    sizes = []
    for number, (paint, width_mm, height_mm) in enumerate(pages):
        width, height = width_mm * POINTS_PER_MM, height_mm * POINTS_PER_MM
        # Qt lays pages out in whole points: paint on the next larger page, then cut it to size.
        page = QSize(-int(-width // 1), -int(-height // 1))
        writer.setPageSize(QPageSize(page, "figure", QPageSize.SizeMatchPolicy.ExactMatch))
        if number:
            writer.newPage()
        else:
            painter.begin(writer)
        # The origin of a PDF page is its lower left corner, and the cut keeps it.
        paint(painter, QRectF(0, (page.height() - height) * dots, width * dots, height * dots))
        sizes.append((width, height))
    painter.end()
    return _timeless(_cut(bytes(buffer.data().data()), sizes))


def _cut(data: bytes, sizes: Sequence[tuple[float, float]]) -> bytes:
    """Give every page its size; numbers keep their length, so that every offset stays right."""
    left = iter(sizes)

    def exact(match: re.Match[bytes]) -> bytes:
        cut = [
            f"{size:.6f}".rjust(len(old), "0").encode()
            for size, old in zip(next(left), match.groups(), strict=True)
        ]
        return b"/MediaBox [0 0 " + cut[0] + b" " + cut[1] + b"]"

    return re.sub(rb"/MediaBox \[0 0 (\d+\.\d{6}) (\d+\.\d{6})\]", exact, data)


def _timeless(data: bytes) -> bytes:
    """Without the moment of writing and a number by chance, so that the same gives the same."""
    data = re.sub(rb"\(D:\d{14}", b"(D:19800101000000", data)
    data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", b"1980-01-01T00:00:00", data)
    known = re.search(rb"uuid:([0-9a-f-]{36})", data)
    if known is None:
        return data
    old = known.group(1)
    rest = data.replace(old, b"").replace(old.hex().encode(), b"")
    number = hashlib.sha256(rest).hexdigest()
    new = "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:32])).encode()
    return data.replace(old, new).replace(old.hex().encode(), new.hex().encode())
