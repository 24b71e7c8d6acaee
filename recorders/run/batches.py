"""Reading many events at once: what is compared over all examples is read in few pieces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.address import Address
from recorders.run.chunks import ChunkReader
from recorders.run.errors import RunError
from recorders.run.index import RowIndex
from recorders.run.maps import RunMaps
from recorders.run.records import Site

_SHAPE = ("heads", "queries", "keys", "n_selected")


@dataclass(frozen=True, eq=False)
class EventTable:
    """The events of a site in one snapshot, ordered by example, then by step.

    Attributes:
        event: int64 [events], what ``maps_at`` and ``selections_at`` take.
        example: int64 [events], index of the example.
        step: int64 [events], step within it.
        shape: int64 [events, 4]: heads, queries, keys, keys selected by each query.
    """

    event: NDArray[np.int64]
    example: NDArray[np.int64]
    step: NDArray[np.int64]
    shape: NDArray[np.int64]


class RunBatches(RunMaps):
    """The part of a ``Run`` that reads many events at once. Arrays belong to the caller."""

    path: Address
    _chunks: ChunkReader

    def event_table(
        self, site: str | Site, snapshot: int | None = None, example: int | None = None
    ) -> EventTable:
        """Every event of a site in a snapshot (None is the last), or of one example there.

        It reads nothing.
        """
        place = [self._snapshot_number(snapshot), self._site_number(site)]
        if example is not None:
            place.append(self._example_number(example))
        rows = self._event_index.rows(*place)
        columns = [self._columns[f"events/{name}"][rows] for name in _SHAPE]
        return EventTable(
            event=rows,
            example=self._columns["events/example"][rows].astype(np.int64),
            step=self._columns["events/step"][rows].astype(np.int64),
            shape=np.stack(columns, axis=-1).astype(np.int64).reshape(-1, len(_SHAPE)),
        )

    def maps_at(self, events: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probabilities [events, heads, queries, keys] of events of one shape; see ``map``.

        Args:
            events: [events], one or more, from ``event_table``.
        """
        heads, queries, keys = self._maps.shape(int(events[0]))
        starts = self._columns["events/map_offset"][events].astype(np.int64)
        stored = self._gathered("maps/probabilities", starts, heads * queries * keys)
        decoded = self._maps.decoded(stored.reshape(-1, keys))
        return decoded.reshape(len(events), heads, queries, keys)

    def selections_at(self, events: NDArray[np.int64]) -> NDArray[np.int64]:
        """Selected keys [events, heads, queries, n_selected] of events of one shape.

        Args:
            events: [events], one or more, from ``event_table``.

        Raises:
            RunError: one selects a key that it does not have; the run is damaged.
        """
        first = int(events[0])
        heads, queries, chosen = self._shape(first, "n_selected")
        if not chosen:
            return np.zeros((len(events), heads, queries, 0), np.int64)
        starts = self._columns["events/selection_offset"][events].astype(np.int64)
        found = self._gathered("selections/key", starts, heads * queries * chosen)
        keys = found.astype(np.int64)
        limit = int(self._columns["events/keys"][first])
        wrong = ((keys < 0) | (keys >= limit)).any(axis=1)
        if wrong.any():
            event = int(events[int(wrong.argmax())])
            raise RunError(
                f"{self.path} is damaged: event {event} selects a key outside 0 to {limit - 1}"
            )
        return keys.reshape(len(events), heads, queries, chosen)

    def _gathered(self, path: str, starts: NDArray[np.int64], size: int) -> NDArray[Any]:
        """Stored values [events, size] that begin at ``starts``; neighbours are read as one."""
        order = np.argsort(starts, kind="stable")
        cuts = np.flatnonzero(np.diff(starts[order]) != size) + 1
        parts = [
            (part, self._chunks.read(path, int(starts[part[0]]), size * part.size))
            for part in np.split(order, cuts)
        ]
        values = np.empty((starts.size, size), parts[0][1].dtype)
        for part, read in parts:
            values[part] = read.reshape(-1, size)
        return values

    @cached_property
    def _event_index(self) -> RowIndex:
        return RowIndex(
            *(self._columns[f"events/{name}"] for name in ("snapshot", "site", "example", "step"))
        )

    def _shape(self, event: int, last: str) -> tuple[int, int, int]:
        heads, queries, length = (
            int(self._columns[f"events/{name}"][event]) for name in ("heads", "queries", last)
        )
        return heads, queries, length
