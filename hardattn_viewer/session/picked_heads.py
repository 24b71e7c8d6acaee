"""A study of several heads as one map: their mean, also across the sites of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.atlas import HeadAt
from hardattn_viewer.session.head_atlas import Side, shown_side
from hardattn_viewer.session.maps import POOLED, step_pyramid
from hardattn_viewer.session.pyramid import Pyramid
from hardattn_viewer.session.recorded import event_of
from recorders.run.detail import block_of, is_large

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState
    from recorders.run.reader import Run, Site
    from recorders.run.records import Event

Floats = NDArray[np.float32]
# Values that are read at once.
_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False)
class MeanMap:
    """The mean of several heads' maps.

    Attributes:
        pyramid: the mean of all queries × keys; of large maps that of their overviews.
        query_names: what each query is called.
        key_names: what each key is called.
        heads: the heads that went in.
        left_out: those that did not: their maps have other queries or keys, or there are none.
        of_pooled: whether each map was pooled before the mean was taken, and not the mean pooled.
    """

    pyramid: Pyramid
    query_names: tuple[str, ...]
    key_names: tuple[str, ...]
    heads: tuple[HeadAt, ...]
    left_out: tuple[HeadAt, ...] = ()
    of_pooled: bool = False


@dataclass(frozen=True)
class PickedStudy:
    """What do several heads look at on average, at one step?

    Attributes:
        run: whose heads.
        step: the step.
        heads: which; the first one that was recorded says over which queries and keys.
    """

    run: Side
    step: int
    heads: tuple[HeadAt, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return (self.run.key,)

    def results(self, runs: Mapping[int, Run]) -> Iterator[MeanMap | None]:
        """Add up one head after the other; the mean comes at the end."""
        run = runs[self.run.key]
        last = len(run.snapshots) - 1
        snapshot = last if self.run.snapshot is None else self.run.snapshot
        where = (self.run.example, self.step, snapshot)
        sites = {site.name: site for site in run.sites}
        total: Floats | None = None
        leader: tuple[Site, Event] | None = None
        taken: list[HeadAt] = []
        for head in self.heads:
            site = sites.get(head.site)
            event = None if site is None else event_of(run, site, *where)
            if site is None or event is None or not 0 <= head.head < event.heads:
                continue
            leader = leader or (site, event)
            if not _is_alike(leader, (site, event)):
                continue
            taken.append(head)
            for values, first in _map_of(run, site, event, where, head.head):
                if total is None:
                    large = is_large(event.queries, event.keys)
                    rows = len(values) if large else event.queries
                    total = np.zeros((rows, values.shape[1]), np.float32)
                total[first : first + len(values)] += values
                yield None
        if total is None or leader is None:
            raise IndexError(f"{run.name} recorded none of the picked heads at this step")
        total /= np.float32(len(taken))
        site, event = leader
        large = is_large(event.queries, event.keys)
        sizes = (event.queries, event.keys)
        blocks = (block_of(sizes[0], POOLED), block_of(sizes[1], POOLED)) if large else (1, 1)
        yield MeanMap(
            pyramid=step_pyramid(total, event, blocks, site.query_axis == site.key_axis),
            query_names=tuple(run.query_names(site, *where)),
            key_names=tuple(run.key_names(site, *where)),
            heads=tuple(taken),
            left_out=tuple(head for head in self.heads if head not in taken),
            of_pooled=large,
        )


def picked_wanted(state: SessionState) -> PickedStudy | None:
    """The study of the heads that are picked; None where none is, or they are not shown."""
    facts = state.facts(state.shown_slot)
    if state.view != "heads" or not state.atlas.picked or facts is None:
        return None
    run = shown_side(state)
    # Heads that were picked of another run are none of this one.
    known = {site.name: site.heads for site in facts.sites}
    heads = tuple(one for one in state.atlas.picked if one.head < known.get(one.site, 0))
    return PickedStudy(run, state.place.step, heads) if run is not None and heads else None


def _is_alike(one: tuple[Site, Event], other: tuple[Site, Event]) -> bool:
    """Whether the maps of two events are over the same queries and keys."""
    axes = ((site.query_axis, site.key_axis) for site, _ in (one, other))
    places = (
        (
            event.queries,
            event.keys,
            event.first_query,
            event.query_stride,
            event.first_key,
            event.windows,
            event.sink,
        )
        for _, event in (one, other)
    )
    return len(set(axes)) == 1 and len(set(places)) == 1


def _map_of(
    run: Run, site: Site, event: Event, where: tuple[int, int, int], head: int
) -> Iterator[tuple[Floats, int]]:
    """The map of one head in parts, each with its first row; of a large map its overview."""
    example, step, snapshot = where
    if is_large(event.queries, event.keys):
        found = run.overview(site, example, step, head=head, size=POOLED, snapshot=snapshot)
        yield found.values, 0
        return
    several = max(1, _AT_ONCE // event.keys)
    for first in range(0, event.queries, several):
        heads, queries = slice(head, head + 1), slice(first, first + several)
        read = run.window(site, example, step, heads=heads, queries=queries, snapshot=snapshot)
        yield read[0], first
