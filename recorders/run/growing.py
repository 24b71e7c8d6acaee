"""Tables that grow while they are read: rows are added behind those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.tables import Tables, TextColumn

_LEAST = 256


class _Store:
    """Arrays with room behind their rows; only who has the newest tables may write there."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.newest: Tables | None = None
        self._arrays: dict[str, NDArray[Any]] = {}

    def extended(self, name: str, rows: NDArray[Any], more: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """``rows``, which lie at the beginning of an array, and ``more`` behind them."""
        end = len(rows) + sum(len(part) for part in more)
        array = self._arrays.get(name)
        if array is None or len(array) < end:
            # Twice the room, so that a row is copied once or twice, however many parts come.
            array = np.empty((max(2 * end, _LEAST), *rows.shape[1:]), rows.dtype)
            array[: len(rows)] = rows
            self._arrays[name] = array
        at = len(rows)
        for part in more:
            array[at : at + len(part)] = part
            at += len(part)
        return array[:end]


@dataclass(frozen=True, eq=False)
class Growth:
    """Tables that others can be added to without copying those that are there.

    Attributes:
        tables: the tables; what grows from them leaves them as they are.
    """

    tables: Tables = field(default_factory=Tables)
    _store: _Store = field(default_factory=_Store)

    def extended(self, parts: Sequence[Tables]) -> Growth:
        """These tables with the rows of others behind them."""
        store = self._store
        with store.lock:
            if store.newest is not None and store.newest is not self.tables:
                # Another already grew from these, and its rows lie behind them.
                return Growth(self.tables).extended(parts)
            whole = Tables(
                {
                    path: store.extended(path, rows, [part.columns[path] for part in parts])
                    for path, rows in self.tables.columns.items()
                },
                {
                    path: _extended_text(store, path, text, [part.texts[path] for part in parts])
                    for path, text in self.tables.texts.items()
                },
            )
            store.newest = whole
        return Growth(whole, store)


def _extended_text(
    store: _Store, path: str, text: TextColumn, more: Sequence[TextColumn]
) -> TextColumn:
    shifts = text.data.size + np.cumsum([0, *(part.data.size for part in more)])
    ends = [part.offsets[1:] + shift for part, shift in zip(more, shifts[:-1], strict=True)]
    return TextColumn(
        store.extended(f"{path}.data", text.data, [part.data for part in more]),
        store.extended(f"{path}.offsets", text.offsets, ends),
    )


def tail(tables: Tables, first: dict[str, int]) -> Tables:
    """The rows of each table from number ``first`` on, by name of the table; nothing is copied."""
    return Tables(
        {path: rows[first[path.partition("/")[0]] :] for path, rows in tables.columns.items()},
        {
            path: TextColumn(text.data, text.offsets[first[path.partition("/")[0]] :])
            for path, text in tables.texts.items()
        },
    )
