"""Figures of tokens and matrices, and the numbers behind them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from text_runs import MISMATCH, WORDS, write_generated_run, write_patches_run, write_text_run

from hardattn_viewer.cli.main import main
from hardattn_viewer.figures.figure import FigureOptions, make_figure, usual_view
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Place, load_frame
from recorders import read_run

SITE = "encoder.layer.1.attention"


def export(path: Path, target: Path, *words: str) -> bytes:
    assert main(["export", str(path), *words, "-o", str(target)]) == 0
    return target.read_bytes()


@pytest.mark.parametrize("view", ["tokens", "matrix"])
@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_both_views_are_written_in_every_format(tmp_path: Path, view: str, suffix: str) -> None:
    path = write_text_run(tmp_path / "text.h5")
    data = export(path, tmp_path / f"f{suffix}", "--view", view, "--site", SITE, "--head", "1")
    starts = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}
    assert data.startswith(starts[suffix])
    if suffix == ".svg":
        assert all(word.encode() in data for word in ("darkness", "[CLS]", SITE))


def test_the_numbers_of_a_matrix_are_those_of_the_run(tmp_path: Path) -> None:
    path = write_text_run(tmp_path / "text.h5")
    words = ("--view", "matrix", "--site", SITE, "--head", "1")
    table = export(path, tmp_path / "m.csv", *words).decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    with read_run(path) as run:
        expected = run.map(SITE, 0)[1]
    found = np.array([row["probability"] for row in rows], np.float32)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)
    assert (rows[9]["query_token"], rows[9]["key_token"]) == (WORDS[1], WORDS[1])
    export(path, tmp_path / "m.npz", *words)
    with np.load(tmp_path / "m.npz") as stored:
        np.testing.assert_array_equal(stored["A_map"], expected)
        assert tuple(stored["A_query_tokens"]) == WORDS


def test_the_numbers_of_generated_tokens_name_each_step_s_own(tmp_path: Path) -> None:
    path = write_generated_run(tmp_path / "g.h5", prompt=5, tokens=3)
    rows = list(csv.DictReader(io.StringIO(export(path, tmp_path / "t.csv").decode())))
    assert len(rows) == 5 + 6 + 7
    assert [row["token"] for row in rows if row["step"] == "2"][-2:] == ["new1", "new2"]
    table = export(path, tmp_path / "m.csv", "--view", "matrix").decode()
    queries = [row["query_token"] for row in csv.DictReader(io.StringIO(table))]
    assert list(dict.fromkeys(queries)) == ["p0", "p1", "p2", "p3", "p4", "new1", "new2"]


def test_without_a_view_the_keys_decide(tmp_path: Path) -> None:
    with (
        read_run(write_text_run(tmp_path / "text.h5")) as text,
        read_run(write_patches_run(tmp_path / "patches.h5")) as patches,
    ):
        assert usual_view(load_frame(text, Place())) == "tokens"
        assert usual_view(load_frame(patches, Place())) == "regions"


def test_a_figure_says_from_where_and_whether_to_believe_it(tmp_path: Path) -> None:
    with read_run(write_text_run(tmp_path / "text.h5", mismatch_at=1)) as run:
        frame = load_frame(run, Place(site=SITE, head=1, query=6))
    for view in ("tokens", "matrix"):
        figure = make_figure(view, [frame], FigureOptions(), Display())  # type: ignore[arg-type]
        assert MISMATCH in figure.caption
        assert ("seen from “darkness” (query 6)" in figure.caption) == (view == "tokens")
        assert "head 1 of 4" in figure.caption


def test_a_figure_of_an_image_says_what_is_not_drawn(tmp_path: Path) -> None:
    with read_run(write_patches_run(tmp_path / "patches.h5")) as run:
        frame = load_frame(run, Place())
    caption = make_figure("regions", [frame], FigureOptions(), Display()).caption
    assert f"Not drawn: {100 * frame.special_mass:.0f}\N{NO-BREAK SPACE}% on [CLS]" in caption


def test_a_query_that_there_is_not_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_text_run(tmp_path / "text.h5")
    assert main(["export", str(path), "--query", "8", "-o", str(tmp_path / "f.svg")]) == 1
    assert "has no query 8; it has 8, from 0" in capsys.readouterr().err


def test_a_figure_of_a_causal_map_says_what_is_hatched(tmp_path: Path) -> None:
    path = write_generated_run(tmp_path / "generated.h5")
    for name, run, said in (("a", path, True), ("b", write_text_run(tmp_path / "t.h5"), False)):
        words = export(run, tmp_path / f"{name}.svg", "--view", "matrix", "--font", "7").decode()
        assert ("hatched" in words) == said
