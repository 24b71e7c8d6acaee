"""A painted page as the bytes of a file, and those bytes on disk in one piece."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QRectF,
    QSize,
)
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from hardattn_viewer.figures.options import FigureError

Paint = Callable[[QPainter, QRectF], None]
# SVG units: a hundredth of a millimetre, since sizes in it are whole numbers.
_SVG_UNITS_PER_MM = 100
_PDF_DPI = 1200
# A gigabyte of memory; more has been asked for by mistake.
_MOST_PIXELS = 1 << 28


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
