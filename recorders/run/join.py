"""Sealing: the parts of a recording become one file, chunks copied as they are."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from recorders.run import layout
from recorders.run.codec import crc32
from recorders.run.contents import BulkIndex, Contents, load
from recorders.run.durable import DiskFile, remove_abandoned, replacing
from recorders.run.errors import RunError
from recorders.run.facts import Facts
from recorders.run.guard import regular_file
from recorders.run.image import create, table_group, write_column, write_root, write_tables
from recorders.run.layout import Dataset
from recorders.run.origin import with_left_out


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
            f"{parts} is damaged: {contents.damage[0].what}; hardattn recover {parts} keeps the "
            "rest"
        )
    write_joined(contents, out)


def write_joined(contents: Contents, out: Path, *, keep_damaged: bool = False) -> list[str]:
    """Write a run whose parts are known into one sealed file.

    Args:
        contents: the parts.
        out: the file to make; an older one of that name is replaced at the very end.
        keep_damaged: whether a chunk that does not match its checksum is copied as it is, so that
            all but what lies in it can be read.

    Returns:
        A sentence for each damaged chunk.

    Raises:
        RunError: a chunk is damaged and shall not be kept.
        OSError: the disk refused; nothing was left behind.
    """
    remove_abandoned(out)
    with replacing(out) as descriptor:
        sink = DiskFile(descriptor)
        with h5py.File(sink, "w", libver=("v110", "v110")) as file:
            write_tables(file, contents.tables)
            damaged = _copy_bulks(contents, file, sink, keep_damaged)
            write_root(file, _sealed(with_left_out(contents.facts, damaged)))
        sink.check()
    return damaged


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


def _copy_bulks(
    contents: Contents, file: h5py.File, sink: DiskFile, keep_damaged: bool
) -> list[str]:
    damaged = []
    for table in layout.TABLES:
        for bulk in table.bulks:
            index = contents.bulks[f"{table.name}/{bulk.name}"]
            if not index.length:
                continue
            group = table_group(file, table)
            spec = Dataset(bulk.name, index.dtype, "bulk", bulk.unit, bulk.chunk)
            dataset = create(group, spec, index.length, bulk.chunk)
            for path, chunk in _copy_chunks(contents.files, index, dataset, sink):
                what = f"chunk {chunk} of {dataset.name} does not match its checksum"
                if not keep_damaged:
                    raise RunError(
                        f"{path} is damaged: {what}; hardattn recover {path.parent} keeps the rest"
                    )
                damaged.append(f"{path.name} is damaged: {what}, so nothing in it can be read")
            checksums = Dataset(f"{bulk.name}_crc32", "<u4", "chunk-checksums")
            write_column(group, checksums, index.crc32)
    return damaged


def _copy_chunks(
    files: tuple[Path, ...], index: BulkIndex, dataset: h5py.Dataset, sink: DiskFile
) -> Iterator[tuple[Path, int]]:
    """Copy all chunks of a bulk dataset; yields those that do not match their checksums."""
    for number in np.unique(index.file):
        with regular_file(files[number]) as source:
            for chunk in np.flatnonzero(index.file == number):
                packed = os.pread(source, int(index.size[chunk]), int(index.offset[chunk]))
                if crc32(packed) != index.crc32[chunk]:
                    yield files[number], int(chunk)
                dataset.id.write_direct_chunk((int(chunk) * index.chunk,), packed)
                sink.check()
