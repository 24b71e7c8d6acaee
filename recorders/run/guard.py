"""What makes a file unsafe or broken, found before any of its data is read.

HDF5 opens a file only to say where each chunk lies, and does so in a process of its own with
little memory, little time and no other file to open. What it says is judged here; chunks are then
read with plain system calls. So nothing of a file that this guard has passed can lead to another
file, to a pipe, or to more memory than the file's own size allows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from recorders.run import inspector
from recorders.run.address import Address
from recorders.run.errors import FlawError, RunError, UnsafeError
from recorders.run.facts import Facts
from recorders.run.inspector import InspectionError, Limits, NoProcessError
from recorders.run.judge import Stored, judged
from recorders.run.lending import Lent, borrowed, lent
from recorders.run.report import Report, unpacked
from recorders.run.source import Identity, LocalSource, Source

__all__ = ["Inspected", "Stored", "inspect"]

_MAGIC = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCKS = (2, 3)
_REMOTE_SECONDS = 600.0
_MORE_SECONDS = 0.25
"""How much longer a folder of parts may take for each of its files."""


@dataclass(frozen=True)
class Inspected:
    """A file whose structure the guard has passed.

    Attributes:
        path: the file.
        size: its bytes.
        identity: by which a file replaced meanwhile is noticed.
        facts: its root attributes; metadata is None where it is the dataset ``metadata``.
        datasets: where the data lies, by path, as ``"events/site"``.
        flaws: what is wrong with tables and bulk datasets that cannot be read, by their paths.
        notices: what a reader may want to say, in sentences.
    """

    path: Address
    size: int
    identity: Identity
    facts: Facts
    datasets: dict[str, Stored]
    flaws: dict[str, str]
    notices: tuple[str, ...]


def inspect(files: Sequence[Path | Source], *, trusted: bool = False) -> list[Inspected]:
    """Check the structure of the HDF5 files of a run and find where their data lies.

    Args:
        files: the files, open or not.
        trusted: whether this very program wrote them; HDF5 then opens them in this process.

    Raises:
        RunError: one is not a run, is of a newer format, or is damaged or unsafe.
    """
    patience = time.monotonic() + Limits.of(0).wall + _MORE_SECONDS * len(files)
    before = inspector.shared.interruptions
    found = []
    for file in files:
        if inspector.shared.interruptions != before:
            path = file if isinstance(file, Path) else file.address
            raise RunError(f"{path} {inspector.STOPPED}; open it again")
        found.append(_inspected(file, trusted, patience))
    return found


def _inspected(file: Path | Source, trusted: bool, patience: float) -> Inspected:
    if isinstance(file, Path):
        with closing(LocalSource(file)) as source:
            return _inspected(source, trusted, patience)
    _check_head(file.address, file.pread(9, 0))
    with lent(file) as loan:
        try:
            report, notices = _asked(file, loan, trusted, patience)
        except RunError:
            if loan.failure is None:
                raise
        # A server that broke off says nothing about the file.
        if loan.failure is not None:
            raise loan.failure
    return _passed(file, report, notices)


def _asked(
    file: Source, loan: Lent, trusted: bool, patience: float
) -> tuple[Report, tuple[str, ...]]:
    """What HDF5 says of a file, and what is to be said of how that came about."""
    if trusted:
        return _surveyed(loan), ()
    limits = Limits.of(file.size)
    if file.descriptor is None:
        # The server's own time limit holds as well, and whoever waits can give up.
        wall = _REMOTE_SECONDS
    else:
        left = max(patience + limits.wall - Limits.of(0).wall - time.monotonic(), 1.0)
        wall = min(limits.wall, left)
    address = file.address
    try:
        answer = inspector.shared.ask(loan.descriptor, replace(limits, wall=wall))
        return unpacked(answer), ()
    except NoProcessError as problem:
        return _surveyed(loan), (
            f"no process could be started to look into the file first ({problem}), so it "
            "was opened without that protection",
        )
    except InspectionError as problem:
        raise RunError(f"{address} {problem}; it is not opened, take a fresh copy") from problem
    except ValueError as problem:
        inspector.shared.close()
        raise RunError(
            f"{address} makes the HDF5 library talk nonsense ({problem}); it is not opened, "
            "take a fresh copy"
        ) from problem


def _check_head(path: Address, head: bytes) -> None:
    if not head:
        raise RunError(f"{path} is empty; record it again, or recover its parts folder")
    if not head.startswith(_MAGIC):
        raise RunError(f"{path} is no HDF5 file and so not a run; choose one that was recorded")
    if len(head) < 9 or head[8] not in _SUPERBLOCKS:
        raise RunError(f"{path} is not a run: no Recorder writes its version of HDF5")


def _surveyed(loan: Lent) -> Report:
    # Whoever only reads others' runs never loads HDF5.
    from recorders.run.survey import survey

    return survey(borrowed(loan.descriptor))


def _passed(file: Source, report: Report, notices: tuple[str, ...]) -> Inspected:
    path = file.address
    if report.problem:
        raise RunError(
            f"{path} is damaged or cut short ({report.problem}); record it again, "
            "or recover its parts folder if it is still there"
        )
    try:
        found = judged(report, file.size)
    except UnsafeError as flaw:
        raise RunError(f"{path} is not opened: {flaw.remedied()}") from flaw
    except FlawError as flaw:
        raise RunError(f"{path}: {flaw.remedied()}") from flaw
    return Inspected(
        path,
        file.size,
        file.identity,
        found.facts,
        found.datasets,
        found.flaws,
        (*notices, *found.notices),
    )
