"""A folder of parts with those that were written since: what was read is not read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recorders.run import layout
from recorders.run.address import Address
from recorders.run.bounds import flawed_tables
from recorders.run.bulks import BulkIndex, joined_bulk
from recorders.run.contents import Contents, Parts, Piece, load, read_file
from recorders.run.errors import FlawError, RunError
from recorders.run.growing import Growth, tail
from recorders.run.guard import Inspected, inspect
from recorders.run.merge import Merged, RankTables, merge
from recorders.run.origin import common_facts, incomplete, with_left_out
from recorders.run.parts import segments
from recorders.run.source import Identity, open_source


@dataclass(frozen=True, eq=False)
class _New:
    """What came to one rank."""

    files: Sequence[Inspected]
    pieces: Sequence[Piece]


def longer(contents: Contents) -> Contents:
    """A folder of parts as it is by now.

    Args:
        contents: as it was read.

    Returns:
        The folder by now; the same object where nothing changed.

    Raises:
        RunError: a part is gone, was replaced, or is damaged.
    """
    folder, known = contents.path, contents.parts
    if not isinstance(folder, Path):
        return contents
    if known is None:
        return _anew(contents, folder)
    found = segments(folder)
    counts = {rank: len(own) for rank, own in known.facts.items()}
    _check_known(folder, contents, counts, found)
    fresh = {rank: files[counts.get(rank, 0) :] for rank, files in found.items()}
    new = _read(fresh, {rank: len(files) for rank, files in found.items()})
    facts = {
        rank: (*known.facts.get(rank, ()), *(piece.facts for piece in own.pieces))
        for rank, own in new.items()
    }
    first = common_facts(folder, facts)
    missing = tuple(incomplete(folder, first, {rank: len(own) for rank, own in facts.items()}))
    if not any(fresh.values()) and missing == known.missing:
        return contents
    grown = _grown(contents, known, new)
    if grown is None:
        return _anew(contents, folder)
    growths, ranks, merged = grown
    files, identities, bulks = _files(contents, known, new)
    notices = (
        *known.notices,
        *(note for own in new.values() for p in own.pieces for note in p.notices),
    )
    left_out = [*merged.left_out, *missing]
    return replace(
        contents,
        facts=with_left_out(first, left_out),
        tables=merged.tables,
        bulks={name: joined_bulk(name, first.codec, bulks) for name, _ in layout.bulk_paths()},
        files=files,
        identities=identities,
        size=contents.size + sum(file.size for own in new.values() for file in own.files),
        notices=tuple(dict.fromkeys([*notices, *merged.notices, *left_out])),
        parts=Parts(tuple(ranks), facts, notices, missing, growths),
    )


def _anew(contents: Contents, folder: Path) -> Contents:
    """The folder read from the beginning, which is how a damaged one is."""
    now = load(folder)
    if now.facts.run != contents.facts.run or now.facts.created != contents.facts.created:
        raise RunError(f"{folder} now holds another recording; open the run again")
    same = now.identities == contents.identities and now.notices == contents.notices
    return contents if same else now


def _check_known(
    folder: Path,
    contents: Contents,
    counts: Mapping[int, int],
    found: Mapping[int, Sequence[Path]],
) -> None:
    """Refuse a folder that is not the one whose parts were read."""
    last = -1
    for rank, count in counts.items():
        last += count
        files, same = found.get(rank, ()), False
        if len(files) >= count:
            with closing(open_source(files[count - 1])) as source:
                same = source.identity == contents.identities[last]
        if not same:
            raise RunError(
                f"{folder} no longer holds part {count - 1} of rank {rank} as it was read; "
                "open the run again"
            )


def _read(fresh: Mapping[int, Sequence[Path]], counts: Mapping[int, int]) -> dict[int, _New]:
    """The new parts of each rank, files numbered as in the whole run."""
    new, end = {}, 0
    for rank, files in fresh.items():
        end += counts[rank]
        inspected = inspect(files)
        pieces = []
        for number, file in enumerate(inspected, end - len(files)):
            with closing(open_source(file.path)) as source:
                pieces.append(read_file(number, file, source))
        new[rank] = _New(inspected, pieces)
    return new


def _grown(
    contents: Contents, known: Parts, new: Mapping[int, _New]
) -> tuple[dict[int, Growth], list[RankTables], Merged] | None:
    """The tables with the new rows; None where something is wrong with those."""
    before = {rank.rank: rank for rank in known.ranks}
    growths, ranks = {}, []
    for rank, own in new.items():
        old = before.get(rank)
        growth = known.growths.get(rank) or (Growth(old.tables) if old else Growth())
        if not own.pieces and old is not None:
            growths[rank] = growth
            ranks.append(old)
            continue
        if any(piece.flaws for piece in own.pieces):
            return None
        lengths = dict(old.lengths) if old else {}
        for path, _ in layout.bulk_paths():
            lengths[path] = lengths.get(path, 0) + sum(
                piece.bulks[path].length for piece in own.pieces if path in piece.bulks
            )
        rows = {t.name: growth.tables.rows(t) for t in layout.TABLES if t.columns}
        growths[rank] = growth.extended([piece.tables for piece in own.pieces])
        tables = growths[rank].tables
        if any(True for _ in flawed_tables(tail(tables, rows), lengths, rows)):
            return None
        ranks.append(RankTables(rank, tables, lengths))
    try:
        merged = merge(ranks) if len(ranks) > 1 else Merged(ranks[0].tables)
    except FlawError as flaw:
        raise RunError(f"{contents.path} is damaged: {flaw.remedied()}") from flaw
    return growths, ranks, merged


def _files(
    contents: Contents, known: Parts, new: Mapping[int, _New]
) -> tuple[tuple[Address, ...], tuple[Identity, ...], list[Mapping[str, BulkIndex]]]:
    """All files in the order of their ranks, and where the chunks in them lie."""
    files: list[Address] = []
    identities: list[Identity] = []
    bulks: list[Mapping[str, BulkIndex]] = []
    lengths = {rank.rank: rank.lengths for rank in known.ranks}
    first, chunks = 0, dict.fromkeys(contents.bulks, 0)
    for rank, own in new.items():
        count, shift = len(known.facts.get(rank, ())), len(files) - first
        files += [*contents.files[first : first + count], *(file.path for file in own.files)]
        identities += contents.identities[first : first + count]
        identities += [file.identity for file in own.files]
        earlier = {}
        for name, index in contents.bulks.items():
            here = lengths.get(rank, {}).get(name, 0) // index.chunk
            which = slice(chunks[name], chunks[name] + here)
            chunks[name] += here
            earlier[name] = _slice(index, which, shift)
        bulks += [earlier, *(piece.bulks for piece in own.pieces)]
        first += count
    return tuple(files), tuple(identities), bulks


def _slice(index: BulkIndex, which: slice, shift: int) -> BulkIndex:
    return replace(
        index,
        file=index.file[which] + np.int32(shift),
        offset=index.offset[which],
        size=index.size[which],
        crc32=index.crc32[which],
    )
