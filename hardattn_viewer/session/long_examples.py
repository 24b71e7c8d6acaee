"""Examples of very many steps: which of them are read, and numbers of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recorders.run.reader import Run, Site
    from recorders.run.steps import RowName

# Beyond this many steps only those around the one that is shown are read.
LONG_STEPS = 2_048
# Steps that one look reads more of on either side; whoever walks on finds the next ones read.
BLOCK_STEPS = 64
_AROUND = BLOCK_STEPS // 2
# How many values of a curve one value of its next coarser level stands for.
FANOUT = 8


def block_of_step(step: int, steps: int) -> int:
    """The first step of the block that is read for ``step``; 0 where all steps are read."""
    if steps <= LONG_STEPS:
        return 0
    return min(max(step, 0), steps - 1) // BLOCK_STEPS * BLOCK_STEPS


def steps_around(step: int, steps: int) -> range:
    """The steps that are in memory while ``step`` is looked at."""
    if steps <= LONG_STEPS:
        return range(steps)
    block = block_of_step(step, steps)
    return range(max(block - _AROUND, 0), min(block + BLOCK_STEPS + _AROUND, steps))


@dataclass(frozen=True, eq=False)
class Levels:
    """A curve with coarser versions of itself, in which no peak is lost.

    Attributes:
        values: float64 [steps], NaN where nothing is known.
        lows: of each coarser level the smallest of every ``FANOUT`` values of the one before,
            finest first.
        highs: the same with the largest.
    """

    values: NDArray[np.float64]
    lows: tuple[NDArray[np.float64], ...]
    highs: tuple[NDArray[np.float64], ...]

    @property
    def nbytes(self) -> int:
        """How much memory it holds."""
        return sum(int(one.nbytes) for one in (self.values, *self.lows, *self.highs))

    @property
    def is_known(self) -> bool:
        """Whether anything of it is known."""
        top = self.highs[-1] if self.highs else self.values
        return bool(np.isfinite(top).any())

    @property
    def extent(self) -> tuple[float, float]:
        """The smallest and the largest known value; NaN where nothing is known."""
        low = self.lows[-1] if self.lows else self.values
        high = self.highs[-1] if self.highs else self.values
        if not self.is_known:
            return float("nan"), float("nan")
        return float(np.fmin.reduce(low)), float(np.fmax.reduce(high))

    def binned(
        self, first: float, last: float, columns: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The smallest and the largest value of each column of pixels.

        Every step that a column touches counts in full, so that no peak is lost; where a column
        is a small part of very many steps, what is up to one coarser value beside it counts too.

        Args:
            first: where the first column begins, in steps.
            last: where the last one ends.
            columns: how many there are, 1 or more.

        Returns:
            Two float64 [columns]; NaN where nothing is known.
        """
        edges = np.linspace(first, last, columns + 1)
        width = (last - first) / columns
        level, block = -1, 1
        # Of each column at least as many values as there are in a coarser one are looked at.
        while level + 1 < len(self.lows) and block * FANOUT * FANOUT <= width:
            level, block = level + 1, block * FANOUT
        low = self.values if level < 0 else self.lows[level]
        high = self.values if level < 0 else self.highs[level]
        start = np.clip(np.floor(edges[:-1] / block), 0, low.size).astype(np.int64)
        stop = np.clip(np.ceil(edges[1:] / block), 0, low.size).astype(np.int64)
        return _reduced(np.fmin, low, start, stop), _reduced(np.fmax, high, start, stop)


def _reduced(
    function: np.ufunc,
    values: NDArray[np.float64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
) -> NDArray[np.float64]:
    """``function`` over ``values[start:stop]`` for each pair."""
    result = np.full(start.size, np.nan)
    some = np.flatnonzero(stop > start)
    if not some.size:
        return result
    first, last = int(start[some[0]]), int(stop[some[-1]])
    # One past the end stands for the end: reduceat takes no index that is not there.
    padded = np.append(values[first:last], np.nan)
    pairs = np.stack([start[some], stop[some]], axis=1).reshape(-1) - first
    result[some] = function.reduceat(padded, pairs)[::2]
    return result


def levels_of(values: NDArray[np.float64]) -> Levels:
    """A curve with its coarser versions."""
    lows, highs = [], []
    low = high = values
    while low.size > FANOUT * FANOUT:
        low, high = _coarser(np.fmin, low), _coarser(np.fmax, high)
        lows.append(low)
        highs.append(high)
    return Levels(values, tuple(lows), tuple(highs))


def _coarser(function: np.ufunc, values: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = values.size // FANOUT * FANOUT
    coarse: NDArray[np.float64] = function.reduce(values[:whole].reshape(-1, FANOUT), axis=1)
    if whole < values.size:
        coarse = np.append(coarse, function.reduce(values[whole:]))
    return coarse


@dataclass(frozen=True, eq=False)
class LongCurves:
    """Numbers of all steps of a long example, and what a timeline draws of them.

    Attributes:
        scalars: float64 [steps] by name, as in a frame.
        levels: the same with their coarser versions; entropy in bits.
        chosen: float64 [steps], the first key selected at each step; NaN where none was.
    """

    scalars: dict[str, NDArray[np.float64]]
    levels: dict[str, Levels]
    chosen: NDArray[np.float64]

    @property
    def nbytes(self) -> int:
        """How much memory it holds."""
        levels = sum(one.nbytes for one in self.levels.values())
        return levels + sum(int(one.nbytes) for one in self.scalars.values())


def read_curves(
    run: Run, site: Site, example: int, snapshot: int, head: int | None, query: int
) -> LongCurves:
    """Read numbers of all steps of an example, and no map.

    Args:
        run: the run.
        site: the site.
        example: the example.
        snapshot: the snapshot.
        head: the head; None for the mean over heads.
        query: the query of each step; -1 for its last one.

    Raises:
        recorders.RunError: the run is damaged there.
    """
    table = run.event_table(site, snapshot, example)
    steps = run.steps(site, example, snapshot)
    scalars = run.scalars(example, site, snapshot)
    scalars = {name: values[:steps] for name, values in scalars.items()}
    for name, values in scalars.items():
        if values.size < steps:
            scalars[name] = np.append(values, np.full(steps - values.size, np.nan))
    rows: tuple[RowName, ...] = ("entropy", "log_prob")
    for row in rows:
        values = np.full(steps, np.nan)
        values[table.step] = run.step_rows(row, table.event, head, query)
        scalars[row] = values
    chosen = np.full(steps, np.nan)
    chosen[table.step] = run.step_choices(table.event)
    selects = np.isfinite(chosen)
    # What a soft site has no choice for has no probability of one.
    scalars["p_selected"] = np.where(selects, np.exp(scalars["log_prob"]), np.nan)
    # A million numbers that were not recorded would be looked through at every step.
    scalars = {
        name: values
        for name, values in scalars.items()
        if name in rows or bool(np.isfinite(values).any())
    }
    levels = {
        name: levels_of(values / np.log(2.0) if name == "entropy" else values)
        for name, values in scalars.items()
    }
    return LongCurves(scalars, levels, chosen)
