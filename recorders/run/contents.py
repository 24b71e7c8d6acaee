"""A run's tables and where its bulk values lie, from a sealed file or a folder of parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.address import Address
from recorders.run.bounds import check_tables
from recorders.run.codec import CODECS, crc32, unpack
from recorders.run.errors import FlawError, RunError
from recorders.run.guard import Inspected, Stored, inspect, parsed_metadata
from recorders.run.image import Facts
from recorders.run.layout import Text
from recorders.run.merge import Merged, RankTables, merge
from recorders.run.origin import common_facts, incomplete, whole_facts, with_left_out
from recorders.run.parts import PARTS_SUFFIX, segments
from recorders.run.remote.options import Remote
from recorders.run.source import Identity, Source, open_source
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
        source: the file of a sealed run, held open; None for parts.
        size: their bytes together.
        notices: what a reader may want to say, in sentences.
    """

    path: Address
    facts: Facts
    tables: Tables
    bulks: dict[str, BulkIndex]
    files: tuple[Address, ...]
    identities: tuple[Identity, ...]
    source: Source | None
    size: int
    notices: tuple[str, ...]


def load(path: Address, remote: Remote | None = None) -> Contents:
    """Check a run and read its tables.

    Args:
        path: a sealed file, or a folder of parts; a file that is not there yet stands for its
            parts folder ``path.parts``.
        remote: how another machine is asked.

    Raises:
        RunError: it is missing, not a run, or damaged; the sentence says which and the remedy.
    """
    if isinstance(path, Path):
        parts = path.with_name(path.name + PARTS_SUFFIX)
        if not path.exists() and parts.is_dir():
            path = parts
        if path.is_dir():
            return _load_parts(path)
    source = open_source(path, remote)
    try:
        file = inspect(source)
        piece = _read_file(0, file)
        facts = whole_facts(path, piece.facts)
        merged = _merged(path, {0: [piece]})
    except BaseException:
        source.close()
        raise
    return Contents(
        path,
        facts,
        merged.tables,
        {name: _joined_bulk(name, facts, [piece]) for name, _ in layout.bulk_paths()},
        (path,),
        (source.identity,),
        source,
        source.size,
        tuple(dict.fromkeys([*piece.notices, *merged.notices])),
    )


def _load_parts(folder: Path) -> Contents:
    ranks = segments(folder)
    files = [file for own in ranks.values() for file in own]
    pieces, identities, size = [], [], 0
    for number, path in enumerate(files):
        with closing(open_source(path)) as source:
            pieces.append(_read_file(number, inspect(source)))
            identities.append(source.identity)
            size += source.size
    by_rank = dict(zip(ranks, _split(pieces, [len(own) for own in ranks.values()]), strict=True))
    facts = common_facts(folder, {r: [piece.facts for piece in own] for r, own in by_rank.items()})
    merged = _merged(folder, by_rank)
    counts = {rank: len(own) for rank, own in ranks.items()}
    left_out = [*merged.left_out, *incomplete(folder, facts, counts)]
    notices = [notice for piece in pieces for notice in piece.notices]
    return Contents(
        folder,
        with_left_out(facts, left_out),
        merged.tables,
        {name: _joined_bulk(name, facts, pieces) for name, _ in layout.bulk_paths()},
        tuple(files),
        tuple(identities),
        None,
        size,
        tuple(dict.fromkeys([*notices, *merged.notices, *left_out])),
    )


@dataclass(frozen=True)
class _Piece:
    facts: Facts
    tables: Tables
    bulks: dict[str, BulkIndex]
    notices: tuple[str, ...]


def _split(pieces: list[_Piece], counts: list[int]) -> Iterator[list[_Piece]]:
    start = 0
    for count in counts:
        yield pieces[start : start + count]
        start += count


def _merged(where: Address, by_rank: Mapping[int, Sequence[_Piece]]) -> Merged:
    """All tables as those of one run, their numbers checked."""
    ranks = []
    try:
        for rank, pieces in by_rank.items():
            tables = Tables.joined([piece.tables for piece in pieces])
            lengths = {
                path: sum(piece.bulks[path].length for piece in pieces if path in piece.bulks)
                for path, _ in layout.bulk_paths()
            }
            check_tables(tables, lengths)
            ranks.append(RankTables(rank, tables, lengths))
        return merge(ranks) if len(ranks) > 1 else Merged(ranks[0].tables)
    except FlawError as flaw:
        raise RunError(f"{where} is damaged: {flaw.remedied()}") from flaw


def _read_file(number: int, file: Inspected) -> _Piece:
    """The tables of one file; bulk values stay where they are."""
    tables = Tables()
    bulks = {}
    facts = file.facts
    source = file.source
    columns = [stored for stored in file.datasets.values() if stored.spec.encoding != "bulk"]
    offsets = np.concatenate([np.zeros(0, np.int64), *(stored.offsets for stored in columns)])
    sizes = np.concatenate([np.zeros(0, np.int64), *(stored.sizes for stored in columns)])
    with source.ahead(offsets.tolist(), sizes.tolist()):
        try:
            for table in layout.TABLES:
                for column in table.columns:
                    path = f"{table.name}/{column.name}"
                    if path not in file.datasets:
                        continue
                    values = _read_column(source, path, file.datasets[path])
                    if isinstance(column, Text):
                        name = f"{path}_offsets"
                        offsets = _read_column(source, name, file.datasets[name])
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
                        bulks[path] = _bulk_index(source, number, path, file.datasets)
            if facts.metadata is None:
                data = _read_column(source, "metadata", file.datasets["metadata"])
                facts = replace(facts, metadata=parsed_metadata(data.tobytes()))
        except FlawError as flaw:
            raise RunError(f"{source.address} is damaged: {flaw.remedied()}") from flaw
    return _Piece(facts, tables, bulks, file.notices)


def _read_column(source: Source, path: str, stored: Stored) -> NDArray[Any]:
    """A whole column, its checksum compared."""
    dtype = stored.spec.dtype
    values = np.empty(stored.length, dtype)
    for index, start in enumerate(range(0, stored.length, stored.chunk)):
        packed = source.pread(int(stored.sizes[index]), int(stored.offsets[index]))
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


def _bulk_index(source: Source, number: int, path: str, datasets: dict[str, Stored]) -> BulkIndex:
    stored = datasets[path]
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
