"""Figures of all heads, and the numbers behind them."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from heads_runs import SELF, write_heads_run

from hardattn_viewer.cli import heads_figure
from hardattn_viewer.cli.main import main
from hardattn_viewer.session.atlas import MEASURES
from recorders import read_run


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_heads_run(tmp_path_factory.mktemp("heads") / "a.h5")


def export(path: Path, target: Path, *words: str) -> bytes:
    assert main(["export", str(path), "--view", "heads", *words, "-o", str(target)]) == 0
    return target.read_bytes()


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
@pytest.mark.parametrize("words", [(), ("--cells", "--sort", "largest", "--theme", "dark")])
def test_all_heads_are_written_in_every_format(
    path: Path, tmp_path: Path, suffix: str, words: tuple[str, ...]
) -> None:
    data = export(path, tmp_path / f"f{suffix}", *words)
    starts = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}
    assert data.startswith(starts[suffix])
    if suffix == ".svg":
        text = data.decode()
        assert "17 heads of 5 sites" in text
        scope = "entropy, all 17 heads of this step" if words else "its largest probability"
        assert scope in text


def test_the_numbers_of_heads_are_those_of_the_run(path: Path, tmp_path: Path) -> None:
    rows = table(export(path, tmp_path / "h.csv", "--example", "1"))
    assert len(rows) == 17
    with read_run(path) as run:
        p = run.map(SELF.format(0), 1).astype(np.float64)
        entropy = run.entropy(SELF.format(0), 1).mean(axis=-1) / np.log(2)
    for head in range(4):
        row = rows[head]
        assert (row["site"], row["layer"], row["head"]) == (SELF.format(0), "0", str(head))
        assert float(row["first"]) == pytest.approx(p[head, :, 0].mean(), abs=1e-6)
        assert float(row["entropy_bits"]) == pytest.approx(entropy[head])
        assert row["disagreement_bits"] == ""
        assert row["queries_read"] == row["queries"] == "8"
    export(path, tmp_path / "h.npz", "--example", "1")
    with np.load(tmp_path / "h.npz") as stored:
        assert stored["site"].tolist() == [row["site"] for row in rows]
        np.testing.assert_allclose(stored["entropy_bits"][:4], entropy)
        np.testing.assert_allclose(stored["map_2"], p[2], atol=0.005)
        assert np.isnan(stored["disagreement_bits"]).all()
        assert "17 heads of 5 sites" in str(stored["caption"])


@pytest.mark.parametrize("width", ["30", "160"])
def test_the_caption_speaks_of_numbers_where_they_are(
    path: Path, tmp_path: Path, width: str
) -> None:
    text = export(path, tmp_path / "f.svg", "--width-mm", width).decode()
    drawn = re.findall(r">([\d.]+)</text>", text)
    # Beside the axes there are whole numbers alone.
    assert (
        any("." in number for number in drawn) == ("Numbers below maps" in text) == (width == "160")
    )


def test_rows_come_as_they_are_sorted_and_filtered(path: Path, tmp_path: Path) -> None:
    words = ("--sort", "smallest", "--measure", "distance", "--keep", "layer == 1")
    values = [row["distance_positions"] for row in table(export(path, tmp_path / "s.csv", *words))]
    assert len(values) == 8 and values[4:] == [""] * 4
    assert [float(value) for value in values[:4]] == sorted(map(float, values[:4]))


def test_a_second_run_gives_disagreements(path: Path, tmp_path: Path) -> None:
    other = write_heads_run(tmp_path / "b.h5", seed=5)
    rows = table(export(path, tmp_path / "d.csv", "--with", str(other)))
    values = [float(row["disagreement_bits"]) for row in rows]
    assert all(0 < value <= 1 for value in values)
    same = table(export(path, tmp_path / "e.csv", "--with", str(path)))
    assert {float(row["disagreement_bits"]) for row in same} == {0.0}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--keep", "entopy < 1"), "did you mean entropy?"),
        (("--keep", "entropy < -1"), "no head passes the filter"),
        (("--example", "9"), "there is no example 9; it has 2, from 0"),
        (("--step", "4"), "example 0 has no step 4; it has 1, from 0"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    sentence: str,
) -> None:
    target = tmp_path / "f.svg"
    assert main(["export", str(path), "--view", "heads", *words, "-o", str(target)]) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
    assert not target.exists()


def test_the_command_line_knows_every_measure() -> None:
    assert heads_figure.MEASURES == MEASURES
