"""Sounds, videos, points and memories in the real window."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import wait_until_shown
from drawing_samples import painted
from media_runs import POINTS, frames, write_memory, write_points, write_sound, write_video
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRectF
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.drawing.difference import (
    DifferencePicture,
    difference_picture,
    paint_difference_ground,
)
from hardattn_viewer.drawing.theme import DARK
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.naming import key_name, key_noun
from hardattn_viewer.session.regions import image_size, pixel_words
from hardattn_viewer.session.session import Session
from hardattn_viewer.views.header_line import MOST_TEXT
from recorders import Recorder


def opened(path: Path) -> Session:
    session = Session()
    session.open([path])
    return session


def test_frames_of_a_sound_are_columns_of_its_spectrogram(tmp_path: Path) -> None:
    session = opened(write_sound(tmp_path / "run.h5"))
    frame = session.state.frames.a
    assert frame is not None and frame.boxes is not None and frame.image is not None
    assert frame.scene.kind == "sound" and key_noun(frame, plural=True) == "frames"
    height, width = frame.image.shape
    np.testing.assert_allclose(frame.boxes[:, 0], np.arange(20) * width / 20, atol=1e-3)
    assert (frame.boxes[:, 1] == 0).all() and (frame.boxes[:, 3] == height).all()
    assert key_name(frame, 9) == "0.90 – 1.00 s"
    # The chirp rises: at 0.5 s it is at 900 Hz, at 1.5 s at 2,300 Hz.
    for seconds, hertz in ((0.5, 900), (1.5, 2_300)):
        column = frame.image[:, int(seconds / 2 * width)]
        heard = 4_000 * (1 - (int(column.argmax()) + 0.5) / height)
        assert heard == pytest.approx(hertz, abs=80)
    assert pixel_words(frame, width / 2, height / 4) == "1.00 s, 3,000 Hz"
    session.close()


def test_a_model_that_hears_more_than_the_sound_hears_silence_there(tmp_path: Path) -> None:
    session = opened(write_sound(tmp_path / "run.h5", seconds=1.0, span=(0, 4)))
    frame = session.state.frames.a
    assert frame is not None and frame.boxes is not None and frame.image is not None
    width = frame.image.shape[1]
    assert frame.boxes[-1, 2] == pytest.approx(width, abs=0.01)
    assert frame.image[:, : width // 5].max() == 255 and frame.image[:, width // 2 :].max() == 0
    session.close()


def test_each_step_of_a_video_shows_the_frame_that_it_sees(tmp_path: Path) -> None:
    session = opened(write_video(tmp_path / "run.h5"))
    for step in range(6):
        session.go_to_step(step)
        frame = session.state.frames.a
        assert frame is not None and frame.image is not None
        np.testing.assert_array_equal(frame.image, frames()[step])
    session.close()


def test_regions_of_single_frames_are_shown_on_all_frames_at_once(tmp_path: Path) -> None:
    session = opened(write_video(tmp_path / "run.h5", of_frames=True))
    frame = session.state.frames.a
    assert frame is not None and frame.image is not None and frame.boxes is not None
    assert frame.image.shape == (3 * 24, 2 * 32, 3)
    for region, (x0, y0, x1, y1) in enumerate(frame.boxes.astype(int).tolist()):
        number = region // 4
        row, column = divmod(number, 2)
        own = frame.image[24 * row : 24 * row + 24, 32 * column : 32 * column + 32]
        np.testing.assert_array_equal(own, frames()[number])
        assert (32 * column <= x0 < x1 <= 32 * column + 32) and (24 * row <= y0 < y1)
    assert key_name(frame, 9) == "frame 2, (24, 6)"
    session.close()


def test_points_lie_where_they_are_on_the_plane_and_the_tour_goes_through_them(
    tmp_path: Path,
) -> None:
    session = opened(write_points(tmp_path / "run.h5"))
    frame = session.state.frames.a
    assert frame is not None and frame.boxes is not None and frame.image is None
    centres = (frame.boxes[:, :2] + frame.boxes[:, 2:]) / 2
    # One scale for both axes, y upwards.
    scale = (centres[1, 0] - centres[0, 0]) / 4
    np.testing.assert_allclose(centres - centres[0], POINTS * [scale, -scale], atol=1e-3)
    assert key_name(frame, 3) == "point 3" and key_noun(frame) == "point"
    x, y = pixel_words(frame, *map(float, centres[1])).replace("x ", "").split(", y ")
    assert (float(x), float(y)) == pytest.approx((4, 0.5), abs=0.01)
    session.close()


def test_points_have_room_around_them_and_rings_in_the_difference(tmp_path: Path) -> None:
    session = opened(write_points(tmp_path / "run.h5"))
    frame = session.state.frame
    assert frame is not None and frame.boxes is not None
    width, height = image_size(frame) or (0, 0)
    low, high = frame.boxes[:, :2].min(axis=0), frame.boxes[:, 2:].max(axis=0)
    # As much at the right and below as at the left and above.
    np.testing.assert_allclose(low, (width, height) - high, atol=1.5)
    assert low.min() > 0.03 * max(width, height)
    picture = difference_picture(frame, frame, Display())
    assert picture.points

    def pixels_of(shown: DifferencePicture) -> NDArray[np.uint8]:
        rect = QRectF(0, 0, 400, 400)
        return painted(400, 400, lambda p: paint_difference_ground(p, rect, shown, DARK))

    image, plain = pixels_of(picture), pixels_of(replace(picture, points=False))
    assert (image != plain).any(axis=-1).sum() > 4 * len(frame.boxes)
    session.close()


def test_a_memory_is_read_slot_by_slot_as_it_is_at_each_step(tmp_path: Path) -> None:
    session = opened(write_memory(tmp_path / "run.h5"))
    frame = session.state.frames.a
    assert frame is not None and frame.tokens is not None
    assert frame.tokens == ("Ann has the ball", "Bob is at home", "empty")
    session.go_to_step(1)
    frame = session.state.frames.a
    assert frame is not None and frame.tokens is not None
    assert frame.tokens[2] == "Ann gave the ball to Bob"
    session.close()


@pytest.mark.parametrize("write", [write_sound, write_video, write_points])
def test_what_is_pointed_at_in_the_window_is_the_region_there(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
    write: Callable[[Path], Path],
) -> None:
    window = make_window()
    window.session.open([write(tmp_path / "run.h5")])
    wait_until_shown(qtbot, window)
    canvas = window.overlay.pane.canvas
    frame = window.session.state.frames.a
    assert canvas.picture is not None and frame is not None and frame.boxes is not None
    seen = set()
    for x in range(4, canvas.width() - 4, 9):
        for y in range(4, canvas.height() - 4, 9):
            QTest.mouseMove(canvas, QPoint(x, y))
            seen.add(window.session.state.hovered)
    assert seen - {None} <= set(range(len(frame.boxes)))
    assert len(seen - {None}) >= min(len(frame.boxes), 4)
    assert not window.message.isVisible()


def test_a_question_stands_above_what_was_looked_at_to_answer_it(
    make_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "asked.h5"
    with Recorder(path) as recorder:
        for question in ("Where is the ball ?", "Who " + "really " * 20 + "has it ?"):
            with recorder.example(tokens=question.split(), memory=["Ann has it", "Bob is out"]):
                recorder.log("memory", probabilities=np.full((1, 1, 2), 0.5), key_axis="slots")
    window = make_window()
    window.session.open([path])
    wait_until_shown(qtbot, window)
    pair = window.header._text
    assert pair.isVisible() and pair.value.text() == "“Where is the ball ?”"
    window.session.go_to_row(1)
    wait_until_shown(qtbot, window)
    assert len(pair.value.text()) <= MOST_TEXT + 2 and pair.value.text().endswith("…”")
    assert "has it" in pair.toolTip() and "has it" not in pair.value.text()
    window.session.open([write_points(tmp_path / "run.h5")])
    window.session.close_run(window.session.state.runs[0].key)
    wait_until_shown(qtbot, window)
    assert not pair.isVisible()
