"""What docs/record.md shows runs as it stands there."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hugging_face_folders import bert_folder, clip_folder, gpt2_folder, vit_folder
from PIL import Image

from hardattn_viewer.cli import main
from recorders import read_run

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "record.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("hardattn ")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the page names."""
    folder = tmp_path_factory.mktemp("page")
    for name, make in (
        ("my-bert", bert_folder), ("my-gpt2", gpt2_folder), ("my-vit", vit_folder),
        ("my-clip", clip_folder),
    ):  # fmt: skip
        make(folder / name)
    for name, code in re.findall(r"```python file=(\S+)\n(.*?)```", PAGE, re.DOTALL):
        (folder / name).write_text(code, encoding="utf-8")
    for name in ("lines.txt", "captions.txt"):
        (folder / name).write_text("the cat sat\nthe dog looked at a mat\n", encoding="utf-8")
    (folder / "photos").mkdir()
    for name in ("a.png", "b.jpg"):
        pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / name)
    return folder


@pytest.fixture(autouse=True)
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(place)
    yield
    sys.modules.pop("my_models", None)


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_page_records(
    line: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(line, comments=True)[1:]
    with (place / "lines.txt").open() as lines:
        monkeypatch.setattr("sys.stdin", lines)
        assert main([*words, "--threads", "1"]) == 0
    with read_run(words[-1]) as run:
        assert len(run.examples) == 2
        assert run.n_events >= 2


def test_every_flag_that_the_page_names_exists() -> None:
    from hardattn_viewer.cli.main import build_parser

    subparsers = next(a for a in build_parser()._actions if a.dest == "command")
    assert subparsers.choices is not None
    known = set(subparsers.choices["record"]._option_string_actions)  # type: ignore[index]
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", PAGE)) <= known
