"""The reader thread: latest wins, stale answers are dropped, memory is bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from small_runs import write_run

from hardattn_viewer.session import loading
from hardattn_viewer.session.cache import ByteCache
from hardattn_viewer.session.comparing import CompareStudy, Side
from hardattn_viewer.session.frames import Place, Target
from hardattn_viewer.session.loading import ThreadLoader
from hardattn_viewer.session.reading import Reading, shrunk
from hardattn_viewer.session.requests import (
    Answer,
    CloseRequest,
    FramesRead,
    FramesRequest,
    Opened,
    OpenRequest,
    StudyRequest,
    ThumbnailsRead,
    ThumbnailsRequest,
    Unexpected,
)
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.wants import is_settled


@pytest.fixture
def loader() -> Iterator[ThreadLoader]:
    made = ThreadLoader(lambda: None)
    yield made
    made.close()


def wait(done: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.002)


def target(key: int, example: int) -> Target:
    return Target(key, Place(example=example))


def test_of_many_frames_only_the_latest_is_answered(
    loader: ThreadLoader, hard_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    answers_of = Reading.answers

    def slow(self: Reading, request: object) -> list[Answer]:
        gate.wait(10)
        return answers_of(self, request)  # type: ignore[arg-type]

    monkeypatch.setattr(Reading, "answers", slow)
    loader.submit(OpenRequest(1, hard_path))
    for generation in range(20):
        loader.submit(FramesRequest(generation, target(1, generation % 12), None))
    gate.set()
    got: list[Answer] = []

    def latest_came() -> bool:
        got.extend(loader.take())
        return any(isinstance(one, FramesRead) and one.generation == 19 for one in got)

    wait(latest_came)
    assert isinstance(got[0], Opened)
    assert [one.generation for one in got if isinstance(one, FramesRead)] == [19]


def test_stale_answers_do_not_reach_the_state(hard_path: Path) -> None:
    session = Session(wake=lambda: None)
    try:
        session.open([hard_path])

        def settled() -> bool:
            session.collect()
            return is_settled(session.state)

        wait(settled)
        for row in (3, 7, 2, 9):
            session.go_to_row(row)
        wait(settled)
        frame = session.state.frames.a
        assert frame is not None and frame.example_name == "digit-9"
    finally:
        session.close()


def test_frames_of_a_closed_run_do_not_come_back(hard_path: Path) -> None:
    woken = threading.Semaphore(0)
    session = Session(wake=woken.release)
    try:
        session.open([hard_path])
        while session.state.rows is None:
            assert woken.acquire(timeout=10)
            session.collect()
        # The frames are read, and nobody takes them in yet.
        while woken.acquire(timeout=0.5):
            pass
        session.close_run(session.state.runs[0].key)
        session.collect()
        assert session.state.runs == () and not session.state.frames.present
    finally:
        session.close()


def test_a_comparison_in_progress_lets_frames_through(tmp_path: Path) -> None:
    names = [f"e{i}" for i in range(400)]
    a = write_run(tmp_path / "a.h5", hard=True, names=names)
    b = write_run(tmp_path / "b.h5", hard=False, names=names)
    loader = ThreadLoader(lambda: None)
    try:
        loader.submit(OpenRequest(1, a))
        loader.submit(OpenRequest(2, b))
        sides = Side(1, "glimpse", None, True), Side(2, "glimpse", None, False)
        loader.submit(StudyRequest(1, "compare", CompareStudy(*sides, ((None, None),) * 12)))
        wait(lambda: len(loader.take()) > 0)
        started = time.monotonic()
        loader.submit(FramesRequest(1, target(1, 300), target(2, 300)))
        wait(lambda: any(isinstance(one, FramesRead) for one in loader.take()))
        assert time.monotonic() - started < 0.5
    finally:
        loader.close()
    assert threading.active_count() < 10


def test_while_frames_are_painted_nothing_else_is_read(
    hard_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[float] = []
    beside: list[float] = []
    ahead, study = Reading.ahead, Reading.study

    def noted_ahead(self: Reading, target: Target) -> list[Answer]:
        beside.append(time.monotonic())
        return ahead(self, target)

    def noted_study(self: Reading, request: StudyRequest) -> Iterator[Answer]:
        for answer in study(self, request):
            beside.append(time.monotonic())
            yield answer

    def woken() -> None:
        answered.append(time.monotonic())

    monkeypatch.setattr(Reading, "ahead", noted_ahead)
    monkeypatch.setattr(Reading, "study", noted_study)
    monkeypatch.setattr(loading, "PAINTING_SECONDS", 0.2)
    monkeypatch.setattr(loading, "PATIENCE_SECONDS", 0.6)
    loader = ThreadLoader(woken)
    try:
        loader.submit(OpenRequest(1, hard_path))
        wait(lambda: len(answered) == 1)
        sides = Side(1, "glimpse", None, True), Side(1, "glimpse", None, True)
        loader.submit(StudyRequest(1, "compare", CompareStudy(*sides, ((None, None),) * 12)))
        loader.submit(FramesRequest(1, target(1, 0), None, ahead=(target(1, 1),)))
        loader.submit(ThumbnailsRequest(1, ((1, 0),)))
        wait(lambda: any(isinstance(one, FramesRead) for one in loader.take()))
        came = answered[-1]
        wait(lambda: len(beside) >= 2)
        assert min(at for at in beside if at > came) - came >= 0.19
        # Of somebody who never rests the others wait no longer than patience lasts.
        beside.clear()
        began = time.monotonic()
        while not beside and time.monotonic() - began < 5:
            loader.submit(FramesRequest(2, target(1, 3), None, ahead=(target(1, 4),)))
            time.sleep(0.02)
        assert beside and 0.3 < beside[0] - began < 3
    finally:
        loader.close()


def test_a_fault_on_the_reader_thread_is_raised_where_it_is_seen(
    hard_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Reading, request: object) -> list[Answer]:
        raise ZeroDivisionError("of our own making")

    monkeypatch.setattr(Reading, "answers", broken)
    woken = threading.Event()
    session = Session(wake=woken.set)
    try:
        session.open([hard_path])
        assert woken.wait(10)
        with pytest.raises(ZeroDivisionError, match="of our own making"):
            session.collect()
    finally:
        session.close()
    assert Unexpected(ZeroDivisionError()).error is not None


def test_a_damaged_example_is_said_in_words_and_the_rest_still_shows(
    tmp_path: Path, hard_path: Path
) -> None:
    session = Session()
    session.open([hard_path])
    session.go_to_row(2)
    assert session.state.frames.a is not None
    reading = Reading()
    reading.answers(OpenRequest(1, hard_path))
    (answer,) = reading.answers(FramesRequest(1, target(1, 999), None))
    assert isinstance(answer, FramesRead)
    assert answer.frames.a is None
    assert "hold" in answer.frames.why_a
    reading.close()
    session.close()


def test_a_frame_of_a_run_that_was_closed_meanwhile_is_said_in_words(hard_path: Path) -> None:
    reading = Reading()
    reading.answers(OpenRequest(1, hard_path))
    reading.answers(FramesRequest(1, target(1, 4), None))
    reading.answers(CloseRequest(1))
    for step in (target(1, 4), target(1, 5)):
        (answer,) = reading.answers(FramesRequest(2, step, None))
        assert isinstance(answer, FramesRead) and answer.frames.a is None
        assert "closed" in answer.frames.why_a
    reading.close()


def test_frames_asked_for_twice_come_from_memory(hard_path: Path) -> None:
    reading = Reading()
    reading.answers(OpenRequest(1, hard_path))
    (first,) = reading.answers(FramesRequest(1, target(1, 4), None))
    (second,) = reading.answers(FramesRequest(2, target(1, 4), None))
    assert isinstance(first, FramesRead) and isinstance(second, FramesRead)
    assert first.frames.milliseconds > 0 and second.frames.milliseconds == 0
    assert first.frames.a is second.frames.a
    reading.close()


def test_thumbnails_come_in_batches(hard_path: Path) -> None:
    reading = Reading()
    reading.answers(OpenRequest(1, hard_path))
    (answer,) = reading.answers(ThumbnailsRequest(1, ((1, 0), (1, 5))))
    assert isinstance(answer, ThumbnailsRead)
    assert set(answer.images) == {(1, 0), (1, 5)}
    image = answer.images[1, 0]
    assert image is not None and image.shape == (12, 12)
    reading.close()


@pytest.mark.parametrize("shape", [(10, 10), (64, 64), (65, 20), (1000, 700, 3)])
def test_thumbnails_are_never_larger_than_64_pixels(shape: tuple[int, ...]) -> None:
    small = shrunk(np.zeros(shape, dtype=np.uint8))
    assert max(small.shape[:2]) <= 64
    assert min(small.shape[:2]) >= 1


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache: ByteCache[str, bytes] = ByteCache(10, len)
    cache.put("a", b"1234")
    cache.put("b", b"1234")
    assert cache.get("a") == b"1234"
    cache.put("c", b"1234")
    assert "b" not in cache and "a" in cache and "c" in cache
    assert cache.bytes == 8
    cache.put("huge", b"x" * 11)
    assert "huge" not in cache and len(cache) == 2
    cache.forget(lambda key: key == "a")
    assert cache.bytes == 4


def test_a_value_that_grows_while_it_is_held_does_not_upset_the_bound() -> None:
    cache: ByteCache[int, bytearray] = ByteCache(10, len)
    for number in range(20):
        value = bytearray(4)
        cache.put(number, value)
        value.extend(bytes(4))
        assert len(cache) <= 2 and cache.bytes == 4 * len(cache)
    cache.forget(lambda _: True)
    assert cache.bytes == 0
