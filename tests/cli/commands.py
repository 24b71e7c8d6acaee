"""Calling the `hardattn` command as users do, in this process."""

from __future__ import annotations

import pytest

from hardattn_viewer.cli import main


def output_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    captured = capsys.readouterr()
    return captured.out


def sentence_of(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    """The one line on standard error of a command that must fail with ``code``."""
    try:
        ended = main(list(words))
    except SystemExit as exit_:
        ended = exit_.code
    captured = capsys.readouterr()
    assert ended == code
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    return lines[0]
