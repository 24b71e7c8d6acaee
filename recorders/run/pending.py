"""What was recorded and is not on disk yet."""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass
class _Segment:
    """What waits for one segment. Each list is extended by one append, or not at all.

    An interrupt may come between any two statements; what was begun then is missing, never half
    there.

    Attributes:
        number: number of the segment among those of its recording.
        first_rows: rows of each table in the segments before.
        first_values: values of each bulk dataset in the segments before, padding included.
        rows: by table, batches with the number of rows in the run after each.
        bulks: by path, arrays with the number of values in this segment after each.
        size: bytes, roughly.
    """

    number: int
    first_rows: dict[str, int]
    first_values: dict[str, int]
    rows: dict[str, list[tuple[int, _Batch]]] = field(default_factory=dict)
    bulks: dict[str, list[tuple[int, NDArray[Any]]]] = field(default_factory=dict)
    size: int = 0


@dataclass(frozen=True)
class _Batch:
    columns: dict[str, NDArray[Any]]
    texts: dict[str, list[bytes]]

    @property
    def size(self) -> int:
        texts = sum(len(text) for column in self.texts.values() for text in column)
        return texts + sum(column.nbytes for column in self.columns.values())


class Pending:
    """Rows and bulk values that wait to be written as one segment, numbered as they are added.

    Args:
        map_dtype: dtype that the run's codec stores probabilities in.
    """

    def __init__(self, map_dtype: str) -> None:
        self._map_dtype = map_dtype
        self._waits = _Segment(
            0,
            {table.name: 0 for table in layout.TABLES},
            {path: 0 for path, _ in layout.bulk_paths()},
        )

    def __bool__(self) -> bool:
        return bool(self._waits.rows or self._waits.bulks)

    @property
    def size(self) -> int:
        """Bytes that wait, roughly."""
        return self._waits.size

    @property
    def segment(self) -> int:
        """Number of the segment that waits, and of those that were written."""
        return self._waits.number

    def rows(self, table: str) -> int:
        """Number of rows added to a table since the run began."""
        batches = self._waits.rows.get(table)
        return batches[-1][0] if batches else self._waits.first_rows[table]

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
        batch = _Batch(columns, texts)
        first = self.rows(table)
        if count:
            self._waits.rows.setdefault(table, []).append((first + count, batch))
            self._waits.size += batch.size
        return first

    def add_bulk(self, path: str, values: NDArray[Any]) -> int:
        """Append bulk values [n], never changed afterwards; returns where they start in the run."""
        arrays = self._waits.bulks.setdefault(path, [])
        start = arrays[-1][0] if arrays else 0
        arrays.append((start + values.size, values))
        self._waits.size += values.nbytes
        return self._waits.first_values[path] + start

    def written(self) -> None:
        """Forget what waited, since it is on disk; the next part begins with fresh chunks."""
        first_values = dict(self._waits.first_values)
        for path, bulk in layout.bulk_paths():
            arrays = self._waits.bulks.get(path)
            chunks = -(-arrays[-1][0] // bulk.chunk) if arrays else 0
            first_values[path] += chunks * bulk.chunk
        first_rows = {table: self.rows(table) for table in self._waits.first_rows}
        # One assignment, so that an interrupt finds it written and forgotten, or neither.
        self._waits = _Segment(self._waits.number + 1, first_rows, first_values)

    def write(self, file: h5py.File) -> None:
        """Write everything that waits into a segment's file."""
        self._drop_orphans()
        write_tables(file, self._tables())
        for table in layout.TABLES:
            for bulk in table.bulks:
                arrays = self._waits.bulks.get(f"{table.name}/{bulk.name}")
                if not arrays:
                    continue
                values = np.concatenate([array for _, array in arrays])
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

    def _drop_orphans(self) -> None:
        """Forget values whose rows an interrupt kept from being added: nothing refers to them."""
        for table in layout.TABLES:
            if table.columns and not self._waits.rows.get(table.name):
                for bulk in table.bulks:
                    self._waits.bulks.pop(f"{table.name}/{bulk.name}", None)

    def _tables(self) -> Tables:
        columns: dict[str, list[NDArray[Any]]] = {}
        texts: dict[str, list[bytes]] = {}
        for batches in self._waits.rows.values():
            for _, batch in batches:
                for path, column in batch.columns.items():
                    columns.setdefault(path, []).append(column)
                for path, strings in batch.texts.items():
                    texts.setdefault(path, []).extend(strings)
        return Tables(
            {path: np.concatenate(parts) for path, parts in columns.items()},
            {path: TextColumn.of(strings) for path, strings in texts.items()},
        )
