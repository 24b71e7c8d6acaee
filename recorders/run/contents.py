"""A run's tables and where its bulk values lie, from a sealed file or a folder of parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run import broken, layout
from recorders.run.address import Address
from recorders.run.bounds import flawed_tables
from recorders.run.codec import CODECS, crc32, unpack
from recorders.run.errors import FlawError, RunError
from recorders.run.facts import Facts, parsed_metadata
from recorders.run.finding import Finding
from recorders.run.guard import Inspected, Stored, inspect
from recorders.run.layout import Table, Text
from recorders.run.merge import Merged, RankTables, merge
from recorders.run.origin import common_facts, incomplete, whole_facts, with_left_out
from recorders.run.parts import PARTS_SUFFIX, segments
from recorders.run.remote.options import Remote
from recorders.run.source import Identity, Source, open_source
from recorders.run.tables import Tables, TextColumn
from recorders.run.workers import each

_ANY = 1 << 62
"""Length of what is not read; no offset lies beyond it."""


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
        damage: parts that the run is read without.
        broken: bulk datasets that cannot be read, and the sentence that says why, by path.
        source: the file of a sealed run, held open; None for parts.
    """

    path: Address
    facts: Facts
    tables: Tables
    bulks: dict[str, BulkIndex]
    files: tuple[Address, ...]
    identities: tuple[Identity, ...]
    size: int
    notices: tuple[str, ...]
    damage: tuple[Finding, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    source: Source | None = None


def load(
    path: Address,
    remote: Remote | None = None,
    *,
    trusted: bool = False,
    ranks: Mapping[int, Sequence[Path]] | None = None,
    lost: Sequence[str] = (),
) -> Contents:
    """Check a run and read its tables.

    Args:
        path: a sealed file, or a folder of parts; a file that is not there yet stands for its
            parts folder ``path.parts``.
        remote: how another machine is asked.
        trusted: whether this very program wrote it; HDF5 then opens it in this process.
        ranks: the parts to read of each rank, where not all that the folder should hold.
        lost: what the others held, in sentences.

    Raises:
        RunError: it is missing, not a run, or damaged; the sentence says which and the remedy.
    """
    if isinstance(path, Path):
        parts = path.with_name(path.name + PARTS_SUFFIX)
        if not path.exists() and parts.is_dir():
            path = parts
        if path.is_dir():
            return _load_parts(path, trusted, ranks, lost)
    source = open_source(path, remote)
    try:
        (file,) = inspect([source], trusted=trusted)
        piece = _read_file(0, file, source)
        facts = whole_facts(path, piece.facts)
        contents = _contents(path, facts, {0: [piece]}, [file], [])
    except BaseException:
        source.close()
        raise
    return replace(contents, source=source)


def _load_parts(
    folder: Path,
    trusted: bool,
    chosen: Mapping[int, Sequence[Path]] | None,
    lost: Sequence[str],
) -> Contents:
    ranks = segments(folder) if chosen is None else chosen
    inspected = inspect([file for own in ranks.values() for file in own], trusted=trusted)
    pieces = []
    for number, file in enumerate(inspected):
        with closing(open_source(file.path)) as source:
            pieces.append(_read_file(number, file, source))
    by_rank = dict(zip(ranks, _split(pieces, [len(own) for own in ranks.values()]), strict=True))
    facts = common_facts(folder, {r: [piece.facts for piece in own] for r, own in by_rank.items()})
    counts = {rank: len(own) for rank, own in ranks.items()}
    missing = incomplete(folder, facts, counts, partly=chosen is not None)
    return _contents(folder, facts, by_rank, inspected, missing, lost)


def _contents(
    path: Address,
    facts: Facts,
    by_rank: Mapping[int, Sequence[_Piece]],
    files: Sequence[Inspected],
    missing: Sequence[str],
    lost: Sequence[str] = (),
) -> Contents:
    damage = _Damage()
    try:
        merged = _merged(by_rank, damage)
    except FlawError as flaw:
        raise RunError(f"{path} is damaged: {flaw.remedied()}") from flaw
    pieces = [piece for own in by_rank.values() for piece in own]
    notices = [notice for piece in pieces for notice in piece.notices]
    left_out = [*lost, *merged.left_out, *missing]
    return Contents(
        path,
        with_left_out(facts, left_out),
        merged.tables,
        {name: _joined_bulk(name, facts, pieces) for name, _ in layout.bulk_paths()},
        tuple(file.path for file in files),
        tuple(file.identity for file in files),
        sum(file.size for file in files),
        tuple(dict.fromkeys([*notices, *damage.sentences, *merged.notices, *left_out])),
        tuple(damage.found),
        {bulk: f"{path} is damaged: {flaw}" for bulk, flaw in damage.broken.items()},
    )


def check_part(path: Path) -> None:
    """Check one part of a run by itself, all but its bulk values.

    Raises:
        RunError: something in it is damaged.
    """
    (file,) = inspect([path])
    with closing(open_source(path)) as source:
        piece = _read_file(0, file, source)
    for flaw in piece.flaws.values():
        raise RunError(f"{path} is damaged: {flaw}")


@dataclass(frozen=True)
class _Piece:
    facts: Facts
    tables: Tables
    bulks: dict[str, BulkIndex]
    flaws: dict[str, str]
    notices: tuple[str, ...]


class _Damage:
    """What a run is read without."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.broken: dict[str, str] = {}

    @property
    def sentences(self) -> list[str]:
        """The findings for people, each with its remedy."""
        return [f"damaged: {one.what}" for one in self.found]

    def add(self, part: str, flaw: str) -> None:
        """Note a damaged part once, however many files it is damaged in."""
        if all(one.where != f"/{part}" for one in self.found):
            self.found.append(broken.finding(part, flaw))
        for bulk in broken.bulks_of(part):
            self.broken.setdefault(bulk, flaw)


def _split(pieces: list[_Piece], counts: list[int]) -> Iterator[list[_Piece]]:
    start = 0
    for count in counts:
        yield pieces[start : start + count]
        start += count


def _merged(by_rank: Mapping[int, Sequence[_Piece]], damage: _Damage) -> Merged:
    """All tables as those of one run, their numbers checked, without those that are damaged."""
    # Offsets count through all ranks, so that a bulk dataset is broken in all of them or in none.
    for piece in (piece for pieces in by_rank.values() for piece in pieces):
        for part, flaw in piece.flaws.items():
            if broken.bulks_of(part):
                damage.add(part, flaw)
    ranks = []
    for rank, pieces in by_rank.items():
        tables = Tables.joined([piece.tables for piece in pieces])
        lengths = {
            path: sum(piece.bulks[path].length for piece in pieces if path in piece.bulks)
            for path, _ in layout.bulk_paths()
        }
        for part, flaw in [item for piece in pieces for item in piece.flaws.items()]:
            if not broken.bulks_of(part):
                _do_without(tables, part, flaw, damage)
        # Nothing is known of how long a broken one was, and nothing is read of it.
        within = {path: _ANY if path in damage.broken else lengths[path] for path in lengths}
        for part, flaw in flawed_tables(tables, within):
            _do_without(tables, part, flaw, damage)
        ranks.append(RankTables(rank, tables, lengths))
    return merge(ranks) if len(ranks) > 1 else Merged(ranks[0].tables)


def _do_without(tables: Tables, part: str, flaw: str, damage: _Damage) -> None:
    """Drop a damaged table from one rank's.

    Raises:
        FlawError: it is one that nothing can be read without.
    """
    if not broken.can_do_without(part):
        raise FlawError(flaw)
    damage.add(part, flaw)
    broken.drop(tables, part, flaw)


def _read_file(number: int, file: Inspected, source: Source) -> _Piece:
    """The tables of one file; bulk values stay where they are."""
    tables = Tables()
    bulks: dict[str, BulkIndex] = {}
    flaws = dict(file.flaws)
    facts = file.facts
    if source.identity != file.identity:
        raise RunError(f"{file.path} was replaced meanwhile; open it again")
    columns = [stored for stored in file.datasets.values() if stored.spec.encoding != "bulk"]
    offsets = [offset for stored in columns for offset in stored.offsets.tolist()]
    sizes = [size for stored in columns for size in stored.sizes.tolist()]
    with source.ahead(offsets, sizes):
        try:
            for table in layout.TABLES:
                if table.name not in flaws:
                    try:
                        _read_table(source, table, file.datasets, tables)
                    except FlawError as flaw:
                        flaws[table.name] = str(flaw)
                for bulk in table.bulks:
                    path = f"{table.name}/{bulk.name}"
                    if path in file.datasets and not flaws.keys() & {table.name, path}:
                        try:
                            bulks[path] = _bulk_index(source, number, path, file.datasets)
                        except FlawError as flaw:
                            flaws[path] = str(flaw)
            if facts.metadata is None:
                data = _read_column(source, "metadata", file.datasets["metadata"])
                facts = replace(facts, metadata=parsed_metadata(data.tobytes()))
        except FlawError as flaw:
            raise RunError(f"{file.path} is damaged: {flaw.remedied()}") from flaw
    return _Piece(facts, tables, bulks, flaws, file.notices)


def _read_table(
    source: Source, table: Table, datasets: Mapping[str, Stored], tables: Tables
) -> None:
    columns: dict[str, NDArray[Any]] = {}
    texts: dict[str, TextColumn] = {}
    for column in table.columns:
        path = f"{table.name}/{column.name}"
        if path not in datasets:
            continue
        values = _read_column(source, path, datasets[path])
        if isinstance(column, Text):
            name = f"{path}_offsets"
            if name not in datasets:
                raise FlawError(f"/{table.name} has no dataset {column.name}_offsets")
            texts[path] = _checked_text(path, values, _read_column(source, name, datasets[name]))
        elif values.size % column.width:
            raise FlawError(f"/{path} does not end with a whole row")
        else:
            shape = (-1, column.width) if column.width > 1 else (-1,)
            columns[path] = values.reshape(shape)
    tables.columns.update(columns)
    tables.texts.update(texts)
    tables.fill(table)


def _read_column(source: Source, path: str, stored: Stored) -> NDArray[Any]:
    """A whole column, its checksum compared."""
    dtype = stored.spec.dtype
    values = np.empty(stored.length, dtype)
    # Never on the threads that unpack: a disk that hangs would keep the program from ending.
    packed = [
        source.pread(size, offset)
        for size, offset in zip(stored.sizes.tolist(), stored.offsets.tolist(), strict=True)
    ]

    def place(number: int) -> None:
        part = values[number * stored.chunk : (number + 1) * stored.chunk]
        part[:] = unpack(packed[number], dtype, stored.chunk)[: part.size]

    try:
        each(place, range(len(packed)))
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


def _bulk_index(source: Source, number: int, path: str, datasets: dict[str, Stored]) -> BulkIndex:
    stored = datasets[path]
    if f"{path}_crc32" not in datasets:
        raise FlawError(f"/{path} has no checksums")
    checksums = _read_column(source, f"{path}_crc32", datasets[f"{path}_crc32"])
    if checksums.size != stored.offsets.size:
        raise FlawError(
            f"/{path}_crc32 has {checksums.size} checksums for {stored.offsets.size} chunks"
        )
    files = np.full(stored.offsets.size, number, np.int32)
    return BulkIndex(
        stored.spec.dtype, stored.chunk, files, stored.offsets, stored.sizes, checksums
    )


def _joined_bulk(name: str, facts: Facts, pieces: Iterable[_Piece]) -> BulkIndex:
    bulk = dict(layout.bulk_paths())[name]
    parts = [piece.bulks[name] for piece in pieces if name in piece.bulks]
    return BulkIndex(
        bulk.dtype or CODECS[facts.codec].dtype,
        bulk.chunk,
        np.concatenate([np.zeros(0, np.int32), *(part.file for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.offset for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.size for part in parts)]),
        np.concatenate([np.zeros(0, np.uint32), *(part.crc32 for part in parts)]),
    )
