"""Which model a check runs, chosen in its dialog: code of a factory only where it is trusted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.check_dialog import BY_ATTENTION, CheckDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.checks.file import checks_path, read_checks
from hardattn_viewer.cli.check import _names
from hardattn_viewer.faithfulness.explainers.by_name import is_explainer

SAMPLES = Path(__file__).parents[3] / "sample_runs"
OWN = '''
import torch


class Bright(torch.nn.Module):
    """Two classes: which half of a picture is brighter."""

    def forward(self, pixels):
        return torch.nn.functional.adaptive_avg_pool2d(pixels.mean(1), (1, 2)).flatten(1) * 9
'''


@pytest.fixture
def dialog(make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path) -> CheckDialog:
    window = make_window()
    window.session.open([Path(shutil.copy(SAMPLES / "glimpse-hard.h5", tmp_path))])
    wait_until_shown(qtbot, window)
    window.actions_["runCheck"].trigger()
    found = window.findChild(CheckDialog)
    assert isinstance(found, CheckDialog)
    return found


def test_the_model_of_the_run_needs_no_word(dialog: CheckDialog) -> None:
    assert "--model" not in dialog.words and dialog.go.isEnabled()
    assert not dialog.model.trust.isVisible()


def test_a_factory_is_not_run_before_it_is_trusted(dialog: CheckDialog, qtbot: QtBot) -> None:
    qtbot.keyClicks(dialog.model.field, "own_model:Bright")
    assert dialog.model.trust.isVisible() and not dialog.go.isEnabled()
    assert "The code of own_model:Bright is run" in dialog.says.text()
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    assert dialog.isVisible()
    dialog.model.trust.click()
    assert dialog.go.isEnabled() and "--model own_model:Bright" in " ".join(dialog.words)
    qtbot.keyClicks(dialog.model.field, "er")
    assert not dialog.model.trust.isChecked() and not dialog.go.isEnabled()


def test_a_folder_and_a_file_run_no_code_and_ask_nothing(
    dialog: CheckDialog, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    dialog.model.field.setText(str(tmp_path / "model"))
    assert dialog.go.isEnabled() and not dialog.model.trust.isVisible()
    assert "No code that lies in the folder is run" in dialog.says.text()
    dialog.model.field.setText(str(SAMPLES / "glimpse-random.safetensors"))
    assert dialog.go.isEnabled() and "code" not in dialog.says.text()


def test_explanations_by_attention_are_offered_by_names_that_there_are(dialog: CheckDialog) -> None:
    dialog.explainers.setCurrentIndex(2)
    told = dialog.words[dialog.words.index("--explainers") + 1]
    names = _names(told)
    assert told == BY_ATTENTION and names and all(map(is_explainer, names))


@pytest.mark.slow
def test_a_module_of_somebodys_own_is_checked_on_the_pictures_of_the_run(
    dialog: CheckDialog, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_model.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    window = dialog.parent()
    assert isinstance(window, MainWindow)
    dialog.model.field.setText("own_model:Bright")
    dialog.model.trust.click()
    dialog.examples.setValue(2)
    dialog.controls.setValue(4)
    dialog.explainers.setEditText("leave-one-out")
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.checker.is_running, timeout=120_000)
    going = window.session.state.checking
    assert going is not None and going.state == "done", going
    report = read_checks(checks_path(tmp_path / "glimpse-hard.h5"))
    assert report.facts["model"] == "own_model:Bright"
    assert any("not what was recorded" in one.note for one in report.sanity)
