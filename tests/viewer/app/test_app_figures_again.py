"""What the window exports is made again by the command, with the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown
from text_runs import write_text_run
from training_runs import write_training

from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.cli import main
from hardattn_viewer.figures.embedding import recipe_in
from hardattn_viewer.figures.widths import width_of

SAMPLES = Path(__file__).parents[3] / "sample_runs"


def exported(window: MainWindow, path: Path, view: str, **more: object) -> ExportDialog:
    """Export one view as the dialog does it; returns the dialog, still open."""
    window.export_figure()
    dialog = window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    dialog.view.setCurrentIndex(dialog.view.findData(view))
    assert dialog.view.currentData() == view
    for name, value in more.items():
        field = getattr(dialog, name)
        field.setCurrentIndex(field.findData(value))
    dialog.path.setText(str(path))
    dialog.save.click()
    assert dialog.saved == path, dialog.message.text()
    return dialog


def assert_made_again(figure: Path, *runs: Path) -> None:
    again = figure.with_name(f"again{figure.suffix}")
    named = [
        word
        for option, run in zip(("--run", "--with"), runs, strict=False)
        for word in (option, str(run))
    ]
    assert main(["export", "--again", str(figure), *named, "-o", str(again)]) == 0
    assert again.read_bytes() == figure.read_bytes()


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_an_overlay_of_the_window_is_made_again(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, hard_path: Path, suffix: str
) -> None:
    session = window.session
    session.go_to_step(2)
    session.set_display(replace(session.state.display, opacity=0.4, sorted_bars=True, path=False))
    wait_until_shown(qtbot, window)
    dialog = exported(window, tmp_path / f"f{suffix}", "regions", theme="dark", colours="cividis")
    dialog.close()
    recipe = recipe_in(tmp_path / f"f{suffix}")
    assert recipe.runs[0].place.step == 2 and recipe.display.opacity == 0.4
    assert_made_again(tmp_path / f"f{suffix}", hard_path)


@pytest.mark.parametrize("view", ["compare", "timeline"])
def test_two_runs_of_the_window_are_shown_again(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, hard_path: Path, soft_path: Path, view: str
) -> None:
    window.session.set_view("compare")
    wait_until_shown(qtbot, window)
    exported(window, tmp_path / "f.svg", view).close()
    assert_made_again(tmp_path / "f.svg", hard_path, soft_path)


@pytest.mark.parametrize("view", ["tokens", "matrix", "heads", "compare"])
def test_texts_of_the_window_are_shown_again(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path, view: str
) -> None:
    runs = [write_text_run(tmp_path / "one.h5"), write_text_run(tmp_path / "two.h5", seed=1)]
    window = make_window()
    window.session.open(runs)
    wait_until_shown(qtbot, window)
    window.session.go_to_query(2)
    window.session.go_to_head(1)
    if view in ("heads", "compare"):
        window.session.set_view("heads" if view == "heads" else "compare")
    wait_until_shown(qtbot, window)

    def known() -> bool:
        return all(result.finished for result in window.session.state.studies.values())

    qtbot.waitUntil(known, timeout=20_000)
    wait_until_shown(qtbot, window)
    exported(window, tmp_path / "f.svg", view).close()
    count = 1 if view in ("tokens", "matrix") else 2
    assert_made_again(tmp_path / "f.svg", *runs[:count])


def test_a_training_of_the_window_is_shown_again(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    runs = [write_training(tmp_path / f"{hard}.h5", hard=hard) for hard in (True, False)]
    window = make_window()
    window.session.open(runs)
    wait_until_shown(qtbot, window)
    window.session.set_view("training")

    def known() -> bool:
        studies = window.session.state.studies
        return all(kind in studies and studies[kind].finished for kind in ("training", "film"))

    qtbot.waitUntil(known, timeout=10_000)
    wait_until_shown(qtbot, window)
    exported(window, tmp_path / "f.svg", "training").close()
    assert_made_again(tmp_path / "f.svg", *runs)


def test_means_over_filtered_examples_are_not_made_again_and_say_why(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    window = make_window()
    window.session.open([write_training(tmp_path / "run.h5", hard=True)])
    wait_until_shown(qtbot, window)
    window.session.set_view("training")
    window.session.set_display(replace(window.session.state.display, filtered_curves=True))
    window.session.set_filter("entropy > 0")

    def known() -> bool:
        found = window.session.state.studies.get("training")
        return found is not None and found.finished and bool(found.value)

    qtbot.waitUntil(known, timeout=10_000)
    wait_until_shown(qtbot, window)
    exported(window, tmp_path / "f.svg", "training").close()
    assert main(["export", "--again", str(tmp_path / "f.svg")]) == 1
    assert "passed a filter in the app" in capsys.readouterr().err


def test_a_check_of_the_window_is_shown_again(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    run = SAMPLES / "glimpse-hard.h5"
    window = make_window()
    window.session.open([run])
    wait_until_shown(qtbot, window)
    window.session.set_view("faithfulness")
    qtbot.waitUntil(
        lambda: (
            (found := window.session.state.studies.get("checks")) is not None and found.finished
        ),
        timeout=10_000,
    )
    wait_until_shown(qtbot, window)
    exported(window, tmp_path / "f.svg", "faithfulness").close()
    assert_made_again(tmp_path / "f.svg", run)


def test_a_preset_sets_the_width_and_a_width_lets_go_of_the_preset(
    window: MainWindow, tmp_path: Path
) -> None:
    dialog = exported(window, tmp_path / "f.png", "regions", preset="ieee-column")
    assert dialog.width_mm.value() == width_of("ieee-column") == 88.9
    dialog.width_mm.setValue(90)
    assert dialog.preset.currentData() == ""
    dialog.format.setCurrentIndex(dialog.format.findData(".svg"))
    assert dialog.dpi.isHidden()
    dialog.format.setCurrentIndex(dialog.format.findData(".png"))
    assert not dialog.dpi.isHidden()
    dialog.dpi.setValue(120)
    dialog.path.setText(str(tmp_path / "g.png"))
    dialog.save.click()
    assert recipe_in(tmp_path / "g.png").options.dpi == 120
    assert recipe_in(tmp_path / "f.png").options.width_mm == 88.9
    dialog.close()
