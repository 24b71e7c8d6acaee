"""A run as an HDF5 file: root attributes, tables and stored chunks, by the layout."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5p, h5s, h5t
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.codec import CODECS, crc32, pack
from recorders.run.facts import Facts
from recorders.run.layout import Dataset, Table, Text
from recorders.run.tables import Tables

ColumnWriter = Callable[[h5py.Group, Dataset, NDArray[Any]], None]

_SCALAR = h5s.create(h5s.SCALAR)


def metadata_json(metadata: dict[str, Any] | None) -> bytes:
    """The metadata as it is stored.

    Raises:
        ValueError: it is not a JSON object, or too large.
    """
    try:
        text = json.dumps(metadata or {}, ensure_ascii=False, allow_nan=False, sort_keys=True)
        encoded = text.encode()
    except (TypeError, ValueError) as problem:
        raise ValueError(
            f"metadata must be plain JSON (strings, finite numbers, lists, dicts): {problem}"
        ) from problem
    if len(encoded) > layout.MAX_METADATA_BYTES:
        raise ValueError(f"metadata of {len(encoded):,} bytes is too large; keep a file beside it")
    return encoded


def write_root(file: h5py.File, facts: Facts) -> None:
    """Write the root attributes, and the metadata wherever it fits."""
    metadata = metadata_json(facts.metadata)
    values: dict[str, Any] = {
        "format": layout.FORMAT,
        "format_version": facts.format_version,
        "encoding": layout.FORMAT,
        "encoding_version": layout.ENCODING_VERSION,
        "producer": facts.producer,
        "created": facts.created,
        "sealed": facts.sealed,
        "codec": facts.codec,
        "codec_max_error": CODECS[facts.codec].max_error,
        "run": facts.run,
        "world": facts.world,
        "rank": facts.rank,
        "segment": facts.segment,
    }
    for attribute in layout.ROOT:
        if attribute.name in values:
            value = values[attribute.name]
            text = attribute.dtype == "S"
            file.attrs[attribute.name] = (
                np.bytes_(value.encode()) if text else np.dtype(attribute.dtype).type(value)
            )
    if len(metadata) <= layout.METADATA_ATTRIBUTE_LIMIT:
        file.attrs["metadata"] = np.bytes_(metadata)
    else:
        write_column(file, layout.METADATA, np.frombuffer(metadata, np.uint8))


def write_tables(file: h5py.File, tables: Tables, write: ColumnWriter | None = None) -> None:
    """Write every table that has rows; one without rows is left out.

    Args:
        file: where to.
        tables: the tables.
        write: writes one column; by default ``write_column``, which writes all of it at once.
    """
    write = write or write_column
    for table in layout.TABLES:
        if not table.columns or not tables.rows(table):
            continue
        group = table_group(file, table)
        for column in table.columns:
            path = f"{table.name}/{column.name}"
            if isinstance(column, Text):
                text = tables.texts[path]
                write(group, Dataset(column.name, "|u1", "text"), text.data)
                offsets = Dataset(f"{column.name}_offsets", "<i8", "text-offsets", "byte")
                write(group, offsets, text.offsets)
            else:
                spec = Dataset(column.name, column.dtype, "column", column.unit)
                write(group, spec, tables.columns[path].reshape(-1))


def table_group(file: h5py.File, table: Table) -> h5py.Group:
    """The group of a table, made when it is not there yet."""
    if table.name in file:
        return file[table.name]
    group = file.create_group(table.name)
    group.attrs["encoding"] = np.bytes_(b"table")
    group.attrs["encoding_version"] = np.bytes_(layout.ENCODING_VERSION.encode())
    return group


def write_column(group: h5py.Group, spec: Dataset, values: NDArray[Any]) -> None:
    """Write one column [n] in deflated chunks, with the checksum of its bytes."""
    dataset, values = begin_column(group, spec, values)
    for start, packed in packed_chunks(values, dataset.chunks[0]):
        dataset.id.write_direct_chunk((start,), packed)


def begin_column(
    group: h5py.Group, spec: Dataset, values: NDArray[Any]
) -> tuple[h5py.Dataset, NDArray[Any]]:
    """The header of a column with the checksum of its bytes; the values are still to be written.

    Returns:
        The dataset, and the values as they are to be written into it.
    """
    values = np.ascontiguousarray(values, spec.dtype)
    dataset = create_column(group, spec, values.size)
    dataset.attrs.modify("crc32", np.uint32(crc32(values)))
    return dataset, values


def create_column(group: h5py.Group, spec: Dataset, length: int) -> h5py.Dataset:
    """The header of a column whose values and checksum are still to come."""
    dataset = create(group, spec, length, min(max(length, 1), layout.COLUMN_CHUNK))
    _note(dataset, "crc32", np.uint32(0))
    return dataset


def finish_column(dataset: h5py.Dataset, values: NDArray[Any]) -> None:
    """Write all values of a column and their checksum, where the header has room for it."""
    for start, packed in packed_chunks(values, dataset.chunks[0]):
        dataset.id.write_direct_chunk((start,), packed)
    dataset.attrs.modify("crc32", np.uint32(crc32(values)))


def packed_chunks(values: NDArray[Any], chunk: int) -> Iterator[tuple[int, bytes]]:
    """Start and stored bytes of each chunk of ``values`` [n]; the last is padded with zeros."""
    for start in range(0, values.size, chunk):
        part = values[start : start + chunk]
        if part.size < chunk:
            part = np.concatenate([part, np.zeros(chunk - part.size, values.dtype)])
        yield start, pack(part)


def create(group: h5py.Group, spec: Dataset, length: int, chunk: int) -> h5py.Dataset:
    """Create an empty dataset of the layout: one axis, chunked, shuffled, deflated.

    Its length is final, so that HDF5 keeps the index of its chunks in one piece.
    """
    # What h5py's create_dataset and attrs do, without the tenth of a millisecond that each takes:
    # a part has dozens of datasets, each with its attributes.
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_obj_track_times(False)
    plan.set_chunk((chunk,))
    plan.set_shuffle()
    plan.set_deflate(1)
    space = h5s.create_simple((length,), (max(length, chunk),))
    kind = h5t.py_create(np.dtype(spec.dtype), logical=True)
    dataset = h5py.Dataset(h5d.create(group.id, spec.name.encode(), kind, space, plan))
    _note(dataset, "encoding", np.bytes_(spec.encoding.encode()))
    _note(dataset, "encoding_version", np.bytes_(layout.ENCODING_VERSION.encode()))
    if spec.unit:
        _note(dataset, "unit", np.bytes_(spec.unit.encode()))
    return dataset


def _note(owner: h5py.Dataset, name: str, value: np.generic) -> None:
    """Add an attribute: a number, or a string of fixed length."""
    array = np.asarray(value)
    h5a.create(owner.id, name.encode(), h5t.py_create(array.dtype), _SCALAR).write(array)
