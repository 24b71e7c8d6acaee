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
from recorders.run.codec import crc32
from recorders.run.contents import BulkIndex, Contents, load
from recorders.run.durable import DiskFile, replacing
from recorders.run.errors import RunError
from recorders.run.image import Facts, create, table_group, write_column, write_root, write_tables
from recorders.run.layout import Dataset
from recorders.run.source import open_source


def join(parts: Path, out: Path) -> None:
    """Join a folder of parts into one sealed file; the parts stay where they are.

    Args:
        parts: the folder that a Recorder wrote, or that a killed one left behind.
        out: the file to make; an older one of that name is replaced at the very end.

    Raises:
        RunError: the parts are missing or damaged.
        OSError: the disk refused; nothing was left behind.
    """
    contents = load(parts)
    with replacing(out) as descriptor:
        sink = DiskFile(descriptor)
        with h5py.File(sink, "w", libver=("v110", "v110")) as file:
            write_root(file, _sealed(contents.facts))
            write_tables(file, contents.tables)
            _copy_bulks(contents, file, sink)
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


def _copy_bulks(contents: Contents, file: h5py.File, sink: DiskFile) -> None:
    for table in layout.TABLES:
        for bulk in table.bulks:
            index = contents.bulks[f"{table.name}/{bulk.name}"]
            if not index.length:
                continue
            group = table_group(file, table)
            spec = Dataset(bulk.name, index.dtype, "bulk", bulk.unit, bulk.chunk)
            dataset = create(group, spec, index.length, bulk.chunk)
            _copy_chunks(contents.files, index, dataset, sink)
            checksums = Dataset(f"{bulk.name}_crc32", "<u4", "chunk-checksums")
            write_column(group, checksums, index.crc32)


def _copy_chunks(
    files: tuple[Address, ...], index: BulkIndex, dataset: h5py.Dataset, sink: DiskFile
) -> None:
    for number in np.unique(index.file):
        with closing(open_source(files[number])) as source:
            for chunk in np.flatnonzero(index.file == number):
                packed = source.pread(int(index.size[chunk]), int(index.offset[chunk]))
                if crc32(packed) != index.crc32[chunk]:
                    raise RunError(
                        f"{files[number]} is damaged: chunk {chunk} of {dataset.name} does not "
                        "match its checksum; remove this part and those after it to keep the rest"
                    )
                dataset.id.write_direct_chunk((int(chunk) * index.chunk,), packed)
                sink.check()
