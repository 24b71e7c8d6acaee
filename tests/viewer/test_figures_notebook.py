"""``run.figure`` in fresh processes, as a notebook calls it: no window and no display."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from hardattn_viewer.cli import main
from recorders import RunError, read_run

ROOT = Path(__file__).parents[2]
HARD, SOFT = ROOT / "sample_runs" / "glimpse-hard.h5", ROOT / "sample_runs" / "glimpse-soft.h5"
TEXT = ROOT / "sample_runs" / "minilm-text.h5"


def fresh(code: str, folder: Path, **environment: str) -> str:
    """What a program prints that runs where nobody has a display."""
    kept = {k: v for k, v in os.environ.items() if k not in ("QT_QPA_PLATFORM", "DISPLAY")}
    kept.pop("WAYLAND_DISPLAY", None)
    program = f"HARD, SOFT, TEXT = {str(HARD)!r}, {str(SOFT)!r}, {str(TEXT)!r}\n"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program + textwrap.dedent(code)],
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


# Qt gives up and ends the process where it is told to ask for a display that is not there.
@pytest.mark.parametrize("platform", [{}, {"QT_QPA_PLATFORM": "xcb"}])
def test_a_figure_is_shown_and_saved_without_a_display(
    tmp_path: Path, platform: dict[str, str]
) -> None:
    code = """
        import sys
        from recorders import read_run
        with read_run(HARD) as run:
            assert not any(name.startswith(("PySide6", "hardattn_viewer")) for name in sys.modules)
            figure = run.figure(view="regions", example=8)
        bundle = figure._repr_mimebundle_()
        assert bundle["image/svg+xml"] == figure._repr_svg_() == figure.svg
        for suffix in ("svg", "pdf", "png", "csv", "npz"):
            figure.save(f"figure.{suffix}")
        assert "torch" not in sys.modules
        from PySide6.QtGui import QGuiApplication
        assert QGuiApplication.instance() is None
        print(repr(figure))
    """
    said = fresh(code, tmp_path, **platform)
    assert said.startswith("<Attention of glimpse-hard, example test-00008, step 6 of 6: 160 × ")
    assert len(list(tmp_path.iterdir())) == 5
    root = ElementTree.parse(tmp_path / "figure.svg").getroot()
    assert root.get("width") == "160mm"


def test_a_window_can_be_opened_between_two_figures(tmp_path: Path) -> None:
    code = """
        from recorders import read_run
        run = read_run(TEXT)
        first = run.figure(view="tokens").svg
        from PySide6.QtWidgets import QApplication, QLabel
        application = QApplication(["x", "-platform", "offscreen"])
        label = QLabel("a window")
        label.show()
        assert run.figure(view="tokens").svg == first
        assert QApplication.instance() is application
        label.close()
        application.shutdown()
        assert run.figure(view="tokens").svg == first
        print("ok")
    """
    # The platform that shows nothing says so of every window.
    assert fresh(code, tmp_path, QT_LOGGING_RULES="*.warning=false") == "ok\n"


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--example", "8", "--step", "3"], {"example": 8, "step": 3}),
        (["--theme", "dark", "--map", "cividis"], {"theme": "dark", "map": "cividis"}),
        (["--preset", "acl-column", "--font-pt", "7"], {"preset": "acl-column", "font_pt": 7.0}),
        (["--view", "timeline", "--no-caption"], {"view": "timeline", "caption": False}),
        (["--view", "heads"], {"view": "heads"}),
        (
            ["--view", "faithfulness", "--width-mm", "180"],
            {"view": "faithfulness", "width_mm": 180.0},
        ),
    ],
)
def test_it_is_the_figure_of_the_command(
    tmp_path: Path, qapp: object, words: list[str], options: dict[str, object]
) -> None:
    assert main(["export", str(HARD), *words, "-o", str(tmp_path / "command.svg")]) == 0
    with read_run(HARD) as run:
        run.figure(**options).save(tmp_path / "notebook.svg")  # type: ignore[arg-type]
    command, notebook = ((tmp_path / f"{n}.svg").read_text() for n in ("command", "notebook"))
    if options.get("view") == "faithfulness":
        # The command does not open the run, and so does not know its fingerprint.
        command, notebook = (text[text.index("<defs>") :] for text in (command, notebook))
    assert notebook == command


def test_two_runs_are_compared(tmp_path: Path, qapp: object) -> None:
    words = ["--view", "compare", "--with", str(SOFT), "--example", "8"]
    assert main(["export", str(HARD), *words, "-o", str(tmp_path / "command.pdf")]) == 0
    with read_run(HARD) as run, read_run(SOFT) as soft:
        figure = run.figure(beside=soft, example=run.examples[8], site=run.sites[0])
    figure.save(tmp_path / "notebook.pdf")
    assert (tmp_path / "notebook.pdf").read_bytes() == (tmp_path / "command.pdf").read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"example": 999}, "glimpse-hard.h5 has no example 999; it has 300, from 0"),
        ({"example": -1}, "no example -1"),
        ({"step": 70}, "has no step 70"),
        ({"site": "nowhere"}, "nowhere"),
        ({"head": 5}, "head"),
        ({"query": [0, 4]}, "has no query 4"),
        ({"view": "dance"}, "there is no view 'dance'"),
        ({"view": "compare"}, "does not show 1 run"),
        ({"view": "training"}, "no snapshots of a training"),
        ({"preset": "vogue"}, "no preset 'vogue'; choose one of neurips"),
        ({"theme": "pink"}, "no theme 'pink'"),
        ({"map": "jet"}, "must be one of viridis, cividis"),
        ({"width_mm": 3}, "width_mm is 3"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(options: dict[str, object], said: str) -> None:
    with read_run(HARD) as run, pytest.raises(RunError) as caught:
        run.figure(**options)  # type: ignore[arg-type]
    assert said in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_an_option_that_there_is_not_is_a_type_error() -> None:
    with read_run(HARD) as run, pytest.raises(TypeError, match="no option 'colour'; it has preset"):
        run.figure(colour="red")


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, qapp: object) -> None:
    with read_run(HARD) as run:
        figure = run.figure()
    for name in ("nowhere/figure.svg", "nowhere/figure.png", "figure.docx"):
        with pytest.raises(RunError, match=r"nowhere|docx"):
            figure.save(tmp_path / name)


def test_without_the_viewer_it_is_said_what_is_missing(tmp_path: Path) -> None:
    code = """
        import sys
        sys.modules["PySide6"] = None
        from recorders import RunError, read_run
        try:
            read_run(HARD).figure()
        except RunError as error:
            print(error)
    """
    assert "pip install hardattn" in fresh(code, tmp_path)
