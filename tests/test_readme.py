"""What the README shows runs as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hardattn_viewer.cli import main
from hardattn_viewer.cli.main import build_parser

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("hardattn ")]


def test_the_python_examples_run_and_the_commands_accept_their_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks("python")))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(script)]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=120)
    monkeypatch.chdir(tmp_path)
    assert main(["info", "pointer.h5"]) == 0
    assert main(["validate", "pointer.h5"]) == 0
    assert "no findings" in capsys.readouterr().out


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_readme_parses(line: str) -> None:
    build_parser().parse_args(shlex.split(line, comments=True)[1:])


def test_the_pictures_and_pages_that_it_links_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
