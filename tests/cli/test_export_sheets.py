"""Contact sheets by ``hardattn export``: cells are what single figures show, under one scale."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from commands import output_of, sentence_of
from PIL import Image
from pypdf import PdfReader
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from hardattn_viewer.drawing.regions import paint_regions, regions_picture
from hardattn_viewer.drawing.theme import LIGHT
from hardattn_viewer.figures.options import POINTS_PER_MM, FigureOptions
from hardattn_viewer.figures.sheet import make_sheet
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Place, load_frame
from hardattn_viewer.session.series import read_series
from recorders import read_run

ROOT = Path(__file__).resolve().parents[2]
HARD = ROOT / "sample_runs" / "glimpse-hard.h5"
SOFT = ROOT / "sample_runs" / "glimpse-soft.h5"
TRAINING = ROOT / "sample_runs" / "training-hard.h5"
TEXT = ROOT / "sample_runs" / "minilm-text.h5"
SVG = "{http://www.w3.org/2000/svg}"


def words_of(path: Path) -> str:
    """Everything that a PDF says, without regard to spaces."""
    return "".join("".join(page.extract_text() for page in PdfReader(path).pages).split())


def test_a_cell_is_what_a_single_figure_shows_at_the_scale_of_the_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The saved sheet, cell by cell, against the picture alone on the same place of the paper."""
    target = tmp_path / "s.png"
    output_of(capsys, "export", str(SOFT), "--examples", "3,8,5", "-o", str(target))
    with read_run(SOFT) as run:
        series = read_series([run], [Place(step=5)], "examples", (3, 8, 5))
        frames = [load_frame(run, Place(example=at, step=5)) for at in (3, 8, 5)]
    top = max(float(frame.probabilities.max()) for frame in frames)
    sheet = make_sheet("regions", series, FigureOptions(width_mm=160), Display())
    with Image.open(target) as image:
        saved = np.asarray(image.convert("RGB"), int)
    scale = saved.shape[1] / sheet.pages[0].page.width
    assert [cell.item for cell in sheet.cells[0]] == [0, 1, 2]
    for cell, frame in zip(sheet.cells[0], frames, strict=True):
        alone = QImage(saved.shape[1], saved.shape[0], QImage.Format.Format_RGB32)
        alone.fill(QColor(LIGHT.panel))
        painter = QPainter(alone)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.scale(scale, scale)
        paint_regions(painter, cell.rect, regions_picture(frame, Display(), scale_max=top), LIGHT)
        painter.end()
        expected = rgb_of(alone)
        x, y = (int(value * scale) + 2 for value in (cell.rect.left(), cell.rect.top()))
        w, h = (int(value * scale) - 4 for value in (cell.rect.width(), cell.rect.height()))
        gap = np.abs(saved[y : y + h, x : x + w] - expected[y : y + h, x : x + w])
        assert gap.max() <= 1
        assert expected[y : y + h, x : x + w].std() > 20


def rgb_of(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.width(), 4)[..., :3].astype(int)


def test_cells_carry_name_prediction_and_whether_it_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "s.svg"
    output_of(capsys, "export", str(HARD), "--examples", "7:9", "-o", str(target))
    root = ElementTree.parse(target).getroot()
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    with read_run(HARD) as run:
        for at, mark in ((7, "✓ right"), (8, "✗ wrong")):
            assert run.examples[at].name in texts
            outcome = run.outcome(at)
            assert any(
                f"true {run.examples[at].label}, predicted {outcome.prediction}" in text
                and mark in text
                for text in texts
            )
    assert sum("the 2 examples shown: 0 –" in text for text in texts) == 1
    assert float(root.get("width", "").removesuffix("mm")) == 160


def test_the_filter_keeps_the_examples_that_it_keeps_in_the_app(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "s.csv"
    keep = ("--keep", "wrong & example < 200")
    output_of(capsys, "export", str(HARD), *keep, "-o", str(target))
    rows = list(csv.DictReader(target.read_text("utf-8").splitlines()))
    with read_run(HARD) as run:
        wrong = [
            example.name
            for example in list(run.examples)[:200]
            if run.outcome(example.index).prediction != example.label
        ]
        first = run.map(run.sites[0], run.example_names.index(wrong[0]), 5)[0, 0]
    assert list(dict.fromkeys(row["example"] for row in rows)) == wrong
    assert [row["step"] for row in rows] == ["5"] * len(rows)
    values = [float(row["probability"]) for row in rows[: len(first)]]
    assert np.array_equal(np.float32(values), first)
    sentence = sentence_of(capsys, 2, "export", str(HARD), "--keep", "wrng", "-o", str(target))
    assert "--keep 'wrng'" in sentence
    words = ("--keep", "true > 90", "-o", str(target))
    assert "no example passes" in sentence_of(capsys, 1, "export", str(HARD), *words)


def test_numbers_of_a_sheet_are_those_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "s.npz"
    about = ("--view", "compare", "--with", str(SOFT), "--examples", "4,2", "--step", "1")
    output_of(capsys, "export", str(HARD), *about, "-o", str(target))
    with np.load(target) as data, read_run(HARD) as a, read_run(SOFT) as b:
        tops = []
        for place, example in enumerate((4, 2)):
            for slot, run in (("A", a), ("B", b)):
                row = run.map(run.sites[0], example, 1)[0, 0]
                tops.append(row.max())
                assert np.array_equal(data[f"{place}_{slot}_probabilities"], row)
        gaps = [np.abs(data[f"{at}_difference"]).max() for at in range(2)]
        assert float(data["scale_max"]) == pytest.approx(max(tops))
        assert float(data["difference_scale_max"]) == pytest.approx(max(gaps))
        assert "In each cell A, B and B − A" in str(data["caption"])


def test_a_pdf_has_as_many_pages_as_it_needs_and_each_says_which_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "s.pdf"
    about = ("export", str(HARD), "--examples", "0:18", "--columns", "3", "--page-mm", "150")
    output_of(capsys, *about, "-o", str(target))
    pages = PdfReader(target, strict=True).pages
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert float(page.mediabox.width) / POINTS_PER_MM == pytest.approx(160, abs=0.001)
        assert float(page.mediabox.height) / POINTS_PER_MM <= 150
        text = "".join(page.extract_text().split())
        assert f"18examples,page{number}of3" in text
        assert "Drawnbyhardattn" in text and "the18examplesshown:0–" in text
    names = [f"test-{at:05}" for at in range(18)]
    whole = words_of(target)
    assert all(name in whole for name in names)
    again = tmp_path / "again.pdf"
    output_of(capsys, *about, "-o", str(again))
    assert target.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        ("--view", "matrix", "--heads", "all"),
        ("--view", "tokens", "--examples", "0:5", "--specials", "dimmed"),
        ("--view", "tokens", "--heads", "0:3", "--subwords", "words", "--theme", "dark"),
    ],
)
@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_sheets_of_texts_are_the_same_in_two_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], suffix: str
) -> None:
    made = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.{suffix}"
        output_of(capsys, "export", str(TEXT), *words, "-o", str(path))
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_a_sheet_of_snapshots_names_training_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "s.pdf"
    output_of(
        capsys, "export", str(TRAINING), "--snapshots", "0,10,30", "--step", "2", "-o", str(target)
    )
    text = words_of(target)
    for words in ("trainingstep0", "trainingstep1,000", "trainingstep3,000"):
        assert words in text
    assert "Exampletest-00000attrainingsteps0,1,000,3,000" in text and "step3of6" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--examples", "0:300", "--columns", "1", "-o", "a.svg"), "save a PDF, which has pages"),
        (("--examples", "0:3", "--columns", "80", "-o", "a.svg"), "choose 1 … 40"),
        (("--examples", "0:30", "--columns", "30", "-o", "a.svg"), "choose fewer columns"),
        (("--examples", "0:3", "--page-mm", "5", "-o", "a.pdf"), "choose 60 … 1000 mm"),
        (("--examples", "0:3", "-o", "a.docx"), "a series is saved as one of .gif, .mp4, .svg"),
        (("--examples", "290:400,2", "-o", "a.svg"), "write a range"),
        (("--view", "heads", "--steps", "all", "-o", "a.svg"), "save it as .gif or .mp4"),
    ],
)
def test_what_cannot_be_a_sheet_is_said_with_the_remedy(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in sentence_of(capsys, 1, "export", str(HARD), *words)
    assert not list(tmp_path.iterdir())


def test_more_than_a_sheet_shows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of 300 examples fits; the limit itself is met by its steps and heads of others."""
    with read_run(HARD) as run:
        series = read_series([run], [Place(step=0)], "examples", tuple(range(20)))
    wide = type(series)(series.over, series.items * 16)
    from hardattn_viewer.figures.options import FigureError

    with pytest.raises(FigureError, match="320 examples are more than a sheet shows"):
        make_sheet("regions", wide, FigureOptions(width_mm=160), Display())


def test_the_rows_of_a_sheet_stand_below_each_other(tmp_path: Path) -> None:
    with read_run(TEXT) as run:
        series = read_series([run], [Place()], "examples", tuple(range(12)))
    for width in (60.0, 85.0, 170.0):
        sheet = make_sheet("tokens", series, FigureOptions(width_mm=width), Display())
        rects = [cell.rect for cell in sheet.cells[0]]
        page = QRectF(0, 0, sheet.pages[0].page.width, sheet.pages[0].page.height)
        for at, rect in enumerate(rects):
            assert page.contains(rect)
            assert not any(rect.intersects(other) for other in rects[at + 1 :])


@pytest.mark.parametrize(
    ("view", "columns"), [("regions", 4), ("tokens", 2), ("matrix", 3), ("compare", 1)]
)
def test_there_are_as_many_columns_as_can_be_read(view: str, columns: int) -> None:
    """At 170 mm, of twelve places; a comparison of texts has three of them in a cell."""
    path = HARD if view == "regions" else TEXT
    with read_run(path) as run:
        runs = [run, run] if view == "compare" else [run]
        series = read_series(runs, [Place()] * len(runs), "examples", tuple(range(12)))
    sheet = make_sheet(view, series, FigureOptions(width_mm=170), Display())  # type: ignore[arg-type]
    assert len({round(cell.rect.left()) for cell in sheet.cells[0]}) == columns
