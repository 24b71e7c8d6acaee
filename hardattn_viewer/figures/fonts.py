"""The letters that an SVG shows, inside it: of each face that it names a font of those alone."""

from __future__ import annotations

import base64
import re
import struct
from functools import cache
from html import unescape
from io import BytesIO

from PySide6.QtGui import QFont, QRawFont

_TEXT = re.compile(
    r'<text [^>]*?font-family="(?P<family>[^",]+)[^"]*"[^>]*?font-weight="(?P<weight>\d+)"'
    r'[^>]*?font-style="(?P<style>\w+)"[^>]*>(?P<words>.*?)</text>',
    re.DOTALL,
)
_TABLES = (
    "OS/2", "cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "post", "CFF ", "kern",
)  # fmt: skip
# Hints (cvt, fpgm, prep) do not matter where figures are drawn; tables of layout take longer to
# read than all others together, and pairs of letters stand in "kern" as well.
_RESTRICTED = 0x0002
"""Bit of ``OS/2.fsType``: the font's licence allows no embedding."""

Face = tuple[str, int, bool]
"""Family, weight (400 is normal) and whether it is slanted."""


def with_fonts(svg: bytes) -> bytes:
    """The same SVG with its letters, so that it looks the same where the fonts are not installed.

    What stays as it was: letters that the face itself lacks, faces whose licence allows no
    embedding, and text, which can still be selected and searched. Programs that know no
    ``@font-face`` (Inkscape, librsvg) take the installed font, as before.

    Args:
        svg: with its definitions in ``<defs>``, as Qt writes it.
    """
    text = svg.decode("utf-8")
    letters: dict[Face, set[str]] = {}
    for found in _TEXT.finditer(text):
        face = found["family"], int(found["weight"]), found["style"] != "normal"
        letters.setdefault(face, set()).update(unescape(found["words"]))
    rules = []
    for face in sorted(letters):
        data = _subset(face, frozenset(letters[face]))
        if data is not None:
            rules.append(_rule(face, data))
    if not rules:
        return svg
    style = f"<style>{''.join(rules)}</style>\n"
    at = text.index("<defs>")
    return f"{text[:at]}{style}{text[at:]}".encode()


def _rule(face: Face, data: bytes) -> str:
    family, weight, slanted = face
    return (
        f"@font-face{{font-family:'{family}';font-weight:{weight};"
        f"font-style:{'italic' if slanted else 'normal'};"
        f"src:url(data:font/ttf;base64,{base64.b64encode(data).decode()}) format('truetype')}}"
    )


def _subset(face: Face, letters: frozenset[str]) -> bytes | None:
    """A font of some letters of a face, or None where there is none or none is allowed."""
    # A fifth of a second, which only who writes an SVG pays.
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    whole = _font_file(face)
    if whole is None:
        return None
    # The time of writing would be another each time.
    font = TTFont(BytesIO(whole), recalcTimestamp=False)
    if "OS/2" in font and font["OS/2"].fsType & _RESTRICTED:
        return None
    options = Options()
    options.hinting = False
    options.legacy_kern = True
    options.name_IDs = [1, 2, 13, 14]
    options.notdef_outline = True
    maker = Subsetter(options)
    maker.populate(text="".join(sorted(letters)))
    maker.subset(font)
    made = BytesIO()
    font.save(made)
    return made.getvalue()


@cache
def _font_file(face: Face) -> bytes | None:
    """The font that Qt draws a face with, put together from its tables."""
    family, weight, slanted = face
    asked = QFont(family)
    asked.setWeight(QFont.Weight(weight))
    asked.setItalic(slanted)
    raw = QRawFont.fromFont(asked)
    # Another family in its place would give the name of this one to it.
    if not raw.isValid() or raw.familyName() != family:
        return None
    tables = [(tag, bytes(raw.fontTable(tag).data())) for tag in sorted(_TABLES)]
    tables = [(tag, data) for tag, data in tables if data]
    names = {tag for tag, _ in tables}
    if "cmap" not in names or not names & {"glyf", "CFF "}:
        return None
    version = b"OTTO" if "CFF " in names else b"\0\1\0\0"
    head = version + struct.pack(">HHHH", len(tables), 0, 0, 0)
    at, body = len(head) + 16 * len(tables), b""
    for tag, data in tables:
        head += tag.encode() + struct.pack(">III", 0, at + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    return head + body
