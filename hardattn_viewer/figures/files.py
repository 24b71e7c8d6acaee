"""A painted page as the bytes of a file, and those bytes on disk in one piece."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import uuid
from collections.abc import Callable
from html import escape
from pathlib import Path

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
from PySide6.QtGui import QImage, QImageWriter, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from hardattn_viewer.figures.options import POINTS_PER_MM, FigureError

Paint = Callable[[QPainter, QRectF], None]
# SVG units: a hundredth of a millimetre, since sizes in it are whole numbers.
_SVG_UNITS_PER_MM = 100
_PDF_DPI = 1200
# A gigabyte of memory; more has been asked for by mistake.
_MOST_PIXELS = 1 << 28
_XMP = """<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="{program}">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{words}</rdf:li></rdf:Alt></dc:description>
</rdf:Description>
{more}</rdf:RDF></x:xmpmeta>
<?xpacket end='w'?>
"""


def svg_bytes(
    paint: Paint, width_mm: float, height_mm: float, title: str, description: str, fallback: str
) -> bytes:
    """An SVG of exactly the given size; text stays text.

    Args:
        paint: paints the page into a rectangle.
        width_mm: to the hundredth.
        height_mm: to the hundredth.
        title: what the file is called.
        description: what it shows.
        fallback: families of type for machines that lack the first, separated by commas.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(round(25.4 * _SVG_UNITS_PER_MM))
    size = QSize(round(width_mm * _SVG_UNITS_PER_MM), round(height_mm * _SVG_UNITS_PER_MM))
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(title)
    generator.setDescription(description)
    painter = QPainter(generator)
    paint(painter, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    text = bytes(buffer.data().data()).decode("utf-8")
    return re.sub(r'font-family="([^",]+)"', rf'font-family="\1, {fallback}"', text).encode()


def pdf_bytes(
    paint: Paint,
    width_mm: float,
    height_mm: float,
    title: str,
    description: str,
    program: str,
    more: str = "",
) -> bytes:
    """A PDF of one page of exactly the given size, type embedded, pictures lossless.

    It holds neither a date nor anything random.

    Args:
        paint: paints the page into a rectangle.
        width_mm: to the hundredth.
        height_mm: to the hundredth.
        title: what the file is called.
        description: what it shows.
        program: what made it.
        more: an XML element for its metadata; empty for none.
    """
    width, height = width_mm * POINTS_PER_MM, height_mm * POINTS_PER_MM
    # Qt lays pages out in whole points: paint on the next larger page, then cut it to size.
    page = QSize(-int(-width // 1), -int(-height // 1))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_PDF_DPI)
    writer.setTitle(title)
    writer.setCreator(program)
    more = more and f'<rdf:Description rdf:about="">{more}</rdf:Description>\n'
    told = _XMP.format(
        program=_for_xml(program),
        title=_for_xml(title),
        words=_for_xml(description),
        more=more,
    )
    writer.setDocumentXmpMetadata(QByteArray(told.encode("utf-8", errors="replace")))
    # By default random: the same for the same figure instead.
    name = uuid.uuid5(uuid.NAMESPACE_URL, told.encode("utf-8", errors="replace").decode())
    writer.setDocumentId(QUuid(f"{{{name}}}"))
    writer.setPageSize(QPageSize(page, "figure", QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    dots = _PDF_DPI / 72
    # The fonts are written in the order of a table that is otherwise another in each process.
    QHashSeed.setDeterministicGlobalSeed()
    try:
        painter = QPainter(writer)
        # The origin of a PDF page is its lower left corner, and the cut keeps it.
        paint(painter, QRectF(0, (page.height() - height) * dots, width * dots, height * dots))
        painter.end()
    finally:
        QHashSeed.resetRandomGlobalSeed()
    return without_dates(_cut_page(bytes(buffer.data().data()), width, height))


def without_dates(data: bytes) -> bytes:
    """A PDF that does not say when it was made; every offset in it stays right."""
    head, rest = data[:4096], data[4096:]
    dates = rb"/(?:CreationDate|ModDate) \(D:[^()]*\)"
    return re.sub(dates, lambda match: b" " * len(match[0]), head) + rest


def _for_xml(text: str) -> str:
    """Text without the control characters that no XML may hold."""
    return escape("".join(c if c.isprintable() else " " for c in text))


def _cut_page(data: bytes, width: float, height: float) -> bytes:
    def exact(match: re.Match[bytes]) -> bytes:
        sizes = (width, height)
        cut = [
            f"{size:.6f}".rjust(len(old), "0").encode()
            for size, old in zip(sizes, match.groups(), strict=True)
        ]
        return b"/MediaBox [0 0 " + cut[0] + b" " + cut[1] + b"]"

    # Numbers keep their length, so that every offset in the file stays right.
    return re.sub(rb"/MediaBox \[0 0 (\d+\.\d{6}) (\d+\.\d{6})\]", exact, data, count=1)


def png_bytes(paint: Paint, width_mm: float, height_mm: float, dpi: int, description: str) -> bytes:
    """A PNG that states its resolution."""
    size = QSize(*(max(1, round(mm / 25.4 * dpi)) for mm in (width_mm, height_mm)))
    too_large = size.width() * size.height() > _MOST_PIXELS
    image = QImage(QSize() if too_large else size, QImage.Format.Format_ARGB32_Premultiplied)
    if image.isNull():
        raise FigureError(
            f"a picture of {size.width():,} × {size.height():,} px does not fit in memory; "
            "choose a smaller width or fewer dots per inch"
        )
    image.fill(0)
    image.setDotsPerMeterX(round(dpi / 0.0254))
    image.setDotsPerMeterY(round(dpi / 0.0254))
    image.setText("Description", description)
    painter = QPainter(image)
    paint(painter, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"png"))
    if not writer.write(image.convertToFormat(QImage.Format.Format_RGB32)):
        raise FigureError(f"the picture cannot be written as PNG: {writer.errorString()}")
    return bytes(buffer.data().data())


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that the file is there whole or as it was before.

    Raises:
        FigureError: the folder is missing or read-only, or the disk is full.
    """
    # Opened by hand and not through tempfile, whose files others may not read.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise FigureError(f"cannot write {path}: {reason}; choose another place") from error
