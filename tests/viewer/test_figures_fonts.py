"""Fonts inside an SVG: the letters that it shows, as wide as Qt drew them."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont
from PySide6.QtGui import QFont, QFontMetricsF

from hardattn_viewer.cli.main import main
from hardattn_viewer.figures import fonts
from hardattn_viewer.figures.fonts import with_fonts
from sample_runs import paths

RULE = re.compile(
    r"@font-face\{font-family:'([^']+)';font-weight:(\d+);font-style:normal;"
    r"src:url\(data:font/ttf;base64,([^)]+)\) format\('truetype'\)\}"
)


def svg_of(words: str, family: str = "DejaVu Sans", weight: int = 400) -> bytes:
    """A line of text as Qt writes it."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg"><defs></defs><text fill="#000" '
        f'font-family="{family},Verdana,sans-serif" font-size="12" font-weight="{weight}" '
        f'font-style="normal" \n >{words}</text></svg>'
    ).encode()


def fonts_in(svg: bytes) -> dict[tuple[str, int], TTFont]:
    return {
        (family, int(weight)): TTFont(BytesIO(base64.b64decode(data)))
        for family, weight, data in RULE.findall(svg.decode())
    }


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory, qapp: object) -> bytes:
    target = tmp_path_factory.mktemp("figure") / "f.svg"
    words = ["export", str(paths()[0]), "--view", "regions", "--example", "8", "-o", str(target)]
    assert main(words) == 0
    return Path(target).read_bytes()


def test_every_letter_of_a_figure_is_in_a_font_of_its_face(figure: bytes) -> None:
    found = fonts_in(figure)
    assert {weight for _, weight in found} == {400, 700}
    ElementTree.fromstring(figure)
    shown: dict[tuple[str, int], set[str]] = {}
    for element in ElementTree.fromstring(figure).iter("{http://www.w3.org/2000/svg}text"):
        face = element.attrib["font-family"].split(",")[0], int(element.attrib["font-weight"])
        shown.setdefault(face, set()).update(element.text or "")
    for face, font in found.items():
        assert {ord(letter) for letter in shown[face]} == set(font.getBestCmap())


def test_letters_are_as_wide_as_qt_draws_them(qapp: object) -> None:
    letters = "AVWafi0123456789 ,.+−×"
    (font,) = fonts_in(with_fonts(svg_of(letters))).values()
    drawn = QFont("DejaVu Sans")
    drawn.setPixelSize(1000)
    drawn.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    metrics, units = QFontMetricsF(drawn), font["head"].unitsPerEm
    for letter in letters:
        width, _ = font["hmtx"][font.getBestCmap()[ord(letter)]]
        assert 1000 * width / units == pytest.approx(metrics.horizontalAdvance(letter), abs=1)
    pair = 1000 * font["kern"].kernTables[0]["A", "V"] / units
    apart = metrics.horizontalAdvance("A") + metrics.horizontalAdvance("V")
    assert pair == pytest.approx(metrics.horizontalAdvance("AV") - apart, abs=1) and pair < -10


def test_entities_are_the_letters_that_they_stand_for(qapp: object) -> None:
    (font,) = fonts_in(with_fonts(svg_of("&lt;&amp;"))).values()
    # A bracket comes with the one that mirrors it.
    assert set(font.getBestCmap()) == set(map(ord, "<&>"))


def test_the_same_text_has_the_same_bytes(qapp: object) -> None:
    assert with_fonts(svg_of("hardattn")) == with_fonts(svg_of("hardattn"))


@pytest.mark.parametrize(
    "svg", [svg_of("abc", family="No Such Family"), b"<svg><defs></defs></svg>"]
)
def test_what_has_no_font_stays_as_it_is(svg: bytes, qapp: object) -> None:
    assert with_fonts(svg) == svg


def test_a_font_that_may_not_be_embedded_is_not(
    monkeypatch: pytest.MonkeyPatch, qapp: object
) -> None:
    face = ("DejaVu Sans", 400, False)
    data = fonts._font_file(face)
    assert data is not None
    font = TTFont(BytesIO(data))
    font["OS/2"].fsType = 0x0002
    changed = BytesIO()
    font.save(changed)
    monkeypatch.setattr(fonts, "_font_file", lambda face: changed.getvalue())
    assert with_fonts(svg_of("abc")) == svg_of("abc")
