"""The map of one step as views need it: one head or the mean, with what its rows hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.recorded import event_of
from recorders.run.errors import DamagedError

if TYPE_CHECKING:
    from recorders.run.reader import Run, Site
    from recorders.run.records import Event

# Longest side of a map as it is drawn: more cells than a screen shows pixels for.
POOLED = 512
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class StepMap:
    """What one step recorded, for one head or the mean over heads.

    Attributes:
        values: float32 [queries, keys]; rows sum to 1.
        pooled: float32, the same with every block of cells replaced by its largest; ``values``
            itself where that is small enough to draw.
        entropy: float64 [queries], nat.
        log_prob: float64 [queries], nat; NaN where unknown.
        chosen: int64 [queries, n], the selected keys; -1 stands for none.
        event: size and offsets.
        largest: the largest probability; 0 where there is none.
        damage: sentences that say what of the step is damaged and therefore shown as unknown.
    """

    values: Floats
    pooled: Floats
    entropy: NDArray[np.float64]
    log_prob: NDArray[np.float64]
    chosen: NDArray[np.int64]
    event: Event
    largest: float = 0.0
    damage: tuple[str, ...] = ()

    @property
    def queries(self) -> int:
        """The number of queries."""
        return len(self.values)

    def selected(self, query: int) -> tuple[int, ...]:
        """The keys that a query selected, each once."""
        # One key chosen by several heads is one key on the picture.
        return tuple(dict.fromkeys(int(key) for key in self.chosen[query] if key >= 0))

    @property
    def nbytes(self) -> int:
        """How much memory it holds."""
        arrays: list[NDArray[Any]] = [self.values, self.entropy, self.log_prob, self.chosen]
        if self.pooled is not self.values:
            arrays.append(self.pooled)
        return sum(int(array.nbytes) for array in arrays)


def read_step(
    run: Run, site: Site, example: int, step: int, snapshot: int, head: int | None
) -> StepMap | None:
    """Read one step; None where it was not recorded.

    Args:
        run: the run.
        site: one of its sites.
        example: index of the example.
        step: step within it.
        snapshot: index of the snapshot.
        head: index of the head; None takes means over heads, and the choices of all.

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
    maps, chosen = run.map(*where), run.selection(*where)
    damage: list[str] = []
    entropy, log_prob = (
        _known(partial(read, *where), event, damage) for read in (run.entropy, run.log_prob)
    )
    if chosen is None:
        choices = np.zeros((event.queries, 0), np.int64)
    elif head is None:
        choices = chosen.transpose(1, 0, 2).reshape(event.queries, -1)
    else:
        choices = chosen[head]
    values = np.asarray(maps.mean(axis=0) if head is None else maps[head], dtype=np.float32)
    if head is not None:
        # A view would keep the maps of all heads in memory.
        values = values.copy()
    pooled = max_pooled(values, POOLED, POOLED)
    known = pooled[np.isfinite(pooled)]
    return StepMap(
        values=values,
        pooled=pooled,
        largest=float(known.max()) if known.size else 0.0,
        entropy=entropy.mean(axis=0) if head is None else entropy[head],
        log_prob=log_prob.mean(axis=0) if head is None else log_prob[head],
        chosen=choices,
        event=event,
        damage=tuple(damage),
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


def max_pooled(values: Floats, rows: int, columns: int) -> Floats:
    """``values`` with at most ``rows`` × ``columns`` cells, each the largest of its block.

    Blocks are whole cells and all of one size but the last; a missing value never hides a number.
    """
    for axis, most in ((0, rows), (1, columns)):
        length = values.shape[axis]
        block = block_of(length, most)
        if block > 1:
            values = np.fmax.reduceat(values, np.arange(0, length, block), axis=axis)
    return values


def block_of(length: int, most: int) -> int:
    """How many of ``length`` cells share one of at most ``most``."""
    return -(-length // max(1, most))


def usual_query(one: StepMap) -> int:
    """The query to begin with: the last one where the first can look at one key only.

    That is so behind a causal mask, where the last query is the one that predicts.
    """
    queries, keys = one.values.shape
    sees = int(np.count_nonzero(one.values[0] > 0))
    return queries - 1 if keys > 1 and sees <= 1 else 0
