"""The faithfulness view: a real check in a process of its own, in the real window."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtWidgets import QComboBox, QFileDialog
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown, write_run

from hardattn_viewer.app.check_dialog import CheckDialog
from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.checks.file import checks_path, read_checks, write_checks
from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.checks.measured import Measured
from hardattn_viewer.checks.report import CHOICE, Report, concluded
from hardattn_viewer.checks.sanity import Sanity
from hardattn_viewer.checks.scores import score_of
from hardattn_viewer.checks.scoring import CORRELATION
from hardattn_viewer.drawing.checks.page import explanation_at
from hardattn_viewer.drawing.checks.wins import rows_of
from hardattn_viewer.session.checking import checks_of, least_supported
from hardattn_viewer.session.naming import key_name

SAMPLES = Path(__file__).parents[3] / "sample_runs"


def made_up(examples: int = 6, items: int = 49, controls: int = 20) -> Report:
    """A report of curves that are drawn; one explanation is good, one has no value anywhere."""
    generator = np.random.default_rng(0)
    shares = np.linspace(0, 1, 11)
    measured = []
    for operator in ("grey", "mean"):
        good = 1 - shares[None] ** 0.3 + 0.02 * generator.normal(size=(examples, 11))
        noise = 0.1 * generator.normal(size=(controls, examples, 1))
        flat = np.repeat((1 - shares)[None, None], examples, 1) + noise
        nothing = np.full((examples, 11), np.nan)
        scores = [generator.random(items) for _ in range(examples)]
        measured.append(
            Measured(
                operator=operator,
                words="painted over",
                examples=tuple(range(examples)),
                targets=(7,) * examples,
                whole=np.ones(examples),
                alone=[generator.random(items) * 0.04 for _ in range(examples)],
                control_deletion=flat,
                control_insertion=1 - flat,
                deletion={"selection": good, "grad-cam": nothing},
                insertion={"selection": 1 - good, "grad-cam": nothing},
                scores={"selection": scores, "grad-cam": [np.zeros(0)] * examples},
                reasons={
                    "selection": {},
                    "grad-cam": dict.fromkeys(range(examples), "the model has no convolution"),
                },
                notes={"selection": {}, "grad-cam": {}},
            )
        )
    forced = {}
    for example in range(examples):
        values = generator.random((6, items))
        p = generator.dirichlet(np.ones(items), 6)
        chosen = generator.integers(0, items, 6)
        forced[example] = Forced(
            values, p, chosen, np.ones(6, bool), generator.random(50) * 0.5, 0.9, np.zeros(6)
        )
    return concluded(
        measured,
        forced=forced,
        sanity=[Sanity("Reference audit: grey", "pass"), Sanity("Side path", "fail", 0.3)],
        facts={"reading": "probability", "seed": 0, "model": "m", "rows asked": 10},
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copy(SAMPLES / "glimpse-hard.h5", tmp_path))


@pytest.fixture
def checked(make_window: Callable[[], MainWindow], qtbot: QtBot, run: Path) -> MainWindow:
    write_checks(made_up(), checks_path(run))
    window = make_window()
    window.session.open([run])
    wait_until_shown(qtbot, window)
    window.actions_["view_faithfulness"].trigger()
    qtbot.waitUntil(lambda: window.faithfulness.page.picture is not None, timeout=20_000)
    return window


def test_the_view_shows_what_the_file_beside_the_run_holds(
    checked: MainWindow, qtbot: QtBot
) -> None:
    view = checked.faithfulness
    assert view.isVisible() and view.page.isVisible() and not view.notice.isVisible()
    picture = view.page.picture
    assert picture is not None and picture.named == CHOICE
    assert set(picture.report.verdicts) == {CHOICE, "selection", "grad-cam"}
    assert "selection: supported" in view.page.accessibleDescription()
    assert [view.operator.itemText(at) for at in range(view.operator.count())] == ["grey", "mean"]
    pixels = view.page.grab().toImage()
    colours = {pixels.pixel(x, y) for x in range(0, 400, 7) for y in range(0, 300, 7)}
    assert len(colours) > 4


def test_a_click_on_a_row_writes_its_verdict_out(checked: MainWindow, qtbot: QtBot) -> None:
    view = checked.faithfulness
    picture = view.page.picture
    assert picture is not None
    rows = rows_of(picture)
    rect = QRectF(view.page.rect())
    places = {
        explanation_at(picture, rect, QPointF(0.8 * rect.width(), y), checked.theme): y
        for y in range(0, int(rect.height()), 3)
    }
    at = rows.index("grad-cam")
    point = QPoint(int(0.8 * rect.width()), int(places[at]))
    qtbot.mouseClick(view.page, Qt.MouseButton.LeftButton, pos=point)
    shown = view.page.picture
    assert shown is not None and shown.named == "grad-cam"
    assert "no convolution" in shown.report.verdicts["grad-cam"].sentence
    assert view.least.topLevelItem(0).text(1).startswith("N/A: the model has no")


def test_another_operator_is_chosen_from_its_list(checked: MainWindow, qtbot: QtBot) -> None:
    view = checked.faithfulness
    view.operator.setCurrentIndex(1)
    shown = view.page.picture
    assert shown is not None and shown.measured is not None and shown.measured.operator == "mean"


def test_without_scores_there_is_no_table(checked: MainWindow) -> None:
    assert not checked.faithfulness.scores.isVisible()


def test_scores_stand_below_the_page(
    make_window: Callable[[], MainWindow], qtbot: QtBot, run: Path
) -> None:
    shutil.copy(checks_path(SAMPLES / run.name), run.parent)
    window = make_window()
    window.session.open([run])
    wait_until_shown(qtbot, window)
    window.actions_["view_faithfulness"].trigger()
    view = window.faithfulness
    qtbot.waitUntil(lambda: view.scores.isVisible(), timeout=20_000)
    said = view.scores.accessibleDescription()
    (shapley,) = [row for row in said.split("; ") if row.startswith("shapley by grey")]
    report = read_checks(checks_path(run))
    one = score_of(report.scores, "shapley", "grey", CORRELATION)
    assert one is not None and f"faithfulness correlation {one.value.mean:+.2f}" in shapley
    assert shapley.endswith("sensitivity-max, relative N/A")
    high = view.scores.height()
    assert view.page.height() >= 540 and high > 7 * 19
    view.operator.setCurrentIndex(1)
    assert "shapley by mean" in view.scores.accessibleDescription()
    pixels = view.scores.grab().toImage()
    colours = {pixels.pixel(x, y) for x in range(0, 400, 3) for y in range(0, high, 3)}
    assert len(colours) > 8


def test_the_report_is_saved_where_its_dialog_says(
    checked: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    view = checked.faithfulness
    assert view.buttons["saveReport"].isVisible()
    qtbot.mouseClick(view.buttons["saveReport"], Qt.MouseButton.LeftButton)
    dialog = checked.findChild(QFileDialog, "reportDialog")
    assert dialog is not None and dialog.selectedFiles()[0].endswith("glimpse-hard-checks.html")
    for suffix, begins in (("html", b"<!DOCTYPE html>"), ("pdf", b"%PDF")):
        target = tmp_path / f"report.{suffix}"
        dialog.fileSelected.emit(str(target))
        assert target.read_bytes().startswith(begins)
        assert checked.message.text.text() == f"Saved {target}."
    dialog.fileSelected.emit(str(tmp_path / "report.txt"))
    assert "a report is saved as .html or .pdf" in checked.message.text.text()
    dialog.filterSelected.emit("PDF (*.pdf)")
    assert dialog.defaultSuffix() == "pdf"
    dialog.reject()


def test_examples_that_bear_it_out_least_are_listed_and_gone_to(
    checked: MainWindow, qtbot: QtBot
) -> None:
    view = checked.faithfulness
    report = view.page.picture.report  # type: ignore[union-attr]
    found = least_supported(report, CHOICE, "grey")
    expected = sorted(
        report.forced, key=lambda at: report.forced[at].whole - report.forced[at].elsewhere.mean()
    )
    assert [one.example for one in found] == expected
    item = view.least.topLevelItem(1)
    assert item.text(0) == str(expected[1])
    rect = view.least.visualItemRect(item)
    qtbot.mouseClick(view.least.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert checked.session.state.place.example == expected[1]
    qtbot.waitUntil(
        lambda: f"example {expected[1]}, step 1" in view.forced_place.whole, timeout=5_000
    )


def test_what_would_have_come_of_another_choice_follows_example_and_step(
    checked: MainWindow, qtbot: QtBot
) -> None:
    view = checked.faithfulness
    report = view.page.picture.report  # type: ignore[union-attr]
    checked.actions_["forward"].trigger()
    qtbot.waitUntil(lambda: "step 2" in view.forced_place.whole, timeout=5_000)
    picture = view.forced.picture
    assert picture is not None and picture.forced is report.forced[0] and picture.step == 1
    first, second = picture.rows[:2]
    frame = checked.session.state.frames.a
    assert frame is not None and picture.name(first) == key_name(frame, first)
    assert first == int(report.forced[0].chosen[1])
    others = np.delete(report.forced[0].values[1], first)
    assert report.forced[0].values[1, second] == others.max()
    qtbot.mouseClick(view.forced, Qt.MouseButton.LeftButton, pos=QPoint(120, 27))
    assert checked.session.state.pinned == second
    checked.session.go_to_row(200)
    qtbot.waitUntil(lambda: "not checked" in view.forced_place.whole, timeout=5_000)


def test_what_is_shown_is_exported(checked: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    checked.actions_["export"].trigger()
    dialog = checked.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog) and dialog.view.currentData() == "faithfulness"
    path = tmp_path / "figure.svg"
    dialog.path.setText(str(path))
    qtbot.waitUntil(dialog.save.isEnabled)
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert "Faithfulness of glimpse-hard" in path.read_text()
    dialog.close()


def test_a_model_of_which_nothing_can_be_removed_shows_the_effect_of_its_choices(
    checked: MainWindow, qtbot: QtBot, run: Path
) -> None:
    report = concluded([], forced=made_up().forced, facts={"seed": 0})
    write_checks(report, checks_path(run))
    checked.session.tell_check(None, wrote=True)
    view = checked.faithfulness
    qtbot.waitUntil(lambda: view.page.picture is not None and not view.page.picture.report.measured)
    shown = view.page.picture
    assert shown is not None and rows_of(shown) == [CHOICE] and not view.operator.isEnabled()
    pixels = view.page.grab().toImage()
    ratio = pixels.devicePixelRatio()
    left = range(40, int(view.page.width() * ratio / 2) - 20)
    orange = sum(
        pixels.pixelColor(x, y).red() > pixels.pixelColor(x, y).blue() + 60
        for x in left[::2]
        for y in range(100, pixels.height() - 30, 2)
    )
    assert orange > 20


def test_a_run_without_checks_says_how_to_make_some(
    make_window: Callable[[], MainWindow], qtbot: QtBot, run: Path, tmp_path: Path
) -> None:
    window = make_window()
    window.actions_["view_faithfulness"].trigger()
    assert "No run is open" in window.faithfulness.notice.text
    window.session.open([run])
    wait_until_shown(qtbot, window)
    qtbot.waitUntil(lambda: "has not been checked" in window.faithfulness.notice.text)
    checks_path(run).write_bytes(b"PK\x03\x04 nothing of use")
    window.session.tell_check(None, wrote=True)
    qtbot.waitUntil(lambda: "cannot be shown" in window.faithfulness.notice.text)
    assert checks_path(run).name in window.faithfulness.notice.text
    other = write_run(tmp_path / "other.h5", hard=True)
    write_checks(concluded(made_up().measured, facts={"recording": "another"}), checks_path(other))
    window.session.open([other])
    qtbot.waitUntil(lambda: [one.status for one in window.session.state.runs] == ["ready"] * 2)
    window.session.assign(window.session.state.runs[-1].key, "A")
    qtbot.waitUntil(lambda: "another recording" in window.faithfulness.notice.text)


def dialog_of(window: MainWindow) -> CheckDialog:
    window.actions_["runCheck"].trigger()
    found = window.findChild(CheckDialog)
    assert isinstance(found, CheckDialog)
    return found


@pytest.mark.slow
def test_a_check_is_begun_in_a_dialog_and_its_results_come(
    make_window: Callable[[], MainWindow], qtbot: QtBot, run: Path
) -> None:
    window = make_window()
    window.session.open([run])
    wait_until_shown(qtbot, window)
    dialog = dialog_of(window)
    dialog.examples.setValue(3)
    dialog.controls.setValue(5)
    dialog.findChild(QComboBox, "checkExplainers").setEditText("selection,saliency")
    dialog.paths.setValue(4)
    qtbot.keyClick(dialog.contents, Qt.Key.Key_Space)
    qtbot.keyClick(dialog.why, Qt.Key.Key_Space)
    dialog.harden.setValue(0)
    dialog.points.setValue(2)
    dialog.most.setValue(3)
    dialog.reading.setCurrentText("logit")
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    assert window.session.state.view == "faithfulness" and window.checker.is_running
    assert window.faithfulness.buttons["stopCheck"].isVisible()
    qtbot.waitUntil(lambda: not window.checker.is_running, timeout=120_000)
    going = window.session.state.checking
    assert going is not None and going.state == "done", going
    view = window.faithfulness
    qtbot.waitUntil(lambda: view.page.picture is not None, timeout=20_000)
    report = read_checks(checks_path(run))
    assert report.explainers == ("selection", "saliency") and len(report.examples) == 3
    tests = report.tests
    assert tests is not None and tests.paths.shape == (3, 4) and tests.operator and tests.why
    assert report.facts["reading"] == "logit" and report.facts["points"] == 2
    assert report.hardened is None or not report.hardened.places
    assert np.isfinite(report.forced[0].values).sum(-1).max() <= 4
    found = checks_of(window.session.state)
    assert found is not None and found.report is not None
    assert found.report.verdicts == report.verdicts
    assert view.buttons["runCheck"].isVisible() and not view.progress.isVisible()


@pytest.mark.slow
def test_a_check_is_cancelled_within_two_seconds_and_the_window_lives(
    make_window: Callable[[], MainWindow], qtbot: QtBot, run: Path
) -> None:
    window = make_window()
    window.session.open([run])
    wait_until_shown(qtbot, window)
    dialog = dialog_of(window)
    dialog.examples.setValue(300)
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)

    def is_far() -> bool:
        going = window.session.state.checking
        return going is not None and going.done > 0

    qtbot.waitUntil(is_far, timeout=120_000)
    assert window.faithfulness.progress.value() >= 0
    process = window.checker._process
    assert process is not None
    number = process.processId()
    began = time.monotonic()
    qtbot.mouseClick(window.faithfulness.buttons["stopCheck"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.checker.is_running, timeout=10_000)
    assert time.monotonic() - began < 2
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    going = window.session.state.checking
    assert going is not None and going.state == "stopped"
    assert "stopped" in window.faithfulness.words.whole


def test_a_check_that_cannot_be_run_says_why_in_the_view(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = Path(shutil.copy(SAMPLES / "minilm-text.h5", tmp_path))
    window = make_window()
    window.session.open([path])
    wait_until_shown(qtbot, window)
    dialog = dialog_of(window)
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.checker.is_running, timeout=120_000)
    qtbot.waitUntil(
        lambda: "the Hugging Face folder all-MiniLM-L6-v2" in window.faithfulness.notice.text
    )
    assert window.actions_["runCheck"].isEnabled()
