"""Recovering: whatever of a killed recording is whole becomes a run, and the rest is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recorders.run.contents import Contents, load, piece_of
from recorders.run.errors import RunError
from recorders.run.join import write_joined
from recorders.run.parts import PARTS_SUFFIX, found_segments, recording_of, state


@dataclass(frozen=True)
class Recovered:
    """What recovering made.

    Attributes:
        path: the sealed run.
        ranks: number of ranks that it has parts of.
        lost: what of the parts is not in it, or not readable in it, in sentences.
        before: whether the run was sealed before, and nothing was left to do.
    """

    path: Path
    ranks: int
    lost: tuple[str, ...] = ()
    before: bool = False


def recover(parts: Path, out: Path | None = None) -> Recovered:
    """Join what a killed recording left behind; the parts stay where they are.

    Of each rank, all parts before the first that is missing or damaged are kept: later ones count
    on its rows. A part whose tables are whole stays even where stored maps are damaged; only those
    cannot be read then.

    Args:
        parts: the folder of parts.
        out: the file to make; by default the name that was recorded under.

    Raises:
        RunError: there is nothing to recover, or a file of that name already.
        OSError: the disk refused; nothing was left behind.
    """
    out = out or parts.with_name(parts.name.removesuffix(PARTS_SUFFIX))
    if not parts.is_dir():
        raise RunError(f"{parts} is not a folder of parts; name the folder NAME.h5{PARTS_SUFFIX}")
    if out.exists():
        if _was_sealed(parts, out):
            return Recovered(out, 0, before=True)
        raise RunError(f"{out} exists already; name another file to write")
    ranks, lost = _whole(parts)
    contents = load(parts, ranks=ranks, left_out=[*lost, *_recording(parts, list(ranks))])
    damaged = write_joined(contents, out, keep_damaged=True)
    return Recovered(out, len(ranks), (*lost, *damaged))


def _whole(parts: Path) -> tuple[dict[int, list[Path]], list[str]]:
    """Of each rank the parts before the first gap or damage, and a sentence for each that ends so.

    Raises:
        RunError: there is no part, or none that can be read.
    """
    kept: dict[int, list[Path]] = {}
    lost = []
    found = found_segments(parts)
    if not found:
        raise RunError(f"{parts} holds no finished part of a run; nothing was flushed to it yet")
    for rank, files in found.items():
        own: list[Path] = []
        reason = ""
        last = max(files)
        for number in range(last + 1):
            reason = _flaw(files, number)
            if reason:
                break
            own.append(files[number])
        if own:
            kept[rank] = own
        if reason:
            after = sum(number > len(own) for number in files)
            also = f", and so are the {after} parts after it" if after > 1 else ""
            also = ", and so is the part after it" if after == 1 else also
            lost.append(f"part {len(own)} of rank {rank} is lost{also}: {reason}")
    if not kept:
        raise RunError(f"{parts} holds nothing that can be recovered: {'; '.join(lost)}")
    return kept, lost


def _flaw(files: dict[int, Path], number: int) -> str:
    """Why a part cannot be used; empty where it can."""
    if number not in files:
        return "it is missing"
    try:
        piece_of(files[number])
    except RunError as problem:
        return str(problem).partition(";")[0]
    return ""


def _recording(parts: Path, ranks: Sequence[int]) -> list[str]:
    """A sentence for each rank that still records."""
    return [
        f"rank {rank} was still recording when its parts were joined: what came later is not here"
        for rank in ranks
        if state(parts, rank, recording_of(parts, rank)) == "recording"
    ]


def _was_sealed(parts: Path, out: Path) -> bool:
    """Whether ``out`` is all of this recording, whose removal of parts was cut off.

    Parts are removed in their order, and only once the sealed file is on the disk.
    """
    try:
        sealed = load(out)
        names = {recording_of(parts, rank) for rank in range(sealed.facts.world)} - {""}
    except RunError:
        return False
    if names != {sealed.facts.run}:
        return False
    found = found_segments(parts)
    if not found or 0 not in found.get(min(found), {}):
        return True
    try:
        return _events(load(parts)) == _events(sealed)
    except RunError:
        return False


def _events(contents: Contents) -> int:
    return len(contents.tables.columns["events/site"])
