"""Figures of a training and of the timeline, from the command and as files."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from training_runs import EXAMPLES, STEPS, rows_at, write_training

from hardattn_viewer.cli import main
from hardattn_viewer.figures.curve_pages import make_training_figure
from hardattn_viewer.figures.figure import FigureError, FigureOptions
from hardattn_viewer.session.display import Display


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("training")
    hard = write_training(folder / "hard.h5", hard=True)
    return str(hard), str(write_training(folder / "soft.h5", hard=False))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
@pytest.mark.parametrize("view", ["training", "timeline"])
def test_a_figure_of_curves_is_written(
    view: str, suffix: str, paths: tuple[str, str], tmp_path: Path
) -> None:
    target = tmp_path / f"figure.{suffix}"
    words = ["export", paths[0], "--with", paths[1], "--view", view, "-o", str(target)]
    assert main([*words, "--width-mm", "120", "--theme", "dark"]) == 0
    if suffix == "svg":
        text = target.read_text()
        assert "hard" in text and ("gradient" in text or "entropy" in text)
    elif suffix == "png":
        image = QImage(str(target))
        assert image.width() == round(120 / 25.4 * 300)
    else:
        assert target.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("view", ["training", "timeline"])
def test_the_names_of_two_runs_fit_into_one_column(
    view: str, paths: tuple[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "figure.svg"
    words = ["export", paths[0], "--with", paths[1], "--view", view, "-o", str(target)]
    assert main([*words, "--preset", "acl-column"]) == 0
    drawn = [word.strip() for word in re.findall(r">([^<]*)</text>", target.read_text())]
    assert {"A", "B", "hard", "soft"} <= set(drawn)
    # Nothing but room was cut there.
    assert not any(word.endswith(" …") or word == "…" for word in drawn)


def test_the_table_of_a_training_holds_every_mean_and_what_was_told(
    paths: tuple[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "t.csv"
    words = ["export", paths[0], "--with", paths[1], "--view", "training", "-o", str(target)]
    assert main(words) == 0
    rows = rows_of(target)
    assert {row["slot"] for row in rows} == {"A", "B"}
    loss = [row for row in rows if (row["slot"], row["number"]) == ("A", "loss")]
    assert [float(row["value"]) for row in loss] == pytest.approx([3, 1.5, 1, 0.75, 0.6])
    assert {row["source"] for row in loss} == {"training"}
    accuracy = [row for row in rows if (row["slot"], row["number"]) == ("B", "accuracy")]
    assert [int(row["training_step"]) for row in accuracy] == list(STEPS)
    expected = [min(at + 1, EXAMPLES) / EXAMPLES for at in range(len(STEPS))]
    assert [float(row["value"]) for row in accuracy] == pytest.approx(expected)
    assert {row["examples"] for row in accuracy} == {str(EXAMPLES)}
    assert not any("nan" in value for row in rows for value in row.values())


def test_the_arrays_of_a_training_hold_its_film(paths: tuple[str, str], tmp_path: Path) -> None:
    target = tmp_path / "t.npz"
    assert (
        main(["export", paths[0], "--view", "training", "--example", "2", "-o", str(target)]) == 0
    )
    with np.load(target) as arrays:
        assert arrays["A_film_training_steps"].tolist() == list(STEPS)
        for at in range(len(STEPS)):
            film = arrays[f"A_film_{at}_distributions"]
            np.testing.assert_allclose(film[1], rows_at(2, at, 1, True), atol=4e-5)
        assert arrays["A_told_entropy"].tolist() == pytest.approx([5, 4, 3, 2, 1])
        assert "Training of" in str(arrays["caption"])


def test_the_table_of_a_timeline_holds_every_step(paths: tuple[str, str], tmp_path: Path) -> None:
    target = tmp_path / "t.csv"
    words = ["export", paths[0], "--view", "timeline", "--example", "1", "-o", str(target)]
    assert main(words) == 0
    rows = [row for row in rows_of(target) if row["track"] == "entropy (bits)"]
    expected = []
    for step in (0, 1):
        p = rows_at(1, len(STEPS) - 1, step, True)
        expected.append(-(p * np.log2(p)).sum())
    assert [float(row["value"]) for row in rows] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--example", "99"], "no example 99"),
        (["--step", "9"], "no step 9"),
        (["--site", "nowhere"], "no site nowhere"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(
    extra: list[str],
    words: str,
    paths: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = str(tmp_path / "t.svg")
    assert main(["export", paths[0], "--view", "training", *extra, "-o", target]) == 1
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said and said.count("\n") == 1


def test_a_run_without_snapshots_says_how_to_record_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_training(tmp_path / "one.h5", hard=True, steps=(5,))
    assert main(["export", str(path), "--view", "training", "-o", str(tmp_path / "t.svg")]) == 1
    assert "recorder.snapshot" in capsys.readouterr().err


def test_two_runs_are_only_for_views_of_two(
    paths: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", paths[0], "--with", paths[1], "--view", "regions"]
    assert main([*words, "-o", str(tmp_path / "t.svg")]) == 2
    assert main(["export", paths[0], "--view", "compare", "-o", str(tmp_path / "t.svg")]) == 2


def test_no_curves_make_no_figure() -> None:
    with pytest.raises(FigureError, match="snapshots"):
        make_training_figure((), {}, FigureOptions(), Display())
