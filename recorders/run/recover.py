"""Recovering: whatever of a killed recording is whole becomes a run, and the rest is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recorders.run import layout
from recorders.run.contents import check_part, load
from recorders.run.errors import RunError
from recorders.run.join import seal
from recorders.run.parts import PARTS_SUFFIX, ending, found_segments, recordings, state


@dataclass(frozen=True)
class Recovered:
    """What recovering made.

    Attributes:
        path: the sealed run.
        ranks: number of ranks that it has parts of.
        lost: what of the parts is not in it, or cannot be read in it, in sentences.
        before: whether it was sealed before, and nothing was left to do.
    """

    path: Path
    ranks: int = 1
    lost: tuple[str, ...] = ()
    before: bool = False


def recover(parts: Path, out: Path | None = None) -> Recovered:
    """Join what a killed recording left behind; the parts stay where they are.

    Of each rank, all parts before the first that is missing or damaged are kept, since the later
    ones count on its rows. A part whose tables are whole stays even where a stored map is damaged;
    only what lies in that chunk cannot be read then.

    Args:
        parts: the folder of parts.
        out: the file to make; by default the name that was recorded under.

    Raises:
        RunError: there is nothing to recover, or a file of that name already.
        OSError: the disk refused; nothing was left behind.
    """
    if not parts.is_dir():
        raise RunError(f"{parts} is not a folder of parts; name the folder NAME.h5{PARTS_SUFFIX}")
    out = out or parts.with_name(parts.name.removesuffix(PARTS_SUFFIX))
    if out.exists():
        if _was_sealed(parts, out):
            return Recovered(out, before=True)
        raise RunError(f"{out} exists already; name another file for what is recovered")
    ranks, lost = _whole(parts)
    going_on = [
        f"rank {rank} was still recording when its parts were joined: what came later is not here"
        for rank, run in recordings(parts).items()
        if state(parts, rank, run) == "recording"
    ]
    contents = load(parts, ranks=ranks, lost=[*lost, *going_on])
    damaged = seal(contents, out, keep_damaged=True)
    return Recovered(out, len(ranks), (*lost, *damaged))


def _whole(parts: Path) -> tuple[dict[int, list[Path]], list[str]]:
    """Of each rank the parts before the first gap or damage, and a sentence for each that has one.

    Raises:
        RunError: there is no part, or none that can be read.
    """
    found = found_segments(parts)
    if not found:
        raise RunError(f"{parts} holds no finished part of a run; nothing was flushed to it yet")
    written = {rank: ending(parts, rank, run) or 0 for rank, run in recordings(parts).items()}
    kept: dict[int, list[Path]] = {}
    lost = []
    for rank in sorted({*found, *(rank for rank, count in written.items() if count)}):
        files = found.get(rank, {})
        count = max([written.get(rank, 0), *(number + 1 for number in files)])
        own, reason = _prefix(files, count)
        if own:
            kept[rank] = own
        if reason:
            after = sum(number > len(own) for number in files)
            also = f", with the {after} after it" if after else ""
            lost.append(f"part {len(own)} of rank {rank} is lost{also}: {reason}")
    if not kept:
        raise RunError(f"{parts} holds nothing that can be recovered; {lost[0]}")
    return kept, lost


def _prefix(files: Mapping[int, Path], count: int) -> tuple[list[Path], str]:
    """The parts before the first that cannot be used, and why that cannot."""
    own: list[Path] = []
    for number in range(count):
        if number not in files:
            return own, "it is missing"
        try:
            check_part(files[number])
        except RunError as problem:
            # The remedy of a damaged file is this very command.
            return own, str(problem).partition(";")[0]
        own.append(files[number])
    return own, ""


def _was_sealed(parts: Path, out: Path) -> bool:
    """Whether ``out`` is all of this recording, whose parts were only not removed yet.

    They are removed in their order, and not before the sealed file is on the disk.
    """
    try:
        sealed = load(out)
        if set(recordings(parts).values()) != {sealed.facts.run}:
            return False
        found = found_segments(parts)
        if not found or 0 not in found[min(found)]:
            return True
        events = layout.EVENTS
        return load(parts).tables.rows(events) == sealed.tables.rows(events)
    except RunError:
        return False
