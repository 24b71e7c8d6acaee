"""What is shipped beside the code: a citation, and the entry of the frozen program."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from recorders.version import PRODUCER, VERSION

ROOT = Path(__file__).resolve().parent.parent


def test_the_citation_is_of_this_version_and_licence() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["version"] == VERSION and cited["license"] == project["license"]
    assert [one["name"] for one in cited["authors"]] == [a["name"] for a in project["authors"]]
    # What version 1.2.0 of the format requires.
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--version"], PRODUCER),
        (["-m", "hardattn_viewer", "--version"], PRODUCER),
        (["-I", "-S", "-c", "import sys; print(sys.argv)", "a", "--b"], "['-c', 'a', '--b']"),
    ],
)
def test_the_frozen_program_is_hardattn_and_stands_for_its_python(
    words: list[str], said: str
) -> None:
    command = [sys.executable, str(ROOT / "tools" / "frozen_main.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr
