"""Sealing: the parts of a recording become one file, chunks copied as they are."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.codec import crc32
from recorders.run.contents import BulkIndex, Contents, load
from recorders.run.durable import DiskFile, replacing
from recorders.run.errors import RunError
from recorders.run.facts import Facts
from recorders.run.guard import regular_file
from recorders.run.image import create, table_group, write_column, write_root, write_tables
from recorders.run.layout import Bulk, Dataset, Table
from recorders.run.levels import Levels, levels_of, packed_levels, with_levels


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
    contents = load(parts, trusted=trusted)
    if contents.damage:
        raise RunError(
            f"{parts} is damaged: {contents.damage[0].what}; remove the damaged part and those "
            "after it to keep the rest"
        )
    seal(contents, out)


def seal(contents: Contents, out: Path) -> None:
    """Write a run that lies in parts, or in another file, as one sealed file.

    Args:
        contents: the run.
        out: the file to make; an older one of that name is replaced at the very end.

    Raises:
        RunError: a part is damaged.
        OSError: the disk refused; nothing was left behind.
    """
    levels = levels_of(contents.tables)
    with replacing(out) as descriptor:
        sink = DiskFile(descriptor)
        with h5py.File(sink, "w", libver=("v110", "v110")) as file:
            write_root(file, _sealed(contents.facts))
            write_tables(file, with_levels(contents.tables, levels))
            _copy_bulks(contents, file, sink)
            if levels.length:
                _write_levels(contents, levels, file, sink)
        sink.check()


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


def _write_levels(contents: Contents, levels: Levels, file: h5py.File, sink: DiskFile) -> None:
    table, (bulk,) = layout.DETAILS, layout.DETAILS.bulks
    dataset, group = _bulk_dataset(file, table, bulk, bulk.dtype, levels.length)
    checksums = np.zeros(levels.length // bulk.chunk, np.uint32)
    for chunk, packed in packed_levels(contents, levels):
        dataset.id.write_direct_chunk((chunk * bulk.chunk,), packed)
        checksums[chunk] = crc32(packed)
        sink.check()
    _write_checksums(group, bulk, checksums)


def _copy_bulks(contents: Contents, file: h5py.File, sink: DiskFile) -> None:
    # Levels that there may be are made anew.
    for table in (table for table in layout.TABLES if table is not layout.DETAILS):
        for bulk in table.bulks:
            index = contents.bulks[f"{table.name}/{bulk.name}"]
            if not index.length:
                continue
            dataset, group = _bulk_dataset(file, table, bulk, index.dtype, index.length)
            _copy_chunks(contents.files, index, dataset, sink)
            _write_checksums(group, bulk, index.crc32)


def _bulk_dataset(
    file: h5py.File, table: Table, bulk: Bulk, dtype: str, length: int
) -> tuple[h5py.Dataset, h5py.Group]:
    group = table_group(file, table)
    spec = Dataset(bulk.name, dtype, "bulk", bulk.unit, bulk.chunk)
    return create(group, spec, length, bulk.chunk), group


def _write_checksums(group: h5py.Group, bulk: Bulk, crc32: NDArray[np.uint32]) -> None:
    write_column(group, Dataset(f"{bulk.name}_crc32", "<u4", "chunk-checksums"), crc32)


def _copy_chunks(
    files: tuple[Path, ...], index: BulkIndex, dataset: h5py.Dataset, sink: DiskFile
) -> None:
    for number in np.unique(index.file):
        with regular_file(files[number]) as source:
            for chunk in np.flatnonzero(index.file == number):
                packed = os.pread(source, int(index.size[chunk]), int(index.offset[chunk]))
                if crc32(packed) != index.crc32[chunk]:
                    raise RunError(
                        f"{files[number]} is damaged: chunk {chunk} of {dataset.name} does not "
                        "match its checksum; remove this part and those after it to keep the rest"
                    )
                dataset.id.write_direct_chunk((int(chunk) * index.chunk,), packed)
                sink.check()
