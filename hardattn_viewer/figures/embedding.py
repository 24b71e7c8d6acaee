"""One string inside the file of a figure: put there when it is written, found again later."""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from html import escape, unescape
from pathlib import Path

from hardattn_viewer.drawing.text import plain
from hardattn_viewer.figures.options import FigureError
from hardattn_viewer.figures.recipe import MOST_BYTES, Recipe, recipe_from

SUFFIXES = (".svg", ".pdf", ".png")
LARGEST_FILE = 1 << 29
KEYWORD = b"hardattn"
NAMESPACE = "urn:hardattn:figure"
_OPEN, _CLOSE = b'<hardattn:figure xmlns:hardattn="urn:hardattn:figure">', b"</hardattn:figure>"
_PNG = b"\x89PNG\r\n\x1a\n"


def as_element(text: str) -> str:
    """The string as an XML element, for SVG and for the XMP of a PDF."""
    return f"{_OPEN.decode()}{escape(text, quote=False)}{_CLOSE.decode()}"


def in_svg(data: bytes, text: str) -> bytes:
    """An SVG with the string as its metadata."""
    element = f"<metadata>{as_element(text)}</metadata>\n".encode()
    # Before the definitions, after title and description.
    at = data.index(b"<defs>")
    return data[:at] + element + data[at:]


def in_png(data: bytes, text: str) -> bytes:
    """A PNG with the string in a chunk of international text (PNG 3, section 11.3.3.4)."""
    body = KEYWORD + b"\0\0\0\0\0" + text.encode()
    chunk = b"iTXt" + body
    chunk = struct.pack(">I", len(body)) + chunk + struct.pack(">I", binascii.crc32(chunk))
    at = data.index(b"IDAT") - 4
    return data[:at] + chunk + data[at:]


def recipe_in(path: Path) -> Recipe:
    """The recipe that the file of a figure carries.

    Raises:
        FigureError: it cannot be read, is no figure, carries none, or one that cannot be used; one
            sentence that names the file.
    """
    name = plain(str(path))
    if path.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise FigureError(f"{name} is no figure: name a file that ends in one of {known}")
    try:
        # A pipe would be waited for without end.
        if not path.is_file():
            raise FigureError(f"{name} is not a file that is there")
        if path.stat().st_size > LARGEST_FILE:
            raise FigureError(f"{name} is larger than any figure that hardattn writes")
        data = path.read_bytes()
    except OSError as error:
        raise FigureError(f"{name} cannot be read: {error.strerror or error}") from error
    found = _in_png(data) if data.startswith(_PNG) else _in_element(data)
    if found is None:
        raise FigureError(
            f"{name} does not carry what it was made of: another program wrote or changed it"
        )
    try:
        return recipe_from(found.decode("utf-8", errors="replace"))
    except FigureError as error:
        raise FigureError(f"what {name} says it was made of cannot be used: {error}") from error


def _in_element(data: bytes) -> bytes | None:
    start = re.search(rb"<hardattn:figure\b[^<>]{0,200}>", data)
    if start is None:
        return None
    end = data.find(_CLOSE, start.end())
    if end < 0:
        return None
    # One byte more than a recipe may have says that it is too long.
    body = data[start.end() : min(end, start.end() + 8 * MOST_BYTES)]
    return unescape(body.decode("utf-8", errors="replace")).encode()


def _in_png(data: bytes) -> bytes | None:
    at = len(_PNG)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if kind == b"iTXt" and body.startswith(KEYWORD + b"\0"):
            return _text_of(body[len(KEYWORD) + 1 :])
        at += size + 12
    return None


def _text_of(body: bytes) -> bytes | None:
    """The text of a chunk, which another program may have compressed."""
    parts = body[2:].split(b"\0", 2)
    if len(body) < 4 or len(parts) < 3:
        return None
    if body[0] == 0:
        return parts[2]
    try:
        return zlib.decompressobj().decompress(parts[2], MOST_BYTES + 1)
    except zlib.error:
        return None
