"""Sealing: the parts of a recording become one file, chunks copied as they are."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from recorders.run import layout
from recorders.run.address import Address
from recorders.run.arranged import Arranged
from recorders.run.bulks import BulkIndex
from recorders.run.codec import crc32
from recorders.run.contents import Contents, load
from recorders.run.durable import DiskFile, remove_abandoned, replacing
from recorders.run.errors import RunError
from recorders.run.facts import Facts
from recorders.run.image import (
    create,
    create_column,
    finish_column,
    table_group,
    write_root,
    write_tables,
)
from recorders.run.layout import Bulk, Dataset, Table
from recorders.run.levels import Levels, levels_of, packed_levels, with_levels
from recorders.run.origin import with_left_out
from recorders.run.source import open_source
from recorders.run.tables import Tables


def join(parts: Path, out: Path, *, trusted: bool = False) -> None:
    """Join a folder of parts into one sealed file; the parts stay where they are.

    Args:
        parts: the folder that a Recorder wrote, or that a killed one left behind.
        out: the file to make; an older one of that name is replaced at the very end.
        trusted: whether this very program wrote the parts.

    Raises:
        RunError: the parts are missing or damaged.
        OSError: the disk refused; nothing was left behind.
    """
    contents = _own(parts) if trusted else load(parts)
    if contents.damage:
        raise RunError(
            f"{parts} is damaged: {contents.damage[0].what}; hardattn recover {parts} keeps the "
            "rest"
        )
    seal(contents, out)


def unheard(done: int, total: int) -> None:
    """Nobody wants to know how far it is."""


def seal(
    contents: Contents,
    out: Path,
    *,
    keep_damaged: bool = False,
    told: Callable[[int, int], None] = unheard,
) -> list[str]:
    """Write a run that lies in parts, or in another file, as one sealed file.

    Args:
        contents: the run.
        out: the file to make; an older one of that name is replaced at the very end.
        keep_damaged: whether a chunk that does not match its checksum is copied as it is, so that
            all but what lies in it can be read.
        told: called again and again with the bytes done so far and those there are; an exception
            of it ends the sealing, and nothing is left behind.

    Returns:
        A sentence for each damaged chunk.

    Raises:
        RunError: a chunk is damaged and shall not be kept.
        OSError: the disk refused; nothing was left behind.
    """
    remove_abandoned(out)
    progress = _Progress(contents, told, rounds=2 if keep_damaged else 1)
    damaged = list(_damaged(contents, progress)) if keep_damaged else []
    # Of a map that cannot be read there is no coarser level either.
    levels = levels_of(Tables() if damaged else contents.tables)
    with replacing(out) as descriptor:
        sink = DiskFile(descriptor)
        with _interruptible(), h5py.File(sink, "w", libver=("v110", "v110")) as file:
            write_root(file, _sealed(with_left_out(contents.facts, damaged)))
            columns = Arranged()
            write_tables(file, with_levels(contents.tables, levels), columns.column)
            bulks = _begin_bulks(contents, file, columns)
            coarser = _LevelWriter(contents, levels, file) if levels.length else None
            columns.write_first()
            _copy_bulks(contents, bulks, sink, slice(0, 1), keep_damaged, progress)
            if coarser is not None:
                coarser.write_first()
            # HDF5 makes room for what it still holds back, as the names in a group, only now.
            file.flush()
            columns.write_rest()
            if coarser is not None:
                coarser.write_rest(sink)
            _copy_bulks(contents, bulks, sink, slice(1, None), keep_damaged, progress)
        sink.check()
    return damaged


def _own(parts: Path) -> Contents:
    """Parts that this program wrote.

    Ctrl+C that comes while HDF5 reads them through our file looks like damage, so whether they are
    damaged is told by a process that nobody interrupts.
    """
    try:
        contents = load(parts, trusted=True)
    except RunError:
        return load(parts)
    return load(parts) if contents.damage else contents


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl+C be Ctrl+C.

    One that comes while HDF5 writes through our file makes closing fail as well, and that failure
    would hide it.
    """
    try:
        yield
    except Exception as problem:
        first: BaseException | None = problem
        while first is not None:
            if not isinstance(first, Exception):
                raise first from None
            first = first.__context__
        raise


def new_run() -> str:
    """A random name for a recording."""
    return secrets.token_hex(16)


def _sealed(facts: Facts) -> Facts:
    # Parts of format 1.0 have no name yet.
    return replace(
        facts,
        sealed=True,
        run=facts.run or new_run(),
        rank=0,
        segment=0,
        format_version=layout.FORMAT_VERSION,
    )


class _Progress:
    """Adds up what was read of the bulk values, and tells."""

    def __init__(self, contents: Contents, told: Callable[[int, int], None], rounds: int) -> None:
        self._told = told
        self._done = 0
        self._total = rounds * sum(int(index.size.sum()) for index in contents.bulks.values())

    def add(self, count: int) -> None:
        """So many bytes more were read."""
        self._done += count
        self._told(self._done, self._total)


class _LevelWriter:
    """Writes the coarser levels as they are made, and their checksums after them."""

    def __init__(self, contents: Contents, levels: Levels, file: h5py.File) -> None:
        table, (bulk,) = layout.DETAILS, layout.DETAILS.bulks
        self._chunk = bulk.chunk
        self._dataset, group = _bulk_dataset(file, table, bulk, bulk.dtype, levels.length)
        self._crc32 = np.zeros(levels.length // bulk.chunk, np.uint32)
        self._checksums = create_column(group, _checksums(bulk), self._crc32.size)
        self._packed = packed_levels(contents, levels)

    def write_first(self) -> None:
        """Write one chunk."""
        for chunk, packed in self._packed:
            self._write(chunk, packed)
            return

    def write_rest(self, sink: DiskFile) -> None:
        """Write all others."""
        for chunk, packed in self._packed:
            self._write(chunk, packed)
            sink.check()
        finish_column(self._checksums, self._crc32)

    def _write(self, chunk: int, packed: bytes) -> None:
        self._dataset.id.write_direct_chunk((chunk * self._chunk,), packed)
        self._crc32[chunk] = crc32(packed)


def _begin_bulks(
    contents: Contents, file: h5py.File, columns: Arranged
) -> list[tuple[BulkIndex, h5py.Dataset]]:
    """Headers of the bulk datasets and of their checksums."""
    begun = []
    # Levels that there may be are made anew.
    for table in (table for table in layout.TABLES if table is not layout.DETAILS):
        for bulk in table.bulks:
            index = contents.bulks[f"{table.name}/{bulk.name}"]
            if index.length:
                dataset, group = _bulk_dataset(file, table, bulk, index.dtype, index.length)
                begun.append((index, dataset))
                columns.column(group, _checksums(bulk), index.crc32)
    return begun


def _bulk_dataset(
    file: h5py.File, table: Table, bulk: Bulk, dtype: str, length: int
) -> tuple[h5py.Dataset, h5py.Group]:
    group = table_group(file, table)
    spec = Dataset(bulk.name, dtype, "bulk", bulk.unit, bulk.chunk)
    return create(group, spec, length, bulk.chunk), group


def _checksums(bulk: Bulk) -> Dataset:
    return Dataset(f"{bulk.name}_crc32", "<u4", "chunk-checksums")


def _damaged(contents: Contents, progress: _Progress) -> Iterator[str]:
    """A sentence for each chunk that does not match its checksum."""
    for table in (table for table in layout.TABLES if table is not layout.DETAILS):
        for bulk in table.bulks:
            index = contents.bulks[f"{table.name}/{bulk.name}"]
            where = f"/{table.name}/{bulk.name}"
            for path, chunk, packed in _stored(contents.files, index, slice(None)):
                progress.add(len(packed))
                if crc32(packed) != index.crc32[chunk]:
                    name = path.name if isinstance(path, Path) else str(path)
                    what = f"chunk {chunk} of {where} does not match its checksum"
                    yield f"{name} is damaged: {what}, so nothing in it can be read"


def _copy_bulks(
    contents: Contents,
    bulks: list[tuple[BulkIndex, h5py.Dataset]],
    sink: DiskFile,
    which: slice,
    keep_damaged: bool,
    progress: _Progress,
) -> None:
    for index, dataset in bulks:
        for path, chunk, packed in _stored(contents.files, index, which):
            if not keep_damaged and crc32(packed) != index.crc32[chunk]:
                parts = path.parent if isinstance(path, Path) else path
                raise RunError(
                    f"{path} is damaged: chunk {chunk} of {dataset.name} does not match its "
                    f"checksum; hardattn recover {parts} keeps the rest"
                )
            dataset.id.write_direct_chunk((chunk * index.chunk,), packed)
            sink.check()
            progress.add(len(packed))


def _stored(
    files: tuple[Address, ...], index: BulkIndex, which: slice
) -> Iterator[tuple[Address, int, bytes]]:
    """File, number and stored bytes of these chunks of a bulk dataset."""
    numbers = np.arange(index.file.size)[which]
    for number in np.unique(index.file[numbers]):
        with closing(open_source(files[number])) as source:
            for chunk in numbers[index.file[numbers] == number]:
                packed = source.pread(int(index.size[chunk]), int(index.offset[chunk]))
                yield files[number], int(chunk), packed
