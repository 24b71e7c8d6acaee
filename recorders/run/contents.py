"""A run's tables and where its bulk values lie, from a sealed file or a folder of parts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.bounds import check_tables
from recorders.run.codec import CODECS, crc32, unpack
from recorders.run.errors import FlawError, RunError
from recorders.run.growing import Growth, tail
from recorders.run.guard import (
    Identity,
    Inspected,
    Stored,
    identity,
    inspect,
    parsed_metadata,
    regular_file,
)
from recorders.run.image import Facts
from recorders.run.layout import Text
from recorders.run.merge import Merged, RankTables, merge
from recorders.run.origin import common_facts, incomplete, whole_facts, with_left_out
from recorders.run.parts import PARTS_SUFFIX, segments
from recorders.run.tables import Tables, TextColumn


@dataclass(frozen=True, eq=False)
class BulkIndex:
    """Where the chunks of one bulk dataset of a run lie, over all its files.

    Attributes:
        dtype: numpy dtype string of the values.
        chunk: values in one chunk.
        file: int32 [chunks], index into the run's files.
        offset: int64 [chunks], first byte in that file.
        size: int64 [chunks], stored bytes.
        crc32: uint32 [chunks], checksum of the stored bytes.
    """

    dtype: str
    chunk: int
    file: NDArray[np.int32]
    offset: NDArray[np.int64]
    size: NDArray[np.int64]
    crc32: NDArray[np.uint32]

    @property
    def length(self) -> int:
        """Number of values, the padding of the last chunks included."""
        return int(self.file.size) * self.chunk

    def continues(self, other: BulkIndex) -> bool:
        """Whether the first chunks of this are all those of another, wherever they lie."""
        count = other.crc32.size
        return (
            (self.dtype, self.chunk) == (other.dtype, other.chunk)
            and np.array_equal(self.crc32[:count], other.crc32)
            and np.array_equal(self.size[:count], other.size)
        )


@dataclass(frozen=True, eq=False)
class Contents:
    """Everything of a run but its bulk values.

    Attributes:
        path: the file or folder.
        facts: its root attributes (of the lowest rank's parts), metadata of all parts together.
        tables: its tables.
        bulks: where its bulk values lie, by path.
        files: the HDF5 files that it consists of.
        identities: by which a file replaced meanwhile is noticed.
        size: their bytes together.
        notices: what a reader may want to say, in sentences.
        ranks: what was read of each rank's parts; empty for a sealed file.
        missing: what is missing from the folder of parts, in sentences.
    """

    path: Path
    facts: Facts
    tables: Tables
    bulks: dict[str, BulkIndex]
    files: tuple[Path, ...]
    identities: tuple[Identity, ...]
    size: int
    notices: tuple[str, ...]
    ranks: Mapping[int, RankParts] = field(default_factory=dict)
    missing: Sequence[str] = ()


def load(path: Path) -> Contents:
    """Check a run and read its tables.

    Args:
        path: a sealed file, or a folder of parts; a file that is not there yet stands for its
            parts folder ``path.parts``, and a folder that is gone for the file it was joined into.

    Raises:
        RunError: it is missing, not a run, or damaged; the sentence says which and the remedy.
    """
    parts = path.with_name(path.name + PARTS_SUFFIX)
    if not path.exists() and parts.is_dir():
        path = parts
    elif not path.exists() and (whole := sealed_path(path)) and whole.is_file():
        path = whole
    return _parts(path, {}) if path.is_dir() else _sealed(path)


def longer(contents: Contents) -> Contents:
    """A folder of parts with those that were written since; what was read is not read again.

    Returns:
        The contents by now; the same object where nothing changed.

    Raises:
        RunError: a part is gone, was replaced, or is damaged.
    """
    return _parts(contents.path, contents.ranks, contents)


def sealed_path(parts: Path) -> Path | None:
    """The file that a folder of parts is joined into; None where its name does not say."""
    name = parts.name.removesuffix(PARTS_SUFFIX)
    return parts.with_name(name) if name != parts.name and name else None


@dataclass(frozen=True)
class _Piece:
    facts: Facts
    tables: Tables
    bulks: dict[str, BulkIndex]
    notices: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RankParts:
    """What was read of the parts of one rank, numbered as if there were no other rank.

    Attributes:
        files: the parts, without what lies in them.
        growth: their tables.
        bulks: where their bulk values lie; files are counted within the rank.
    """

    files: tuple[Inspected, ...] = ()
    growth: Growth = field(default_factory=Growth)
    bulks: dict[str, BulkIndex] = field(default_factory=dict)

    @property
    def lengths(self) -> dict[str, int]:
        """Number of values of each bulk dataset, by path."""
        return {path: bulk.length for path, bulk in self.bulks.items()}


def _sealed(path: Path) -> Contents:
    file = inspect(path)
    piece = _read_file(0, file)
    facts = whole_facts(path, piece.facts)
    lengths = {name: bulk.length for name, bulk in piece.bulks.items()}
    with _damage_named(path):
        check_tables(piece.tables, lengths)
    return Contents(
        path,
        facts,
        piece.tables,
        {name: _joined_bulk(name, facts, [(0, piece.bulks)]) for name, _ in layout.bulk_paths()},
        (path,),
        (file.identity,),
        file.size,
        piece.notices,
    )


def _parts(
    folder: Path, known: Mapping[int, RankParts], before: Contents | None = None
) -> Contents:
    found = segments(folder)
    for rank, own in known.items():
        _check_known(folder, rank, own, found.get(rank, []))
    ranks = {rank: _extended(known.get(rank), files) for rank, files in found.items()}
    facts = common_facts(
        folder, {rank: [file.facts for file in own.files] for rank, own in ranks.items()}
    )
    missing = incomplete(folder, facts, {rank: len(own.files) for rank, own in ranks.items()})
    same = all(own is known.get(rank) for rank, own in ranks.items())
    if before is not None and same and missing == before.missing:
        return before
    with _damage_named(folder):
        for rank, own in ranks.items():
            _check_rows(own, known.get(rank))
        merged = _merged(ranks)
    files = [file for own in ranks.values() for file in own.files]
    starts = np.cumsum([0, *(len(own.files) for own in ranks.values())]).tolist()
    bulks = [(start, own.bulks) for start, own in zip(starts, ranks.values(), strict=False)]
    left_out = [*merged.left_out, *missing]
    notices = [notice for file in files for notice in file.notices]
    return Contents(
        folder,
        with_left_out(facts, left_out),
        merged.tables,
        {name: _joined_bulk(name, facts, bulks) for name, _ in layout.bulk_paths()},
        tuple(file.path for file in files),
        tuple(file.identity for file in files),
        sum(file.size for file in files),
        tuple(dict.fromkeys([*notices, *merged.notices, *left_out])),
        ranks,
        missing,
    )


def _check_known(folder: Path, rank: int, own: RankParts, files: Sequence[Path]) -> None:
    """Refuse a folder that is not the one whose parts were read."""
    last = own.files[-1]
    try:
        same = len(files) >= len(own.files) and identity(last.path.stat()) == last.identity
    except FileNotFoundError:
        same = False
    if not same:
        raise RunError(
            f"{folder} no longer holds part {len(own.files) - 1} of rank {rank} as it was read; "
            "open the run again"
        )


def _extended(known: RankParts | None, files: Sequence[Path]) -> RankParts:
    """What is known of a rank's parts, with those of ``files`` that are new."""
    known = known or RankParts()
    fresh = [inspect(file) for file in files[len(known.files) :]]
    if not fresh:
        return known
    pieces = [_read_file(number, file) for number, file in enumerate(fresh, len(known.files))]
    growth = known.growth.extended([piece.tables for piece in pieces])
    bulks = dict(known.bulks)
    for path, _ in layout.bulk_paths():
        own = [piece.bulks[path] for piece in pieces if path in piece.bulks]
        if own:
            bulks[path] = _behind([bulks[path], *own] if path in bulks else own)
    # Where the chunks of a column lie is of no use any more, and there are many columns.
    kept = [
        replace(file, datasets={}, facts=piece.facts)
        for file, piece in zip(fresh, pieces, strict=True)
    ]
    return RankParts((*known.files, *kept), growth, bulks)


def _check_rows(own: RankParts, known: RankParts | None) -> None:
    """Check the rows of a rank that came to those that are known."""
    if own is known:
        return
    earlier = (known or RankParts()).growth.tables
    before = {table.name: earlier.rows(table) for table in layout.TABLES if table.columns}
    check_tables(tail(own.growth.tables, before), own.lengths, before)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except FlawError as flaw:
        raise RunError(f"{path} is damaged: {flaw.remedied()}") from flaw


def _merged(ranks: Mapping[int, RankParts]) -> Merged:
    """All tables as those of one run."""
    if len(ranks) == 1:
        return Merged(next(iter(ranks.values())).growth.tables)
    return merge([RankTables(rank, own.growth.tables, own.lengths) for rank, own in ranks.items()])


def _read_file(number: int, file: Inspected) -> _Piece:
    """The tables of one file; bulk values stay where they are."""
    tables = Tables()
    bulks = {}
    facts = file.facts
    with regular_file(file.path) as descriptor:
        try:
            for table in layout.TABLES:
                for column in table.columns:
                    path = f"{table.name}/{column.name}"
                    if path not in file.datasets:
                        continue
                    values = _read_column(descriptor, path, file.datasets[path])
                    if isinstance(column, Text):
                        name = f"{path}_offsets"
                        offsets = _read_column(descriptor, name, file.datasets[name])
                        tables.texts[path] = _checked_text(path, values, offsets)
                    elif values.size % column.width:
                        raise FlawError(f"/{path} does not end with a whole row")
                    else:
                        shape = (-1, column.width) if column.width > 1 else (-1,)
                        tables.columns[path] = values.reshape(shape)
                tables.fill(table)
                for bulk in table.bulks:
                    path = f"{table.name}/{bulk.name}"
                    if path in file.datasets:
                        bulks[path] = _bulk_index(descriptor, number, path, file.datasets)
            if facts.metadata is None:
                data = _read_column(descriptor, "metadata", file.datasets["metadata"])
                facts = replace(facts, metadata=parsed_metadata(data.tobytes()))
        except FlawError as flaw:
            raise RunError(f"{file.path} is damaged: {flaw.remedied()}") from flaw
    return _Piece(facts, tables, bulks, file.notices)


def _read_column(descriptor: int, path: str, stored: Stored) -> NDArray[Any]:
    """A whole column, its checksum compared."""
    dtype = stored.spec.dtype
    values = np.empty(stored.length, dtype)
    for index, start in enumerate(range(0, stored.length, stored.chunk)):
        packed = os.pread(descriptor, int(stored.sizes[index]), int(stored.offsets[index]))
        count = min(stored.chunk, stored.length - start)
        try:
            values[start : start + count] = unpack(packed, dtype, stored.chunk)[:count]
        except RunError as problem:
            raise FlawError(f"/{path}: {problem}") from problem
    if stored.crc32 is not None and crc32(values) != stored.crc32:
        raise FlawError(f"/{path} does not match its checksum")
    return values


def _checked_text(path: str, data: NDArray[Any], offsets: NDArray[Any]) -> TextColumn:
    if not offsets.size or offsets[0] != 0 or offsets[-1] != data.size:
        raise FlawError(f"/{path}_offsets does not span /{path}")
    if (np.diff(offsets) < 0).any():
        raise FlawError(f"/{path}_offsets runs backwards")
    try:
        data.tobytes().decode()
    except UnicodeDecodeError as problem:
        raise FlawError(f"/{path} is not UTF-8 ({problem.reason})") from problem
    starts = offsets[:-1][offsets[:-1] < data.size]
    # A continuation byte at a start means that an offset cuts a character in two.
    if ((data[starts] & 0xC0) == 0x80).any():
        raise FlawError(f"/{path}_offsets cuts a character in two")
    return TextColumn(data, offsets)


def _bulk_index(descriptor: int, number: int, path: str, datasets: dict[str, Stored]) -> BulkIndex:
    stored = datasets[path]
    checksums = _read_column(descriptor, f"{path}_crc32", datasets[f"{path}_crc32"])
    if checksums.size != stored.offsets.size:
        raise FlawError(
            f"/{path}_crc32 has {checksums.size} checksums for {stored.offsets.size} chunks"
        )
    files = np.full(stored.offsets.size, number, np.int32)
    return BulkIndex(
        stored.spec.dtype, stored.chunk, files, stored.offsets, stored.sizes, checksums
    )


def _behind(parts: Sequence[BulkIndex]) -> BulkIndex:
    """The chunks of several files, one file's after another's."""
    return BulkIndex(
        parts[0].dtype,
        parts[0].chunk,
        np.concatenate([part.file for part in parts]),
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.size for part in parts]),
        np.concatenate([part.crc32 for part in parts]),
    )


def _joined_bulk(
    name: str, facts: Facts, parts: Iterable[tuple[int, Mapping[str, BulkIndex]]]
) -> BulkIndex:
    """The chunks of several ranks, each with the number of its first file."""
    bulk = dict(layout.bulk_paths())[name]
    none = BulkIndex(
        bulk.dtype or CODECS[facts.codec].dtype,
        bulk.chunk,
        np.zeros(0, np.int32),
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
        np.zeros(0, np.uint32),
    )
    own = [
        replace(bulks[name], file=bulks[name].file + np.int32(first))
        for first, bulks in parts
        if name in bulks
    ]
    return _behind([none, *own])
