"""The tables of a run in memory: columns of numbers and of strings, empty or growing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from recorders.run.layout import TABLES, Column, Table, Text


@dataclass(frozen=True, eq=False)
class TextColumn(Sequence[str]):
    """Strings as UTF-8 bytes with offsets; one is decoded when it is asked for.

    Attributes:
        data: uint8 bytes of all strings.
        offsets: int64 [n + 1], string i is ``data[offsets[i]:offsets[i + 1]]``.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, strings: Iterable[bytes]) -> TextColumn:
        """The column of these strings, each UTF-8."""
        parts = list(strings)
        lengths = np.array([0, *(len(part) for part in parts)], np.int64)
        return cls(np.frombuffer(b"".join(parts), np.uint8), np.cumsum(lengths, dtype=np.int64))

    @classmethod
    def joined(cls, columns: Sequence[TextColumn]) -> TextColumn:
        """These columns one after another."""
        if len(columns) == 1:
            return columns[0]
        shift = 0
        offsets = [np.zeros(1, np.int64)]
        for column in columns:
            offsets.append(column.offsets[1:] + shift)
            shift += column.data.size
        data = [column.data for column in columns] or [np.zeros(0, np.uint8)]
        return cls(np.concatenate(data), np.concatenate(offsets))

    def taken(self, rows: NDArray[np.bool_]) -> TextColumn:
        """The strings where ``rows`` [n] is true."""
        lengths = np.diff(self.offsets)
        offsets = np.cumsum([0, *lengths[rows]], dtype=np.int64)
        return TextColumn(self.data[np.repeat(rows, lengths)], offsets)

    def __len__(self) -> int:
        return int(self.offsets.size) - 1

    def __iter__(self) -> Iterator[str]:
        data, offsets = self.data.tobytes(), self.offsets.tolist()
        # One by one through numpy takes a hundred times as long.
        for start, end in pairwise(offsets):
            yield self._said(data[start:end].decode())

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        return self._at(range(len(self))[index])

    def _at(self, row: int) -> str:
        return self._said(self.data[self.offsets[row] : self.offsets[row + 1]].tobytes().decode())

    def _said(self, text: str) -> str:
        """A string as it is handed out."""
        return text


def empty_column(column: Column) -> NDArray[Any]:
    """The column with no rows: [0], or [0, width]."""
    return np.zeros((0, column.width) if column.width > 1 else 0, column.dtype)


@dataclass(frozen=True)
class Tables:
    """All tables of a run or of a part of one, complete: a table without rows has empty columns.

    Attributes:
        columns: numbers by path, as ``"events/site"``; [rows] or [rows, width].
        texts: strings by path, as ``"sites/name"``.
    """

    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    texts: dict[str, TextColumn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in TABLES:
            for column in table.columns:
                path = f"{table.name}/{column.name}"
                if isinstance(column, Text):
                    self.texts.setdefault(path, TextColumn.of(()))
                else:
                    self.columns.setdefault(path, empty_column(column))

    def rows(self, table: Table) -> int:
        """Number of rows of a table that has columns."""
        first = table.columns[0]
        path = f"{table.name}/{first.name}"
        return len(self.texts[path]) if isinstance(first, Text) else len(self.columns[path])

    def fill(self, table: Table) -> None:
        """Give every row of a table what an older minor of the format lacked."""
        rows = self.rows(table) if table.columns else 0
        for column in table.columns if rows else ():
            path = f"{table.name}/{column.name}"
            if isinstance(column, Text):
                if column.since and not len(self.texts[path]):
                    self.texts[path] = TextColumn.of([b""] * rows)
            elif column.since and not len(self.columns[path]):
                self.columns[path] = np.full(rows, column.default, column.dtype)

    @classmethod
    def joined(cls, parts: Sequence[Tables]) -> Tables:
        """These tables one after another."""
        if len(parts) == 1:
            return parts[0]
        whole = cls()
        for path, empty in whole.columns.items():
            whole.columns[path] = np.concatenate([empty, *(part.columns[path] for part in parts)])
        for path in whole.texts:
            whole.texts[path] = TextColumn.joined([part.texts[path] for part in parts])
        return whole
