"""Asking another process what HDF5 says of a file, so that this one never opens it with HDF5.

One such process serves many files and is started anew after a crash. It costs a tenth of a second
of start-up, so whoever knows that a run will be opened starts it ahead.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from recorders.run.wire import ANSWER, NO_MEMORY, REQUEST

MODULE = "recorders.run.inspection"
_CODE = "import sys; sys.path[:0] = sys.argv[2:]; __import__(sys.argv[1], fromlist='.').main()"
_PACKAGES = ("recorders", "numpy", "h5py")
_START_SECONDS = 60.0
_DYING_SECONDS = 5.0
_MEGABYTE = 1 << 20
_ANSWER_BYTES = 16 * _MEGABYTE


STOPPED = "was not looked into to the end, since nobody waits for it any more"
_ENVIRONMENT = {
    # One thread each: memory that threads reserve counts against the limit.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # A filter that a file names must not be looked for in any folder.
    "HDF5_PLUGIN_PRELOAD": "::",
}


class NoProcessError(Exception):
    """No process can be started; the message says why."""


class InspectionError(Exception):
    """A file could not be inspected; the message says what it did, as ``made … crash``."""


@dataclass(frozen=True)
class Limits:
    """What one file may take of the process that inspects it.

    Attributes:
        memory: bytes of address space.
        cpu: seconds of processor time.
        wall: seconds until the answer must be there.
        answer: bytes that the answer may have.
    """

    memory: int
    cpu: int
    wall: float
    answer: int

    @classmethod
    def of(cls, size: int) -> Limits:
        """What an honest file of ``size`` bytes takes at most, with much to spare."""
        gigabytes = size >> 30
        return cls(
            min(1024 * _MEGABYTE + size // 16, 16 * 1024 * _MEGABYTE),
            min(10 + gigabytes, 120),
            30.0 + min(2 * gigabytes, 240),
            # An entry of a chunk index takes at least 12 bytes in a file, and 32 in an answer.
            _ANSWER_BYTES + 4 * size,
        )


class Inspector:
    """A process that inspects files, started when it is needed; safe from several threads.

    Args:
        module: what it runs; its ``main`` serves standard input.
        folders: where else it finds modules.

    Attributes:
        interruptions: how often ``interrupt`` was called.
    """

    def __init__(self, module: str = MODULE, folders: tuple[str, ...] = ()) -> None:
        self._module = module
        self._folders = folders
        self._lock = Lock()
        self._child: _Child | None = None
        self._refusal = ""
        self.interruptions = 0

    def start(self) -> None:
        """Start the process ahead of need; what fails is said when it is needed."""
        with self._lock, contextlib.suppress(NoProcessError):
            self._started()

    def ask(self, descriptor: int, limits: Limits) -> bytes:
        """What HDF5 says of an open file, as bytes that nobody has checked.

        Raises:
            NoProcessError: no process can be started here.
            InspectionError: the file made it crash, or took too much time or memory.
        """
        with self._lock:
            try:
                return self._asked(descriptor, limits)
            except _IdleError:
                # It ended for want of work just when it got some.
                return self._asked(descriptor, limits)

    def interrupt(self) -> None:
        """Give up what is being inspected now; that call raises InspectionError."""
        self.interruptions += 1
        child = self._child
        if child is not None and self._lock.locked():
            child.interrupt()

    def close(self) -> None:
        """End the process; it is started again when it is needed."""
        with self._lock:
            self._drop()

    def _asked(self, descriptor: int, limits: Limits) -> bytes:
        child = self._started()
        try:
            child.await_ready()
            return child.answer(descriptor, limits)
        except NoProcessError as problem:
            self._refusal = str(problem)
            self._drop()
            raise
        except (_IdleError, InspectionError):
            self._drop()
            raise

    def _started(self) -> _Child:
        if self._refusal:
            raise NoProcessError(self._refusal)
        if self._child is not None and self._child.is_gone:
            self._drop()
        if self._child is None:
            self._child = _Child(self._module, self._folders)
        return self._child

    def _drop(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _IdleError(Exception):
    """The process has ended for want of work."""


class _Child:
    """One running process and the socket to it."""

    def __init__(self, module: str, folders: tuple[str, ...]) -> None:
        if not sys.executable:
            raise NoProcessError("this Python does not say where its program is")
        # Without the site module, user folders and .pth files, it starts in half the time.
        command = [sys.executable, "-I", "-S", "-c", _CODE, module, *folders, *_package_folders()]
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={**os.environ, **_ENVIRONMENT},
                    # Ctrl+C in a terminal is meant for this process alone.
                    start_new_session=True,
                )
        except OSError as problem:
            raise NoProcessError(problem.strerror or str(problem)) from problem
        self._channel = ours
        self._ready = False
        self.interrupted = False
        self._end = weakref.finalize(self, _ended, self._process, ours, os.getpid())

    @property
    def is_gone(self) -> bool:
        """Whether it was told to stop, or has ended of itself."""
        return self.interrupted or self._process.poll() is not None

    def await_ready(self) -> None:
        """Wait until it has started.

        Raises:
            NoProcessError: it never did.
        """
        if self._ready:
            return
        try:
            self._receive(1, time.monotonic() + _START_SECONDS)
        except (EOFError, TimeoutError, OSError) as problem:
            if self.interrupted:
                raise InspectionError(STOPPED) from problem
            why = f"code {self._code()}" if isinstance(problem, EOFError) else "not in time"
            raise NoProcessError(f"it did not start ({why})") from problem
        self._ready = True

    def answer(self, descriptor: int, limits: Limits) -> bytes:
        """Hand over an open file and wait for the report."""
        until = time.monotonic() + limits.wall
        self._channel.settimeout(limits.wall)
        started = False
        try:
            request = REQUEST.pack(limits.memory, limits.cpu)
            socket.send_fds(self._channel, [request], [descriptor])
            (length,) = ANSWER.unpack(self._receive(ANSWER.size, until))
            started = True
            if length == NO_MEMORY:
                raise InspectionError(_memory_words(limits))
            if length > limits.answer:
                raise InspectionError(_memory_words(limits))
            return self._receive(length, until)
        except TimeoutError as problem:
            raise InspectionError(f"takes the HDF5 library more than {limits.wall:.3g} s") from (
                problem
            )
        except (EOFError, OSError) as problem:
            if self.interrupted:
                raise InspectionError(STOPPED) from problem
            code = self._code()
            if code == 0 and not started:
                raise _IdleError from problem
            if code == -signal.SIGXCPU:
                words = f"takes the HDF5 library more than {limits.cpu} s of processor time"
                raise InspectionError(words) from problem
            raise InspectionError(f"makes the HDF5 library crash ({_code_words(code)})") from (
                problem
            )

    def interrupt(self) -> None:
        """Kill it; whoever waits for an answer is told so."""
        self.interrupted = True
        self._process.kill()

    def end(self) -> None:
        """Kill it and let go of the socket."""
        self._end()

    def _receive(self, count: int, until: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._channel.settimeout(max(until - time.monotonic(), 0.001))
            part = self._channel.recv(min(count - len(data), _MEGABYTE))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _code(self) -> int:
        try:
            return self._process.wait(_DYING_SECONDS)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL


def _ended(process: subprocess.Popen[bytes], channel: socket.socket, owner: int) -> None:
    channel.close()
    if os.getpid() == owner:
        process.kill()
        process.wait()
    else:
        # It belongs to the process that this one was forked from.
        process.returncode = 0


def _package_folders() -> list[str]:
    """Where it finds what it imports, and nothing else."""
    folders = []
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise NoProcessError(f"the package {name} is not in a folder")
        folders.append(str(Path(spec.origin).resolve().parents[1]))
    return list(dict.fromkeys(folders))


def _code_words(code: int) -> str:
    if code >= 0:
        return f"code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _memory_words(limits: Limits) -> str:
    return f"takes the HDF5 library more than {limits.memory // _MEGABYTE:,} MB of memory"


shared = Inspector()
"""The one that reading uses."""


def _forget() -> None:
    """Let a forked process start its own: two that talk to one would get each other's answers."""
    global shared
    shared = Inspector()


os.register_at_fork(after_in_child=_forget)
