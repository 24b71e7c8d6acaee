"""Two runs compared over every example that both hold, a slice at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import (
    Interval,
    bootstrap_interval,
    jensen_shannon,
    mass_on,
    same_argmax,
)

if TYPE_CHECKING:
    from recorders.run.reader import Run, Site

# Short enough that a frame which is asked for meanwhile comes without a noticeable wait.
SLICE_SECONDS = 0.01
RESAMPLES = 1000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RunComparison:
    """How far two runs agree, over the examples that were compared so far.

    Examples are averaged over their steps first; the intervals draw whole examples.

    Attributes:
        done: number of examples compared.
        total: number of examples that both runs hold.
        skipped: how many of them have different keys in A and B, and so cannot be compared.
        same_argmax: how often both look most at the same key, in [0, 1].
        jensen_shannon: divergence in bits.
        soft_mass: mass that the soft run puts on the key that the hard one chose; None where
            neither or both are hard.
    """

    done: int
    total: int
    skipped: int
    same_argmax: Interval
    jensen_shannon: Interval
    soft_mass: Interval | None

    @property
    def finished(self) -> bool:
        """Whether every example has been compared, and the intervals are known."""
        return self.done >= self.total


def compare_in_slices(
    run_a: Run,
    run_b: Run,
    pairs: tuple[tuple[int, int], ...],
    site: str | None,
    snapshots: tuple[int | None, int | None],
) -> Iterator[RunComparison]:
    """Compare two runs; every item covers more examples than the one before.

    Args:
        run_a: the run in slot A.
        run_b: the run in slot B.
        pairs: the same example in A and in B.
        site: name of the attention site; the first one of a run that does not hold it.
        snapshots: index of the snapshot of each run; None is the last one.

    Raises:
        recorders.RunError: a run is damaged.
        IndexError: an example holds nothing at the site.
    """
    if not run_a.sites or not run_b.sites:
        return
    sides = [(run_a, _site(run_a, site), snapshots[0]), (run_b, _site(run_b, site), snapshots[1])]
    values = np.full((len(pairs), 3), np.nan)
    skipped = 0
    started = time.perf_counter()
    for done, pair in enumerate(pairs):
        maps = [
            _maps(run, one.name, example, snapshot)
            for (run, one, snapshot), example in zip(sides, pair, strict=True)
        ]
        if maps[0].shape[-1] != maps[1].shape[-1]:
            skipped += 1
        else:
            steps = min(len(maps[0]), len(maps[1]))
            a, b = maps[0][:steps], maps[1][:steps]
            values[done, 0] = same_argmax(a, b).mean()
            values[done, 1] = jensen_shannon(a, b).mean()
            values[done, 2] = _soft_mass(sides, pair, a, b)
        if time.perf_counter() - started > SLICE_SECONDS:
            yield _summary(values, done + 1, len(pairs), skipped, sides, RESAMPLES // 10)
            started = time.perf_counter()
    yield _summary(values, len(pairs), len(pairs), skipped, sides, RESAMPLES)


def _summary(
    values: Floats,
    done: int,
    total: int,
    skipped: int,
    sides: list[tuple[Run, Site, int | None]],
    resamples: int,
) -> RunComparison:
    same, divergence, mass = (
        bootstrap_interval(values[:done, column], resamples=resamples) for column in range(3)
    )
    one_hard = sides[0][1].hard != sides[1][1].hard
    return RunComparison(done, total, skipped, same, divergence, mass if one_hard else None)


def _soft_mass(
    sides: list[tuple[Run, Site, int | None]], pair: tuple[int, int], a: Floats, b: Floats
) -> float:
    """Mean over steps of what the soft side puts on the choice of the hard one."""
    if sides[0][1].hard == sides[1][1].hard:
        return float("nan")
    hard, soft = (0, b) if sides[0][1].hard else (1, a)
    run, site, snapshot = sides[hard]
    chosen = [run.selection(site.name, pair[hard], step, snapshot) for step in range(len(soft))]
    if any(keys is None for keys in chosen):
        return float("nan")
    rows = [np.asarray(keys)[:, 0].ravel() for keys in chosen]
    width = max(row.size for row in rows)
    # Steps may choose different numbers of keys: -1 stands for "none".
    padded = np.full((len(rows), width), -1, dtype=np.int64)
    for step, row in enumerate(rows):
        padded[step, : row.size] = row
    masses = mass_on(soft, padded)
    known = masses[~np.isnan(masses)]
    return float(known.mean()) if known.size else float("nan")


def _maps(run: Run, site: str, example: int, snapshot: int | None) -> Floats:
    """Float64 [steps, keys]: the first query of every step, mean over heads."""
    rows = [one[:, 0, :].mean(axis=0) for one in run.maps(site, example, snapshot)]
    keys = max((row.size for row in rows), default=0)
    padded = np.zeros((len(rows), keys))
    for step, row in enumerate(rows):
        padded[step, : row.size] = row
    return padded


def _site(run: Run, name: str | None) -> Site:
    return next((site for site in run.sites if site.name == name), run.sites[0])
