"""Comparing in the real window: numbers, heads, the worst steps, places of one run, figures."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from small_runs import STEPS, wait_until_shown, write_run
from text_runs import add_event, write_text_run

from hardattn_viewer.app.beside_dialog import BesideDialog
from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.drawing.difference_bars import bars_area
from hardattn_viewer.drawing.matrix_difference import difference_cells, strongest
from hardattn_viewer.measures import entropy, jensen_shannon
from hardattn_viewer.session.comparing import Comparison, comparison_of
from hardattn_viewer.session.ranking import ranked
from hardattn_viewer.views.comparison_panel import ComparisonPanel
from recorders.run.writer import SegmentWriter


def compared(qtbot: QtBot, window: MainWindow) -> Comparison:
    """Show the comparison, and wait until all of it is known."""
    window.session.set_view("compare")
    wait_until_shown(qtbot, window)

    def known() -> bool:
        state = window.session.state
        found = comparison_of(state)
        return (
            found is not None
            and found.finished
            and all(result.finished for result in state.studies.values())
        )

    qtbot.waitUntil(known, timeout=20_000)
    found = comparison_of(window.session.state)
    assert found is not None
    return found


def panel(window: MainWindow) -> ComparisonPanel:
    return window.compare.difference.panel


def cells(window: MainWindow) -> dict[str, tuple[str, ...]]:
    return {line.name: line.cells for line in panel(window).numbers.lines}


@pytest.fixture
def heads(make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """Two soft text runs of four heads and three layers, compared."""
    window = make_window()
    window.session.open(
        [write_text_run(tmp_path / "one.h5"), write_text_run(tmp_path / "two.h5", seed=1)]
    )
    wait_until_shown(qtbot, window)
    compared(qtbot, window)
    return window


def test_the_numbers_here_at_this_step_and_over_all_examples(
    window: MainWindow, qtbot: QtBot
) -> None:
    found = compared(qtbot, window)
    QTest.keyClick(window, Qt.Key.Key_Right)
    wait_until_shown(qtbot, window)
    state = window.session.state
    a, b = state.frames.a, state.frames.b
    assert a is not None and b is not None
    here = float(jensen_shannon(a.probabilities, b.probabilities))
    at_step, overall = found.step(1), found.overall[0]
    assert at_step is not None
    step = at_step["jensen_shannon"]
    assert cells(window)["Jensen–Shannon, bits"] == (
        f"{here:.2f}",
        f"{step.mean:.2f} ± {step.half_width:.2f}",
        f"{overall['jensen_shannon'].mean:.2f} ± {overall['jensen_shannon'].half_width:.2f}",
    )
    shown = cells(window)["entropy of A, bits"][0]
    assert shown == f"{float(entropy(a.probabilities)):.2f}"
    mass = float(b.probabilities[list(a.selection)].sum())
    assert cells(window)["soft mass on choice"][0] == f"{mass:.3f}"
    rate = overall["same_argmax"]
    assert (
        cells(window)["same argmax"][2] == f"{100 * rate.mean:.1f} ± {100 * rate.half_width:.1f} %"
    )
    assert "over 12 examples, 1,000 resamples" in panel(window).foot.whole


def test_a_click_in_the_list_goes_there_and_keys_walk_through_it(
    window: MainWindow, qtbot: QtBot
) -> None:
    compared(qtbot, window)
    QTest.mouseClick(panel(window).buttons["worst"], Qt.MouseButton.LeftButton)
    table, model = panel(window).worst.table, panel(window).worst.model
    items = ranked(window.session.state)
    assert model.items == items and len(items) == 12 * STEPS
    point = table.visualRect(model.index(2, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=point)
    wait_until_shown(qtbot, window)
    place = window.session.state.place
    assert (place.example, place.step) == (items[2].example, items[2].step)
    assert table.currentIndex().row() == 2
    window.activateWindow()
    for key, held, line in (
        (Qt.Key.Key_D, Qt.KeyboardModifier.NoModifier, 3),
        (Qt.Key.Key_D, Qt.KeyboardModifier.NoModifier, 4),
        (Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier, 3),
    ):
        QTest.keyClick(window, key, held)
        wait_until_shown(qtbot, window)
        place = window.session.state.place
        assert (place.example, place.step) == (items[line].example, items[line].step)
        assert table.currentIndex().row() == line
    table.selectRow(7)
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert window.session.state.place.example == items[7].example


def test_another_measure_ranks_anew_and_the_list_is_saved(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    found = compared(qtbot, window)
    window.actions_["page_worst"].trigger()
    page = panel(window).worst
    page.by.setCurrentIndex(3)
    page.by.activated.emit(3)
    assert window.session.state.rank_by == "entropy"
    differences = [abs(item.by("entropy")) for item in page.model.items]
    assert differences == sorted(differences, reverse=True)
    window.actions_["saveDisagreements"].trigger()
    dialog = window.findChild(QFileDialog, "disagreementsDialog")
    assert isinstance(dialog, QFileDialog)
    dialog.close()
    page.write(tmp_path / "list.csv")
    rows = list(csv.DictReader((tmp_path / "list.csv").read_text().splitlines()))
    assert len(rows) == 12 * STEPS
    first = page.model.items[0]
    assert (int(rows[0]["example_a"]), int(rows[0]["step"])) == (first.example, first.step)
    assert float(rows[0]["entropy_b"]) == pytest.approx(first.of("entropy_b"), rel=1e-6)
    assert found.tops.seen == len(rows)
    page.write(tmp_path / "no" / "list.csv")
    assert "no" in page.foot.whole


def test_the_worst_head_stands_out_and_a_click_goes_to_a_head(
    heads: MainWindow, qtbot: QtBot
) -> None:
    found = compared(qtbot, heads)
    QTest.mouseClick(panel(heads).buttons["heads"], Qt.MouseButton.LeftButton)
    table = panel(heads).heads
    apart = [found.overall[lane]["jensen_shannon"].mean for lane in range(1, 5)]
    assert found.worst_lane == 1 + int(np.argmax(apart))
    assert [line.name for line in table.lines if "worst" in line.name] == [
        f"head {int(np.argmax(apart))} ◂ worst"
    ]
    study = heads.session.state.studies["compare"].study
    point = table.visualItemRect(table.item(3, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=point)
    wait_until_shown(qtbot, heads)
    assert [f.place.head for f in heads.session.state.frames.present] == [3, 3]
    # Going from head to head reads nothing anew.
    assert heads.session.state.studies["compare"].study is study
    heads.session.show_comparison("numbers")
    mean = found.overall[4]["jensen_shannon"].mean
    assert cells(heads)["Jensen–Shannon, bits"][-1].startswith(f"{mean:.2f}")


def test_two_heads_of_one_run_are_labelled_everywhere(heads: MainWindow, qtbot: QtBot) -> None:
    heads.session.go_to_head(1)
    heads.actions_["compareHead"].trigger()
    dialog = heads.findChild(BesideDialog)
    assert isinstance(dialog, BesideDialog)
    assert "(the same run as A)" in dialog.run.currentText()
    dialog.head.setCurrentIndex(dialog.head.findData(3))
    QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    compared(qtbot, heads)
    assert [f.place.head for f in heads.session.state.frames.present] == [1, 3]
    assert heads.compare.a.place.whole == "head 1 of 4"
    assert heads.compare.b.place.whole == "head 3 of 4"
    card = heads.cards.card(heads.session.state.runs[0].key)
    assert "B: head 3 of 4" in card.line.text() and "slots A and B" in card.accessibleName()
    heads.export_figure()
    export = heads.findChild(ExportDialog)
    assert isinstance(export, ExportDialog)
    figure = export._figure()
    assert not isinstance(figure, str)
    assert "head 1 of 4" in figure.caption and "head 3 of 4" in figure.caption
    export.close()
    heads.actions_["compareSame"].trigger()
    wait_until_shown(qtbot, heads)
    assert heads.session.state.slot_b == heads.session.state.runs[1].key
    assert heads.compare.b.place.isHidden()


def test_a_choice_of_sites_is_remembered(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path, settings: Settings
) -> None:
    first = write_text_run(tmp_path / "a.h5")
    second = write_run(tmp_path / "b.h5", hard=False, names=["text-0", "text-1"])
    window = make_window()
    window.session.open([first, second])
    wait_until_shown(qtbot, window)
    window.session.go_to_site("encoder.layer.1.attention")
    wait_until_shown(qtbot, window)
    assert window.session.state.frames.b is None
    window.actions_["compareWith"].trigger()
    dialog = window.findChild(BesideDialog)
    assert isinstance(dialog, BesideDialog)
    assert "that is remembered" in dialog.says.text()
    QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    wait_until_shown(qtbot, window)
    assert window.session.state.frames.b is not None
    assert settings.site_pairs == (("encoder.layer.1.attention", "glimpse"),)
    difference = window.compare.difference
    assert "chosen by hand" in difference.words.toolTip()
    assert "A has 8 tokens" in difference.words.toolTip()
    again = make_window()
    assert again.session.state.site_pairs == settings.site_pairs


def test_tokens_and_maps_have_a_difference_too(heads: MainWindow, qtbot: QtBot) -> None:
    body = heads.compare.difference.body
    assert body.mode == "tokens" and body.text.isVisible() and not body.tokens.isVisible()
    a, b = heads.session.state.frames.a, heads.session.state.frames.b
    assert a is not None and b is not None and a.map is not None and b.map is not None
    shown = body.text.canvas.picture
    assert shown is not None
    np.testing.assert_array_equal(shown.values, b.probabilities - a.probabilities)
    assert heads.compare.difference.scale.picture.top == shown.scale_max  # type: ignore[union-attr]
    QTest.keyClick(heads, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    wait_until_shown(qtbot, heads)
    picture = body.matrix.picture
    assert body.mode == "matrix" and picture is not None
    difference = b.map.values - a.map.values
    np.testing.assert_array_equal(picture.values, difference)
    assert picture.scale_max == pytest.approx(float(np.abs(difference).max()))
    assert heads.compare.difference.scale.picture.top == picture.scale_max  # type: ignore[union-attr]
    # The strongest cell is painted orange where A has more, blue where B has.
    query, key = np.unravel_index(np.abs(difference).argmax(), difference.shape)
    area = difference_cells(picture, QRectF(body.matrix.rect()))
    point = QPoint(
        int(area.left() + (key + 0.5) * area.width() / 8),
        int(area.top() + (query + 0.5) * area.height() / 8),
    )
    colour = body.matrix.grab().toImage().pixelColor(point)
    assert (colour.blue() > colour.red()) == (difference[query, key] > 0)
    QTest.mouseClick(body.matrix, Qt.MouseButton.LeftButton, pos=point)
    assert heads.session.state.place.query == query


def test_pooling_a_difference_keeps_the_strongest_of_either_sign() -> None:
    values = np.zeros((8, 8), np.float32)
    values[1, 1], values[0, 0], values[6, 7] = -0.5, 0.2, 0.1
    values[3, 3] = np.nan
    pooled = strongest(values, 2, 2)
    assert pooled.shape == (2, 2)
    assert pooled[0, 0] == np.float32(-0.5) and pooled[1, 1] == np.float32(0.1)


@pytest.mark.parametrize("matrix", [False, True])
def test_a_comparison_of_texts_is_exported(
    heads: MainWindow, qtbot: QtBot, tmp_path: Path, matrix: bool
) -> None:
    if matrix:
        QTest.keyClick(heads, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
        wait_until_shown(qtbot, heads)
    heads.export_figure()
    dialog = heads.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    for suffix in (".svg", ".pdf", ".png", ".npz"):
        dialog.path.setText(str(tmp_path / f"figure{suffix}"))
        dialog.save.click()
        assert dialog.saved == tmp_path / f"figure{suffix}"
        assert dialog.saved.stat().st_size > 1000
    figure = dialog._figure()
    assert not isinstance(figure, str) and figure.page.difference is not None
    assert "B − A: orange more in A, blue more in B" in figure.caption
    dialog.close()


def test_a_sampled_run_without_repeats_says_so(window: MainWindow, qtbot: QtBot) -> None:
    compared(qtbot, window)
    window.actions_["page_repeats"].trigger()
    page = panel(window).repeats
    assert "no draw was repeated" in page.words.text()
    assert [line.name for line in page.table.lines] == ["expected, Σp²"]


def test_the_page_gives_way_where_it_has_nothing_to_say(heads: MainWindow, qtbot: QtBot) -> None:
    assert panel(heads).buttons["repeats"].isHidden()
    heads.session.show_comparison("repeats")
    assert panel(heads).page == "numbers"
    heads.session.show_comparison("heads")
    assert panel(heads).page == "heads"


def test_it_fits_into_the_smallest_window(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(QSize(1100, 700))
    compared(qtbot, window)
    table = panel(window).numbers
    assert [line.short for line in table.lines][:2] == ["max", "JS"]
    metrics = table.fontMetrics()
    for row in range(table.rowCount()):
        for column in (0, 1, 3):
            item = table.item(row, column)
            assert item is not None
            assert metrics.horizontalAdvance(item.text()) <= table.columnWidth(column)


def test_keys_that_are_neither_regions_nor_tokens_have_bars(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    rng = np.random.default_rng(8)
    for name in ("a", "b"):
        writer = SegmentWriter(tmp_path / f"{name}.h5")
        writer.add_snapshot(0)
        site = writer.add_site("memory", kind="memory", key_axis="slots")
        add_event(writer, site, writer.add_example("one"), rng.dirichlet(np.ones(6), (1, 1)))
        writer.close()
    window = make_window()
    window.session.open([tmp_path / "a.h5", tmp_path / "b.h5"])
    wait_until_shown(qtbot, window)
    compared(qtbot, window)
    body = window.compare.difference.body
    assert body.mode == "tokens" and body.tokens.isVisible()
    a, b = window.session.state.frames.a, window.session.state.frames.b
    bars = body.tokens.picture
    assert a is not None and b is not None and bars is not None
    np.testing.assert_array_equal(bars.values, b.probabilities - a.probabilities)
    area = bars_area(bars, QRectF(body.tokens.rect()))
    key = int(np.abs(bars.values).argmax())
    x = int(area.left() + (key + 0.5) * area.width() / 6)
    image = body.tokens.grab().toImage()
    y = area.center().y() + (-4 if bars.values[key] > 0 else 4)
    colour = image.pixelColor(QPoint(x, int(y)))
    assert (colour.blue() > colour.red()) == (bars.values[key] > 0)
    QTest.mouseClick(body.tokens, Qt.MouseButton.LeftButton, pos=QPoint(x, int(y)))
    assert window.session.state.pinned == key
