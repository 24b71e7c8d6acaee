"""What makes a file unsafe or broken, found before any of its data is read.

HDF5 opens a file only to say where each chunk lies, and does so in a process of its own with
little memory, little time and no other file to open. What it says is judged here; chunks are then
read with plain system calls. So nothing of a file that this guard has passed can lead to another
file, to a pipe, or to more memory than the file's own size allows.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from recorders.run import inspector
from recorders.run.durable import SourceFile
from recorders.run.errors import FlawError, RunError, UnsafeError
from recorders.run.facts import Facts
from recorders.run.inspector import InspectionError, Limits, NoProcessError
from recorders.run.judge import Stored, judged
from recorders.run.report import Report, unpacked

__all__ = ["Identity", "Inspected", "Stored", "identity", "inspect", "regular_file"]

Identity = tuple[int, int, int]

_MAGIC = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCKS = (2, 3)
_MORE_SECONDS = 0.25
"""How much longer a folder of parts may take for each of its files."""


@dataclass(frozen=True)
class Inspected:
    """A file whose structure the guard has passed.

    Attributes:
        path: the file.
        size: its bytes.
        identity: device, inode and time of change, by which a file replaced meanwhile is noticed.
        facts: its root attributes; metadata is None where it is the dataset ``metadata``.
        datasets: where the data lies, by path, as ``"events/site"``.
        flaws: what is wrong with tables and bulk datasets that cannot be read, by their paths.
        notices: what a reader may want to say, in sentences.
    """

    path: Path
    size: int
    identity: Identity
    facts: Facts
    datasets: dict[str, Stored]
    flaws: dict[str, str]
    notices: tuple[str, ...]


def identity(state: os.stat_result) -> Identity:
    """What tells a file from another that took its name."""
    return state.st_dev, state.st_ino, state.st_mtime_ns


@contextmanager
def regular_file(path: Path) -> Iterator[int]:
    """A descriptor of ``path``, which is a regular file.

    Raises:
        RunError: it is missing, forbidden, or a pipe, folder or device.
    """
    try:
        # A pipe without a writer would block a plain open for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as problem:
        raise RunError(f"{path} does not exist; check the name") from problem
    except OSError as problem:
        raise RunError(f"{path} cannot be opened: {problem.strerror}") from problem
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RunError(f"{path} is not a regular file; choose a run (.h5) or its parts folder")
        yield descriptor
    finally:
        os.close(descriptor)


def inspect(paths: Sequence[Path], *, trusted: bool = False) -> list[Inspected]:
    """Check the structure of the HDF5 files of a run and find where their data lies.

    Args:
        paths: the files.
        trusted: whether this very program wrote them; HDF5 then opens them in this process.

    Raises:
        RunError: one is not a run, is of a newer format, or is damaged or unsafe.
    """
    patience = time.monotonic() + Limits.of(0).wall + _MORE_SECONDS * len(paths)
    before = inspector.shared.interruptions
    found = []
    for path in paths:
        if inspector.shared.interruptions != before:
            raise RunError(f"{path} {inspector.STOPPED}; open it again")
        found.append(_inspected(path, trusted, patience))
    return found


def _inspected(path: Path, trusted: bool, patience: float) -> Inspected:
    with regular_file(path) as descriptor:
        state = os.fstat(descriptor)
        _check_head(path, os.pread(descriptor, 9, 0))
        notices: tuple[str, ...] = ()
        if trusted:
            report = _surveyed(descriptor)
        else:
            limits = Limits.of(state.st_size)
            left = max(patience + limits.wall - Limits.of(0).wall - time.monotonic(), 1.0)
            try:
                report = unpacked(
                    inspector.shared.ask(descriptor, replace(limits, wall=min(limits.wall, left)))
                )
            except NoProcessError as problem:
                report = _surveyed(descriptor)
                notices = (
                    f"no process could be started to look into the file first ({problem}), so it "
                    "was opened without that protection",
                )
            except InspectionError as problem:
                raise RunError(f"{path} {problem}; it is not opened, take a fresh copy") from (
                    problem
                )
            except ValueError as problem:
                inspector.shared.close()
                raise RunError(
                    f"{path} makes the HDF5 library talk nonsense ({problem}); it is not opened, "
                    "take a fresh copy"
                ) from problem
    return _passed(path, state, report, notices)


def _check_head(path: Path, head: bytes) -> None:
    if not head:
        raise RunError(f"{path} is empty; record it again, or recover its parts folder")
    if not head.startswith(_MAGIC):
        raise RunError(f"{path} is no HDF5 file and so not a run; choose one that was recorded")
    if len(head) < 9 or head[8] not in _SUPERBLOCKS:
        raise RunError(f"{path} is not a run: no Recorder writes its version of HDF5")


def _surveyed(descriptor: int) -> Report:
    # Whoever only reads others' runs never loads HDF5.
    from recorders.run.survey import survey

    return survey(SourceFile(descriptor))


def _passed(
    path: Path, state: os.stat_result, report: Report, notices: tuple[str, ...]
) -> Inspected:
    if report.problem:
        raise RunError(
            f"{path} is damaged or cut short ({report.problem}); record it again, "
            "or recover its parts folder if it is still there"
        )
    try:
        found = judged(report, state.st_size)
    except UnsafeError as flaw:
        raise RunError(f"{path} is not opened: {flaw.remedied()}") from flaw
    except FlawError as flaw:
        raise RunError(f"{path}: {flaw.remedied()}") from flaw
    return Inspected(
        path,
        state.st_size,
        identity(state),
        found.facts,
        found.datasets,
        found.flaws,
        (*notices, *found.notices),
    )
