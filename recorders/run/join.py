"""Sealing: the parts of a recording become one file, chunks copied as they are."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from recorders.run import layout
from recorders.run.address import Address
from recorders.run.arranged import Arranged
from recorders.run.codec import crc32
from recorders.run.contents import BulkIndex, Contents, load
from recorders.run.durable import DiskFile, replacing
from recorders.run.errors import RunError
from recorders.run.facts import Facts
from recorders.run.image import create, table_group, write_root, write_tables
from recorders.run.layout import Dataset
from recorders.run.source import open_source


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
    with replacing(out) as descriptor:
        sink = DiskFile(descriptor)
        with h5py.File(sink, "w", libver=("v110", "v110")) as file:
            write_root(file, _sealed(contents.facts))
            columns = Arranged()
            write_tables(file, contents.tables, columns.column)
            bulks = _begin_bulks(contents, file, columns)
            columns.write_first()
            _copy_bulks(contents, bulks, sink, slice(0, 1))
            # HDF5 makes room for what it still holds back, as the names in a group, only now.
            file.flush()
            columns.write_rest()
            _copy_bulks(contents, bulks, sink, slice(1, None))
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


def _begin_bulks(
    contents: Contents, file: h5py.File, columns: Arranged
) -> list[tuple[BulkIndex, h5py.Dataset]]:
    """Headers of the bulk datasets and of their checksums."""
    begun = []
    for table in layout.TABLES:
        for bulk in table.bulks:
            index = contents.bulks[f"{table.name}/{bulk.name}"]
            if index.length:
                group = table_group(file, table)
                spec = Dataset(bulk.name, index.dtype, "bulk", bulk.unit, bulk.chunk)
                begun.append((index, create(group, spec, index.length, bulk.chunk)))
                checksums = Dataset(f"{bulk.name}_crc32", "<u4", "chunk-checksums")
                columns.column(group, checksums, index.crc32)
    return begun


def _copy_bulks(
    contents: Contents, bulks: list[tuple[BulkIndex, h5py.Dataset]], sink: DiskFile, which: slice
) -> None:
    for index, dataset in bulks:
        _copy_chunks(contents.files, index, dataset, sink, which)


def _copy_chunks(
    files: tuple[Address, ...],
    index: BulkIndex,
    dataset: h5py.Dataset,
    sink: DiskFile,
    which: slice,
) -> None:
    numbers = np.arange(index.file.size)[which]
    for number in np.unique(index.file[numbers]):
        with closing(open_source(files[number])) as source:
            for chunk in numbers[index.file[numbers] == number]:
                packed = source.pread(int(index.size[chunk]), int(index.offset[chunk]))
                if crc32(packed) != index.crc32[chunk]:
                    raise RunError(
                        f"{files[number]} is damaged: chunk {chunk} of {dataset.name} does not "
                        "match its checksum; remove this part and those after it to keep the rest"
                    )
                dataset.id.write_direct_chunk((int(chunk) * index.chunk,), packed)
                sink.check()
