"""The words of `hardattn record` that are more than a string or a number."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from commands import sentence_of

from hardattn_viewer.cli.recording import options


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("500MB", 500_000_000),
        ("2GiB", 2 << 30),
        ("1.5 kB", 1500),
        ("4096", 4096),
        ("7b", None),
        ("MB", None),
        ("-1MB", None),
        ("0MB", None),
    ],
)
def test_sizes_are_read_in_powers_of_1000_and_of_1024(text: str, count: int | None) -> None:
    if count is None:
        with pytest.raises(argparse.ArgumentTypeError, match="500MB"):
            options.byte_count(text)
    else:
        assert options.byte_count(text) == count


def test_queries_are_the_last_or_a_slice() -> None:
    assert options.query_choice("last") == "last"
    assert options.query_choice("0:64") == slice(0, 64)
    assert options.query_choice("-8:") == slice(-8, None)
    for wrong in ("first", "1:2:3", "a:b", "7"):
        with pytest.raises(argparse.ArgumentTypeError, match="last"):
            options.query_choice(wrong)


def test_a_picture_size_is_height_by_width() -> None:
    assert options.picture_size("224") == (224, 224)
    assert options.picture_size("24x32") == (24, 32)
    for wrong in ("0", "x3", "1x0", "-4", "1e3"):
        with pytest.raises(argparse.ArgumentTypeError, match="224"):
            options.picture_size(wrong)


@pytest.mark.parametrize(
    "words",
    [
        ["--heads", "0,-1"],
        ["--heads", "a"],
        ["--heads", "1,1"],
        ["--every", "0"],
        ["--queries", "first"],
        ["--max-bytes", "much"],
        ["--batch", "0"],
        ["--generate", "none"],
        ["--threads", "0"],
        ["-n", "-3"],
        ["--dtype", "int8"],
    ],
)
def test_wrong_words_are_wrong_usage_and_name_themselves(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "run.h5")
    sentence = sentence_of(capsys, 2, "record", "glimpse", *words, "-o", output)
    assert words[0] in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["--text", "lines.txt"],
        ["--images", "pictures"],
        ["--generate", "3"],
        ["--random-weights"],
        ["--size", "32"],
    ],
)
def test_words_that_mean_nothing_for_the_zoo_are_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "run.h5")
    assert words[0] in sentence_of(capsys, 2, "record", "glimpse", *words, "-o", output)
