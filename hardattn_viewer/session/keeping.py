"""Reads and writes notes on a thread of its own, which ends only when everything is written."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hardattn_viewer.session.bookmarks import Bookmark, Notebook
from hardattn_viewer.session.sidecar import keep_notes, read_notes, signature
from recorders.run.address import Address


@dataclass(frozen=True)
class Task:
    """Something to do with the notes of an open run.

    Attributes:
        key: the open run.
        address: where it lies.
        name: its name.
        changes: what to keep; without any, notes are read where they have changed.
        again: whether they are to be read though nothing has changed.
    """

    key: int
    address: Address
    name: str
    changes: tuple[Bookmark, ...] = ()
    again: bool = False


@dataclass(frozen=True)
class NotesRead:
    """The notes of an open run as they are on disk by now, or why they could not be written."""

    key: int
    notebook: Notebook | None
    error: str = ""


class Keeper:
    """Does tasks in their order.

    Args:
        wake: called when there are answers to take, on the keeper's thread; None does every task
            at once.
    """

    def __init__(self, wake: Callable[[], None] | None) -> None:
        self._wake = wake
        self._tasks: deque[Task] = deque()
        self._answers: list[NotesRead] = []
        self._condition = threading.Condition()
        self._known: dict[Address, tuple[object, ...]] = {}
        # What could not be written yet, by run.
        self._waits: dict[Address, tuple[Bookmark, ...]] = {}
        self._closing = False
        self._thread: threading.Thread | None = None

    def submit(self, task: Task) -> None:
        """Do something, later on the keeper's thread."""
        if self._wake is None:
            self._answers += self._done(task)
            return
        with self._condition:
            if self._closing:
                return
            self._tasks.append(task)
            if self._thread is None:
                # A daemon, so that a disk that hangs cannot keep the program from ending.
                self._thread = threading.Thread(
                    target=self._serve, name="hardattn-notes", daemon=True
                )
                self._thread.start()
            self._condition.notify()

    def take(self) -> list[NotesRead]:
        """The answers since the last call."""
        with self._condition:
            answers, self._answers = self._answers, []
        return answers

    def close(self, timeout: float = 10.0) -> None:
        """Write everything that waits, and end."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join(timeout)

    def _serve(self) -> None:
        while True:
            with self._condition:
                while not self._tasks and not self._closing:
                    self._condition.wait()
                if not self._tasks:
                    return
                task = self._tasks.popleft()
            answers = self._done(task)
            if answers and self._wake is not None and not self._closing:
                with self._condition:
                    self._answers += answers
                self._wake()

    def _done(self, task: Task) -> list[NotesRead]:
        address = task.address
        changes = (*self._waits.pop(address, ()), *task.changes)
        try:
            if changes:
                notebook = keep_notes(address, task.name, changes)
            elif task.again or signature(address) != self._known.get(address):
                notebook = read_notes(address)
            else:
                return []
        except OSError as problem:
            self._waits[address] = changes
            why = problem.strerror or str(problem)
            words = f"The notes of {task.name} cannot be written: {why}. They are kept in memory."
            return [NotesRead(task.key, None, words)]
        self._known[address] = signature(address)
        return [NotesRead(task.key, notebook)]
