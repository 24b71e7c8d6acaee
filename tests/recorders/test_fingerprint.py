"""A run is known again by its content, whatever its file is called and wherever it lies."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recorders import Recorder, read_run
from recorders.run.contents import Contents
from recorders.run.fingerprint import RunMark


def record(path: Path) -> Path:
    """One example of two steps over two tokens."""
    with Recorder(path) as recorder, recorder.example(tokens=["a", "b"]):
        for share in (0.5, 0.25):
            rows = np.array([[[share, 1 - share]]], np.float32)
            recorder.log("site", probabilities=rows)
    return path


def fingerprint(path: Path) -> str:
    with read_run(path) as run:
        return run.fingerprint


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return record(tmp_path / "run.h5")


def test_a_copy_of_another_name_has_the_same_fingerprint(run: Path, tmp_path: Path) -> None:
    shutil.copy(run, tmp_path / "other.h5")
    assert fingerprint(tmp_path / "other.h5") == fingerprint(run)
    assert len(fingerprint(run)) == len("sha256:") + 64


@pytest.mark.parametrize("name", ["glimpse-soft", "training-hard", "minilm-text"])
def test_no_two_runs_have_the_same_one(run: Path, name: str) -> None:
    samples = Path(__file__).parents[2] / "sample_runs"
    names = ["glimpse-hard", name]
    assert len({fingerprint(samples / f"{one}.h5") for one in names} | {fingerprint(run)}) == 3


def test_it_changes_with_a_chunk_a_word_and_a_number(run: Path) -> None:
    with read_run(run) as opened:
        before = opened.fingerprint
        contents = opened.mark.contents
    chunks = next(bulk.crc32 for bulk in contents.bulks.values() if bulk.crc32.size)
    words = next(text.data for text in contents.tables.texts.values() if text.data.size)
    for values in (chunks, words, contents.tables.columns["events/keys"]):
        copy = values.copy()
        copy[0] ^= 1
        _put(contents, values, copy)
        assert RunMark(contents).fingerprint != before
        _put(contents, copy, values)
        assert RunMark(contents).fingerprint == before


def _put(contents: Contents, old: np.ndarray, new: np.ndarray) -> None:
    """Replace an array of a run's tables, or of its checksums."""
    for name, column in contents.tables.columns.items():
        if column is old:
            contents.tables.columns[name] = new
    for name, text in contents.tables.texts.items():
        if text.data is old:
            contents.tables.texts[name] = replace(text, data=new)
    for name, bulk in contents.bulks.items():
        if bulk.crc32 is old:
            contents.bulks[name] = replace(bulk, crc32=new)


def test_reading_it_takes_nothing_from_the_file(run: Path) -> None:
    opened = read_run(run)
    expected = fingerprint(run)
    opened.close()
    run.unlink()
    assert opened.fingerprint == expected
