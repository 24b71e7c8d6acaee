"""The commands on runs that lie on a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import output_of, sentence_of
from range_server import RangeServer

import sample_runs
from hardattn_viewer.cli import main

HARD, SOFT = sample_runs.paths()


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer(**{path.name: path.read_bytes() for path in (HARD, SOFT)}) as server:
        yield server


def test_info_says_the_same_of_a_url(capsys: pytest.CaptureFixture[str], server) -> None:
    here = json.loads(output_of(capsys, "info", str(HARD), "--json"))
    there = json.loads(output_of(capsys, "info", server.url(HARD.name), "--json"))
    assert there.pop("path") == server.url(HARD.name) and here.pop("path") == str(HARD)
    assert there == here


def test_validate_reads_a_url_whole_and_says_no_secret(capsys, server) -> None:
    server.password = "anna:pass-word"
    url = server.url(SOFT.name + "?token=tell-nobody", "anna:pass-word@")
    words = output_of(capsys, "validate", url)
    assert words.splitlines()[-1].startswith(server.url(SOFT.name))
    assert "pass-word" not in words and "tell-nobody" not in words


def test_a_figure_compares_a_url_with_a_file(capsys, server, tmp_path: Path) -> None:
    made = str(tmp_path / "figure.svg")
    words = ("export", server.url(HARD.name), "--view", "compare", "--with", str(SOFT), "-o", made)
    assert output_of(capsys, *words).strip() == made
    assert (tmp_path / "figure.svg").stat().st_size > 1000


def test_a_screenshot_shows_a_url(server, tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    assert main(["view", server.url(HARD.name), "--screenshot", str(picture)]) == 0
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize("command", ["info", "validate", "view", "recover"])
def test_a_url_that_cannot_be_read_ends_in_one_sentence(capsys, command: str) -> None:
    words = sentence_of(capsys, 1, command, "ftp://anna:pass-word@host/run.h5")
    assert "ftp:// URLs cannot be read; use one of https" in words
    assert "pass-word" not in words


def test_what_is_not_there_ends_in_one_sentence(capsys, server) -> None:
    words = sentence_of(capsys, 1, "info", server.url("none.h5", "anna:pass-word@"))
    assert words.endswith("none.h5 is not there (HTTP 404); check the address")
    assert "pass-word" not in words


def test_parts_on_a_server_are_recovered_there(capsys) -> None:
    assert "is a folder" in sentence_of(capsys, 1, "info", "https://host/run.h5.parts")
    assert "recover it there" in sentence_of(capsys, 1, "recover", "https://host/run.h5")
