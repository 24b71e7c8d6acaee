"""Recording in a distributed job: every rank writes its own parts, one joins them at the end.

Ranks meet through the job's key-value store and through the folder of parts, never by a collective:
a rank that records alone, comes late or has died disturbs nobody's training, and costs no more than
the time given.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch.distributed as dist

from recorders.run.errors import RunError
from recorders.run.writer import SegmentWriter, new_run

OPEN_SECONDS = 60.0
"""How long a rank waits for the others to open their recorders."""

END_SECONDS = 600.0
"""How long the rank that joins waits for the others to close theirs."""

_SHOWN_SECONDS = 10.0
_PAUSE = 0.05
_OPENED = "opened"


def open_writer(
    path: str | os.PathLike[str],
    *,
    alone: bool = False,
    seconds: float = OPEN_SECONDS,
    **facts: Any,
) -> SegmentWriter:
    """A writer of this process's part of a run, be it the only one or one of many.

    In a distributed job this is called in every rank; those that give the same path record one run
    together.

    Args:
        path: the run to make.
        alone: whether this process records by itself, whatever the job it is part of.
        seconds: how long to wait for the other ranks.
        facts: what else SegmentWriter takes.

    Raises:
        RunError: another rank did not open its recorder, or could not.
        FileExistsError: a killed recording left parts there, or another one is writing them.
        OSError: the folder of parts cannot be made.
        ValueError: what SegmentWriter refuses.
    """
    if alone or not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return SegmentWriter(path, **facts)
    meeting = _Meeting(Path(path).absolute(), seconds)
    together = meeting.together()
    if len(together) == 1:
        return SegmentWriter(path, **facts)
    run = meeting.shared(together[0], "run", new_run())
    rank = together.index(meeting.rank)
    try:
        writer = SegmentWriter(path, rank=rank, world=len(together), run=run, **facts)
    except (OSError, ValueError) as problem:
        meeting.say(_OPENED, str(problem))
        raise
    meeting.say(_OPENED, _OPENED)
    try:
        for other in together:
            answer = meeting.heard(other, _OPENED)
            if answer != _OPENED:
                raise RunError(f"rank {other} cannot record: {answer}")
        _see(writer)
    except BaseException:
        writer.release()
        raise
    return writer


def close_writer(writer: SegmentWriter, *, seconds: float = END_SECONDS) -> None:
    """End this process's part; the lowest rank then joins the parts of all.

    Args:
        writer: the writer.
        seconds: how long the lowest rank waits for the others; they wait for nobody.

    Raises:
        RunError: a rank was cut off or did not end in time; the parts stay, and can be recovered.
        OSError: the disk refused; what was flushed stays, and closing can be tried again.
    """
    if writer.rank:
        writer.close(join=False)
        return
    writer.flush()
    until = time.monotonic() + seconds
    while {"recording", "unknown"} & set(writer.others().values()) and time.monotonic() < until:
        time.sleep(_PAUSE)
    missing = {rank: doing for rank, doing in writer.others().items() if doing != "ended"}
    if not missing:
        writer.close()
        return
    writer.close(join=False)
    cut_off = [rank for rank, doing in missing.items() if doing == "cut off"]
    who = ", ".join(str(rank) for rank in cut_off or missing)
    what = "was cut off" if cut_off else f"did not close its recorder within {seconds:g} s"
    raise RunError(
        f"rank {who} {what}, so {writer.path} was not joined; hardattn recover {writer.parts} "
        "joins what there is"
    )


def _see(writer: SegmentWriter) -> None:
    """Make sure that this process sees the other ranks' places in its folder of parts."""
    until = time.monotonic() + _SHOWN_SECONDS
    while "absent" in writer.others().values():
        if time.monotonic() > until:
            raise RunError(
                f"{writer.parts} does not show the other ranks' parts; record to a disk that all "
                "ranks share, or under a name of its own in each"
            )
        time.sleep(_PAUSE)


class _Meeting:
    """The ranks of a job that open a recorder at the same time, by a key-value store.

    Args:
        path: the run that this rank makes.
        seconds: how long to wait for any word of another rank.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        # The one store that all ranks of a job have; there is no public way to it.
        self._store = dist.distributed_c10d._get_default_store()
        self._path = path
        self._seconds = seconds
        self.rank = dist.get_rank()
        self._turn = self._store.add(f"hardattn/{self.rank}", 1)

    def say(self, what: str, word: str) -> None:
        """Tell all ranks a word about something."""
        self._store.set(f"hardattn/{self._turn}/{what}/{self.rank}", word)

    def heard(self, rank: int, what: str) -> str:
        """What a rank said about something, waited for."""
        key = f"hardattn/{self._turn}/{what}/{rank}"
        try:
            self._store.wait([key], timedelta(seconds=self._seconds))
            word: bytes = self._store.get(key)
        except RuntimeError as problem:
            raise RunError(
                f"rank {rank} did not open a recorder within {self._seconds:g} s as this one did "
                f'for {self._path}; open it in every rank, or with ranks="this" in one alone'
            ) from problem
        return word.decode()

    def together(self) -> list[int]:
        """The ranks that make this run, this one among them."""
        self.say("path", str(self._path))
        said = [self.heard(rank, "path") for rank in range(dist.get_world_size())]
        return [rank for rank, path in enumerate(said) if path == str(self._path)]

    def shared(self, rank: int, what: str, word: str) -> str:
        """The word of one rank, in all of them."""
        if rank == self.rank:
            self.say(what, word)
        return self.heard(rank, what)
