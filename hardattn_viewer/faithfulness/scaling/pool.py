"""Processes on this machine that measure units; one that is killed is replaced."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from hardattn_viewer.faithfulness.errors import CancelledError, FaithfulnessError
from hardattn_viewer.faithfulness.scaling.units import Job, Piece, Unit, run_unit

RETRIES = 3
"""Times that a unit is begun again when the worker that had it died."""
_PAUSE = 0.1
_DYING = 1.0
"""Seconds that a process may take to be gone after its pipe is."""


@dataclass(frozen=True)
class Pool:
    """Has units measured by processes of its own, which end with the check.

    Attributes:
        workers: how many at once.

    Raises:
        ValueError: none at all.
    """

    workers: int

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"{self.workers} workers are none: 1 at least")

    def __call__(
        self, job: Job, units: Sequence[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Piece]:
        """The pieces of all units, each as soon as it is there."""
        waiting, tries = deque(units), Counter[int]()
        workers: list[_Worker] = []
        try:
            while waiting or any(one.unit for one in workers):
                for one in workers:
                    if waiting and one.unit is None:
                        one.begin(waiting.popleft())
                while waiting and len(workers) < self.workers:
                    workers.append(_Worker(job))
                    workers[-1].begin(waiting.popleft())
                if should_stop():
                    raise CancelledError("stopped")
                ready = wait([one.channel for one in workers if one.unit], _PAUSE)
                for one in [one for one in workers if one.channel in ready]:
                    unit = one.unit
                    assert unit is not None
                    piece = one.answer()
                    if piece is not None:
                        yield piece
                        continue
                    workers.remove(one)
                    how = one.ending()
                    tries[unit.number] += 1
                    if tries[unit.number] > RETRIES:
                        raise FaithfulnessError(
                            f"{unit.words}: the worker died {tries[unit.number]} times ({how}); "
                            "if memory was short, ask for fewer workers"
                        )
                    waiting.appendleft(unit)
        finally:
            for one in workers:
                one.kill()


class _Worker:
    """A process, and the unit that it measures."""

    def __init__(self, job: Job) -> None:
        context = multiprocessing.get_context("spawn")
        self.channel, theirs = context.Pipe()
        self.unit: Unit | None = None
        self._process: SpawnProcess = context.Process(target=_serve, args=(theirs, job))
        self._process.start()
        # What is left of a pipe must end with the process that holds its other side.
        theirs.close()

    def begin(self, unit: Unit) -> None:
        self.unit = unit
        try:
            self.channel.send(unit)
        except OSError:
            # Its death is seen, and counted, when the answer is waited for.
            return

    def answer(self) -> Piece | None:
        """What it sent; None where it died instead.

        Raises:
            Exception: whatever was raised there.
        """
        try:
            found = self.channel.recv()
        except (EOFError, OSError):
            return None
        self.unit = None
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Piece)
        return found

    def ending(self) -> str:
        """How it ended, in words."""
        self._process.join(_DYING)
        self.kill()
        code = self._process.exitcode or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def kill(self) -> None:
        self.channel.close()
        self._process.kill()
        self._process.join()


def _serve(channel: Connection, job: Job) -> None:
    # Ctrl+C reaches every process of a terminal; the one that was started by a person decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            unit = channel.recv()
        except (EOFError, OSError):
            return
        try:
            answer: Piece | Exception = run_unit(job, unit)
        except Exception as error:
            answer = _sendable(error)
        try:
            channel.send(answer)
        except OSError:
            return


def _sendable(error: Exception) -> Exception:
    """The error with where it was raised; in words where it cannot be sent as it is."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
