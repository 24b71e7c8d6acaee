"""Pictures of regions in the real window: wheel, drag, click and keys; state and pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QAction, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot
from region_runs import grid_boxes, write_regions_run
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.on_image import image_rect
from hardattn_viewer.session.numbers import probability
from hardattn_viewer.session.regions import lookers, mass_of, neighbour
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.image_canvas import ImageCanvas

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Opened = Callable[..., MainWindow]


@pytest.fixture
def opened(make_window: Callable[[], MainWindow], qtbot: QtBot) -> Opened:
    def open_(*paths: Path) -> MainWindow:
        window = make_window()
        window.session.open(list(paths))
        wait_until_shown(qtbot, window)
        return window

    return open_


def noise(height: int, width: int, channels: int = 3, seed: int = 1) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def patches(opened: Opened, tmp_path: Path) -> MainWindow:
    """A vision transformer on 6 × 4 patches of a 96 × 64 image, behind two special tokens."""
    path = write_regions_run(
        tmp_path / "patches.h5",
        image=noise(64, 96),
        boxes=grid_boxes(96, 64, 6, 4),
        queries=26,
        query_axis="regions",
        specials="[CLS] [REG]",
    )
    return opened(path)


def place(canvas: ImageCanvas, x: float, y: float) -> QPoint:
    """Where a point in px of the image is on the canvas."""
    picture = canvas.picture
    assert picture is not None and picture.layout is not None
    where = image_rect(picture, QRectF(canvas.rect()))
    return QPointF(
        where.left() + x / picture.layout.width * where.width(),
        where.top() + y / picture.layout.height * where.height(),
    ).toPoint()


def wheel(canvas: ImageCanvas, at: QPoint, notches: int = 1, sideways: bool = False) -> None:
    angle = QPoint(120 * notches, 0) if sideways else QPoint(0, 120 * notches)
    event = QWheelEvent(
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        QPoint(),
        angle,
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)
    QApplication.processEvents()


def drag(canvas: ImageCanvas, start: QPoint, end: QPoint, held: Qt.KeyboardModifier = NONE) -> None:
    QTest.mousePress(canvas, LEFT, held, start)
    for at in (start + (end - start) / 2, end):
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(at),
            QPointF(canvas.mapToGlobal(at)),
            Qt.MouseButton.NoButton,
            LEFT,
            held,
        )
        QApplication.sendEvent(canvas, event)
    QTest.mouseRelease(canvas, LEFT, held, end)
    QApplication.processEvents()


def menu_of(canvas: ImageCanvas, at: QPoint) -> dict[str, QAction]:
    canvas.menu_asked.emit(canvas._find(QPointF(at)), canvas.mapToGlobal(at))
    menu = canvas.findChild(QMenu, "regionMenu")
    assert isinstance(menu, QMenu)
    actions = {action.objectName(): action for action in menu.actions()}
    menu.close()
    return actions


def test_the_wheel_zooms_at_the_pointer_in_every_pane(window: MainWindow, qtbot: QtBot) -> None:
    window.session.set_view("compare")
    wait_until_shown(qtbot, window)
    panes = [window.compare.a.canvas, window.compare.b.canvas, window.compare.difference.canvas]
    at = place(panes[1], 9, 3)
    before = panes[1].grab().toImage()
    wheel(panes[1], at, 4)
    view = window.session.state.display.image_view
    assert view is not None and view.zoom == pytest.approx(1.25**4)
    assert {canvas.picture.view for canvas in panes if canvas.picture} == {view}
    # What was under the pointer still is, to a pixel of the screen.
    assert (place(panes[1], 9, 3) - at).manhattanLength() <= 2
    assert panes[1].grab().toImage() != before
    assert "244\N{NO-BREAK SPACE}%" in window.compare.b.regions.line.zoom.text()
    wheel(panes[0], at, -9)
    assert window.session.state.display.image_view is None


def test_dragging_moves_the_part_and_undo_brings_it_back(patches: MainWindow) -> None:
    canvas, session = patches.overlay.pane.canvas, patches.session
    wheel(canvas, place(canvas, 48, 32), 5)
    zoomed = session.state.display.image_view
    assert zoomed is not None
    start = canvas.rect().center()
    drag(canvas, start, start + QPoint(60, 30))
    moved = session.state.display.image_view
    assert moved is not None and canvas.picture is not None and canvas.picture.layout is not None
    scale = image_rect(canvas.picture, QRectF(canvas.rect())).width() / 96
    assert zoomed.x - moved.x == pytest.approx(60 / scale)
    assert zoomed.y - moved.y == pytest.approx(30 / scale)
    assert session.state.pinned is None, "a drag is no click"
    wheel(canvas, start, -1, sideways=True)
    session.undo()
    assert session.state.display.image_view is None
    session.redo()
    assert session.state.display.image_view is not None


def test_keys_zoom_and_fit_and_so_does_a_double_click(patches: MainWindow) -> None:
    canvas, session = patches.overlay.pane.canvas, patches.session
    QTest.keyClick(patches, Qt.Key.Key_Plus)
    QTest.keyClick(patches, Qt.Key.Key_Plus)
    QTest.keyClick(patches, Qt.Key.Key_Minus)
    view = session.state.display.image_view
    assert view is not None and view.zoom == pytest.approx(1.25)
    QTest.keyClick(patches, Qt.Key.Key_0)
    assert session.state.display.image_view is None
    wheel(canvas, canvas.rect().center(), 3)
    at = place(canvas, 40, 24)
    QTest.mouseClick(canvas, LEFT, NONE, at)
    QTest.mouseDClick(canvas, LEFT, NONE, at)
    assert session.state.display.image_view is None
    assert session.state.pinned is None, "the first click of the two was no pin"


def test_steps_keep_the_part_and_an_image_of_another_size_does_not(
    opened: Opened, tmp_path: Path, qtbot: QtBot
) -> None:
    path = write_regions_run(
        tmp_path / "two.h5",
        image=noise(40, 60),
        boxes=grid_boxes(30, 40, 3, 4),
        steps=3,
        second=noise(50, 30),
    )
    window = opened(path)
    window.session.zoom_image(2)
    view = window.session.state.display.image_view
    window.session.go_to_step(2)
    wait_until_shown(qtbot, window)
    assert window.session.state.display.image_view == view
    window.session.go_to_row(1)
    wait_until_shown(qtbot, window)
    assert window.session.state.display.image_view is None


def test_magnified_pixels_are_sharp_squares_of_the_image(patches: MainWindow) -> None:
    canvas = patches.overlay.pane.canvas
    patches.actions_["crispOnly"].trigger()
    patches.session.zoom_image(16, (50, 30))
    QApplication.processEvents()
    shown = canvas.grab().toImage()
    frame = patches.session.state.frame
    assert frame is not None and frame.image is not None
    for x, y in ((49, 30), (50, 30), (51, 31)):
        for dx, dy in ((0.2, 0.2), (0.5, 0.5), (0.8, 0.8)):
            at = place(canvas, x + dx, y + dy)
            colour = shown.pixelColor(at)
            assert (colour.red(), colour.green(), colour.blue()) == tuple(frame.image[y, x])


def test_the_readout_says_pixel_region_and_weight(patches: MainWindow) -> None:
    canvas, line = patches.overlay.pane.canvas, patches.overlay.pane.regions.line
    QTest.mouseMove(canvas, place(canvas, 40.5, 24.5))
    frame = patches.session.state.frame
    assert frame is not None and frame.image is not None
    # The patch in column 2 and row 1 is region 8, which is key 10 behind two special tokens.
    assert patches.session.state.hovered == 10
    red, green, blue = frame.image[24, 40]
    weight = probability(float(frame.probabilities[10]))
    assert line.readout.whole == f"x 40, y 24: {red}/{green}/{blue} · (40, 24) {weight}"


def test_a_click_pins_and_enter_makes_it_the_query(patches: MainWindow, qtbot: QtBot) -> None:
    canvas, session = patches.overlay.pane.canvas, patches.session
    QTest.mouseClick(canvas, LEFT, NONE, place(canvas, 40, 24))
    assert session.state.pinned == 10 and session.state.place.query is None
    QTest.keyClick(patches, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert session.state.pinned == 11
    QTest.keyClick(patches, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert session.state.pinned == 17
    QTest.keyClick(patches, Qt.Key.Key_Return)
    wait_until_shown(qtbot, patches)
    assert session.state.place.query == 17
    assert canvas.picture is not None and canvas.picture.query == 15
    QTest.mouseClick(canvas, LEFT, CONTROL, place(canvas, 8, 8))
    wait_until_shown(qtbot, patches)
    assert session.state.place.query == 2 and session.state.pinned == 17


def test_enter_in_the_filter_field_stays_there(patches: MainWindow) -> None:
    patches.session.pin(10)
    QTest.keyClick(patches, Qt.Key.Key_Slash)
    field = patches.examples.filter.field
    QTest.keyClicks(field, "steps > 5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert patches.session.state.place.query is None
    assert patches.session.state.order == ()


def test_special_tokens_are_chips_that_can_be_pinned(patches: MainWindow) -> None:
    chips = patches.overlay.pane.regions.specials
    assert chips.isVisible() and chips.picture is not None
    assert chips.picture.names == ("[CLS]", "[REG]")
    frame = patches.session.state.frame
    assert frame is not None
    assert chips.picture.values == tuple(frame.probabilities[:2].tolist())
    QTest.mouseClick(chips, LEFT, NONE, QPoint(10, 11))
    assert patches.session.state.pinned == 0
    QTest.keyClick(patches, Qt.Key.Key_Return)
    assert patches.session.state.place.query == 0


def test_shift_clicks_and_a_shift_drag_sum_regions(patches: MainWindow) -> None:
    canvas, session = patches.overlay.pane.canvas, patches.session
    frame = session.state.frame
    assert frame is not None
    for x in (8, 24, 40):
        QTest.mouseClick(canvas, LEFT, SHIFT, place(canvas, x, 8))
    assert session.state.picked == (2, 3, 4)
    total = float(frame.probabilities[2:5].astype(np.float64).sum())
    words = f"3 regions = {total:.3f} of the mass"
    QTest.mouseMove(canvas, QPoint(1, canvas.height() - 1))
    session.hover(None)
    assert words in patches.overlay.pane.regions.line.readout.whole
    patches.actions_["copySum"].trigger()
    assert QApplication.clipboard().text() == words
    QTest.mouseClick(canvas, LEFT, SHIFT, place(canvas, 24, 8))
    assert session.state.picked == (2, 4)
    drag(canvas, place(canvas, 17, 17), place(canvas, 63, 62), SHIFT)
    # Columns 1 to 3 of rows 1 to 3.
    inside = {2 + 6 * row + column for row in (1, 2, 3) for column in (1, 2, 3)}
    assert set(session.state.picked) == inside
    assert session.state.display.image_view is None, "a Shift-drag moves nothing"
    QTest.keyClick(patches, Qt.Key.Key_Escape)
    assert session.state.picked == ()


def test_picked_regions_are_outlined_in_the_accent(patches: MainWindow) -> None:
    canvas = patches.overlay.pane.canvas
    before = canvas.grab().toImage()
    patches.session.pick((10,))
    QApplication.processEvents()
    after = canvas.grab().toImage()
    edge = place(canvas, 32, 24) + QPoint(1, 0)
    assert after.pixelColor(edge) != before.pixelColor(edge)
    away = place(canvas, 72, 40)
    assert after.pixelColor(away) == before.pixelColor(away)


def test_the_menu_of_a_region_copies_and_looks_from_it(patches: MainWindow, qtbot: QtBot) -> None:
    canvas, session = patches.overlay.pane.canvas, patches.session
    frame = session.state.frame
    assert frame is not None
    at = place(canvas, 40, 24)
    clipboard = QApplication.clipboard()
    menu_of(canvas, at)["menuCopyBox"].trigger()
    assert clipboard.text() == "32, 16, 48, 32"
    menu_of(canvas, at)["menuCopyWeight"].trigger()
    assert np.float32(clipboard.text()) == frame.probabilities[10]
    menu_of(canvas, at)["menuCopyRow"].trigger()
    head, row = clipboard.text().splitlines()
    assert head.split("\t")[:2] == ["key", "name"]
    assert row.split("\t")[:6] == ["10", "(40, 24)", "32", "16", "48", "32"]
    menu_of(canvas, at)["menuCopyPicture"].trigger()
    image = clipboard.image()
    assert (image.width(), image.height()) == (1200, 800)
    menu_of(canvas, at)["menuLookFrom"].trigger()
    wait_until_shown(qtbot, patches)
    assert session.state.place.query == 10


def test_what_is_off_can_not_be_looked_from(window: MainWindow) -> None:
    canvas = window.overlay.pane.canvas
    window.session.set_view("overlay")
    QApplication.processEvents()
    assert not menu_of(canvas, place(canvas, 6, 6))["menuLookFrom"].isEnabled()
    assert not window.actions_["lookFromPinned"].isEnabled()


def test_a_region_names_the_tokens_that_look_at_it_most(opened: Opened, tmp_path: Path) -> None:
    words = ["a", "dog", "runs", "home"]
    path = write_regions_run(
        tmp_path / "captions.h5",
        image=noise(32, 48),
        boxes=grid_boxes(48, 32, 3, 2),
        queries=4,
        query_axis="tokens",
        tokens=words,
    )
    window = opened(path)
    frame = window.session.state.frame
    assert frame is not None and frame.map is not None
    column = frame.map.values[:, 4]
    order = np.argsort(-column)[:3]
    assert [one.name for one in lookers(frame, 4)] == [f"“{words[at]}”" for at in order]
    assert [one.weight for one in lookers(frame, 4)] == column[order].tolist()
    canvas = window.overlay.pane.canvas
    QTest.mouseMove(canvas, place(canvas, 24, 24))
    assert f"from “{words[order[0]]}”" in window.overlay.pane.regions.line.readout.whole
    menu_of(canvas, place(canvas, 24, 24))["menuLooker1"].trigger()
    assert window.session.state.place.query == order[1]


def test_hovering_paints_the_image_once(patches: MainWindow, monkeypatch: object) -> None:
    canvas = patches.overlay.pane.canvas
    grounds = []
    paint = canvas._paint
    canvas._paint = lambda *args: (grounds.append(1), paint(*args))  # type: ignore[assignment]
    for x in range(4, 90, 4):
        QTest.mouseMove(canvas, place(canvas, x, 30))
        QApplication.processEvents()
    assert not grounds
    patches.session.zoom_image(2)
    QApplication.processEvents()
    assert len(grounds) == 1


def test_the_opacity_slider_and_its_keys_change_the_heat(patches: MainWindow) -> None:
    line = patches.overlay.pane.regions.line
    assert line.opacity.isVisible() and line.opacity.value() == 65
    line.opacity.setValue(20)
    assert patches.session.state.display.opacity == pytest.approx(0.2)
    patches.actions_["moreOpaque"].trigger()
    assert line.opacity.value() == 25
    patches.actions_["crispOnly"].trigger()
    assert not line.opacity.isVisible()


@pytest.mark.parametrize(
    ("height", "width", "channels"),
    [(1, 1, 1), (50, 8000, 3), (8000, 50, 1), (3000, 4000, 3), (7, 3, 3)],
)
def test_images_of_any_size_keep_their_proportions(
    opened: Opened, tmp_path: Path, height: int, width: int, channels: int
) -> None:
    image = np.full((height, width, 3) if channels > 1 else (height, width), 120, np.uint8)
    boxes = grid_boxes(width, height, 1 if width == 1 else 3, 1)
    window = opened(write_regions_run(tmp_path / "odd.h5", image=image, boxes=boxes))
    canvas = window.overlay.pane.canvas
    for factor in (1.0, 4.0, 1000.0):
        window.session.zoom_image(factor)
        QApplication.processEvents()
        assert canvas.picture is not None
        where = image_rect(canvas.picture, QRectF(canvas.rect()))
        slack = 0.01 if min(where.width(), where.height()) >= 64 else 1e-9
        assert where.width() / where.height() == pytest.approx(width / height, rel=slack)
        assert not canvas.grab().toImage().isNull()
    frame = window.session.state.frame
    assert frame is not None and len(frame.levels) == (2 if width == 4000 else len(frame.levels))


def test_the_filmstrip_of_many_steps_is_thinned_and_follows(
    opened: Opened, tmp_path: Path, qtbot: QtBot
) -> None:
    path = write_regions_run(
        tmp_path / "long.h5",
        image=noise(28, 28, 1),
        boxes=grid_boxes(28, 28, 4, 4),
        steps=200,
        hard=True,
    )
    window = opened(path)
    strip = window.overlay.filmstrip
    assert strip.isVisible() and strip.steps.each == 5
    assert strip.title.text() == "1 IN 5 OF 200 STEPS"
    seen = strip.scroller.viewport()
    for step in (137, 199, 0):
        window.session.go_to_step(step)
        wait_until_shown(qtbot, window)
        at = strip.steps.place_of(step).center().toPoint()
        assert seen.rect().contains(strip.steps.mapTo(seen, at)), step
        assert strip.steps.shown_step(step) == step
    assert len(strip.steps._pictures) < 40
    QTest.mouseClick(strip.steps, LEFT, NONE, strip.steps.place_of(12).center().toPoint())
    assert window.session.state.place.step == 10


def test_the_neighbour_of_a_region_is_the_nearest_in_that_direction(patches: MainWindow) -> None:
    frame = patches.session.state.frame
    assert frame is not None
    for key in range(2, 26):
        row, column = divmod(key - 2, 6)
        assert neighbour(frame, key, 1, 0) == (key + 1 if column < 5 else None)
        assert neighbour(frame, key, -1, 0) == (key - 1 if column > 0 else None)
        assert neighbour(frame, key, 0, 1) == (key + 6 if row < 3 else None)
        assert neighbour(frame, key, 0, -1) == (key - 6 if row > 0 else None)
    assert mass_of(frame, range(26)) == pytest.approx(1.0, abs=1e-4)


def test_a_figure_shows_the_part_that_the_window_shows(patches: MainWindow, tmp_path: Path) -> None:
    from hardattn_viewer.figures.figure import FigureOptions, make_figure

    patches.session.zoom_image(2, (0, 0))
    state: SessionState = patches.session.state
    assert state.frame is not None
    whole = make_figure("regions", [state.frame], FigureOptions(), type(state.display)())
    part = make_figure("regions", [state.frame], FigureOptions(), state.display)
    assert "crop x 0–48, y 0–32 px" in part.caption
    assert "crop" not in whole.caption
    assert part.image(400) != whole.image(400)
    for suffix in (".svg", ".pdf", ".png"):
        part.save(tmp_path / f"part{suffix}")
        assert (tmp_path / f"part{suffix}").stat().st_size > 1000
