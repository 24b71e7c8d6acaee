"""The maps of a run: whole, a window of one, or an overview."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recorders.run.axes import RunAxes
from recorders.run.decoding import MapReader
from recorders.run.detail import HOWS, How, Overview, block_of, is_large
from recorders.run.layout import DETAIL_SIZE
from recorders.run.records import Example, Site


class RunMaps(RunAxes):
    """The part of a ``Run`` that reads maps. Rows are scaled to sum to 1; see ``map``."""

    _maps: MapReader

    def map(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        snapshot: int | None = None,
    ) -> NDArray[np.float32]:
        """Probabilities [heads, queries, keys] of one event, each row scaled to sum to 1.

        A row whose keys are all masked is all zeros.
        """
        return self._map(self._event(site, example, step, snapshot))

    def maps(
        self, site: str | Site, example: int | Example, snapshot: int | None = None
    ) -> list[NDArray[np.float32]]:
        """Probabilities [heads, queries, keys] of every recorded step of an example, in order."""
        return [self._map(int(row)) for row in self._event_rows(site, example, snapshot)]

    def window(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        *,
        heads: slice = slice(None),
        queries: slice = slice(None),
        keys: slice = slice(None),
        snapshot: int | None = None,
    ) -> NDArray[np.float32]:
        """The same as ``map(...)[heads, queries, keys]``, reading only the rows that are in it.

        Args:
            site: the site.
            example: the example.
            step: the step.
            heads: which heads; as of any array, but every one of them (a step of 1).
            queries: which queries, likewise.
            keys: which keys, likewise.
            snapshot: the snapshot; None is the last.

        Raises:
            ValueError: a slice has a step other than 1.
        """
        event = self._event(site, example, step, snapshot)
        parts = [
            _part(name, wanted, length)
            for name, wanted, length in zip(
                ("heads", "queries", "keys"),
                (heads, queries, keys),
                self._maps.shape(event),
                strict=True,
            )
        ]
        return self._maps.read(event, *parts)

    def overview(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        *,
        head: int | None = None,
        size: int = DETAIL_SIZE,
        how: How = "max",
        snapshot: int | None = None,
    ) -> Overview:
        """One map with at most ``size`` rows and columns, one number for each block of cells.

        Of a large map a sealed run holds a level of 1,024, which is read in milliseconds; where
        there is none, or more is asked for, all of the map is read, a part at a time.

        Args:
            site: the site.
            example: the example.
            step: the step.
            head: one head; None for the mean over heads.
            size: most rows and most columns, 1 or more. Blocks are powers of two.
            how: ``max`` for the largest probability of a block, ``mean`` for the mean.
            snapshot: the snapshot; None is the last.

        Raises:
            IndexError: there is no such head.
            ValueError: size is below 1, or how is neither of the two.
        """
        if how not in HOWS or size < 1:
            raise ValueError(
                f"how={how!r} with size={size} gives no overview; "
                "how is max or mean, and size 1 or more"
            )
        event = self._event(site, example, step, snapshot)
        count, queries, keys = self._maps.shape(event)
        if head is not None and not 0 <= head < count:
            raise IndexError(f"{self._site(site).name} has no head {head}: it has {count}, from 0")
        blocks = block_of(queries, size), block_of(keys, size)
        values = None
        if event in self._levels:
            values = self._maps.stored_overview(event, self._levels[event], head, blocks, how)
        if values is None:
            values = self._maps.overview(event, head, blocks, how)
        return Overview(values, *blocks, how)

    def has_large_maps(self, site: str | Site) -> bool:
        """Whether a map of a site has so many cells that a level of it is worth storing."""
        return self._site_number(site) in self._large_sites

    @cached_property
    def _large_sites(self) -> frozenset[int]:
        queries, keys = (self._columns[f"events/{name}"] for name in ("queries", "keys"))
        large = is_large(queries.astype(np.int64), keys)
        return frozenset(self._columns["events/site"][large].tolist())

    @cached_property
    def _levels(self) -> dict[int, int]:
        """Where the stored level of each large event begins."""
        events, offsets = (
            self._columns[f"details/{name}"].tolist() for name in ("event", "offset")
        )
        return dict(zip(events, offsets, strict=True))

    def _map(self, event: int) -> NDArray[np.float32]:
        return self._maps.read(event, *(range(length) for length in self._maps.shape(event)))


def _part(name: str, wanted: slice, length: int) -> range:
    start, stop, step = wanted.indices(length)
    if step != 1:
        raise ValueError(
            f"{name} has a step of {step}; a window is made of neighbours, a step of 1"
        )
    return range(start, max(start, stop))
