"""Ten lines lead from a model to its picture: those of *Ten minutes to your own model*."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from page_things import put_things
from PySide6.QtGui import QImage
from reading_pages import Block, blocks_of, text_of
from timm_alone import import_timm

from hardattn_viewer.cli import main
from recorders import read_run

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PAGE = "docs/ten-minutes.md"
# The part of the page -> what kind of attention its run holds, and in what it is looked for.
WAYS = {
    "A Hugging Face text model": ("bert.h5", "tokens", False),
    "A vision transformer": ("vit.h5", "image", False),
    "Hard attention of your own": ("ram.h5", "image", True),
}


def blocks_below(heading: str) -> list[Block]:
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## )", text_of(PAGE), re.S | re.M)
    assert found is not None, heading
    return blocks_of(PAGE, found[1])


@pytest.mark.parametrize("heading", list(WAYS))
def test_ten_lines_lead_from_a_model_to_its_picture(
    heading: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    qapp: object,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    run_name, medium, hard = WAYS[heading]
    *models, code, shell = blocks_below(heading)
    put_things(tmp_path, text_of(PAGE))
    import_timm()
    for model in models:
        (tmp_path / model.title).write_text(model.text, encoding="utf-8")
    lines = [line for line in code.text.splitlines() if line.strip()]
    assert len(lines) <= 10, f"{len(lines)} lines"
    exec(compile(code.text, PAGE, "exec"), {})

    assert shell.commands() == [["hardattn", "validate", run_name], ["hardattn", "view", run_name]]
    assert main(["validate", run_name]) == 0
    assert "no findings" in capsys.readouterr().out
    with read_run(run_name) as run:
        assert all(site.hard == hard for site in run.sites)
        shown = run.tokens(0) if medium == "tokens" else run.image(0)
        assert shown is not None and len(shown) > 5
        assert sum(run.verification(site.name).failed for site in run.sites) == 0
    picture = tmp_path / "window.png"
    assert main(["view", run_name, "--screenshot", str(picture), "--size", "1100x700"]) == 0
    # The picture of the example, in the middle of the window.
    middle = QImage(str(picture)).copy(280, 120, 520, 330)
    colours = [middle.pixel(x, y) for x in range(0, 520, 2) for y in range(0, 330, 2)]
    assert len(set(colours)) > 60
    most = max(colours.count(colour) for colour in set(colours))
    assert most < 0.9 * len(colours)
