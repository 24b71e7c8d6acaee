"""The frames of a video along the timeline."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from media_runs import frames, sharp, write_sound, write_video
from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.timeline import RULER
from hardattn_viewer.drawing.timeline_frames import (
    HEIGHT,
    ROOM,
    paint_strip,
    places,
    small_frame,
    strip_of,
)
from hardattn_viewer.session.scenes import Scene
from hardattn_viewer.views.plots import TrackPlots
from recorders import Recorder


def opened(make_window: Callable[[], MainWindow], qtbot: QtBot, path: Path) -> MainWindow:
    window = make_window()
    window.session.open([path])
    wait_until_shown(qtbot, window)
    qtbot.wait(50)
    return window


def seen(plots: TrackPlots) -> tuple[int, list[tuple[int, QRectF]]]:
    """Of how many steps one has a frame, and where these frames are."""
    strip = plots._strip
    assert strip is not None
    every, found = places(plots.picture, QRectF(plots.viewport().rect()), strip)
    return every, list(found)


def write_long(path: Path, steps: int, size: tuple[int, int] = (24, 32)) -> Path:
    """A video that gets brighter, one frame a step."""
    clip = np.zeros((steps, *size), np.uint8)
    clip += np.linspace(20, 250, steps).astype(np.uint8)[:, None, None]
    boxes = np.array([[0, 0, 16, 12], [16, 0, 32, 12]], float)
    with Recorder(path) as recorder, recorder.example(name="c", video=clip, fps=9, regions=boxes):
        for step in range(steps):
            recorder.log("watch", probabilities=sharp(2, step % 2), key_axis="regions")
            recorder.step()
    return path


def test_each_step_has_the_frame_that_it_sees(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = opened(make_window, qtbot, write_video(tmp_path / "clip.h5"))
    plots = window.timeline.plots
    every, found = seen(plots)
    assert every == 1 and [step for step, _ in found] == list(range(6))
    picture = plots.viewport().grab().toImage()
    for step, place in found:
        assert place.center().x() == pytest.approx(plots.centre_of(step).x(), abs=1)
        assert place.top() >= RULER and place.bottom() <= RULER + ROOM
        assert place.height() == HEIGHT and place.width() == pytest.approx(HEIGHT * 32 / 24)
        # The bright square is 8 px wide, begins at 4 px times the number, and 8 px from the top.
        for x in range(2, 32, 4):
            at = place.topLeft() + QPoint(
                round((x + 0.5) / 32 * place.width()), round(12 / 24 * place.height())
            )
            bright = picture.pixelColor(at.toPoint()).red() > 130
            assert bright == bool(frames()[step][12, x, 0] > 130), (step, x)


def test_frames_leave_room_for_the_tracks_and_go_with_the_video(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = opened(make_window, qtbot, write_video(tmp_path / "clip.h5"))
    plots = window.timeline.plots
    assert plots.picture.above == ROOM
    window.session.open([write_sound(tmp_path / "sound.h5")])
    window.session.close_run(window.session.state.runs[0].key)
    wait_until_shown(qtbot, window)
    assert plots._strip is None and plots.picture.above == 0


def test_a_click_on_a_frame_goes_to_its_step(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = opened(make_window, qtbot, write_video(tmp_path / "clip.h5"))
    plots = window.timeline.plots
    _, found = seen(plots)
    QTest.mouseClick(
        plots.viewport(), Qt.MouseButton.LeftButton, pos=found[4][1].center().toPoint()
    )
    assert window.session.state.place.step == 4


def test_where_steps_are_narrow_some_frames_stand_for_all_and_say_so(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = opened(make_window, qtbot, write_long(tmp_path / "long.h5", 300))
    plots = window.timeline.plots
    every, found = seen(plots)
    assert every in (10, 20) and [step for step, _ in found][:2] == [every - 1, 2 * every - 1]
    edges = [(place.left(), place.right()) for _, place in found]
    assert all(right < left for (_, right), (left, _) in pairwise(edges))
    qtbot.waitUntil(lambda: not plots._later.isActive())
    picture = plots.viewport().grab().toImage()
    shown = [picture.pixelColor(place.center().toPoint()).lightness() for _, place in found[:-1]]
    wanted = [int(np.linspace(20, 250, 300)[step]) for step, _ in found[:-1]]
    # The column of the step that is shown is tinted.
    assert np.abs(np.array(shown) - wanted)[1:].max() <= 3


def test_frames_are_made_in_slices(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []
    painted: list[int] = []

    def slow(image: np.ndarray, size: QSize) -> object:
        time.sleep(0.002)
        made.append(len(painted))
        return small_frame(image, size)

    def counted(*parts: object) -> None:
        painted.append(len(made))
        paint_strip(*parts)  # type: ignore[arg-type]

    monkeypatch.setattr("hardattn_viewer.views.plots.paint_strip", counted)
    monkeypatch.setattr("hardattn_viewer.views.plots.small_frame", slow)
    window = opened(make_window, qtbot, write_long(tmp_path / "long.h5", 60))
    plots = window.timeline.plots
    _, found = seen(plots)
    qtbot.waitUntil(lambda: len(plots._small) == len(found))
    assert len(made) == len(found) >= 10
    # At 2 ms each, a paint makes two of them at most, and leaves the rest to the next ones.
    assert max(made.count(paint) for paint in made) <= 2
    window.session.go_to_step(5)
    qtbot.wait(30)
    assert len(made) == len(found)


def test_a_large_frame_is_reduced_within_milliseconds() -> None:
    image = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), dtype=np.uint8)
    started = time.process_time()
    for _ in range(10):
        small = small_frame(image, QSize(70, 52))
    assert (time.process_time() - started) / 10 < 0.005
    assert (small.width(), small.height()) == (70, 39)


def test_numbers_of_frames_are_those_of_the_images() -> None:
    images = tuple(np.full((4, 4), number, np.uint8) for number in range(5))
    scene = Scene("video", images)
    for steps in (3, 5, 9):
        for told in (None, np.array([4.0, np.nan, 9.0]), np.full(9, np.nan)):
            if told is not None and told.size > steps:
                continue
            numbers = scene.numbers(steps, told)
            for step, number in enumerate(numbers.tolist()):
                seen_there = scene.image_at(step, steps, told)
                assert seen_there is images[number]
    assert Scene("image", images[:1]).numbers(5, None).size == 0
    assert strip_of(None) is None


def test_the_timeline_without_a_video_has_no_frames(window: MainWindow) -> None:
    assert isinstance(window.timeline.plots, QWidget)
    assert window.timeline.plots.picture.above == 0
