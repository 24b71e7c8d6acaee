"""One string inside the file of a figure: put there when it is written, found again later."""

from __future__ import annotations

import binascii
import io
import re
import struct
import zipfile
import zlib
from html import escape, unescape
from pathlib import Path

import numpy as np

from hardattn_viewer.drawing.text import plain
from hardattn_viewer.figures.options import FigureError
from hardattn_viewer.figures.recipe import MOST_BYTES, Recipe, recipe_from

SUFFIXES = (".svg", ".pdf", ".png", ".gif", ".mp4", ".npz")
LARGEST_FILE = 1 << 29
KEYWORD = b"hardattn"
NAMESPACE = "urn:hardattn:figure"
_OPEN, _CLOSE = b'<hardattn:figure xmlns:hardattn="urn:hardattn:figure">', b"</hardattn:figure>"
_PNG = b"\x89PNG\r\n\x1a\n"
# Where XMP lies in a GIF and in an MP4 (XMP specification, part 3, sections 1.1.2 and 1.2.7.1).
_GIF_XMP = b"\x21\xff\x0bXMP DataXMP"
_MP4_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
# Read as the lengths of blocks, these lead any reader to the end of what it does not know.
_GIF_TRAILER = bytes((1, *range(255, -1, -1), 0))
_MEMBER = "recipe.npy"


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


def in_gif(data: bytes, packet: bytes) -> bytes:
    """A GIF with a packet of XMP before its last byte."""
    return data[:-1] + _GIF_XMP + packet + _GIF_TRAILER + data[-1:]


def in_mp4(data: bytes, packet: bytes) -> bytes:
    """An MP4 with a packet of XMP as its last box."""
    body = b"uuid" + _MP4_XMP + packet
    return data + struct.pack(">I", len(body) + 4) + body


def in_npz(data: bytes, text: str) -> bytes:
    """Arrays with the string as one more, ``recipe``."""
    array, whole = io.BytesIO(), io.BytesIO(data)
    np.lib.format.write_array(array, np.array(text), allow_pickle=False)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED) as arrays:
        # Of the same date always, as numpy's own members.
        member = zipfile.ZipInfo(_MEMBER)
        member.compress_type = zipfile.ZIP_DEFLATED
        arrays.writestr(member, array.getvalue())
    return whole.getvalue()


def recipe_in(path: Path) -> Recipe:
    """The recipe that the file of a figure, or of its numbers, carries.

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
    found = _found_in(data)
    if found is None:
        raise FigureError(
            f"{name} does not carry what it was made of: another program wrote or changed it"
        )
    try:
        return recipe_from(found.decode("utf-8", errors="replace"))
    except FigureError as error:
        raise FigureError(f"what {name} says it was made of cannot be used: {error}") from error


def _found_in(data: bytes) -> bytes | None:
    if data.startswith(_PNG):
        return _in_png(data)
    if data.startswith(b"PK"):
        return _in_npz(data)
    # What stands before is text of the run, which may look like a recipe.
    for kind, mark in ((data.startswith(b"GIF8"), _GIF_XMP), (data[4:8] == b"ftyp", _MP4_XMP)):
        if kind:
            at = data.rfind(mark)
            return None if at < 0 else _in_element(data[at:])
    return _in_element(data)


def _in_npz(data: bytes) -> bytes | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as arrays:
            # Four bytes a letter, and the head of an array.
            if arrays.getinfo(_MEMBER).file_size > 4 * MOST_BYTES + 4_096:
                return None
            body = io.BytesIO(arrays.read(_MEMBER))
        array = np.lib.format.read_array(body, allow_pickle=False)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError):
        return None
    return str(array).encode() if array.shape == () and array.dtype.kind == "U" else None


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
