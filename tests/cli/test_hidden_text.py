"""What a file says must not steer the terminal that it is printed in, nor be lost on the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import output_of, sentence_of

from hardattn_viewer.cli import main
from recorders.run.writer import SegmentWriter

EVIL = "\u202egnp.\x1b]0;pwned\x07\x9b2J"
SHOWN = "⟨U+202E⟩gnp.⟨U+001B⟩]0;pwned⟨U+0007⟩⟨U+009B⟩2J"


def evil_run(path: Path) -> Path:
    writer = SegmentWriter(path, metadata={f"model{EVIL}": f"net\n{EVIL}", "left_out": [EVIL]})
    site, snapshot = writer.add_site(EVIL, kind=EVIL, mechanism=EVIL), writer.add_snapshot(0)
    rows = {"log_prob": np.zeros((1, 1, 1)), "entropy": np.zeros((1, 1, 1))}
    writer.add_events(
        site=site,
        examples=np.array([writer.add_example(EVIL)]),
        step=0,
        snapshot=snapshot,
        probabilities=np.full((1, 1, 1, 2), 0.5),
        **rows,
    )
    writer.add_verification(
        site=site, checked=1, failed=1, unchecked=0, error=1.0, tolerance=1e-5, reason=EVIL
    )
    writer.close()
    return path


def is_plain(text: str) -> bool:
    return all(c == "\n" or c.isprintable() for c in text)


def test_info_shows_hidden_characters_and_sends_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = output_of(capsys, "info", str(evil_run(tmp_path / f"{EVIL.replace('/', '')}.h5")))
    assert is_plain(words)
    assert f"model{SHOWN}" in words and f"net⟨U+000A⟩{SHOWN}" in words
    assert f"site       {SHOWN}: {SHOWN}, {SHOWN} (soft)" in words
    assert words.startswith(str(tmp_path)) and SHOWN in words.splitlines()[0]


def test_info_json_keeps_the_path_and_sends_no_hidden_character(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = evil_run(tmp_path / f"{EVIL}.h5")
    text = output_of(capsys, "info", str(path), "--json")
    assert is_plain(text)
    facts = json.loads(text)
    assert facts["path"] == str(path)
    assert facts["sites"][0]["name"] == SHOWN and facts["left_out"] == [SHOWN]


def test_validate_shows_hidden_characters_and_sends_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = evil_run(tmp_path / f"{EVIL}.h5")
    assert main(["validate", str(path)]) == 1
    words = capsys.readouterr().out
    assert is_plain(words) and SHOWN in words


def test_the_name_of_a_file_that_cannot_be_opened_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = sentence_of(capsys, 1, "info", str(tmp_path / f"no{EVIL}.h5"))
    assert is_plain(sentence) and f"no{SHOWN}.h5" in sentence


def test_info_says_what_of_a_run_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import h5py

    path = evil_run(tmp_path / "run.h5")
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        del file["verifications/failed"]
    assert "notice     damaged: /verifications has no dataset 'failed'" in output_of(
        capsys, "info", str(path)
    )
    assert main(["validate", str(path)]) == 1
    words = capsys.readouterr().out
    assert "error: /verifications: " in words and "all else can be read" in words
