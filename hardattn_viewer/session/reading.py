"""How requests are answered from run files; used by one thread at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.cache import ByteCache
from hardattn_viewer.session.facts import live_of, notices_of, run_facts
from hardattn_viewer.session.frame_parts import frame_bytes
from hardattn_viewer.session.frames import Frame, Target, load_frame
from hardattn_viewer.session.long_examples import LongCurves
from hardattn_viewer.session.requests import (
    Answer,
    CloseRequest,
    FramesRead,
    FramesRequest,
    Grown,
    Opened,
    OpenRequest,
    Request,
    RowsRead,
    RowsRequest,
    Studied,
    StudyRequest,
    ThumbnailsRead,
    ThumbnailsRequest,
    TurnRequest,
    Waits,
)
from hardattn_viewer.session.rows import read_rows
from hardattn_viewer.session.shown_tokens import prepare
from hardattn_viewer.session.state import Frames
from hardattn_viewer.session.token_marks import is_special
from hardattn_viewer.session.wording import plain_text
from recorders.run.address import Address
from recorders.run.following import Follower, is_begun
from recorders.run.reader import Remote, Run, RunError, read_run

FRAME_BYTES = 96 * 2**20
# Of each run, decoded pieces: several heads share one, and what is made of them is kept above.
PIECES_BYTES = 24 * 2**20
CURVE_BYTES = 192 * 2**20
THUMBNAIL_PIXELS = 64
# Tokens that stand for a text in the table of examples.
BEGINNING = 24
_WRONG = (RunError, IndexError, OSError)

T = TypeVar("T")


class Reading:
    """The open runs, what became of them, and what was lately read from them."""

    def __init__(self) -> None:
        self._runs: dict[int, Run] = {}
        self._followers: dict[int, Follower] = {}
        self._begun: dict[int, Address] = {}
        # Keys never come again, so nothing needs to be taken out of here.
        self._given_up: set[int] = set()
        self._ends = False
        self._frames: ByteCache[Target, Frame] = ByteCache(FRAME_BYTES, frame_bytes)
        # Numbers of all steps of long examples, each shared by many frames.
        self._curves: ByteCache[Target, LongCurves] = ByteCache(CURVE_BYTES, lambda c: c.nbytes)
        self._news: list[Answer] = []

    @property
    def is_following(self) -> bool:
        """Whether any of the runs may still grow."""
        return bool(self._followers or self._begun)

    def answers(self, request: Request) -> list[Answer]:
        """Do what ``request`` asks; what goes wrong with a file is an answer in words."""
        answers = self._answers(request)
        return [*self._taken_news(), *answers]

    def _answers(self, request: Request) -> list[Answer]:
        match request:
            case OpenRequest():
                return [self._open(request.key, request.path)]
            case CloseRequest():
                self._close(request.key)
            case TurnRequest() if request.key in self._followers:
                follower = self._followers[request.key]
                self._catch_up(request.key, partial(follower.turn_to, request.joined))
            case RowsRequest():
                return [self._rows(request)]
            case FramesRequest():
                return [self._both_frames(request)]
            case ThumbnailsRequest():
                return [self._thumbnails(request)]
            case StudyRequest():
                return list(self.study(request))
        return []

    def ahead(self, target: Target) -> list[Answer]:
        """Read a frame that will probably be asked for; nothing comes of it if it fails."""
        if target.key in self._runs:
            self._frame(target)
        return self._taken_news()

    def study(self, request: StudyRequest) -> Iterator[Answer]:
        """Read a study a slice at a time."""
        study, generation, kind = request.study, request.generation, request.kind
        if study is None or any(key not in self._runs for key in study.keys):
            return
        runs = {key: self._runs[key] for key in study.keys}
        value: object | None = None
        try:
            for result in study.results(runs):
                value = value if result is None else result
                yield Studied(generation, kind, value)
            yield Studied(generation, kind, value, finished=True)
        except _WRONG as error:
            # The parts of a run that was joined meanwhile are gone; it is studied anew then.
            if all(self._runs.get(key) is run for key, run in runs.items()):
                yield Studied(generation, kind, value, finished=True, error=sentence(error))

    def poll(self) -> list[Answer]:
        """What came to the runs that may still grow."""
        begun, self._begun = self._begun, {}
        opened = [self._open(key, path) for key, path in begun.items()]
        self._news += [answer for answer in opened if not isinstance(answer, Waits)]
        for key in list(self._followers):
            self._catch_up(key)
        return self._taken_news()

    def _taken_news(self) -> list[Answer]:
        news, self._news = self._news, []
        return news

    def give_up(self, key: int | None = None) -> None:
        """Wait no longer for the server of a run, or of any; called on any thread."""
        if key is None:
            self._ends = True
        else:
            self._given_up.add(key)

    def _is_given_up(self, key: int) -> bool:
        return self._ends or key in self._given_up

    def close(self) -> None:
        """Close every run."""
        for key in list(self._runs):
            self._close(key)

    def _open(self, key: int, path: Address) -> Answer:
        remote = Remote(cancelled=partial(self._is_given_up, key))
        try:
            run = read_run(path, remote=remote, cache_bytes=PIECES_BYTES)
        except (RunError, OSError) as error:
            if is_begun(path):
                self._begun[key] = path
                return Waits(key)
            return Opened(key, None, sentence(error))
        try:
            facts = run_facts(run)
        except _WRONG as error:
            run.close()
            return Opened(key, None, sentence(error))
        self._runs[key] = run
        if run.sealed:
            return Opened(key, facts)
        follower = self._followers[key] = Follower(run)
        return Opened(key, facts, live=live_of(follower))

    def _close(self, key: int) -> None:
        self._forget(lambda target: target.key == key)
        self._followers.pop(key, None)
        self._begun.pop(key, None)
        run = self._runs.pop(key, None)
        if run is not None:
            run.close()

    def _forget(self, which: Callable[[Target], bool]) -> None:
        self._frames.forget(which)
        self._curves.forget(which)

    def _catch_up(self, key: int, look: Callable[[], bool] | None = None) -> bool:
        """Take over what came to a run; whether something did."""
        follower = self._followers.get(key)
        if follower is None:
            return False
        before = self._runs[key]
        try:
            if not (look or follower.poll)():
                return False
            run = follower.run
            facts = None if run is before else run_facts(run)
        except _WRONG as error:
            # What was read stays; only nothing more comes to it.
            del self._followers[key]
            self._news.append(Grown(key, before.path, None, None, error=sentence(error)))
            return False
        changed = run.examples_changed(before)
        if len(run.snapshots) != len(before.snapshots) or changed is None:
            self._forget(lambda target: target.key == key)
        else:
            self._forget(lambda t: t.key == key and t.place.example in changed)
        self._runs[key] = run
        if run.sealed:
            del self._followers[key]
        live = live_of(follower)
        self._news.append(Grown(key, run.path, facts, live, moved=changed is None))
        return True

    def _reread(self, keys: Collection[int | None], read: Callable[[], T]) -> T:
        """Read from runs, and once again where their parts were joined meanwhile."""
        try:
            return read()
        except (RunError, OSError):
            if not any(key is not None and self._catch_up(key) for key in keys):
                raise
            return read()

    def _rows(self, request: RowsRequest) -> RowsRead:
        def read() -> RowsRead:
            run_a, run_b = (
                self._runs.get(key) if key is not None else None for key in (request.a, request.b)
            )
            rows = read_rows(run_a, run_b, request.sites, request.snapshots)
            keys = [key for key in (request.a, request.b) if key in self._runs]
            notices = {key: notices_of(self._runs[key]) for key in keys if key is not None}
            return RowsRead(request.generation, rows, request=request, notices=notices)

        try:
            return self._reread((request.a, request.b), read)
        except _WRONG as error:
            return RowsRead(request.generation, None, sentence(error), request=request)

    def _both_frames(self, request: FramesRequest) -> FramesRead:
        started = time.perf_counter()
        in_memory = all(t is None or t in self._frames for t in (request.a, request.b))
        a, why_a = self._frame_or_words(request.a, request.why_a)
        b, why_b = self._frame_or_words(request.b, request.why_b)
        milliseconds = 0.0 if in_memory else 1e3 * (time.perf_counter() - started)
        return FramesRead(
            request.generation, Frames(a, b, why_a, why_b, (request.a, request.b), milliseconds)
        )

    def _frame_or_words(self, target: Target | None, why: str) -> tuple[Frame | None, str]:
        if target is None:
            return None, why
        frame = self._frame(target)
        return (None, frame) if isinstance(frame, str) else (frame, "")

    def _frame(self, target: Target) -> Frame | str:
        if target.key not in self._runs:
            # Somebody closed it after this was asked for; nobody will look at the answer.
            return "the run was closed"
        frame = self._frames.get(target)
        try:
            if frame is None:
                known = Target(target.key, replace(target.place, step=-1))
                frame = self._reread(
                    (target.key,),
                    lambda: load_frame(
                        self._runs[target.key], target.place, self._curves.get(known)
                    ),
                )
                prepare(frame)
                self._frames.put(target, frame)
                if frame.curves is not None:
                    self._curves.put(known, frame.curves)
            else:
                frame = self._with_word(target, frame)
        except _WRONG as error:
            return sentence(error)
        return frame

    def _with_word(self, target: Target, frame: Frame) -> Frame:
        """The frame with what is said of its site by now: more of its events were checked."""
        site = next(site for site in self._runs[target.key].sites if site.name == frame.place.site)
        if site.verified != frame.verified:
            frame = replace(frame, verified=site.verified)
            self._frames.put(target, frame)
        return frame

    def _image(self, key: int, example: int) -> NDArray[np.uint8] | None:
        return self._runs[key].image(example)

    def _beginning(self, key: int, example: int) -> str:
        tokens = self._runs[key].tokens(example, "tokens") or ()
        words = [token for token in tokens[: 2 * BEGINNING] if not is_special(token)]
        return plain_text(words[:BEGINNING])[: 4 * BEGINNING]

    def _thumbnails(self, request: ThumbnailsRequest) -> ThumbnailsRead:
        images: dict[tuple[int, int], NDArray[np.uint8] | None] = {}
        texts: dict[tuple[int, int], str] = {}
        for key, example in request.wanted:
            if key not in self._runs:
                continue
            try:
                image = self._reread((key,), partial(self._image, key, example))
                if image is None:
                    texts[key, example] = self._reread(
                        (key,), partial(self._beginning, key, example)
                    )
            except _WRONG:
                # The table goes without a picture; opening the example says what is wrong.
                image = None
            images[key, example] = None if image is None else shrunk(image)
        return ThumbnailsRead(request.generation, images, texts)


def shrunk(image: NDArray[np.uint8], pixels: int = THUMBNAIL_PIXELS) -> NDArray[np.uint8]:
    """Every n-th pixel, so that the longer side is at most ``pixels`` long."""
    stride = -(-max(image.shape[:2]) // pixels)
    return np.ascontiguousarray(image[::stride, ::stride])


def sentence(error: Exception) -> str:
    """The error's own words on one line."""
    text = " ".join(str(error).split())
    return text or type(error).__name__
