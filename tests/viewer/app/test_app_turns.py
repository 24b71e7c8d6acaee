"""What a turn of the event loop has to do: pictures first, and no docks laid out for a number."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QObject, QPointF
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app import collecting
from hardattn_viewer.app.collecting import Collecting
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.strokes import paint_line
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.behind import BEHIND_MS, Behind
from hardattn_viewer.views.boundary import Boundary


class Requests(QObject):
    """Counts how often a widget is told that what is in it wants another size."""

    def __init__(self, of: QWidget) -> None:
        super().__init__(of)
        self.count = 0
        of.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


@pytest.mark.parametrize("bounded", [False, True])
def test_a_boundary_keeps_other_text_of_the_same_room_to_itself(
    qtbot: QtBot, bounded: bool
) -> None:
    outer, inner, text = QWidget(), QWidget(), QLabel("one")
    text.setMinimumWidth(20)
    within = QHBoxLayout(inner)
    within.addWidget(text)
    around = QVBoxLayout(outer)
    around.addWidget(Boundary(inner) if bounded else inner)
    qtbot.addWidget(outer)
    outer.resize(300, 100)
    outer.show()
    qtbot.waitExposed(outer)
    QApplication.processEvents()
    asked = Requests(outer)
    text.setText("another one")
    qtbot.wait(20)
    assert asked.count == (0 if bounded else 1)
    assert text.width() >= text.fontMetrics().horizontalAdvance("another one")
    # What needs more room than there was is told, and granted.
    text.setMinimumWidth(500)
    qtbot.wait(20)
    assert asked.count >= 1 and outer.width() >= 500 and text.width() >= 500
    assert not bounded or inner.size() == inner.parentWidget().size()


def test_no_step_has_the_docks_laid_out(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    for step in (1, 2, 0):
        session.go_to_step(step)
        wait_until_shown(qtbot, window)
        qtbot.wait(20)
    asked = Requests(window)
    for step in (1, 2, 1, 0):
        session.go_to_step(step)
        wait_until_shown(qtbot, window)
        qtbot.wait(20)
        assert f"Step {step + 1}" in window.inspector.text()
    # How long reading took is as wide as it ever was, and may get wider once.
    assert asked.count <= 1


def test_numbers_follow_the_picture_a_moment_later(window: MainWindow, qtbot: QtBot) -> None:
    session, painted = window.session, []
    wait_until_shown(qtbot, window)
    window.overlay.pane.canvas.painted.connect(lambda: painted.append(window.timeline.step.text()))
    session.set_view("overlay")
    wait_until_shown(qtbot, window)
    qtbot.wait(30)
    painted.clear()
    session.go_to_step(2)
    assert window.behind.is_late
    assert window.timeline.step.text().startswith("step 1 ")
    assert window.overlay.pane.shown_step == 2
    qtbot.waitUntil(lambda: window.timeline.step.text().startswith("step 3 "), timeout=2_000)
    # When the picture was painted, the timeline had not moved yet.
    assert painted and painted[0].startswith("step 1 ")
    # Whoever copies or keeps numbers gets those of the place that is looked at.
    session.go_to_step(1)
    assert "Step 2 ·" in window.inspector.text()
    session.go_to_step(3)
    assert window.inspector.kept().title == "Step 4 · A"


def test_changes_in_between_are_told_as_one(qtbot: QtBot) -> None:
    session = Session(wake=lambda: None)
    behind, told = Behind(session), []
    try:
        first = session.state
        behind.changed.connect(lambda new, old: told.append((new, old)))
        session.hover(1)
        session.hover(None)
        session.hover(2)
        assert behind.is_late and not told
        started = time.monotonic()
        qtbot.waitUntil(lambda: bool(told), timeout=2_000)
        assert time.monotonic() - started >= 0.5e-3 * BEHIND_MS
        assert len(told) == 1 and not behind.is_late
        new, old = told[0]
        assert isinstance(new, SessionState) and new is session.state and old is first
        # What changes no picture is told at once, with what was still to be told.
        session.hover(None)
        session.set_speed(2.0)
        assert len(told) == 2 and told[1] == (session.state, new) and not behind.is_late
        session.hover(3)
        behind.stop()
        qtbot.wait(3 * BEHIND_MS)
        assert len(told) == 2
    finally:
        session.close()


def test_a_session_that_answers_at_once_is_followed_at_once() -> None:
    session = Session()
    behind, told = Behind(session), []
    behind.changed.connect(lambda new, old: told.append(new))
    session.set_speed(2.0)
    assert [one.speed for one in told] == [2.0] and not behind.is_late
    session.close()


@pytest.mark.parametrize("width", [1.0, 1.8, 2.5])
def test_a_line_painted_in_pieces_looks_as_one_painted_as_a_whole(
    qapp: QApplication, width: float
) -> None:
    points = [QPointF(8 + 12 * at, 40 + (-1) ** at * (at % 5) * 6) for at in range(24)]
    images = []
    for in_pieces in (True, False):
        image = QImage(320, 90, QImage.Format.Format_RGB32)
        image.fill(QColor("#101010"))
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor("#ff9020"), width))
        if in_pieces:
            paint_line(painter, points)
            assert painter.pen().capStyle() == QPen(QColor(), width).capStyle()
        else:
            painter.drawPolyline(QPolygonF(points))
        painter.end()
        images.append(image)
    ink = [
        sum(image.pixelColor(x, y).red() - 16 for x in range(320) for y in range(90))
        for image in images
    ]
    assert ink[0] == pytest.approx(ink[1], rel=0.08) and ink[0] > 10_000


def test_a_line_that_shines_through_is_painted_as_a_whole(qapp: QApplication) -> None:
    image = QImage(60, 60, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    painter.setPen(QPen(QColor(255, 255, 255, 100), 5.0))
    paint_line(painter, [QPointF(10, 30), QPointF(30, 30), QPointF(50, 30)])
    painter.end()
    values = {image.pixelColor(x, 30).red() for x in range(12, 48)}
    # Where pieces meet it would be painted twice.
    assert len(values) == 1 and values.pop() == pytest.approx(100, abs=2)


def test_collections_look_through_what_is_new_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.unfreeze()
    session, before = Session(), gc.get_threshold()
    collecting_ = Collecting(session)
    try:
        assert gc.get_threshold()[2] == collecting.NEVER
        kept = [[number] for number in range(200_000)]
        for _ in range(4):
            gc.collect(1)
        assert gc.get_count()[2] >= collecting.FEW
        collecting_.look()
        assert gc.get_count()[2] == 0 and len(gc.get_objects()) < 100_000 <= gc.get_freeze_count()
        # What little is new is not worth it.
        frozen = gc.get_freeze_count()
        collecting_.look()
        assert gc.get_freeze_count() == frozen
        # A circle that comes apart after it was looked through is found when nobody is there.
        found = []
        circle = Ring()
        circle.itself = circle
        weakref.finalize(circle, lambda: found.append(1))
        gc.freeze()
        del circle
        gc.collect()
        assert not found
        monkeypatch.setattr(collecting, "AWAY_SECONDS", 0.0)
        collecting_.look()
        assert found and len(kept) == 200_000
    finally:
        collecting_.stop()
        session.close()
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0


class Ring:
    """Something that can hold itself."""

    itself: Ring | None = None


def test_what_was_left_alone_before_stays_so() -> None:
    gc.freeze()
    session = Session()
    collecting_ = Collecting(session)
    collecting_.stop()
    session.close()
    assert gc.get_freeze_count() > 0


def test_a_closed_window_leaves_collecting_as_it_was(
    make_window: Callable[[], MainWindow],
) -> None:
    before = gc.get_threshold()
    made = make_window()
    assert gc.get_threshold()[2] == collecting.NEVER
    made.close()
    assert gc.get_threshold() == before
