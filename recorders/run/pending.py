"""What was recorded and is not on disk yet."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.codec import crc32
from recorders.run.image import (
    create,
    packed_chunks,
    table_group,
    write_column,
    write_tables,
)
from recorders.run.layout import Column, Dataset
from recorders.run.tables import Tables, TextColumn

_COLUMNS = {
    f"{table.name}/{column.name}": column
    for table in layout.TABLES
    for column in table.columns
    if isinstance(column, Column)
}


class Pending:
    """Rows and bulk values that wait to be written as one segment, numbered as they are added.

    Args:
        map_dtype: dtype that the run's codec stores probabilities in.

    Attributes:
        size: bytes that wait, roughly.
        rows: number of rows added to each table since the run began.
    """

    def __init__(self, map_dtype: str) -> None:
        self._map_dtype = map_dtype
        self._columns: dict[str, list[NDArray[Any]]] = {}
        self._texts: dict[str, list[bytes]] = {}
        self._bulks: dict[str, list[NDArray[Any]]] = {}
        self._bulk_lengths: dict[str, int] = {}
        self._bulk_bases: dict[str, int] = {}
        self.size = 0
        self.rows = {table.name: 0 for table in layout.TABLES}

    def __bool__(self) -> bool:
        return bool(self._columns or self._texts or self._bulks)

    def add_rows(self, table: str, count: int = 1, **values: Any) -> int:
        """Append ``count`` rows to all columns of a table, or to none.

        Args:
            table: name of the table.
            count: number of rows.
            values: by column: a list of strings, a number for all rows, or one a row.

        Returns:
            Number of the first of these rows in the run.

        Raises:
            ValueError: a value does not fit its column.
            OverflowError: a number is too large for its column.
        """
        # All columns are made before the first is kept, so that a bad value leaves none longer.
        texts = {}
        columns = {}
        for name, value in values.items():
            path = f"{table}/{name}"
            if isinstance(value, list):
                texts[path] = [string.encode() for string in value]
                continue
            column = _COLUMNS[path]
            shape = (count, column.width) if column.width > 1 else (count,)
            columns[path] = np.empty(shape, column.dtype)
            columns[path][...] = value
        for path, strings in texts.items():
            self._texts.setdefault(path, []).extend(strings)
            self.size += sum(map(len, strings))
        for path, rows in columns.items():
            self._columns.setdefault(path, []).append(rows)
            self.size += rows.nbytes
        first = self.rows[table]
        self.rows[table] = first + count
        return first

    def add_bulk(self, path: str, values: NDArray[Any]) -> int:
        """Append bulk values [n], never changed afterwards; returns where they start in the run."""
        start = self._bulk_lengths.get(path, 0)
        self._bulks.setdefault(path, []).append(values)
        self._bulk_lengths[path] = start + values.size
        self.size += values.nbytes
        return self._bulk_bases.get(path, 0) + start

    def written(self) -> None:
        """Forget what waited, since it is on disk; the next part begins with fresh chunks."""
        for path, bulk in layout.bulk_paths():
            chunks = -(-self._bulk_lengths.get(path, 0) // bulk.chunk)
            self._bulk_bases[path] = self._bulk_bases.get(path, 0) + chunks * bulk.chunk
        self._columns.clear()
        self._texts.clear()
        self._bulks.clear()
        self._bulk_lengths.clear()
        self.size = 0

    def write(self, file: h5py.File) -> None:
        """Write everything that waits into a segment's file."""
        columns = {path: np.concatenate(parts) for path, parts in self._columns.items()}
        texts = {path: TextColumn.of(strings) for path, strings in self._texts.items()}
        write_tables(file, Tables(columns, texts))
        for table in layout.TABLES:
            for bulk in table.bulks:
                parts = self._bulks.get(f"{table.name}/{bulk.name}")
                if not parts:
                    continue
                values = np.concatenate(parts)
                dtype = bulk.dtype or self._map_dtype
                group = table_group(file, table)
                length = -(-values.size // bulk.chunk) * bulk.chunk
                spec = Dataset(bulk.name, dtype, "bulk", bulk.unit, bulk.chunk)
                dataset = create(group, spec, length, bulk.chunk)
                checksums = []
                for start, packed in packed_chunks(values, bulk.chunk):
                    dataset.id.write_direct_chunk((start,), packed)
                    checksums.append(crc32(packed))
                spec = Dataset(f"{bulk.name}_crc32", "<u4", "chunk-checksums")
                write_column(group, spec, np.array(checksums, np.uint32))
