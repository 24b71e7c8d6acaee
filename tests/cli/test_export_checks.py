"""The figure of a check, from the command line, as every kind of file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

from hardattn_viewer.checks.file import checks_path, read_checks
from hardattn_viewer.cli import main

RUN = Path(__file__).parents[2] / "sample_runs" / "glimpse-hard.h5"
EXPORT = ["export", str(RUN), "--view", "faithfulness", "--width-mm", "180"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_holds_the_verdict_as_text(tmp_path: Path, theme: str) -> None:
    pdf, svg = tmp_path / "c.pdf", tmp_path / "c.svg"
    for path in (pdf, svg, tmp_path / "c.png"):
        assert main([*EXPORT, "--theme", theme, "-o", str(path)]) == 0
        assert path.stat().st_size > 2_000
    report = read_checks(checks_path(RUN))
    text = " ".join(PdfReader(pdf).pages[0].extract_text().split())
    assert "hard choice" in text and report.verdicts["hard choice"].level in text
    assert f"{len(report.examples)} examples" in text and "Deletion" in text
    assert "integrated-gradients" in svg.read_text()


def test_another_explanation_is_written_out_by_another_operator(tmp_path: Path) -> None:
    path = tmp_path / "c.pdf"
    words = ["--explainer", "shapley", "--operator", "mean"]
    assert main([*EXPORT, *words, "-o", str(path)]) == 0
    text = " ".join(PdfReader(path).pages[0].extract_text().split())
    assert "shapley: " in text and "95 %, by mean" in text and "verdicts also by grey" in text


def test_the_numbers_behind_it_are_those_of_the_checks(tmp_path: Path) -> None:
    table, arrays = tmp_path / "c.csv", tmp_path / "c.npz"
    for path in (table, arrays):
        assert main([*EXPORT, "-o", str(path)]) == 0
    report = read_checks(checks_path(RUN))
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    (row,) = [
        row
        for row in rows
        if (row["explainer"], row["operator"], row["measure"]) == ("shapley", "grey", "separation")
    ]
    found = report.of("shapley", "grey").separation
    assert float(row["win rate"]) == pytest.approx(found.win.mean, rel=1e-5)
    with np.load(arrays) as file:
        np.testing.assert_array_equal(file["0/whole"], report.measured[0].whole)
        assert "Faithfulness of glimpse-hard" in str(file["caption"])


@pytest.mark.parametrize("view", ["report", "faithfulness"])
def test_a_web_page_is_the_report(tmp_path: Path, view: str) -> None:
    path = tmp_path / "r.html"
    assert main(["export", str(RUN), "--view", view, "-o", str(path)]) == 0
    words = path.read_text(encoding="utf-8")
    assert words.startswith("<!DOCTYPE html>") and "Faithfulness of glimpse-hard" in words


def test_the_report_is_a_pdf_of_pages(tmp_path: Path) -> None:
    path = tmp_path / "r.pdf"
    assert main(["export", str(RUN), "--view", "report", "-o", str(path)]) == 0
    pages = PdfReader(path).pages
    assert len(pages) > 3
    report = read_checks(checks_path(RUN))
    text = " ".join(pages[0].extract_text().split())
    assert all(f"{name}: {one.level}" in text for name, one in report.verdicts.items())


def test_a_report_is_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.svg"
    assert main(["export", str(RUN), "--view", "report", "-o", str(path)]) == 2
    assert "a report is saved as .html or .pdf" in capsys.readouterr().err and not path.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--width-mm", "60"], "choose a wider figure or a smaller type"),
        (["--operator", "burn"], "no operator burn: choose grey, mean"),
        (["--explainer", "burn"], "no explainer burn: choose selection"),
        (["--checks", "nothing.npz"], "hardattn check"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*EXPORT, *words, "-o", str(tmp_path / "c.pdf")]) == 1
    said = capsys.readouterr().err
    assert sentence in said and len(said.splitlines()) == 1
    assert not (tmp_path / "c.pdf").exists()
