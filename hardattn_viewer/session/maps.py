"""The map of one step as views need it: one head or the mean, with what its rows hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.masking import inferred_rule
from hardattn_viewer.session.pyramid import Pyramid
from hardattn_viewer.session.recorded import event_of
from recorders.run.detail import is_large
from recorders.run.errors import DamagedError

if TYPE_CHECKING:
    from recorders.run.reader import Run, Site
    from recorders.run.records import Event

# Longest side of the overview of a large map.
POOLED = 512
# Values of a map, over heads, that are in memory at once while their mean is taken.
_AT_ONCE = 1 << 22
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class StepMap:
    """What one step recorded, for one head or the mean over heads.

    Attributes:
        values: float32 [rows, keys], all queries; of a large map only the one looked from. Rows
            sum to 1.
        pyramid: the whole map at every resolution; of a large map no finer than ``POOLED``.
        entropy: float64 [queries], nat.
        log_prob: float64 [queries], nat; NaN where unknown.
        chosen: int64 [queries, n], the selected keys; -1 stands for none.
        event: size and offsets.
        largest: the largest probability; 0 where there is none.
        damage: sentences that say what of the step is damaged and therefore shown as unknown.
        first: the query that the first row of ``values`` is of.
        usual: the query to begin with; see ``usual_query``.
        more: of a large map the rows [keys] of further queries, by query.
    """

    values: Floats
    pyramid: Pyramid
    entropy: NDArray[np.float64]
    log_prob: NDArray[np.float64]
    chosen: NDArray[np.int64]
    event: Event
    largest: float = 0.0
    damage: tuple[str, ...] = ()
    first: int = 0
    usual: int = 0
    more: Mapping[int, Floats] = field(default_factory=dict)

    @property
    def queries(self) -> int:
        """The number of queries."""
        return self.event.queries

    @property
    def is_whole(self) -> bool:
        """Whether every query's row is in memory."""
        return len(self.values) == self.queries

    def holds(self, query: int) -> bool:
        """Whether the row of a query is in memory."""
        return self.first <= query < self.first + len(self.values) or query in self.more

    def row(self, query: int) -> Floats:
        """The probabilities [keys] of a query; NaN where they are not in memory."""
        known: Floats = np.full(self.event.keys, np.nan, np.float32)
        if query in self.more:
            known = self.more[query]
        elif self.holds(query):
            known = self.values[query - self.first]
        return known

    def selected(self, query: int) -> tuple[int, ...]:
        """The keys that a query selected, each once."""
        # One key chosen by several heads is one key on the picture.
        return tuple(dict.fromkeys(int(key) for key in self.chosen[query] if key >= 0))

    @property
    def nbytes(self) -> int:
        """How much memory it holds."""
        arrays: list[NDArray[Any]] = [self.values, self.entropy, self.log_prob, self.chosen]
        arrays += self.more.values()
        if self.pyramid.values is not self.values:
            arrays.append(self.pyramid.values)
        return sum(int(array.nbytes) for array in arrays) + self.pyramid.nbytes


def read_step(
    run: Run,
    site: Site,
    example: int,
    step: int,
    snapshot: int,
    head: int | None,
    query: int | None = None,
    others: Callable[[Event, int], Sequence[int]] | None = None,
) -> StepMap | None:
    """Read one step; None where it was not recorded.

    Args:
        run: the run.
        site: one of its sites.
        example: index of the example.
        step: step within it.
        snapshot: index of the snapshot.
        head: index of the head; None takes means over heads, and the choices of all.
        query: the query looked from, clamped; None for the usual one. Of a large map no other
            row is read.
        others: the queries whose rows are read as well of a large map, from its event and the
            query looked from.

    Raises:
        recorders.RunError: the file is damaged there.
        IndexError: the site has no such head.
    """
    event = event_of(run, site, example, step, snapshot)
    if event is None:
        return None
    if head is not None and not 0 <= head < event.heads:
        raise IndexError(f"{site.name} has no head {head}: it has {event.heads}, from 0")
    where = (site, example, step, snapshot)
    chosen = run.selection(*where)
    damage: list[str] = []
    more: dict[int, Floats] = {}
    entropy, log_prob = (
        _known(partial(read, *where), event, damage) for read in (run.entropy, run.log_prob)
    )
    if chosen is None:
        choices = np.zeros((event.queries, 0), np.int64)
    elif head is None:
        choices = chosen.transpose(1, 0, 2).reshape(event.queries, -1)
    else:
        choices = chosen[head]
    if is_large(event.queries, event.keys):
        usual = usual_query(read_rows(run, where, event, head, slice(0, 1))[0], event.queries)
        first = usual if query is None else min(max(query, 0), event.queries - 1)
        values = read_rows(run, where, event, head, slice(first, first + 1))
        further = set(others(event, first) if others is not None else ()) - {first}
        more = {
            at: read_rows(run, where, event, head, slice(at, at + 1))[0] for at in sorted(further)
        }
        found = run.overview(site, example, step, snapshot=snapshot, head=head, size=POOLED)
        shown, blocks = found.values, (found.query_block, found.key_block)
    else:
        first, values, blocks = 0, read_rows(run, where, event, head, slice(None)), (1, 1)
        usual, shown = usual_query(values[0], event.queries), values
    known = shown[np.isfinite(shown)]
    return StepMap(
        values=values,
        pyramid=_pyramid(shown, event, blocks, site.query_axis == site.key_axis),
        largest=float(known.max()) if known.size else 0.0,
        entropy=entropy.mean(axis=0) if head is None else entropy[head],
        log_prob=log_prob.mean(axis=0) if head is None else log_prob[head],
        chosen=choices,
        event=event,
        first=first,
        usual=usual,
        damage=tuple(damage),
        more=more,
    )


def _known(
    read: Callable[[], NDArray[np.float64]], event: Event, damage: list[str]
) -> NDArray[np.float64]:
    """What ``read`` returns [heads, queries]; NaN where it is damaged, which is then noted."""
    try:
        return read()
    except DamagedError as problem:
        damage.append(str(problem))
        return np.full((event.heads, event.queries), np.nan)


def read_rows(
    run: Run,
    where: tuple[Site | str, int, int, int],
    event: Event,
    head: int | None,
    queries: slice,
) -> Floats:
    """Rows of one head or of the mean over heads, few heads in memory at once.

    Args:
        run: the run.
        where: site, example, step and snapshot.
        event: what is there.
        head: one head; None for the mean.
        queries: which rows.
    """
    site, example, step, snapshot = where
    read = partial(run.window, site, example, step, queries=queries, snapshot=snapshot)
    if head is not None:
        rows: Floats = read(heads=slice(head, head + 1))[0]
        return rows
    count = len(range(*queries.indices(event.queries)))
    total = np.zeros((count, event.keys), np.float32)
    together = max(1, _AT_ONCE // total.size)
    for start in range(0, event.heads, together):
        total += read(heads=slice(start, start + together)).sum(axis=0)
    total /= np.float32(event.heads)
    return total


def _pyramid(values: Floats, event: Event, blocks: tuple[int, int], one_axis: bool) -> Pyramid:
    """The levels of a map, those of more cells than a picture has pixels made already."""
    places = None
    if one_axis and event.windows == 1:
        places = event.first_query + np.arange(event.queries) * event.query_stride - event.first_key
    down, across = blocks
    sizes = event.queries, event.keys
    rule = inferred_rule(
        values, *sizes, positions=places, sink=event.sink, down=down, across=across
    )
    return Pyramid(values, *sizes, rule, blocks).prepared()


def usual_query(first: Floats, queries: int) -> int:
    """The query to begin with: the last one where the first can look at one key only.

    That is so behind a causal mask, where the last query is the one that predicts.

    Args:
        first: [keys], the probabilities of the first query.
        queries: number of queries.
    """
    return queries - 1 if first.size > 1 and np.count_nonzero(first > 0) <= 1 else 0
