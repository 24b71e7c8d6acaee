"""Reading digits: the format, the bundled subset, and every way a folder can be wrong."""

from __future__ import annotations

import gzip
import struct
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardattn_models.errors import TaskError
from hardattn_models.tasks import load_task, task_names
from hardattn_models.tasks.idx import idx_bytes, parse_idx, read_bytes
from hardattn_models.tasks.mnist import BUNDLED

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte")


@settings(deadline=None)
@given(shape=st.lists(st.integers(0, 5), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_an_idx_array_survives_writing_and_reading(shape: list[int], seed: int) -> None:
    array = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    assert np.array_equal(parse_idx(idx_bytes(array), "a.idx"), array)


def test_idx_dimensions_are_big_endian_and_rows_come_first() -> None:
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
    assert parse_idx(content, "a.idx").tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not an IDX file"),
        (b"PK\x03\x04 zip", "not an IDX file"),
        (bytes([0, 0, 0x0D, 1, 0, 0, 0, 1, 0, 0, 0, 0]), "type 0xd"),
        (bytes([0, 0, 8, 0]), "ends within its header"),
        (bytes([0, 0, 8, 3, 0, 0, 0, 1]), "ends within its header"),
        (struct.pack(">4B2I", 0, 0, 8, 2, 2, 3) + b"12345", "2 × 3 = 6 elements but holds 5"),
        (struct.pack(">4B2I", 0, 0, 8, 2, 2, 3) + b"1234567", "= 6 elements but holds 7"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 9), "but holds 0"),
    ],
)
def test_broken_idx_is_told_with_its_name(content: bytes, sentence: str) -> None:
    with pytest.raises(TaskError, match=sentence) as told:
        parse_idx(content, "digits.idx")
    assert "digits.idx" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_cut_gzip_file_is_told_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(5_000))[:-9])
    with pytest.raises(TaskError, match=r"a\.gz is cut short or damaged"):
        read_bytes(path)


def test_a_file_that_cannot_be_read_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="cannot be read"):
        read_bytes(tmp_path)


def test_the_bundled_subset_loads_with_no_folder_and_no_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", None)
    task = load_task()
    assert task.name == task_names()[0] == "mnist-small"
    assert [len(part) for part in (task.train, task.validation, task.test)] == [9_000, 1_000, 2_000]
    for part in (task.train, task.validation, task.test):
        assert part.images.dtype == np.uint8
        assert part.images.shape[1:] == (28, 28)
        assert set(part.labels) == set(range(10))
    # The first labels of MNIST, as everyone knows them.
    assert task.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert task.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert 0.1 < task.train.images.mean() / 255 < 0.16


def test_batches_go_through_a_split_in_order_and_name_every_example() -> None:
    task = load_task()
    batches = list(task.batches("test", size=40, limit=100))
    assert [len(batch.labels) for batch in batches] == [40, 40, 20]
    last = batches[-1]
    assert [entry["name"] for entry in last.entries] == [f"test-{i:05d}" for i in range(80, 100)]
    for row, entry in enumerate(last.entries):
        assert np.array_equal(entry["image"], task.test.images[80 + row])
        assert entry["label"] == last.labels[row] == task.test.labels[80 + row]
    assert last.images.dtype == torch.float32
    expected = torch.from_numpy(task.test.images[80:100].copy()).float() / 255
    torch.testing.assert_close(last.images, expected)


def test_a_limit_beyond_the_split_ends_with_it() -> None:
    assert sum(len(b.labels) for b in load_task().batches("validation", 300, 5_000)) == 1_000


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: load_task("imagenet"), "no task 'imagenet': choose mnist-small or mnist"),
        (lambda: load_task("mnist-small", "x"), "takes no folder"),
        (lambda: load_task().split("dev"), "no split 'dev'"),
        (lambda: next(load_task().batches("test", 0)), "make no batch"),
        (lambda: next(load_task().batches("test", 9, 0)), "make no batch"),
    ],
)
def test_wrong_names_and_sizes_are_told_in_words(call: Any, sentence: str) -> None:
    with pytest.raises(TaskError, match=sentence):
        call()


def test_a_folder_without_the_files_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TaskError, match=r"holds no train-images-idx3-ubyte\.gz.*mnist-small"):
        load_task("mnist", tmp_path)
    monkeypatch.setenv("HARDATTN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(TaskError, match="nowhere holds no train-images"):
        load_task("mnist")


@pytest.mark.parametrize("packed", [False, True])
def test_files_other_than_the_published_ones_are_refused(tmp_path: Path, packed: bool) -> None:
    for name in FILES:
        content = read_bytes(BUNDLED / f"{name}.gz")
        path = tmp_path / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(TaskError, match=r"train-images-idx3-ubyte.* is not the published"):
        load_task("mnist", tmp_path)


def test_a_failed_download_names_every_mirror_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(url: str, timeout: float) -> None:
        asked.append(url)
        assert timeout <= 60
        raise urllib.error.URLError("no route to host")

    monkeypatch.delenv("HARDATTN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(TaskError, match=r"no route to host.*HARDATTN_DATA.*mnist-small"):
        load_task("mnist")
    assert len(asked) == 2
    assert all(url.endswith("/mnist/train-images-idx3-ubyte.gz") for url in asked)


def test_a_download_that_is_not_the_published_file_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoy = tmp_path / "decoy"
    decoy.write_bytes(gzip.compress(b"<html>sign in to the hotel network</html>"))
    monkeypatch.delenv("HARDATTN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: decoy.open("rb"))
    with pytest.raises(TaskError, match="not the published file"):
        load_task("mnist")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
