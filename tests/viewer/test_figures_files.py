"""Figures as files: exact sizes, the same picture in every format, safe writing."""

from __future__ import annotations

import base64
import errno
import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing_samples import make_frame, pixels
from PIL import Image
from pypdf import PdfReader
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from hardattn_viewer.drawing.regions import paint_regions, regions_picture
from hardattn_viewer.drawing.scale import shared_scale
from hardattn_viewer.drawing.theme import DARK, LIGHT
from hardattn_viewer.figures.figure import Figure, FigureError, FigureOptions, make_figure
from hardattn_viewer.figures.options import POINTS_PER_MM
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame

VISITS = [[24], [8], [40], [8]]
SVG = "{http://www.w3.org/2000/svg}"


def ink() -> np.ndarray:
    """A picture with strokes, so that a blurred or shifted rendering shows."""
    image = np.zeros((28, 28), dtype=np.uint8)
    image[4:7, 4:22] = 230
    image[7:24, 15:18] = 180
    return image


def hard_frame(**more: object) -> Frame:
    return make_frame(selections=VISITS, step=2, image=ink(), seed=1, **more)  # type: ignore[arg-type]


def soft_frame() -> Frame:
    frame = make_frame(
        selections=[[]] * 4, step=2, hard=False, seed=2, image=ink(), run_name="soft"
    )
    return replace(frame, prediction=7)


def regions(**options: object) -> Figure:
    return make_figure("regions", [hard_frame()], FigureOptions(**options), Display())  # type: ignore[arg-type]


def comparison(**options: object) -> Figure:
    settings = FigureOptions(view="compare", **{"width_mm": 175.0, **options})  # type: ignore[arg-type]
    return make_figure("compare", [hard_frame(), soft_frame()], settings, Display())


FIGURES = {"regions": regions, "compare": comparison}


@pytest.fixture(params=sorted(FIGURES))
def figure(request: pytest.FixtureRequest) -> Figure:
    return FIGURES[request.param]()


@pytest.mark.parametrize("width", [42.5, 85.0, 123.45, 210.0])
def test_pdf_pages_are_exactly_as_wide_as_asked(tmp_path: Path, width: float) -> None:
    figure = regions(width_mm=width)
    figure.save(tmp_path / "a.pdf")
    reader = PdfReader(tmp_path / "a.pdf", strict=True)
    assert len(reader.pages) == 1
    box = reader.pages[0].mediabox
    assert float(box.width) / POINTS_PER_MM == pytest.approx(width, abs=0.001)
    assert float(box.height) / POINTS_PER_MM == pytest.approx(figure.size_mm[1], abs=0.001)


def test_pdf_holds_its_type_its_words_and_lossless_pictures(tmp_path: Path, figure: Figure) -> None:
    figure.save(tmp_path / "a.pdf")
    page = PdfReader(tmp_path / "a.pdf").pages[0]
    fonts = page["/Resources"]["/Font"]
    assert len(fonts) > 0
    for font in fonts.values():
        descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
    words = " ".join(page.extract_text().split())
    assert "Interpolation: none, one colour a region" in words
    assert "distribution over 49 regions" in words
    pictures = [
        item.get_object()
        for item in page["/Resources"]["/XObject"].values()
        if item.get_object()["/Subtype"] == "/Image"
    ]
    assert pictures
    for picture in pictures:
        assert picture["/Filter"] == "/FlateDecode"
        assert not picture.get("/Interpolate", False)


@pytest.mark.parametrize("width", [42.5, 85.0, 123.45])
def test_svg_states_its_size_and_describes_itself(tmp_path: Path, width: float) -> None:
    figure = regions(width_mm=width)
    figure.save(tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.get("width") == f"{width:g}mm"
    assert float(root.get("height", "").removesuffix("mm")) == figure.size_mm[1]
    view = [float(value) for value in root.get("viewBox", "").split()]
    assert view == [0, 0, pytest.approx(100 * width), pytest.approx(100 * figure.size_mm[1])]
    assert root.findtext(f"{SVG}title") == figure.title
    assert root.findtext(f"{SVG}desc") == figure.caption


def test_svg_pictures_are_large_enough_that_viewers_do_not_blur_them(
    tmp_path: Path, figure: Figure
) -> None:
    figure.save(tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text("utf-8")
    pictures = re.findall(r"<image [^>]*>", text)
    assert pictures
    for picture in pictures:
        assert 'image-rendering="optimizeSpeed"' in picture
    for data in re.findall(r"data:image/png;base64,([^\"]+)", text):
        with Image.open(io.BytesIO(base64.b64decode(data))) as embedded:
            assert max(embedded.size) >= 1600


@pytest.mark.parametrize(("points", "theme"), [(6.0, DARK), (8.0, LIGHT), (11.0, LIGHT)])
def test_body_text_has_the_asked_size_in_points_on_paper(
    tmp_path: Path, points: float, theme: object
) -> None:
    figure = comparison(font_pt=points, theme=theme)
    figure.save(tmp_path / "a.svg")
    sizes = set()
    for group in ElementTree.parse(tmp_path / "a.svg").getroot().iter(f"{SVG}g"):
        matrix = group.get("transform", "")
        for words in group.findall(f"{SVG}text"):
            scale = float(matrix.removeprefix("matrix(").split(",")[0])
            # Units of a hundredth of a millimetre.
            size = float(words.get("font-size", "0")) * scale / 100 * POINTS_PER_MM
            sizes.add(round(size, 2))
    assert any(size == pytest.approx(points, abs=0.02) for size in sizes)
    assert max(sizes) < 1.2 * points


@pytest.mark.parametrize("dpi", [96, 300])
def test_png_has_its_pixels_and_says_how_many_go_to_an_inch(tmp_path: Path, dpi: int) -> None:
    figure = regions(dpi=dpi)
    figure.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == tuple(round(mm / 25.4 * dpi) for mm in figure.size_mm)
        assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.05)
        assert image.info["Description"].endswith(figure.caption)


def test_a_preview_is_the_picture_that_is_saved(tmp_path: Path, figure: Figure) -> None:
    figure.save(tmp_path / "a.png")
    saved = pixels(QImage(str(tmp_path / "a.png")))
    preview = pixels(figure.image(saved.shape[1]))
    rows = min(len(saved), len(preview))
    assert abs(len(saved) - len(preview)) <= 1
    assert np.abs(saved[:rows].astype(int) - preview[:rows]).mean() < 0.5


def test_svg_drawn_by_another_renderer_is_the_same_picture(tmp_path: Path, figure: Figure) -> None:
    figure.save(tmp_path / "a.svg")
    expected = figure.image(900)
    image = QImage(expected.size(), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    QSvgRenderer(str(tmp_path / "a.svg")).render(
        painter, QRectF(0, 0, image.width(), image.height())
    )
    painter.end()
    gap = np.abs(pixels(image).astype(int) - pixels(expected)).max(axis=2)
    assert gap.mean() < 2.5
    assert (gap > 64).mean() < 0.02


def test_screen_and_figure_are_painted_by_the_same_code() -> None:
    frame = hard_frame()
    figure = make_figure("regions", [frame], FigureOptions(), Display())
    block = figure.page.blocks[1].rect
    whole = figure.image(round(2 * figure.page.width))
    scale = whole.width() / figure.page.width
    picture = regions_picture(frame, Display(), scale_max=shared_scale([frame]))
    alone = QImage(whole.size(), QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(alone)
    painter.scale(scale, scale)
    paint_regions(painter, block, picture, LIGHT)
    painter.end()
    x, y = int(block.left() * scale) + 1, int(block.top() * scale) + 1
    w, h = int(block.width() * scale) - 2, int(block.height() * scale) - 2
    assert np.array_equal(pixels(whole)[y : y + h, x : x + w], pixels(alone)[y : y + h, x : x + w])


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png", "csv", "npz"])
def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"figure.{suffix}"
    path.write_bytes(b"the old one")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FigureError, match=f"cannot write .*{suffix}: No space left on device"):
        regions().save(path)
    assert path.read_bytes() == b"the old one"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_places_that_cannot_be_written_are_named_in_one_sentence(tmp_path: Path) -> None:
    figure = regions()
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.svg").mkdir()
    for place in (
        tmp_path / "nowhere" / "a.svg",
        tmp_path / "file" / "a.svg",
        tmp_path / "folder.svg",
    ):
        with pytest.raises(FigureError, match=r"cannot write .*; choose another place") as caught:
            figure.save(place)
        assert "\n" not in str(caught.value)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "folder.svg"]


def test_unknown_suffixes_are_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match=r"the suffix '\.tiff'; .* \.svg, \.pdf, \.png"):
        regions().save(tmp_path / "a.tiff")
    with pytest.raises(FigureError, match="no suffix"):
        regions().save(tmp_path / "figure")
    regions().save(tmp_path / "LOUD.PNG")
    assert (tmp_path / "LOUD.PNG").read_bytes().startswith(b"\x89PNG")


def test_names_from_a_file_cannot_break_the_markup(tmp_path: Path) -> None:
    name = "</text><script>alert(1)</script>&\"'\x00\u202e\ud800"
    figure = make_figure("regions", [hard_frame(run_name=name)], FigureOptions(), Display())
    for suffix in ("svg", "pdf", "png", "csv", "npz"):
        figure.save(tmp_path / f"a.{suffix}")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert "script" not in {element.tag.removeprefix(SVG) for element in root.iter()}
    assert "<script>" in (root.findtext(f"{SVG}title") or "")


def test_without_an_application_the_error_is_a_sentence() -> None:
    code = (
        "from hardattn_viewer.figures.figure import *\n"
        "from hardattn_viewer.session.display import Display\n"
        "try: make_figure('regions', [], FigureOptions(), Display())\n"
        "except FigureError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "QGuiApplication" in done.stdout
