"""The one thread that owns all run files, so that nobody else ever waits for a disk."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from hardattn_viewer.session.frames import Target
from hardattn_viewer.session.reading import Reading
from hardattn_viewer.session.recovering import Recoverer, recovered
from hardattn_viewer.session.requests import (
    Answer,
    CloseRequest,
    FramesRead,
    FramesRequest,
    OpenRequest,
    Recovering,
    RecoverRequest,
    Request,
    RowsRequest,
    StopRecoveryRequest,
    StudyRequest,
    ThumbnailsRequest,
    TurnRequest,
    Unexpected,
)
from hardattn_viewer.session.state import Recovery
from recorders.run import inspector

# How long what is studied rests between two slices: Python runs one thread at a time, and the
# pictures come first.
REST_SECONDS = 0.01
# How long nothing is read ahead or studied after frames were answered: they are being painted, and
# of two threads of Python each waits for the other one at every call of Qt. Somebody who goes on
# and on keeps studies waiting no longer than the second figure.
PAINTING_SECONDS = 0.03
PATIENCE_SECONDS = 0.25
# How long runs that may still grow are left alone, or as long as the last look at them took: a
# folder of very many parts shall not keep this thread, or the writer's disk, busy.
POLL_SECONDS = 0.5
# The order in which waiting requests are served: what is looked at first.
_ORDER = (FramesRequest, RowsRequest)


class Loader(Protocol):
    """Answers requests, now or later."""

    def submit(self, request: Request) -> None:
        """Ask. A later request of the same kind replaces one that still waits."""

    def take(self) -> list[Answer]:
        """The answers that have come since the last call, oldest first."""

    def close(self) -> None:
        """Close every run; nothing is answered after that."""


class DirectLoader:
    """Answers every request before ``submit`` returns; for tests, scripts and pictures."""

    def __init__(self) -> None:
        self._reading = Reading()
        self._answers: list[Answer] = []

    def submit(self, request: Request) -> None:
        """Ask for something."""
        if isinstance(request, RecoverRequest):
            recovery = recovered(request, lambda _: None, lambda: True)
            self._answers.append(Recovering(recovery))
            self._answers += self._reading.answers(TurnRequest(request.key, request.into))
        else:
            self._answers += self._reading.answers(request)

    def take(self) -> list[Answer]:
        """The answers since the last call."""
        answers, self._answers = self._answers, []
        return answers

    def close(self) -> None:
        """Close every run."""
        self._reading.close()


class ThreadLoader:
    """Answers requests on one thread of its own.

    Opening and closing are served in the order in which they were asked. Of frames, rows and
    thumbnails only the latest request is served. When nothing waits, neighbouring places are
    read ahead, and the studies advance by one slice in turn; both wait, as thumbnails do, while
    frames that were just answered are painted. Runs that may still grow are looked at every half
    second. A recovery goes on beside all that, on a thread of its own.

    Args:
        wake: called on the reader thread whenever there are answers to take.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._reading = Reading()
        self._condition = threading.Condition()
        self._first: deque[OpenRequest | CloseRequest | TurnRequest] = deque()
        self._latest: dict[type, Request] = {}
        self._ahead: deque[Target] = deque()
        # What is read in slices, by kind: it takes turns.
        self._slices: dict[str, Iterator[Answer]] = {}
        self._studies: dict[str, StudyRequest] = {}
        self._answers: list[Answer] = []
        self._next_poll = 0.0
        # Until when pictures are being painted, and since when something waits for that.
        self._painting_until = 0.0
        self._held_since = 0.0
        self._recoverer = Recoverer(self._take_recovery)
        self._opening: int | None = None
        self._closing = False
        # A daemon, so that a disk that hangs cannot keep the program from ending.
        self._thread = threading.Thread(target=self._serve, name="hardattn-reader", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Ask for something."""
        if isinstance(request, RecoverRequest):
            self._recoverer.start(request)
            return
        if isinstance(request, StopRecoveryRequest):
            self._recoverer.stop()
            return
        if isinstance(request, CloseRequest):
            # Its turn would not come while that run's server is waited for.
            self._reading.give_up(request.key)
        with self._condition:
            if isinstance(request, CloseRequest):
                self._give_up(request.key)
            if isinstance(request, OpenRequest | CloseRequest):
                self._first.append(request)
            elif isinstance(request, StudyRequest):
                self._slices.pop(request.kind, None)
                self._studies[request.kind] = request
            else:
                self._latest[type(request)] = request
            if isinstance(request, FramesRequest):
                self._ahead.clear()
            self._condition.notify()

    def take(self) -> list[Answer]:
        """The answers since the last call."""
        with self._condition:
            answers, self._answers = self._answers, []
        return answers

    def close(self, timeout: float = 5.0) -> None:
        """Close every run, and give a recovery up."""
        self._reading.give_up()
        self._recoverer.close(timeout)
        with self._condition:
            self._closing = True
            if self._opening is not None:
                inspector.shared.interrupt()
            self._condition.notify()
        self._thread.join(timeout)

    def _give_up(self, key: int) -> None:
        """Do not open a run that nobody waits for any more: others may wait behind it."""
        self._first = deque(
            one for one in self._first if isinstance(one, CloseRequest) or one.key != key
        )
        if self._opening == key:
            inspector.shared.interrupt()

    def _serve(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                answers = job()
            except Exception as error:
                answers = [Unexpected(error)]
            if answers:
                with self._condition:
                    self._answers += answers
                    if any(isinstance(answer, FramesRead) for answer in answers):
                        self._hold_back()
                self._wake()
        self._reading.close()

    def _next_job(self) -> Callable[[], list[Answer]] | None:
        """What to do next; waits until there is something, None when closing."""
        with self._condition:
            while True:
                self._opening = None
                if self._closing:
                    return None
                rest = self._until_poll()
                # Of somebody who scrubs there is always a request that waits.
                if rest is not None and rest < -POLL_SECONDS:
                    return self._poll
                if (job := self._waiting_job()) is not None:
                    return job
                if rest is not None and rest <= 0:
                    return self._poll
                held_back = self._held_back()
                if not held_back and (job := self._job_beside()) is not None:
                    return job
                # Whoever asks for something wakes this up, also while it rests.
                self._condition.wait(self._rest(held_back, rest))
                if self._slices and self._is_idle() and not self._held_back():
                    return self._slice

    def _rest(self, held_back: float, until_poll: float | None) -> float | None:
        """Seconds until there is something to do if nobody asks; None where there is nothing."""
        ends = [held_back] if held_back and self._is_beside() else []
        ends += [REST_SECONDS] if self._slices else []
        ends += [] if until_poll is None else [until_poll]
        return min(ends, default=None)

    def _held_back(self) -> float:
        """Seconds that what nobody waits for is to be left alone, 0 where it may go on."""
        now = time.monotonic()
        if now - self._held_since > PATIENCE_SECONDS:
            return 0.0
        return max(self._painting_until - now, 0.0)

    def _hold_back(self) -> None:
        now = time.monotonic()
        if now >= self._painting_until:
            self._held_since = now
        self._painting_until = now + PAINTING_SECONDS

    def _until_poll(self) -> float | None:
        """Seconds until runs are to be looked at; None where none may grow."""
        return self._next_poll - time.monotonic() if self._reading.is_following else None

    def _poll(self) -> list[Answer]:
        started = time.monotonic()
        answers = self._reading.poll()
        ended = time.monotonic()
        self._next_poll = ended + max(POLL_SECONDS, ended - started)
        return answers

    def _take_recovery(self, request: RecoverRequest, recovery: Recovery | None) -> None:
        """What a recovery tells; called on its thread."""
        with self._condition:
            self._answers.append(Recovering(recovery))
            if recovery is not None and recovery.state == "done":
                self._first.append(TurnRequest(request.key, request.into))
            self._condition.notify()
        self._wake()

    def _waiting_job(self) -> Callable[[], list[Answer]] | None:
        if self._first:
            request = self._first.popleft()
            self._opening = request.key if isinstance(request, OpenRequest) else None
            return lambda: self._reading.answers(request)
        for kind in _ORDER:
            if kind in self._latest:
                latest = self._latest.pop(kind)
                if isinstance(latest, FramesRequest):
                    self._ahead = deque(latest.ahead)
                return lambda: self._reading.answers(latest)
        for name, study in self._studies.items():
            self._slices[name] = self._reading.study(study)
        self._studies.clear()
        return None

    def _job_beside(self) -> Callable[[], list[Answer]] | None:
        """What nobody looks at yet: small pictures, and neighbouring places."""
        if not self._is_beside():
            return None
        self._held_since = time.monotonic()
        if (small := self._latest.pop(ThumbnailsRequest, None)) is not None:
            return lambda: self._reading.answers(small)
        target = self._ahead.popleft()
        return lambda: self._reading.ahead(target)

    def _is_beside(self) -> bool:
        return ThumbnailsRequest in self._latest or bool(self._ahead)

    def _is_idle(self) -> bool:
        waiting = self._first or self._latest or self._ahead or self._studies
        return not (self._closing or waiting)

    def _slice(self) -> list[Answer]:
        with self._condition:
            self._held_since = time.monotonic()
            kind, slices = next(iter(self._slices.items()))
            # To the end of the line: the next slice is another one's.
            del self._slices[kind]
        answer = next(slices, None)
        if answer is None:
            return []
        with self._condition:
            # Whoever asked for another one meanwhile does not want this one any more.
            if kind not in self._studies:
                self._slices[kind] = slices
        return [answer]
